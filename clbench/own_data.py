"""Labelled arrays that a program has, as a benchmark."""

from dataclasses import fields
from typing import Any

from clbench.benchmarks.labelled import LabelledData
from clbench.core import ranges
from clbench.data.labelled import arrays
from clbench.data.labelled.dividing import Cut, other_case
from clbench.errors import InputError
from clbench.spec import suggestion

OF_FILES = ("path", "test", "image", "label", "time")  # arguments that say where rows are read from


def benchmark_from(
    x: Any,
    y: Any = None,
    t: Any = None,
    *,
    split: Any = None,
    group: Any = None,
    column: Any = None,
    scenario: str = "class",
    **arguments: Any,
) -> LabelledData:
    """A benchmark of arrays that a program has, for `clbench.run`.

    Example:

        benchmark = clbench.benchmark_from(x, y, t, scenario="domain", by="month")
        clbench.run(benchmark, "er(memory=100)", seeds=3, profile="smoke")

    Arguments:
        x: pictures [n, h, w], [n, h, w, c] or [n, c, h, w]; features [n, d]; n texts; a frame of pandas,
            whose columns are features; or a data set of torch, whose items are (x, y) or (x, y, t).
        y: n labels, of any kind; of a frame the name of a column, and so are the others.
        t: n times, as texts of ISO 8601, numpy's dates, or numbers with unit=.
        split: n times "train" or "test". None: some rows are held out.
        group: n values; rows of one value are on one side.
        column: n values by which tasks are cut; of a frame, by= names one.
        scenario: "class", "task" or "domain".
        arguments: as those of `labelled_class`: by, tasks, classes, order, shots, net, …

    Raises InputError for arrays that do not fit.
    """
    if scenario not in LabelledData.scenarios:
        raise InputError(f"use {', '.join(LabelledData.scenarios)}", "scenario", scenario)
    if column is not None:
        arguments.setdefault("by", "column")
    known = [one.name for one in fields(LabelledData) if one.name not in OF_FILES]
    if unknown := [name for name in arguments if name not in known]:
        raise InputError(
            f"no such argument{suggestion(unknown[0], known)}", unknown[0], arguments[unknown[0]]
        )
    ranges.check_values("benchmark_from", LabelledData, arguments)
    benchmark = LabelledData(**arguments)
    benchmark.scenario = scenario
    if column is None and (named := benchmark.columns().part):
        if not hasattr(x, "columns"):
            hint = other_case(named)
            raise InputError(f"by={named!r} is a column of a frame: give its values as column={hint}")
        column = named
    x, y, t, split, group, column = arrays.given(x, y, t, split, group, column)
    vars(benchmark)["given"] = arrays.found_of(
        x,
        y,
        t,
        split,
        group,
        column,
        unit=benchmark.unit,
        timed=Cut(benchmark.by or "").timed,
        buckets=benchmark.buckets,
        vectors=benchmark.of_words,
        size=benchmark.size,
        columns=benchmark.columns(),
    )
    return benchmark
