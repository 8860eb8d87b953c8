"""The commands whose records would make claims testable."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clbench.claims.judge import Judged
from clbench.core.text import for_a_shell
from clbench.results import folders


@dataclass(frozen=True)
class Command:
    """A `clbench run`, and the claims that wait for it."""

    line: str
    claims: tuple[str, ...]


def commands(
    judged: Sequence[Judged], results: Path = folders.RESULTS, everywhere: bool = False
) -> list[Command]:
    """A command for each profile and set of rows: benchmarks that lack the same rows share one. everywhere:
    for every cell, not only for claims that are not testable at all."""
    rows: dict[tuple[str, str], dict[str, None]] = {}  # (profile, benchmark) -> strategies, in order
    claims: dict[tuple[str, str], dict[str, None]] = {}
    for one in judged:
        for row in one.missing(everywhere):
            rows.setdefault((row.profile, row.benchmark), {})[row.strategy] = None
            claims.setdefault((row.profile, row.benchmark), {})[one.claim.id] = None
    places: dict[tuple[str, frozenset[str]], list[str]] = {}
    for (profile, benchmark), strategies in rows.items():
        places.setdefault((profile, frozenset(strategies)), []).append(benchmark)
    return [
        Command(
            line_of(profile, benchmarks, [*rows[profile, benchmarks[0]]], results),
            tuple(dict.fromkeys(name for one in benchmarks for name in claims[profile, one])),
        )
        for (profile, _), benchmarks in places.items()
    ]


def line_of(profile: str, benchmarks: Sequence[str], strategies: Sequence[str], results: Path) -> str:
    """The `clbench run` of these rows, for a shell."""
    words = ["clbench run"]
    words += [f"-b {for_a_shell(one)}" for one in benchmarks]
    words += [f"-s {for_a_shell(one)}" for one in strategies]
    words.append(f"--profile {profile}")
    if results != folders.RESULTS:
        words.append(f"--out {for_a_shell(str(results))}")
    return " ".join(words)
