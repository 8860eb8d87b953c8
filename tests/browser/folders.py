"""Folders of fabricated results for the tests of the page: a sound one, and one of all that is nasty."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from PIL import Image

from clbench.report import pages
from clbench.report.tables import by_benchmark, comparison, judged_of
from clbench.report.values import Entry, entries
from clbench.results import imported, records
from clbench.results.imported import Imported
from clbench.results.record import Record

METHODS = ("naive", "joint", "er", "derpp", "ewc", "lwf", "si", "agem", "gdumb", "avalanche_replay")
SCRIPT = "my.py:<img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("javascript:alert(1)")'
MARKED = "a|b`c`*d*_e_[f](javascript:alert(2))&amp;#g"
TEX = r"\input{x}^~%$&#_{}"
PAPER = "Smith & Lee 2024, Table 2"
REASON = "</script><script>alert(3)</script> | `x` [y](javascript:alert(4)) \\end{tabular}"


@dataclass(frozen=True)
class Folder:
    """Results and their reports."""

    results: Path
    reports: Path
    judged: dict[str, dict[str, list[Entry]]]  # profile -> benchmark -> entries
    problems: list[str]

    @property
    def page(self) -> Path:
        return self.reports / "index.html"

    def entry(self, benchmark: str, strategy: str, profile: str = "smoke") -> Entry:
        found = self.judged[profile][benchmark]
        return next(one for one in found if one.record.strategy == strategy)


def write(
    made: list[Record], top: Path, broken: str | None = None, others: Sequence[Imported] = ()
) -> Folder:
    """The records with their page. broken: the text of a file that is no record; others: imported rows."""
    for record in made:
        records.write(record, top / "results")
    for profile in {row.profile for row in others}:
        imported.write(top / "results", profile, [row for row in others if row.profile == profile])
    if broken is not None:
        (top / "results" / "smoke" / "toy_class" / "broken.json").write_text(broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "cost", lambda *_: None)  # of the Markdown pages: they take longest
        pages.write_reports(top / "results", top / "reports")
    found, problems = records.load(top / "results")
    judged = judged_of(found)
    return Folder(top / "results", top / "reports", judged, problems)


def write_page(made: list[Record], top: Path) -> Path:
    """The page of records of one profile that were never written to files: many take long. The tables for who
    has no script are that of the first benchmark over and over, for the same reason."""
    for record in made:
        record.sha256 = sha256(f"{record.strategy} on {record.benchmark}".encode()).hexdigest()
    own = {name: entries(mixed) for name, mixed in by_benchmark(made).items()}
    table = comparison([entry.record for entry in next(iter(own.values()))])
    sections = {made[0].profile: [SimpleNamespace(table=table)] * len(own)}
    about = pages.Written(), {made[0].profile: own}, sections, []
    pages._write_board(*about, top / "results", top / "reports")
    return top / "reports" / "index.html"


def sound(fabricated) -> list[Record]:
    """Five benchmarks of the smoke profile, three of which eight rows ran on; a row that grows, one that
    has learnt samples, one of a busy machine; and a quick profile that is stale as a whole."""
    made = [*fabricated.toy(), *fabricated.many(), *fabricated.of_pairs()]
    for benchmark, scenario in (("split_other_task", "task"), ("time_pairs", "pairs")):
        for name in METHODS:
            made.append(row(fabricated, name, benchmark, scenario))
    grows = row(fabricated, "progressive", "split_other_task", "task")
    for group in grows.groups:
        group.parameters = [1000, 2000, 3000, 4000]
    learnt = row(fabricated, "distilled", "split_other_task", "task")
    learnt.groups[0].pictures = base64.b64encode(png()).decode()
    busy = row(fabricated, "mir", "split_other_task", "task", costs={"cpu_hours": 0.0005})
    unable = {"status": "unsupported", "error": {"reason": "needs the task label at test time"}}
    made += [grows, learnt, busy, fabricated.make("hat", **unable)]
    for name in ("er", "lwf"):
        made.append(
            fabricated.make(name, fabricated.two_tasks((0.6, 0.9), (0.5, 0.8)), profile="quick", stale=True)
        )
    return made


def row(fabricated, strategy: str, benchmark: str, scenario: str, seeds: int = 5, **more) -> Record:
    """A row of four tasks, whose values follow from its names alone."""
    rng = np.random.default_rng(list(f"{strategy} {benchmark}".encode()))
    kept = 0.98 if strategy == "joint" else 0.3 if strategy == "naive" else rng.uniform(0.4, 0.95)
    after, on = np.arange(5)[:, None], np.arange(1, 5)[None]
    exact = np.where(after >= on, 0.93 * kept ** (after - on), 0.1)
    acc = np.clip(exact + rng.normal(0, 0.03, (seeds, 5, 4)), 0, 1).round(3)
    backend = "avalanche" if strategy.startswith("avalanche") else "native"
    more["costs"] = {"flops": round(rng.uniform(2e9, 6e9)), **more.get("costs", {})}
    record = fabricated.make(strategy, acc, benchmark=benchmark, backend=backend, **more)
    return msgspec.structs.replace(record, settings=record.settings | {"scenario": scenario})


def of_others() -> list[Imported]:
    """Rows of two sources on a benchmark of the sound folder; one has the name of a row of ours."""

    def says(strategy: str, source: str, metric: str, *numbers) -> Imported:
        return Imported("smoke", "split_other_task", strategy, metric, *numbers, source=source)

    return [
        says("er", PAPER, "acc", 0.99, 0.05, 3),
        says("er", PAPER, "forgetting", 0.02),
        says("FooBar", "https://foo.example", "acc", 0.5, 0.01),
        says("FooBar", "https://foo.example", "train_s", 7.0, None, 1),
        says("FooBar", "https://foo.example", "eval_s", 1.0, None, 1),
        says("FooBar", "https://foo.example", "labels", 80.0, None, 1),
    ]


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (20, 10), 128).save(file, "png")
    return file.getvalue()


def nasty_of_others() -> list[Imported]:
    return [
        Imported("smoke", "split_toy_class", name, "acc", 0.5, 0.1, 3, source)
        for name, source in ((f"{SCRIPT}2", REASON), (f"{FORMULA}2", "javascript:alert(5)"), (f"{TEX}2", TEX))
    ]


def nasty(fabricated) -> list[Record]:
    """Names and texts that would be markup, formulas or code elsewhere; a row of one seed beside rows of
    five; costs that nobody counted; two machines; a profile and a benchmark that clbench does not know."""
    make, ends = fabricated.make, fabricated.two_tasks((0.5, 0.9), (0.6, 0.9))
    told = {"processor": "Other CPU", "device": "cuda:0 </script><i>"}
    hostile = fabricated.five_tasks(SCRIPT, 0.9, 0.9)
    hostile.settings = hostile.settings | {
        "network": "<b>net</b>",
        "strategy": {"<u>": {"x": REASON}},
        "budget": {"optimiser": REASON},
    }
    for group in hostile.groups:
        group.notes = [REASON]
    uncounted = fabricated.five_tasks("uncounted", 0.7, 0.9)
    for group in uncounted.groups:
        group.costs = {}  # as of a loop of one's own
    return [
        *fabricated.toy(),
        *fabricated.many(),
        *fabricated.of_pairs(),
        hostile,
        uncounted,
        *(fabricated.five_tasks(name, 0.5, 0.9) for name in (FORMULA, MARKED, TEX)),
        fabricated.five_tasks("one_seed", 0.8, 0.9, seeds=1),
        fabricated.five_tasks("elsewhere", 0.85, 0.9, provenance=told),
        make("er", ends, profile="odd profile", benchmark="toy(path='a b.csv')"),
        make("bad", status="failed", error={"reason": REASON}, benchmark="split_toy_class"),
        make("worse", status="unsupported", error={"reason": REASON}, benchmark="split_toy_class"),
    ]
