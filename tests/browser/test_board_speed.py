"""The page of many results: its size, how soon it shows, how soon it follows a filter, how long it takes to
make."""

import json
import time

import msgspec
import numpy as np
import pytest
from browser import folders

from clbench import registry
from clbench.facts import FAMILIES
from clbench.report import pages
from clbench.results import records

RECORDS, BENCHMARKS, SEEDS, TASKS, EXAMPLES = 1500, 25, 5, 5, 1000
LARGEST = 1_200_000 + 800 * (RECORDS - 479)  # bytes of the page
FIRST, FILTER = 3000, 450  # ms: three times what an idle core is to take
REPORTED, ON = 479, 20  # records, on so many benchmarks
REPORT = 60  # s of CPU time: three times the goal
CHANGES = {
    "a family": {"fam": ["replay"]},
    "another": {"fam": ["regularisation"]},
    "two": {"fam": ["replay", "regularisation"]},
    "no family": {"fam": []},
    "a back end": {"be": "native"},
    "a name": {"be": "", "q": "er"},
    "compute": {"q": "", "x": 1.5},
}


def many(fabricated, number=RECORDS, benchmarks=BENCHMARKS):
    """Sixty methods on twenty-five benchmarks, or what makes another number of records: counts of examples
    that were classified right."""
    known = registry.strategies()
    facts = {name: registry.facts(name) for name in known}
    methods = ["naive", "joint"] + [name for name in known if facts[name].family != FAMILIES[0]]
    methods = [*methods, *(f"er(memory={size})" for size in range(1, 100))][: -(-number // benchmarks)]
    rng = np.random.default_rng(0)
    after, on = np.arange(TASKS + 1)[:, None], np.arange(1, TASKS + 1)[None]
    skill = {name: rng.uniform(0.3, 0.95) for name in methods} | {"naive": 0.2, "joint": 0.98}
    scenarios = ("class", "task", "domain", "pairs")
    made = []
    for place in range(benchmarks):
        scenario = scenarios[place % 4]
        for name in methods:
            kept = np.clip(skill[name] + rng.normal(0, 0.1), 0, 1)
            exact = np.where(after >= on, 0.95 * kept ** (after - on), 0.1)
            acc = np.clip(exact + rng.normal(0, 0.01, (SEEDS, TASKS + 1, TASKS)), 0, 1)
            acc = np.round(acc * EXAMPLES) / EXAMPLES
            costs = {
                "flops": int(rng.uniform(1e9, 3e9)),
                "train_s": float(rng.uniform(1, 9)),
                "peak_mb": float(rng.uniform(300, 600)),
                "cpu_hours": float(rng.uniform(0.001, 0.01)),
            }
            record = fabricated.make(
                name, acc, benchmark=f"split_{place}_{scenario}", costs=costs, profile="quick"
            )
            for group in record.groups:
                group.slice_sizes = [EXAMPLES] * TASKS
                group.provenance = group.provenance | {"started": f"2026-01-02T03:{place:02}:05+00:00"}
            settings = record.settings | {"scenario": scenario}
            made.append(msgspec.structs.replace(record, settings=settings))
    return made[:number]


@pytest.fixture(scope="module")
def large(fabricated, tmp_path_factory):
    made = many(fabricated)
    assert len(made) == RECORDS
    return folders.write_page(made, tmp_path_factory.mktemp("large"))


def test_the_page_s_size(large, record_property):
    size = large.stat().st_size
    record_property("bytes", size)
    print(f"{size / 1e6:.2f} MB for {RECORDS} records")
    assert size <= LARGEST


def test_first_paint_and_filters(page, large, record_property):
    """The best of three times, each of a page that is loaded anew: other processes may have the core."""
    tried = [times(page, large) for _ in range(3)]
    best = {name: min(one[name] for one in tried) for name in tried[0]}
    for name, took in best.items():
        record_property(f"{name} (ms)", took)
        print(f"{name}: {took:.0f} ms")
    assert best.pop("first paint") < FIRST
    assert max(best.values()) < FILTER, best


def test_the_report_of_as_many_records_as_there_were(fabricated, tmp_path, record_property):
    """All of `clbench report`, figures and Markdown too, in time of this process's core."""
    for record in many(fabricated, REPORTED, ON):
        records.write(record, tmp_path / "results")
    begun = time.process_time()
    written = pages.write_reports(tmp_path / "results", tmp_path / "reports")
    took = time.process_time() - begun
    record_property("report (s)", took)
    print(f"report of {REPORTED} records: {took:.1f} s")
    assert len(written.headlines) == ON and len(list(tmp_path.glob("results/*/*/*.json"))) == REPORTED
    assert took < REPORT


def times(page, path):
    """What was done -> ms."""
    page.open(path)
    assert page.js("board.get().view.all.length") == RECORDS // BENCHMARKS
    took = {"first paint": page.js("board.load")}
    for name, change in CHANGES.items():
        took[name] = page.js(f"(board.go({json.dumps(change)}), board.ms)")
    return took
