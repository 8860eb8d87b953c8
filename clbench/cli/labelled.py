"""`clbench data inspect` of labelled data: without torch, so that it answers at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clbench.core.text import for_a_shell
from clbench.data.labelled import inspect as inspecting
from clbench.data.labelled import own
from clbench.data.labelled.blocks import LabelColumns
from clbench.data.labelled.dividing import Cut, Rows, divide
from clbench.data.labelled.found import Found
from clbench.data.labelled.torchvision_sets import PREFIX
from clbench.data.places import path_of
from clbench.errors import InputError
from clbench.spec import written

STRATEGIES = "-s naive -s er -s cumulative -s joint"
ARGUMENTS = (
    "path",
    "test",
    "image",
    "text",
    "label",
    "time",
    "split",
    "without",
    "group",
    "unit",
    "by",
    "count",
    "min_rows",
)
FEW = 200  # training rows: of so few the benchmark's own memory would be half
TASKS = 5  # of labelled_class, where nothing is said
WITHOUT_COUNT = ("class", "year", "quarter", "month", "season")
UNITS = ("iso", "s", "ms")


def is_labelled(what: str, label: str | None, caption: str | None) -> bool:
    """Whether a path leads to labelled examples; False where it leads nowhere."""
    if what.startswith(PREFIX):
        return True
    if label and caption:
        raise InputError("labelled data have --label, pairs have --caption: give one")
    return bool(what) and inspecting.is_labelled(path_of(what, ""), label, caption)


def inspect_path(given: dict[str, Any], picture: Path | None) -> None:
    """Describes what lies at a path, read as these arguments say."""
    what = given["path"]
    if given.get("unit", "iso") not in UNITS:
        raise InputError(f"write {', '.join(UNITS)}", "unit", given["unit"])
    if "caption" in given:
        raise InputError("labelled data have no captions: leave it out", "caption", given["caption"])
    by = given.get("by")
    cut = Cut(by or "class", given.get("count"), given.get("min_rows", Cut.min_rows))
    columns = LabelColumns(
        image=given.get("image"),
        text=given.get("text"),
        label=given.get("label"),
        time=given.get("time"),
        split=given.get("split"),
        part=by if by not in (None, "class") and not cut.timed else None,
        group=given.get("group"),
        without=tuple(given.get("without", ())),
    )
    timed = "time" in given or cut.timed
    options = own.Options(columns, given.get("unit", "iso"), timed)
    place: Path | str = what if what.startswith(PREFIX) else path_of(what, "")
    found = own.load(place, options, path_of(given["test"], "") if "test" in given else None)
    cut = inspecting.cut_of(found, by, cut)
    if cut.count and cut.by in WITHOUT_COUNT:
        raise InputError(f"count is of --by quantile, or of a column of numbers, and this is by {cut.by}")
    if picture and found.about.kind != "images":
        raise InputError(f"--picture draws images, and {what} has {found.about.kind}: leave it out")
    if given.get("unit") == "iso":
        given = {name: value for name, value in given.items() if name != "unit"}
    said = {name: given[name] for name in ARGUMENTS if name in given}
    if cut.by == "class":
        said |= _classes_together(found, divide(found, cut, what))
    else:
        said = {name: {**said, "by": cut.by}[name] for name in ARGUMENTS if name in {*said, "by"}}
    scenario = "class" if cut.by == "class" else "domain"
    _show(found, cut, what, lambda rows: written(f"labelled_{scenario}", said | _memory(rows)), picture)


def _classes_together(found: Found, rows: Rows) -> dict[str, list[int]]:
    """How many classes each task has where a usual one would have no test row: it is joined with the one
    before it, the first with the second."""
    tested = {*found.y[rows.test].tolist()}
    number = len(found.about.classes)
    usual = np.array_split(np.arange(number), min(TASKS, number))
    joined: list[list[int]] = []
    for group in (part.tolist() for part in usual):
        if joined and not (tested & {*group} and tested & {*joined[-1]}):
            joined[-1] = joined[-1] + group
        else:
            joined.append(group)
    return {} if len(joined) == len(usual) else {"classes": [len(group) for group in joined]}


def inspect_benchmark(name: str, benchmark: Any, picture: Path | None) -> None:
    """Describes the data of a benchmark that is labelled data of one's own."""
    if not hasattr(benchmark, "found"):
        raise InputError(f"{name} is no data of your own; this is for these and for streams of pairs")
    _show(benchmark.found(), benchmark.cut(), benchmark.path, lambda rows: name, picture)


def _memory(rows: Rows) -> dict[str, int]:
    """What a memory may hold of few training rows: a tenth of them."""
    return {"memory": max(1, len(rows.train) // 10)} if len(rows.train) < FEW else {}


def _show(found: Found, cut: Cut, source: str, spec: Callable[[Rows], str], picture: Path | None) -> None:
    rows = divide(found, cut, source)
    lines = inspecting.describe(found, rows, cut)
    print("\n".join([*lines, f"clbench run -b {for_a_shell(spec(rows))} {STRATEGIES}"]))
    if picture and found.about.shape and found.x.dtype == np.uint8:
        from clbench.data.sheet import draw_sheet

        draw_sheet(picture, found.x, found.about.shape, _sheet_rows(found, rows))
        print(picture)


def _sheet_rows(found: Found, rows: Rows) -> list[tuple[str, np.ndarray]]:
    """Training rows by class."""
    own_rows = [rows.train[found.y[rows.train] == i] for i in range(len(found.about.classes))]
    return [(name, own) for name, own in zip(found.about.classes, own_rows, strict=True) if len(own)]
