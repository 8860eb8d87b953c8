"""Accuracies of saved models, as a table and as JSON."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clbench.core.text import printable

if TYPE_CHECKING:
    from clbench.engine.run import Run


def print_slices(
    run: "Run", seeds: Sequence[int], rows: Sequence[int], benchmark: str, strategy: str, as_json: bool
) -> None:
    """The rows of the run's matrix: after so many tasks, accuracy on every slice, in points, mean over the
    seeds."""
    matrix = {row: run.scores_so_far[row][..., 0].tolist() for row in rows}  # row -> [S][E]
    print_matrix(matrix, seeds, benchmark, strategy, as_json)


def print_matrix(
    matrix: dict[int, list[list[float]]], seeds: Sequence[int], benchmark: str, strategy: str, as_json: bool
) -> None:
    if as_json:
        content: dict[str, Any] = {
            "benchmark": benchmark,
            "strategy": strategy,
            "seeds": list(seeds),
            "accuracy": {
                row: [[_known(one) for one in own] for own in values] for row, values in matrix.items()
            },
        }
        print(json.dumps(content))
        return
    from rich.console import Console
    from rich.table import Table

    slices = len(next(iter(matrix.values()))[0])
    table = Table(title=printable(f"{strategy} on {benchmark}: accuracy in points, mean of {_seeds(seeds)}"))
    table.add_column("after task", justify="right")
    for j in range(1, slices + 1):
        table.add_column(f"slice {j}", justify="right")
    for row, values in matrix.items():
        means = [sum(own[j] for own in values) / len(values) for j in range(slices)]
        table.add_row(str(row), *("–" if one != one else f"{100 * one:.1f}" for one in means))
    Console().print(table)


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"


def _known(value: float) -> float | None:
    return None if value != value else value
