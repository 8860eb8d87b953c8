"""The candidates of a method: as many settings of its arguments as there are trials, the paper's first."""

import math
from itertools import product
from typing import Any

from clbench.core import ranges
from clbench.errors import InputError
from clbench.spec import suggestion, value_of

Values = dict[str, Any]  # argument -> value
MEMORY = "memory"  # the benchmark's, the same for all methods


def candidates(
    tunes: dict[str, tuple[Any, ...]], paper: Values, kinds: dict[str, Any], count: int
) -> list[Values]:
    """Settings of the arguments in `tunes`, at most so many, the paper's first.

    One argument: evenly spaced over its range, on its scale, with the paper's value in place of the nearest.
    Several: the first points of a Halton sequence over their ranges, whatever the method, so that nobody
    chooses them. Fewer where a choice has fewer. paper: the defaults of the class. kinds: its annotations.
    """
    own = {name: paper[name] for name in tunes}
    if len(tunes) == 1:
        ((name, scale),) = tunes.items()
        spread = [{name: _rounded(one, scale, kinds[name])} for one in _spaced(scale, count)]
        spread = _without_nearest(spread, name, own[name], scale) if len(spread) == count else spread
    else:
        from scipy.stats import qmc  # for a second, so not before it is needed

        points = qmc.Halton(len(tunes), scramble=False).random(50 * count)[1:]  # the first is a corner
        spread = [
            {
                name: _rounded(_at(scale, share), scale, kinds[name])
                for (name, scale), share in zip(tunes.items(), point.tolist(), strict=True)
            }
            for point in points
        ]
    distinct = [own]
    for one in spread:
        if one not in distinct:
            distinct.append(one)
    return distinct[:count]


def of_grid(
    name: str, grid: dict[str, list[Any]], paper: Values, kinds: dict[str, Any], count: int
) -> list[Values]:
    """Every combination of these values, and the paper's first. Raises InputError for an argument that the
    strategy has not or that is not a method's own, for a value that it does not take, and for more
    combinations than trials."""
    for argument, values in grid.items():
        if argument not in paper:
            has = ", ".join(one for one in paper if one != MEMORY) or "none"
            raise InputError(
                f'{name} has no argument "{argument}"{suggestion(argument, paper)} (it has {has})',
                "grid",
                argument,
            )
        if argument == MEMORY:
            raise InputError("the memory is the benchmark's, the same for all methods", "grid", argument)
        for value in values:
            if value is None:
                raise InputError("TOML has no None: leave it out", "grid", f"{argument}=None")
            if not ranges.fits(value, kinds[argument]):
                raise InputError(
                    f"{name}: {argument} takes {ranges.describe(kinds[argument])}",
                    "grid",
                    f"{argument}={ranges.shown(value)}",
                )
    own = {argument: paper[argument] for argument in grid}
    made = [own]
    for combined in product(*grid.values()):
        one = {
            argument: ranges.as_meant(value, kinds[argument])
            for argument, value in zip(grid, combined, strict=True)
        }
        if one not in made:
            made.append(one)
    if len(made) > count:
        raise InputError(
            f"the grid and the paper's values are {len(made)} candidates, and none may be left out",
            "trials",
            count,
        )
    return made


def parse_grid(texts: list[str]) -> dict[str, list[Any]]:
    """`lam=1,10,100` to values by argument. Raises InputError for what cannot be read."""
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not (name.isidentifier() and equals and values) or name in found:
            raise InputError('write an argument and its values, like "lam=1,10,100", each once', "grid", text)
        found[name] = [value_of(value.strip()) for value in values.split(",")]
    return found


def at_edge(chosen: Values, tried: list[Values], kinds: dict[str, Any]) -> list[str]:
    """The arguments whose chosen value is the smallest or largest tried, though it takes more beyond."""
    edges = []
    for name, value in chosen.items():
        values = [one[name] for one in tried]
        if not all(_is_number(one) for one in values) or len(set(values)) < 2:
            continue
        if (value == min(values) and _takes_beyond(value, -1, kinds[name])) or (
            value == max(values) and _takes_beyond(value, 1, kinds[name])
        ):
            edges.append(name)
    return edges


def _takes_beyond(value: float, side: int, kind: Any) -> bool:
    step = 1 if isinstance(value, int) else abs(value) / 100 or 1e-5
    return ranges.fits(value + side * step, kind)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ---- over one range: (low, high, "log" or "linear"), or the values of a choice


def _is_range(scale: tuple[Any, ...]) -> bool:
    return len(scale) == 3 and scale[2] in ("log", "linear")


def _spaced(scale: tuple[Any, ...], count: int) -> list[Any]:
    return [_at(scale, i / (count - 1)) for i in range(count)] if _is_range(scale) else list(scale)


def _at(scale: tuple[Any, ...], share: float) -> Any:
    """The value that so much of the range lies below."""
    if not _is_range(scale):
        return scale[min(int(share * len(scale)), len(scale) - 1)]
    low, high, kind = scale
    return low * (high / low) ** share if kind == "log" else low + (high - low) * share


def _rounded(value: Any, scale: tuple[Any, ...], kind: Any) -> Any:
    """To two digits on a logarithmic scale, else three; a whole number where only these are taken."""
    if not _is_range(scale):
        return value
    digits = 2 if scale[2] == "log" else 3
    rounded = float(f"{value:.{digits - 1}e}")
    return rounded if float in ranges.bases(kind) else round(rounded)


def _without_nearest(spread: list[Values], name: str, paper: Any, scale: tuple[Any, ...]) -> list[Values]:
    """Without the candidate next to the paper's value, which takes its place."""
    if not (_is_range(scale) and _is_number(paper)):
        return spread

    def distance(one: Values) -> float:
        if scale[2] == "linear":
            return abs(one[name] - paper)
        return abs(math.log(one[name] / paper)) if paper > 0 else one[name]

    nearest = min(spread, key=distance)
    return [one for one in spread if one is not nearest]
