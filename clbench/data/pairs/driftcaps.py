"""Draws a synthetic stream of captioned images whose world drifts, for the benchmark `driftcaps`.

An image shows one object on a ground; its caption names the object's shape, colour, texture, size and
place, and the ground. From slice to slice some shapes are replaced by new ones (`churn`), and outlines,
colours, textures, words, frequencies and the tint of all images change (`drift`). With both at 0 the slices
are exchangeable. Everything is drawn from a seed, so there is nothing to download.
"""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from clbench.errors import InputError

SHAPES, COLOURS, TEXTURES, GROUNDS = 12, 10, 6, 6
SIZES = ("tiny", "medium", "huge")
RADII = np.array([0.24, 0.34, 0.48])
PLACES = (
    "upper left",
    "upper",
    "upper right",
    "left",
    "central",
    "right",
    "lower left",
    "lower",
    "lower right",
)
TEMPLATES = (
    "a {size} {colour} {texture} {shape} {place} on {ground}",
    "{shape} , {colour} and {texture} , {size} , {place} , {ground} behind",
    "{ground} scene with {size} {texture} {colour} {shape} {place}",
    "{place} : {colour} {shape} , {texture} , {size} over {ground}",
    "photo of {size} {shape} in {colour} {texture} at {place} of {ground}",
    "{colour} {texture} {shape} ( {size} ) {place} {ground}",
)
WORD_KINDS = {"shape": 0, "colour": 1, "texture": 2, "ground": 5}  # their columns of the attributes
OMITTED = 0.1  # share of captions without the size; share of captions without the place
CONSONANTS, VOWELS = list("bdfgklmnprstvz"), list("aeiou")


@dataclass(frozen=True, eq=False)
class Slice:
    """The pairs of one slice, either for training or for testing."""

    images: np.ndarray  # [n, size, size, 3] uint8
    captions: list[str]
    attributes: np.ndarray  # [n, 6] numbers of shape, colour, texture, size, place, ground; a shape that
    # replaces another one has a new number


class World:
    """How things look, what they are called and how frequent they are, in the slice of now."""

    def __init__(self, seed: int):
        self.seed = seed
        self.t = 0  # number of the slice
        self.draws = draws = np.random.default_rng([seed, 7])
        self.outlines = _draw_distant_outlines(draws, SHAPES)  # [12, 10]: Fourier coefficients
        self.hues = draws.permutation(COLOURS) / COLOURS
        self.textures = np.stack(
            [draws.uniform(2.5, 9, TEXTURES), draws.uniform(0, np.pi, TEXTURES), np.arange(TEXTURES) % 2], 1
        )  # frequency, angle, one grating or two
        self.log_frequency = draws.normal(0, 0.5, SHAPES)
        self.ground_hues = draws.permutation(GROUNDS) / GROUNDS
        self.identities = np.arange(SHAPES)  # numbers of the shapes with these outlines
        self.used: set[str] = set()  # words that exist already
        counts = {"shape": SHAPES, "colour": COLOURS, "texture": TEXTURES, "ground": GROUNDS}
        self.words = {
            kind: [[self._new_word()] for _ in range(count)] for kind, count in counts.items()
        }  # synonyms of each thing, the newest last
        self.template_logits = np.zeros(len(TEMPLATES))
        self.tint = np.zeros(3)

    def move_on(self, drift: float, churn: float) -> None:
        """Moves the world to the next slice. The draws are the same at every drift."""
        draws = self.draws
        self.t += 1
        self.outlines = _ar1_step(self.outlines, 0.75 * drift, draws.normal(0, 1, self.outlines.shape))
        swapped = draws.permutation(COLOURS)[: 2 * round(0.4 * drift * COLOURS)]
        for a, b in swapped.reshape(-1, 2):
            self.hues[[a, b]] = self.hues[[b, a]]  # the same looks, with other meanings
        self.textures[:, :2] += drift * draws.normal(0, 1, (TEXTURES, 2)) * [1.2, 0.35]
        self.textures[:, 0] = self.textures[:, 0].clip(2, 10)
        self.log_frequency = _ar1_step(self.log_frequency, 0.8 * drift, draws.normal(0, 0.5, SHAPES))
        self.template_logits = self.template_logits + 1.5 * drift * draws.normal(0, 1, len(TEMPLATES))
        self.tint = self.tint + 0.1 * drift * draws.normal(0, 1, 3)
        for kind in WORD_KINDS:
            for synonyms in self.words[kind]:
                if draws.random() < 0.25 * drift:
                    synonyms.append(self._new_word())
        for i in draws.permutation(SHAPES)[: round(churn * SHAPES)]:
            self.outlines[i] = draws.normal(0, 1, 10)
            self.words["shape"][i] = [self._new_word()]
            self.identities[i] = self.identities.max() + 1

    def draw(self, n: int, test: bool, size: int) -> Slice:
        """Draws n pairs of this slice.

        Training and test pairs have generators of their own: n of one changes no other.
        """
        draws = np.random.default_rng([self.seed, self.t, int(test)])
        attributes = self._attributes(draws, n, test)
        images = self._images(draws, attributes, size)
        captions = self._captions(draws, attributes)
        attributes[:, 0] = self.identities[attributes[:, 0]]
        return Slice(images, captions, attributes)

    def _attributes(self, draws: np.random.Generator, n: int, test: bool) -> np.ndarray:
        """The attributes [n, 6] of n pairs.

        Test pairs differ from each other, or two would be right answers.
        """
        frequency = np.exp(self.log_frequency)
        count = 4 * n  # enough, unless n is very large
        rows = np.stack(
            [
                draws.choice(SHAPES, count, p=frequency / frequency.sum()),
                draws.integers(COLOURS, size=count),
                draws.integers(TEXTURES, size=count),
                draws.integers(len(SIZES), size=count),
                draws.integers(len(PLACES), size=count),
                draws.integers(GROUNDS, size=count),
            ],
            1,
        )
        if test:
            first = np.unique(rows, axis=0, return_index=True)[1]
            rows = rows[np.sort(first)]
        if len(rows) < n:
            raise InputError(
                f"driftcaps has only {len(rows)} distinct test pairs in a slice: lower n_test={n}"
            )
        return rows[:n]

    def _images(self, draws: np.random.Generator, attributes: np.ndarray, size: int) -> np.ndarray:
        """Images [n, size, size, 3] uint8 of attributes [n, 6]."""
        shape, colour, texture, scale, place, ground = attributes.T
        n = len(attributes)
        hue = (self.hues[colour] + draws.normal(0, 0.012, n)) % 1
        back = _rgb(self.ground_hues[ground], np.full(n, 0.55), np.full(n, 0.45))
        front = _rgb(hue, np.full(n, 0.85), draws.uniform(0.85, 1, n))
        return _render(
            draws,
            size,
            self.outlines[shape],
            front,
            self.textures[texture],
            RADII[scale],
            place,
            back,
            self.tint,
        )

    def _captions(self, draws: np.random.Generator, attributes: np.ndarray) -> list[str]:
        """Captions of attributes [n, 6].

        Three in four words are the newest synonym, the others an older one.
        """
        n = len(attributes)
        frequency = np.exp(self.template_logits - self.template_logits.max())
        forms = draws.choice(len(TEMPLATES), n, p=frequency / frequency.sum())
        newest = draws.random((n, len(WORD_KINDS))) < 0.75
        older = draws.random((n, len(WORD_KINDS)))  # which of the older ones, from 0 to 1
        hidden = draws.random((n, 2)) < OMITTED
        captions = []
        for i, row in enumerate(attributes):
            names = {}
            for k, (kind, column) in enumerate(WORD_KINDS.items()):
                synonyms = self.words[kind][row[column]]
                if newest[i, k] or len(synonyms) == 1:
                    names[kind] = synonyms[-1]
                else:
                    names[kind] = synonyms[int(older[i, k] * (len(synonyms) - 1))]
            names["size"] = "" if hidden[i, 0] else SIZES[row[3]]
            names["place"] = "" if hidden[i, 1] else PLACES[row[4]]
            captions.append(TEMPLATES[forms[i]].format(**names))
        return captions

    def _new_word(self) -> str:
        """A word of three syllables that does not exist yet."""
        while True:
            word = "".join(self.draws.choice(CONSONANTS) + self.draws.choice(VOWELS) for _ in range(3))
            if word not in self.used:
                self.used.add(word)
                return word


def slices(
    steps: int,
    n: int,
    n_test: int,
    drift: float,
    churn: float,
    size: int,
    seed: int,
    period: int | None = None,
) -> list[tuple[Slice, Slice]]:
    """The training and the test pairs of every slice. The world and all draws come from the seed alone.

    period: after so many slices the world is again as it was in the first, then as in the second, …; what is
    drawn of it is new. None: it never returns.
    """
    world = World(seed)
    past: list[World] = []  # as it was in each slice
    pairs = []
    for t in range(steps):
        if period and t >= period:
            world = deepcopy(past[t % period])
            world.t = t
        elif t:
            world.move_on(drift, churn)
        if period:
            past.append(deepcopy(world))
        pairs.append((world.draw(n, False, size), world.draw(n_test, True, size)))
    return pairs


def _ar1_step(values: np.ndarray, rho: float, noise: np.ndarray) -> np.ndarray:
    """A step of an autoregressive process of order 1 that keeps the variance."""
    return np.sqrt(max(1 - rho**2, 0)) * values + rho * noise


def _draw_distant_outlines(draws: np.random.Generator, n: int) -> np.ndarray:
    """n outlines [n, 10] of five harmonics, cosine and sine, that differ clearly.

    Each is the farthest from those before it, among twelve times as many candidates.
    """
    pool = draws.normal(0, 1, (12 * n, 10))
    chosen = [0]
    gap = ((pool - pool[0]) ** 2).sum(1)  # squared distance to the nearest chosen one
    while len(chosen) < n:
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, ((pool - pool[chosen[-1]]) ** 2).sum(1))
    return pool[chosen]


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Colours [n] given by hue, saturation and value as [n, 3] from 0 to 1."""
    k = (np.array([5.0, 3.0, 1.0]) + hue[:, None] * 6) % 6
    return value[:, None] * (1 - saturation[:, None] * np.minimum(k, 4 - k).clip(0, 1))


def _render(
    draws: np.random.Generator,
    size: int,
    outlines: np.ndarray,
    front: np.ndarray,
    textures: np.ndarray,
    radii: np.ndarray,
    places: np.ndarray,
    back: np.ndarray,
    tint: np.ndarray,
) -> np.ndarray:
    """Images [n, size, size, 3] uint8 of n objects with these outlines [n, 10] and textures [n, 3].

    front, back [n, 3]: colours of the object and of the ground, from 0 to 1; radii [n]; places [n]: numbers
    of PLACES.
    """
    n = len(outlines)

    def planes(values: np.ndarray) -> np.ndarray:
        return np.asarray(values, np.float32)[:, None, None]

    # Where each pixel lies, seen from the centre of its object.
    grid = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    centre_y = (places // 3 - 1) * 0.42 + draws.normal(0, 0.04, n)
    centre_x = (places % 3 - 1) * 0.42 + draws.normal(0, 0.04, n)
    dx = x - planes(centre_x)
    dy = y - planes(centre_y)
    distance = np.hypot(dx, dy)
    rotation = np.exp(1j * planes(draws.normal(0, 0.12, n)))
    direction = ((dx + 1j * dy) / np.maximum(distance, 1e-6) * rotation).astype(np.complex64)

    # The outline: its radius in every direction is a Fourier series.
    radius = np.ones_like(distance)
    power = direction
    for k in range(5):
        amplitude = 0.26 / np.sqrt(k + 1)
        power = power * direction
        cosine = planes(amplitude * outlines[:, 2 * k])
        sine = planes(amplitude * outlines[:, 2 * k + 1])
        radius += cosine * power.real + sine * power.imag
    outer = planes(radii * (1 + draws.normal(0, 0.05, n))) * radius.clip(0.25, 1.9)
    edge = (distance - outer) * np.float32(0.9 * size)
    inside = (1 / (1 + np.exp(edge.clip(-30, 30))))[..., None]

    # The texture: one grating, or the product of two.
    frequency, angle, both = (planes(column) for column in textures.T)
    wave = np.cos(np.float32(np.pi) * frequency * (np.cos(angle) * dx + np.sin(angle) * dy)) * np.cos(
        np.float32(np.pi) * frequency * both * (np.cos(angle) * dy - np.sin(angle) * dx)
    )
    shade = (0.62 + 0.38 * np.tanh(3 * wave))[..., None]

    ground = (back[:, None, None] * (0.9 + 0.1 * draws.random((n, 1, 1, 1)))).astype(np.float32)
    image = ground * (1 - inside) + front.astype(np.float32)[:, None, None] * shade * inside
    image = image * (1 + tint.astype(np.float32)) + 0.03 * draws.standard_normal(image.shape, np.float32)
    return (image.clip(0, 1) * 255).astype(np.uint8)
