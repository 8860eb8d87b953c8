"""What cannot be decided says why, and what to run; which row a spec means."""

import pytest

from clbench.claims.entries import Claim, read
from clbench.claims.judge import judge
from clbench.claims.missing import commands

HERE = "split_mnist_class"


@pytest.fixture
def good(row):
    """Rows that decide `er > naive`."""
    return [row("er", 60, costs={"memory_items": 500}), row("naive", 40), row("joint", 90)]


CASES = [
    ("ewc > naive", "no record: ewc on quick/split_mnist_class", True),
    ("{ewc, lwf} > mas", "no record: ewc, lwf, mas on quick/split_mnist_class", True),
    ("er > naif", 'unknown strategy "naif": did you mean "naive"?', False),
    ("er(mem=3) > naive", 'er has no argument "mem": did you mean "memory"?', False),
    ("er(memory=-1) > naive", "memory", False),
    ("er+avalanche_naive > naive", "only native strategies can be joined", False),
    ("ac: er > naive", 'unknown metric "ac": did you mean "acc"?', False),
    ("old:ewc > ac:ewc", 'unknown metric "ac"', False),  # no run of ewc would help
    ("plasticity_gap: joint > er", "no plasticity_gap of joint on quick/split_mnist_class", False),
    ("energy_wh: er > naive", "no energy_wh of er on quick/split_mnist_class", False),
    ("memory_items: er > naive by x2", "er vs naive: a ratio needs numbers above 0", False),
]


@pytest.mark.parametrize(("test", "reason", "runs"), CASES, ids=[test for test, *_ in CASES])
def test_a_test_that_cannot_be_decided_says_why(test, reason, runs, good, decided):
    made = decided(good, test)
    assert made.line.word == "not testable" and reason in made.cells[0].reason, made.cells[0].reason
    assert bool(commands([made])) == runs


def test_rows_that_may_not_be_used(row, good, decided):
    made = [
        row("ewc", 50, stale=True),
        row("lwf", (), status="unsupported", error={"reason": "needs labels"}),
        row("si", (), status="failed", error={"reason": "ValueError: no"}),
        row("mas", [50.0, 51]),
        row("gem", 50, data="other"),
    ]
    for test, reason, runs in [
        ("er > ewc", "stale: ewc on quick/split_mnist_class", True),
        ("er > lwf", "unsupported: needs labels: lwf on quick/split_mnist_class", False),
        ("er > si", "failed: ValueError: no: si on", True),
        ("er > mas", "too few common seeds (2, at least 3): er, mas on", True),
        ("er > gem", "made on different data: quick/split_mnist_class", False),
        ("{er, ewc, lwf} > nobody", 'unknown strategy "nobody"', False),
    ]:
        cell = decided(good + made, test).cells[0]
        assert cell.alone == "not testable" and reason in cell.reason, cell.reason
        assert cell.runs == runs


def test_a_stale_reference_meets_no_condition(row, decided):
    records = [row("er", 60), row("naive", 40), row("joint", 90, stale=True)]
    assert decided(records, "er > naive").line.word == "holds"
    cell = decided(records, "er > naive", given=["room 5"]).cells[0]
    assert cell.reason == "stale: joint on quick/split_mnist_class" and cell.runs


@pytest.mark.parametrize(
    ("given", "costs", "reason"),
    [
        ("room 50", {}, ""),
        ("room 51", {}, "given room 51: joint less naive is 50.0"),
        ("memory", {"memory_items": 550}, ""),
        ("memory", {"memory_items": 551}, "given equal memory: it is 500 to 551"),
        ("memory", {"memory_items": 0}, ""),  # what stores nothing is no unequal rival
        ("flops", {"flops": 2_100_000_000}, ""),
        ("steps", {"steps": 300}, "given equal steps: it is 200 to 300"),
    ],
)
def test_conditions(given, costs, reason, row, good, decided):
    cell = decided([*good, row("agem", 50, costs=costs)], "er > agem", given=[given]).cells[0]
    assert cell.reason == reason and cell.tested == (not reason)


def test_room_is_asked_of_every_benchmark_that_the_test_names(row, good, decided):
    level = [row(name, 40, benchmark="news") for name in ("er", "naive", "joint")]
    test = f"er@{HERE} - naive@{HERE} > er@news - naive@news"
    assert decided(good + level, test).line.word == "holds"
    assert "room 5" in decided(good + level, test, given=["room 5"]).cells[0].reason


def test_what_a_probe_counts_is_tested_by_seed(row, decided):
    differences = (60, -180, 120, 10, -5)  # 1 on average, and nothing certain
    naive, er = row("naive", 50), row("er", 50)
    for record, values in ((er, [200] * 5), (naive, [200 + d for d in differences])):
        for group in record.groups:
            group.tally["recovery_steps"] = [values[seed] for seed in group.seeds]
    cell = decided([naive, er], "recovery_steps: naive > er by 0.5").cells[0]
    assert cell.alone == "undecided" and cell.effect == pytest.approx(1) and cell.low < -100


def test_a_mean_over_seeds_is_no_evidence(row, decided):
    cell = decided([row("naive", 50), row("er", 50)], "moved: naive > er by 0.1").cells[0]
    assert "moved is one number for all seeds" in cell.reason


@pytest.mark.parametrize("cost", ["train_s", "predict_ms", "probe_s"])
def test_what_a_clock_says_of_seeds_that_ran_together_is_one_value(row, fabricated, decided, cost):
    def timed(strategy, seconds, together=False, machines=("A",) * 5):
        record = row(strategy, 50)
        for group, second, machine in zip(record.groups, seconds, machines, strict=True):
            group.costs[cost], group.provenance["processor"] = second, machine
        if together:
            first, *others = record.groups
            first.seeds, first.costs[cost] = [0, 1, 2, 3, 4], sum(seconds)
            record.groups = [first]
        return record

    test, slow, fast = f"{cost}: joint > naive by x1.5", (4.0, 4.1, 4.2, 3.9, 4), (2.0, 2.1, 2, 1.9, 2)
    naive = timed("naive", fast)
    assert decided([timed("joint", slow), naive], test).line.word == "holds"
    together = decided([timed("joint", slow, together=True), naive], test).cells[0]
    assert "too few seeds timed alone and on one machine (1, at least 3)" in together.reason
    elsewhere = decided([timed("joint", slow, machines="AABBB"), naive], test).cells[0]
    assert "one machine (2, at least 3)" in elsewhere.reason and not elsewhere.runs
    assert decided([timed("joint", slow, machines="AAABB"), naive], test).cells[0].n == 3


def test_a_glob_without_records_is_told(decided, good):
    made = decided(good, "er > naive", on=["permuted_*"])
    assert made.cells[0].reason == "no record: er, naive on quick/permuted_*"
    assert commands([made])[0].line == "clbench run -b 'permuted_*' -s er -s naive --profile quick"
    assert "no name matches" in decided(good, "er > naive", on=["nowhere_*"]).cells[0].reason
    unknown = decided(good, "er > naive", on=["split_mnis_class"]).cells[0]
    assert 'unknown benchmark "split_mnis_class": did you mean' in unknown.reason and not unknown.runs
    assert "name it with its arguments" in decided(good, "er > naive", on=["stream"]).cells[0].reason


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        ("er(memory=100)", "er( memory = 100 )"),
        ("er", "er(memory=500)"),  # the benchmark's own
        ("er+ewc(lam=3.0)", "er + ewc(lam=3)"),
        ("er(memory='all')", 'er(memory="all")'),
    ],
)
def test_a_row_is_found_in_any_spelling(recorded, asked, row, decided):
    made = decided([row(recorded, 60), row("naive", 40)], f"{asked} > naive by 5")
    assert made.line.word == "holds", made.cells[0].reason


def test_a_benchmark_is_found_in_any_spelling(row, decided):
    plain, variant = "permuted_mnist_domain", "permuted_mnist_domain(tasks=7)"
    records = [
        row(name, acc, benchmark=b) for b in (plain, variant) for name, acc in (("er", 60), ("naive", 40))
    ]
    test = f"er@{plain}(tasks=5) > naive@permuted_mnist_domain( tasks = 7 ) by 5"
    assert decided(records, test).line.word == "holds"
    assert decided(records, "er > naive", on=[f"{plain}(tasks=5)"]).cells[0].benchmark == plain


def test_code_of_others_is_found_by_name_and_not_run(row, decided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('was run')\nclass Mine: pass\n")
    records = [row("mine.py:Mine(lam=2)", 60), row("naive", 40)]
    assert decided(records, "mine.py:Mine( lam=2 ) > naive by 5").line.word == "holds"
    assert "no record" in decided(records, "mine.py:Mine(lam=3) > naive by 5").cells[0].reason


def test_missing_runs_are_grouped_by_what_is_missing(good, decided):
    made = decided(good, "er > {ewc, naive}", "lwf(lam=0.5) > er", on=[HERE, "split_mnist_task"])
    lines = [command.line for command in commands(made)]
    assert lines == [
        "clbench run -b split_mnist_class -s ewc -s 'lwf(lam=0.5)' --profile quick",
        "clbench run -b split_mnist_task -s er -s ewc -s naive -s 'lwf(lam=0.5)' --profile quick",
    ]
    assert commands(made)[0].claims == ("claim-0", "claim-1")
    tested = decided(good, "er > naive", on=[HERE, "split_mnist_task"])
    assert not commands([tested]) and "-b split_mnist_task" in commands([tested], everywhere=True)[0].line


def test_none_of_the_field_is_skipped_where_there_are_no_records():
    made = judge(read(), {})
    assert [one.line.word for one in made] == ["not testable"] * len(made)
    assert all(one.cells and all(cell.reason for cell in one.cells) for one in made)
    assert sum(bool(one.missing(True)) for one in made) > 45  # by runs alone


def test_a_claim_may_name_its_benchmarks_in_the_test_alone():
    claim = Claim("x", "It is so.", f"er@{HERE} > naive@{HERE}")
    (cell,) = judge([claim], {}, ["full"])[0].cells
    assert cell.reason == "no record: er, naive on full/split_mnist_class"
