"""What a record has to be beyond the types of its fields."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from clbench.core.text import printable
from clbench.metrics.tally import SHARES, STEPS
from clbench.results.record import BACKENDS, LARGEST, LONGEST, STATUSES, Group, Matrix, Record


class _Settings(msgspec.Struct):
    """What is read of a record's settings; it may hold more."""

    scenario: str = ""
    network: str = ""
    precision: str = ""
    accepted_data: str = ""
    budget: dict[str, str | int | float | bool | None] = {}
    benchmark: dict[str, Any] = {}
    strategy: dict[str, dict[str, Any]] = {}
    step_of: list[int] | None = None
    slices: list[str] | int | None = None


class _Provenance(msgspec.Struct):
    """What is read of a group's provenance; it may hold more."""

    started: str = ""
    command: str = ""
    commit: str | None = None
    dirty: bool | None = None  # without git nobody knows
    platform: str = ""
    processor: str = ""
    device: str = ""
    threads: int = 1


def check(record: Record) -> None:
    """ValueError for what the types of the fields allow and no run gives."""
    for name in ("benchmark", "strategy", "profile"):
        value = getattr(record, name)
        if not value or len(value) > LONGEST or printable(value) != value:
            raise ValueError(f"{name} has to be a name of one line")
    if record.backend not in BACKENDS or record.status not in STATUSES:
        raise ValueError(f"backend {record.backend!r} or status {record.status!r} is none that there is")
    settings = msgspec.convert(record.settings, _Settings)
    for group in record.groups:
        _check_group(group)
    if any(not 0 <= seed < 2**63 for seed in record.seeds) or any(a >= b for a, b in pairwise(record.seeds)):
        raise ValueError("seeds have to be whole numbers from 0 on, in order, each once")
    beside = [matrices for group in record.groups for matrices in group.arrays.values()]
    for matrices, smallest, largest in [
        (record.acc, 0.0, 1.0),
        *((one, -LARGEST, LARGEST) for one in beside),
    ]:
        for matrix in matrices:
            _check_matrix(matrix, smallest, largest)
    if len({_shape(matrix) for matrices in (record.acc, *beside) for matrix in matrices}) > 1:
        raise ValueError("its matrices differ in shape")
    if len({frozenset(group.arrays) for group in record.groups}) > 1:
        raise ValueError("its groups hold different arrays")
    _check_steps(settings.step_of, record)
    for group in record.groups:
        _check_sizes(group.slice_sizes, record)
        _check_by_task("parameters", group.parameters, record, 1, 2**53)
        _check_by_task("kept_bytes", group.kept_bytes, record, 0, 2**53)
        _check_by_task("moved", group.moved, record, 0, 1)
        for name, values in group.tally.items():
            largest = LARGEST if name == STEPS else 1
            if name not in (*SHARES, STEPS) or any(
                one is not None and not 0 <= one <= largest for one in values
            ):
                raise ValueError(
                    f"{name} is nothing that evaluation tallies, or not between 0 and {largest:g}"
                )
        _check_probe(group)
    if len({(one.task[-1], len(one.step)) for group in record.groups if (one := group.probe)}) > 1:
        raise ValueError("its groups were probed at different points")


def _check_probe(group: Group) -> None:
    if group.probe is None:
        return
    if len(group.probe.seen) != len(group.seeds) or not group.probe.step:
        raise ValueError("a probe has a row of points for each seed")
    if not (_rises(group.probe.task) and _rises(group.probe.step) and group.probe.rows >= 1):
        raise ValueError("a probe has points of tasks and steps from 1 on, in order, and rows")
    if any(one is not None and not 0 <= one <= 1 for points in group.probe.seen for one in points):
        raise ValueError("a probe's accuracies lie between 0 and 1")


def _rises(numbers: list[int]) -> bool:
    return 1 <= numbers[0] <= numbers[-1] < 2**53 and all(a <= b for a, b in pairwise(numbers))


def _check_by_task(
    name: str, numbers: Sequence[float] | None, record: Record, smallest: float, largest: float
) -> None:
    """A run of which every seed diverged ends before its last task."""
    tasks = _shape(record.acc[0])[0] - 1 if record.acc else 0
    if numbers is None:
        return
    whole = len(numbers) == tasks or (record.status == "diverged" and len(numbers) < tasks)
    if not whole or not all(smallest <= one <= largest for one in numbers):
        raise ValueError(
            f"{name} has to hold a number from {smallest:g} to {largest:g} for each of {tasks} tasks"
        )


def _check_sizes(sizes: list[int] | None, record: Record) -> None:
    slices = _shape(record.acc[0])[1] if record.acc else None
    if sizes is not None and (len(sizes) != slices or not all(1 <= size < 2**53 for size in sizes)):
        raise ValueError(f"slice_sizes has to hold a number from 1 on for each of {slices} slices")


def _check_steps(step_of: list[int] | None, record: Record) -> None:
    slices = _shape(record.acc[0])[1] if record.acc else None
    if (
        slices
        and step_of is not None
        and (len(step_of) != slices or not 1 <= min(step_of) <= max(step_of) < 2**31)
    ):
        raise ValueError(f"step_of has to say a step from 1 on for each of {slices} slices")


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix), len(matrix[0])


def _check_group(group: Group) -> None:
    msgspec.convert(group.provenance, _Provenance)
    if not group.seeds or group.concurrent < 1:
        raise ValueError("a group has at least one seed, and runs beside itself at least")
    for name, value in group.costs.items():
        if value is not None and not 0 <= value <= LARGEST:
            raise ValueError(f"{name} has to lie between 0 and {LARGEST:g}")


def _check_matrix(matrix: Matrix, smallest: float, largest: float) -> None:
    """[T+1, E], with T and E at least 1, of values in the range."""
    if len(matrix) < 2 or not matrix[0] or len({len(row) for row in matrix}) > 1:
        raise ValueError("a matrix has two rows at least, all as long as the first")
    values = [value for row in matrix for value in row if value is not None]
    if values and not smallest <= min(values) <= max(values) <= largest:
        raise ValueError(f"a matrix has values between {smallest:g} and {largest:g}")
