"""A synthetic stream of captioned images whose world drifts, drawn from a seed: nothing to download.

An image shows one object, shape x colour x texture x size x place on a ground; its caption names them. From slice to slice
shapes are retired and replaced (`churn`); outlines, colours, textures and words change, frequencies and the tint of all
images wander (`drift`). With both at 0 the slices are exchangeable.
"""
from dataclasses import dataclass

import numpy as np

from clbench.errors import InputError

SHAPES, COLOURS, TEXTURES, GROUNDS = 12, 10, 6, 6
SIZES = ("tiny", "medium", "huge")
RADII = np.array([0.24, 0.34, 0.48])
PLACES = ("upper left", "upper", "upper right", "left", "central", "right", "lower left", "lower", "lower right")
TEMPLATES = ("a {size} {colour} {texture} {shape} {place} on {ground}",
             "{shape} , {colour} and {texture} , {size} , {place} , {ground} behind",
             "{ground} scene with {size} {texture} {colour} {shape} {place}",
             "{place} : {colour} {shape} , {texture} , {size} over {ground}",
             "photo of {size} {shape} in {colour} {texture} at {place} of {ground}",
             "{colour} {texture} {shape} ( {size} ) {place} {ground}")
NAMED = {"shape": 0, "colour": 1, "texture": 2, "ground": 5}     # things with words of their own: their column in the attributes
OMITTED = 0.1                    # share of captions that leave out the size; of those that leave out the place
CONSONANTS, VOWELS = list("bdfgklmnprstvz"), list("aeiou")


@dataclass(frozen=True, eq=False)
class Slice:
    """What was drawn at one time."""

    images: np.ndarray           # [n, size, size, 3] uint8
    captions: list[str]
    attributes: np.ndarray       # [n, 6]: shape (a number that is never used again), colour, texture, size, place, ground


class World:
    """How things look, what they are called and how often they come, now."""

    def __init__(self, seed: int):
        self.seed, self.t = seed, 0
        self.draws = draws = np.random.default_rng([seed, 7])
        self.outlines = _far_apart(draws, SHAPES)                        # [12, 10]: Fourier coefficients of the radius
        self.hues = draws.permutation(COLOURS) / COLOURS
        self.textures = np.stack([draws.uniform(2.5, 9, TEXTURES), draws.uniform(0, np.pi, TEXTURES),
                                  np.arange(TEXTURES) % 2], 1)           # frequency, angle, one grating or two
        self.log_frequency = draws.normal(0, 0.5, SHAPES)
        self.ground_hues = draws.permutation(GROUNDS) / GROUNDS
        self.identities = np.arange(SHAPES)                              # which shape stands in each place
        self.used: set[str] = set()
        self.words = {kind: [[self._new_word()] for _ in range(count)] for kind, count in (
            ("shape", SHAPES), ("colour", COLOURS), ("texture", TEXTURES), ("ground", GROUNDS))}        # newest last
        self.template_logits = np.zeros(len(TEMPLATES))
        self.tint = np.zeros(3)

    def move_on(self, drift: float, churn: float) -> None:
        """To the next slice. The draws are the same at every drift."""
        draws, self.t = self.draws, self.t + 1
        self.outlines = _wandered(self.outlines, 0.75 * drift, draws.normal(0, 1, self.outlines.shape))
        for a, b in draws.permutation(COLOURS)[:2 * round(0.4 * drift * COLOURS)].reshape(-1, 2):
            self.hues[[a, b]] = self.hues[[b, a]]                        # the looks stay the same set: only meanings change
        self.textures[:, :2] += drift * draws.normal(0, 1, (TEXTURES, 2)) * [1.2, 0.35]
        self.textures[:, 0] = self.textures[:, 0].clip(2, 10)
        self.log_frequency = _wandered(self.log_frequency, 0.8 * drift, draws.normal(0, 0.5, SHAPES))
        self.template_logits = self.template_logits + 1.5 * drift * draws.normal(0, 1, len(TEMPLATES))
        self.tint = self.tint + 0.1 * drift * draws.normal(0, 1, 3)
        for kind in ("shape", "colour", "texture", "ground"):
            for words in self.words[kind]:
                if draws.random() < 0.25 * drift:
                    words.append(self._new_word())
        for i in draws.permutation(SHAPES)[:round(churn * SHAPES)]:
            self.outlines[i], self.words["shape"][i] = draws.normal(0, 1, 10), [self._new_word()]
            self.identities[i] = self.identities.max() + 1

    def draw(self, n: int, test: bool, size: int) -> Slice:
        """n pairs of this time, from a generator of their own: more of one kind change nothing of the other."""
        draws = np.random.default_rng([self.seed, self.t, int(test)])
        attributes = self._attributes(draws, n, test)
        images = self._images(draws, attributes, size)
        captions = self._captions(draws, attributes)
        attributes[:, 0] = self.identities[attributes[:, 0]]
        return Slice(images, captions, attributes)

    def _attributes(self, draws, n: int, test: bool) -> np.ndarray:
        often, count = np.exp(self.log_frequency), 4 * n
        made = np.stack([draws.choice(SHAPES, count, p=often / often.sum()), draws.integers(COLOURS, size=count),
                         draws.integers(TEXTURES, size=count), draws.integers(len(SIZES), size=count),
                         draws.integers(len(PLACES), size=count), draws.integers(GROUNDS, size=count)], 1)
        if test:                 # no two alike: the other one would be a right answer that counts as wrong
            made = made[np.sort(np.unique(made, axis=0, return_index=True)[1])]
        if len(made) < n:
            raise InputError(f"driftcaps has only {len(made)} distinct test pairs in a slice: lower n_test={n}")
        return made[:n]

    def _images(self, draws, attributes: np.ndarray, size: int) -> np.ndarray:
        shape, colour, texture, scale, place, ground = attributes.T
        n = len(attributes)
        hue = (self.hues[colour] + draws.normal(0, 0.012, n)) % 1
        back = _rgb(self.ground_hues[ground], np.full(n, 0.55), np.full(n, 0.45))
        front = _rgb(hue, np.full(n, 0.85), draws.uniform(0.85, 1, n))
        return _rendered(draws, size, self.outlines[shape], front, self.textures[texture], RADII[scale], place, back, self.tint)

    def _captions(self, draws, attributes: np.ndarray) -> list[str]:
        n, often = len(attributes), np.exp(self.template_logits - self.template_logits.max())
        forms = draws.choice(len(TEMPLATES), n, p=often / often.sum())
        newest, older = draws.random((n, 4)) < 0.75, draws.random((n, 4))
        hidden = draws.random((n, 2)) < OMITTED
        captions = []
        for i, row in enumerate(attributes):
            names = {}
            for k, (kind, column) in enumerate(NAMED.items()):
                words = self.words[kind][row[column]]
                names[kind] = words[-1 if newest[i, k] or len(words) == 1 else int(older[i, k] * (len(words) - 1))]
            names["size"] = "" if hidden[i, 0] else SIZES[row[3]]
            names["place"] = "" if hidden[i, 1] else PLACES[row[4]]
            captions.append(TEMPLATES[forms[i]].format(**names))
        return captions

    def _new_word(self) -> str:
        while True:
            word = "".join(self.draws.choice(CONSONANTS) + self.draws.choice(VOWELS) for _ in range(3))
            if word not in self.used:
                self.used.add(word)
                return word


def slices(steps: int, n: int, n_test: int, drift: float, churn: float, size: int, seed: int) -> list[tuple[Slice, Slice]]:
    """The training and the test pairs of every slice. The world and all draws come from the seed alone."""
    world, made = World(seed), []
    for t in range(steps):
        if t:
            world.move_on(drift, churn)
        made.append((world.draw(n, False, size), world.draw(n_test, True, size)))
    return made


def _wandered(values: np.ndarray, rho: float, noise: np.ndarray) -> np.ndarray:
    """A step of AR(1) that keeps the variance."""
    return np.sqrt(max(1 - rho ** 2, 0)) * values + rho * noise


def _far_apart(draws, n: int) -> np.ndarray:
    """n outlines of five harmonics, cosine and sine, each the farthest from those before among twelve times as many."""
    pool = draws.normal(0, 1, (12 * n, 10))
    chosen, gap = [0], ((pool - pool[0]) ** 2).sum(1)
    while len(chosen) < n:
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, ((pool - pool[chosen[-1]]) ** 2).sum(1))
    return pool[chosen]


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """[n, 3] from 0 to 1."""
    k = (np.array([5.0, 3.0, 1.0]) + hue[:, None] * 6) % 6
    return value[:, None] * (1 - saturation[:, None] * np.minimum(k, 4 - k).clip(0, 1))


def _rendered(draws, size: int, outlines, front, textures, radii, places, back, tint) -> np.ndarray:
    """[n, size, size, 3] uint8; all else [n, …], colours from 0 to 1."""
    n = len(outlines)

    def planes(values):
        return np.asarray(values, np.float32)[:, None, None]
    grid = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    centre_y = (places // 3 - 1) * 0.42 + draws.normal(0, 0.04, n)
    centre_x = (places % 3 - 1) * 0.42 + draws.normal(0, 0.04, n)
    dx, dy = x - planes(centre_x), y - planes(centre_y)
    distance = np.hypot(dx, dy)
    direction = ((dx + 1j * dy) / np.maximum(distance, 1e-6) * np.exp(1j * planes(draws.normal(0, 0.12, n)))).astype(np.complex64)
    radius, power = np.ones_like(distance), direction
    for k in range(5):
        amplitude, power = 0.26 / np.sqrt(k + 1), power * direction
        radius += planes(amplitude * outlines[:, 2 * k]) * power.real + planes(amplitude * outlines[:, 2 * k + 1]) * power.imag
    edge = (distance - planes(radii * (1 + draws.normal(0, 0.05, n))) * radius.clip(0.25, 1.9)) * np.float32(0.9 * size)
    inside = 1 / (1 + np.exp(edge.clip(-30, 30)))
    frequency, angle, both = (planes(column) for column in textures.T)
    wave = (np.cos(np.float32(np.pi) * frequency * (np.cos(angle) * dx + np.sin(angle) * dy))
            * np.cos(np.float32(np.pi) * frequency * both * (np.cos(angle) * dy - np.sin(angle) * dx)))
    shade, inside = (0.62 + 0.38 * np.tanh(3 * wave))[..., None], inside[..., None]
    ground = (back[:, None, None] * (0.9 + 0.1 * draws.random((n, 1, 1, 1)))).astype(np.float32)
    image = ground * (1 - inside) + front.astype(np.float32)[:, None, None] * shade * inside
    image = image * (1 + tint.astype(np.float32)) + 0.03 * draws.standard_normal(image.shape, np.float32)
    return (image.clip(0, 1) * 255).astype(np.uint8)
