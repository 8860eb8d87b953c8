"""What the page of results shows equals what Python says: lines 1 to 5 of its test plan."""

import json
import math
import shlex
from urllib.parse import unquote

import numpy as np
import pytest
from scipy import stats

from clbench.metrics.accuracy import METRICS
from clbench.metrics.ranks import UNIT, weights_of_seeds
from clbench.metrics.statistics import paired_difference, summarise
from clbench.report.arrange import rank_text
from clbench.report.cells import interval
from clbench.report.ranking import rank
from clbench.report.values import family_of, kind_of, seen_accuracy

ROWS = """Object.fromEntries(Object.entries(D.profiles).flatMap(([p, own]) => own.rows.map(row => [
  [p, row.b, row.s].join("/"),
  {
    status: row.status ?? "ok", reason: row.ok ? null : Data.reason(row), stale: !!row.stale,
    seeds: row.seeds ?? [], sha256: row.sha256, command: Data.command(row), file: Data.file(row),
    metrics: row.ok && Object.fromEntries(Object.keys(D.metrics).map(key => [key, Data.summary(row, key)])),
    units: row.ok && Object.fromEntries(Object.keys(D.metrics).map(key => [key, Data.units(row, key)])),
    seen: row.ok && Data.seen(row), array: row.ok && Data.array(row),
    costs: row.ok && Object.fromEntries(Object.keys(D.costs).map(key => [key, Data.cost(row, key)])),
  },
])))"""
RANKING = """(() => {
  const {view} = board.get(), {ranking} = view;
  const text = (line, key) => {
    const one = Table.cell(view, line, key);
    return `${one.text} ${one.range ?? ""}`.trim();
  };
  return {
    benchmarks: ranking.benchmarks, seeds: ranking.seeds, names: ranking.names,
    ran: Object.fromEntries(ranking.ran),
    rows: Object.fromEntries(view.lines.filter(line => line.rank).map(line => [line.s, {
      rank: [line.rank.mean, line.rank.low, line.rank.high], ties: line.ties,
      rank_text: text(line, "rank"), recovered_text: text(line, "recovered"),
    }])),
  };
})()"""
COMPARED = """[...document.querySelectorAll("[data-compared]")].map(row =>
  [...row.cells].map(cell => cell.innerText.trim()))"""


@pytest.fixture(scope="module")
def rows(browser, sound):
    """profile/benchmark/strategy -> what the page knows of it."""
    browser.open(sound.page)
    return browser.js(ROWS)


def told(folder):
    """key -> entry, of all records."""
    return {
        f"{profile}/{name}/{entry.record.strategy}": entry
        for profile, benchmarks in folder.judged.items()
        for name, found in benchmarks.items()
        for entry in found
    }


def test_every_record_is_there_once_with_its_reason_staleness_seeds_and_hash(rows, sound):
    """Line 1."""
    ours = told(sound)
    assert list(rows) == list(ours)
    for key, entry in ours.items():
        record, row = entry.record, rows[key]
        assert (row["status"], row["stale"]) == (record.status, entry.stale)
        assert row["seeds"] == (record.seeds if entry.ok else [])
        assert row["reason"] == (None if entry.ok else record.error.reason)
        assert json.loads((sound.reports / unquote(row["file"])).read_text())["sha256"][:16] == row["sha256"]


def test_every_metric_of_every_seed_and_its_mean_and_interval(rows, sound):
    """Line 2. Values are whole numbers of a unit, the same ones in both."""
    compared = 0
    for key, entry in told(sound).items():
        for name in METRICS if entry.ok else ():
            by_seed, row = entry.metrics.get(name, {}), rows[key]
            values = [by_seed.get(seed, math.nan) for seed in entry.record.seeds]
            finite = [value for value in values if not math.isnan(value)]
            if name == "recovered":
                continue
            assert row["units"][name] == [None if math.isnan(v) else round(v / UNIT) for v in values], (
                key,
                name,
            )
            shown, ours = row["metrics"][name], summarise(finite)
            assert (shown is None) == (ours.mean is None)
            if shown is not None:
                compared += 1
                assert shown["n"] == ours.n and shown["mean"] == pytest.approx(ours.mean, abs=UNIT)
                assert (shown["half"] is None) == (ours.half_width is None)
                assert shown["half"] == pytest.approx(ours.half_width, abs=2e-6)
    assert compared > 500


def test_recovered_of_every_row(rows, sound):
    """Line 2."""
    compared = 0
    for key, entry in told(sound).items():
        if not entry.ok:
            continue
        ours, shown = entry.recovered, rows[key]["metrics"]["recovered"]
        assert (shown is None) == (ours is None or entry.stale)
        if shown is not None:
            compared += 1
            assert shown["n"] == ours.n
            near = [pytest.approx(one, rel=1e-5, abs=1e-6) for one in (ours.value, ours.low, ours.high)]
            assert [shown["mean"], shown["low"], shown["high"]] == near
    assert compared > 30


def test_arrays_and_curves_of_every_row(rows, sound):
    """Line 2."""
    for key, entry in told(sound).items():
        if entry.ok:
            assert np.array(rows[key]["array"]) == pytest.approx(entry.record.array, abs=1e-12)
            curve = [one["mean"] for one in rows[key]["seen"]]
            assert curve == pytest.approx(seen_accuracy(entry.record).mean(axis=0).tolist(), abs=1e-12)


def test_costs_of_every_row(rows, sound):
    """Line 2."""
    for key, entry in told(sound).items():
        for name, value in rows[key]["costs"].items() if entry.ok else ():
            assert value == (
                None if entry.costs[name] is None else pytest.approx(entry.costs[name], rel=1e-6)
            )


def test_t_quantiles_p_values_and_holm(page, sound):
    """Line 3."""
    page.open(sound.page)
    for df in (1, 2, 4, 9, 30):
        quantile, p = page.js(f"[Stats.quantile({df}), 1 - Stats.within(2.5, {df})]")
        assert quantile == pytest.approx(stats.t.ppf(0.975, df), abs=1e-8)
        assert p == pytest.approx(2 * stats.t.sf(2.5, df), abs=1e-12)
    assert page.js("Stats.holm([.01, .04, .03, .005])") == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_letter_is_shared_exactly_by_what_cannot_be_told_apart(page, sound):
    """Line 4: a relation that is not transitive."""
    page.open(sound.page)
    apart = [[0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]]
    letters = page.js(f"Stats.tieLetters({json.dumps(apart)}.map(row => row.map(Boolean)))")
    assert letters == ["a", "ab", "bc", "c"]


def test_numbers_are_rounded_as_in_python(page, sound):
    """Half way to the even digit: mean ranks over four benchmarks end in a quarter."""
    page.open(sound.page)
    values = [
        1.25,
        1.75,
        2.25,
        3.5,
        0.5,
        1.5,
        2.5,
        -0.25,
        -1.25,
        -0.04,
        0.0,
        0.15,
        0.25,
        73.25,
        1e-9,
        1e6 + 0.25,
    ]
    for digits in (0, 1, 2):
        shown = page.js(f"{json.dumps(values)}.map(one => fixed(one, {digits}))")
        assert shown == [f"{value:z.{digits}f}" for value in values]


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_draws_are_python_s_and_spread_as_t_does(page, sound, seeds):
    """Line 5."""
    page.open(sound.page)
    weights = np.array(page.js(f"[...Stats.weightsOfSeeds({seeds})]")).reshape(-1, seeds)
    assert np.array_equal(weights, weights_of_seeds(seeds))
    x = np.random.default_rng(0).normal(size=seeds)
    moved = weights @ (x - x.mean()) / (x.std(ddof=1) / math.sqrt(seeds))
    assert np.quantile(np.abs(moved), 0.95) == pytest.approx(stats.t.ppf(0.975, seeds - 1), rel=0.05)


VIEWS = {
    "one benchmark": ({"b": "split_toy_class"}, {}),
    "three seeds, equal rows": ({"b": "toy_class"}, {}),
    "two seeds": ({"b": "toy_pairs"}, {}),
    "a family": ({"b": "split_toy_class", "fam": ["replay", "regularisation"]}, {}),
    "a back end": ({"b": "split_toy_class", "be": "native"}, {}),
    "a name": ({"b": "split_other_task", "q": "er"}, {}),
    "Holm": ({"b": "split_toy_class", "holm": True}, {"correct": True}),
    "Holm, three seeds": ({"b": "toy_class", "holm": True}, {"correct": True}),
    "stale rows too": ({"b": "split_toy_class", "stale": True}, {"stale": True}),
    "stale as a whole": ({"p": "quick", "b": "toy_class", "stale": True}, {"stale": True}),
    "lower is better": ({"b": "split_other_task", "m": "forgetting"}, {"metric": "forgetting"}),
    "that some rows lack": ({"b": "split_other_task", "m": "plasticity_gap"}, {"metric": "plasticity_gap"}),
    "all benchmarks": ({"b": "all"}, {}),
    "all benchmarks, a family": ({"b": "all", "fam": ["replay"]}, {}),
    "all benchmarks, a metric": ({"b": "all", "m": "acc"}, {"metric": "acc"}),
    "all benchmarks, stale rows too": ({"b": "all", "stale": True}, {"stale": True}),
    "a scenario": ({"b": "scenario:pairs"}, {}),
}


def benchmarks_of(state, own):
    """benchmark -> entries, of what a state shows."""
    scope = state["b"]
    if scope == "all":
        return own
    scenario = scope.removeprefix("scenario:")
    return {
        name: found
        for name, found in own.items()
        if name == scope or found[0].record.settings["scenario"] == scenario
    }


def names_of(state, found):
    """The strategies that a state's filters leave."""
    records = [entry.record for several in found.values() for entry in several]
    wanted = {
        "fam": lambda record: family_of(record) in state["fam"],
        "be": lambda record: (kind_of(record) == "avalanche") == (state["be"] == "avalanche"),
        "q": lambda record: state["q"] in record.strategy,
    }
    return {one.strategy for one in records if all(test(one) for key, test in wanted.items() if key in state)}


@pytest.mark.parametrize("name", VIEWS)
def test_ranks_ties_and_recovered_of_what_a_view_leaves(page, sound, name):
    """Line 5: filter, then rank, equals Python for the same rows to the last digit."""
    state, how = VIEWS[name]
    page.open(sound.page)
    page.js(f"board.go({json.dumps({'p': 'smoke'} | state)})")
    found = benchmarks_of(state, sound.judged[state.get("p", "smoke")])
    ours, shown = rank(found, kept=names_of(state, found), **how), page.js(RANKING)
    assert ours.rows and shown["names"] == [row.strategy for row in ours.rows]
    assert shown["benchmarks"] == list(ours.benchmarks) and shown["seeds"] == list(ours.seeds)
    assert {key: n for key, n in shown["ran"].items() if n < len(ours.benchmarks)} == ours.fewer
    for row in ours.rows:
        one = shown["rows"][row.strategy]
        assert one["rank"] == [row.rank.mean, row.rank.low, row.rank.high]
        assert one["ties"] == row.ties
        assert one["rank_text"] == rank_text(row, len(ours.benchmarks))
        back = row.recovered
        assert one["recovered_text"] == (interval(back.value, back.low, back.high) if back else "–")


OPTIONS = {  # of `clbench show`, for what a state asks
    "fam": lambda names: [part for name in names for part in ("--family", name)],
    "be": lambda kind: ["--where", f"kind {'==' if kind == 'avalanche' else '!='} 'avalanche'"],
    "m": lambda metric: ["--metric", metric],
    "holm": lambda _: ["--holm"],
    "stale": lambda _: ["--stale"],
}
PRINTED = """JSON.stringify(Object.fromEntries(Table.sorted(board.get().view).map(line => [line.s, {
  ...Object.fromEntries(["rank", "ties", "recovered"].map(key => {
    const {text, range} = Table.cell(board.get().view, line, key);
    return [key, `${text} ${range ?? ""}`.trim()];
  })),
  numbers: line.rank && [line.rank.mean, line.rank.low, line.rank.high],
}])))"""


SHOWN = (
    "a back end",
    "Holm, three seeds",
    "stale rows too",
    "all benchmarks, a family",
    "all benchmarks, a metric",
)


@pytest.mark.parametrize("name", SHOWN)
def test_ranks_are_what_show_prints(page, sound, here, name):
    """Line 5: the same selection on the command line, to the last printed digit."""
    state = {"p": "smoke"} | VIEWS[name][0]
    page.open(sound.page)
    page.js(f"board.go({json.dumps(state)})")
    shown = json.loads(page.js(PRINTED))
    asked = [part for key, option in OPTIONS.items() if key in state for part in option(state[key])]
    scope = [part for one in benchmarks_of(state, sound.judged[state["p"]]) for part in ("-b", one)]
    where = ["--results", sound.results, "--profile", state["p"]]
    done = here("show", *where, *scope, *asked, "--ranks", "--format", "json")
    (table,) = json.loads(done.stdout)["tables"]
    rows = [row for row in table["rows"] if row["cells"]["rank"]["value"] is not None]
    assert {row["strategy"] for row in rows} == {one for one, cells in shown.items() if cells["numbers"]}
    for row in rows:
        cells, ours = row["cells"], shown[row["strategy"]]
        assert [cells["rank"][key] for key in ("value", "low", "high")] == ours["numbers"]
        assert cells["rank"]["text"] == ours["rank"]
        assert cells.get("ties", {"text": ""})["text"] == ours["ties"]
        if "ties" not in cells:
            assert cells["recovered"]["text"] == ours["recovered"]
    assert rows


def test_a_filter_put_on_and_taken_off_gives_the_same_ranks(page, sound):
    """Line 5."""
    page.open(sound.page)
    for scope in ("all", "split_toy_class"):
        page.js(f"board.go({{b: {json.dumps(scope)}}})")
        before = page.js(RANKING)
        page.js("board.go({q: 'er'})")
        assert len(page.js(RANKING)["rows"]) < len(before["rows"])
        page.js("board.go({q: ''})")
        assert page.js(RANKING) == before


def test_paired_differences_are_python_s(page, sound):
    """Lines 3 and 12."""
    page.open(sound.page, "#b=split_other_task&pick=er~derpp~progressive")
    cells = page.js(COMPARED)
    first = sound.entry("split_other_task", "er").metrics["acc"]
    for name, difference, within, seeds, *_ in cells:
        own = sound.entry("split_other_task", name).metrics["acc"]
        ours = paired_difference([*own.values()], [*first.values()])
        assert difference == f"{100 * ours.mean:+.1f}"
        assert within == f"[{100 * ours.low:.1f}, {100 * ours.high:.1f}]" and seeds == str(ours.n)
    assert [line[0] for line in cells] == ["derpp", "progressive"]


def test_the_command_of_every_row(rows, sound, nasty, browser):
    """What makes a row again, quoted as a shell needs it."""
    browser.open(nasty.page)
    for folder, known in ((sound, rows), (nasty, browser.js(ROWS))):
        for key, entry in told(folder).items():
            record = entry.record
            parts = [
                "clbench",
                "run",
                "-b",
                record.benchmark,
                "-s",
                record.strategy,
                "--profile",
                record.profile,
            ]
            seeds = ["--seeds", str(len(record.seeds))] if entry.ok else []
            assert known[key]["command"] == shlex.join(parts + seeds)
