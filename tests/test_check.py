"""Baselines and the verdicts on records: fabricated records, real files."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from clbench.errors import InputError
from clbench.results import baselines as checking
from clbench.results import staleness
from clbench.results.baselines import accept, check, disagreements, entry_of, load_baselines
from clbench.results.judged import FORMATS, exit_status, junit, lines
from clbench.results.record import Failure, Group, Record

ROOT = Path(__file__).parent.parent
SOURCE = "s" * 16
NOISE = 0.0005 * np.array([-1.0, 0.0, 1.0])
ARRAY = np.array([[0.1, 0.1], [0.9, 0.1], [0.6, 0.8]]) + NOISE[:, None, None]  # [S=3, T+1=3, E=2], ACC 0.7
JOINT = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]) + NOISE[:, None, None]
BENCHMARK = "split_x_class"


def made(
    strategy="er",
    acc=ARRAY,
    *,
    benchmark=BENCHMARK,
    seeds=(0, 1, 2),
    steps=100,
    processor="A, AVX2",
    **changes,
):
    """An ok record with one group per seed; steps are per seed."""
    costs = {
        "setup_s": 0.1,
        "train_s": 2.0,
        "eval_s": 0.5,
        "gpu_hours": None,
        "cpu_hours": 0.01,
        "flops": 5e9,
        "steps": steps,
        "samples_seen": 3200,
        "peak_mb": 300.0,
        "memory_items": 50,
        "extra_params": 0,
    }
    provenance = {
        "started": "2026-01-01",
        "command": "clbench run",
        "commit": "abc",
        "dirty": False,
        "python": "3.11",
        "torch": "2.9",
        "numpy": "2.3",
        "avalanche": None,
        "platform": "Linux x86_64",
        "device": "cpu",
        "processor": processor,
        "threads": 1,
    }
    groups = [Group([seed], costs, 2, provenance) for seed in seeds]
    record = Record(
        benchmark,
        strategy,
        "smoke",
        "native",
        source=SOURCE,
        data="data 1",
        settings={"scenario": "class", "budget": {"steps": 20, "lr": 0.001}},
        seeds=list(seeds),
        acc=np.asarray(acc).tolist(),
        groups=groups,
    )
    return replace(record, **changes)


def without_numbers(status, reason, strategy="er"):
    return made(strategy, seeds=(), acc=[], groups=[], status=status, error=Failure(reason))


def moved(amount, array=ARRAY, rows=-1):
    """The array with these rows moved, a little more in some seeds than in others."""
    array = array.copy()
    array[:, rows] += amount + NOISE[::-1, None]
    return array


@pytest.fixture(autouse=True)
def known_pairs(monkeypatch):
    """The made-up pairs have source code."""
    monkeypatch.setattr(staleness, "source_of", lambda benchmark, strategy: SOURCE)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "baselines"


@pytest.fixture
def against(folder):
    """against(accepted, current) -> the one verdict of a check."""

    def one_verdict(accepted, current):
        accept([accepted], folder, "smoke")
        ((benchmark, strategy, verdict),) = check([current], folder, "smoke")
        assert (benchmark, strategy) == (accepted.benchmark, accepted.strategy)
        return verdict

    return one_verdict


def status_of(verdict, strict=False):
    return exit_status([("b", "s", verdict)], strict)


def test_the_same_method_of_another_library_is_compared_on_the_common_seeds():
    five, ten = np.arange(5), np.arange(10)
    acc = ARRAY[[0]] + 0.001 * np.random.default_rng(0).normal(size=(10, 1, 1))
    native = made("naive", acc[five], seeds=tuple(five.tolist()))
    other = made("avalanche_naive", acc - 0.15 * (ten >= 5)[:, None, None], seeds=tuple(ten.tolist()))
    now = {(BENCHMARK, record.strategy): entry_of(record) for record in (native, other)}
    assert not disagreements(now, now)
    lower = made("avalanche_naive", acc - 0.15, seeds=tuple(ten.tolist()))
    now[BENCHMARK, "avalanche_naive"] = entry_of(lower)
    ((_, strategy, found),) = disagreements(now, now)
    assert (strategy, found.status) == ("avalanche_naive", "disagrees")


# ---- verdicts


def test_unchanged_is_identical(against):
    verdict = against(made(), made())
    assert verdict.status == "identical" and status_of(verdict) == 0


def test_a_drop_of_accuracy_is_a_regression(against):
    verdict = against(made(), made(acc=moved(-0.1)))
    assert verdict.status == "regressed" and status_of(verdict) == 1
    assert "ACC 70.0 -> 60.0" in verdict.detail


def test_more_steps_are_a_changed_cost_per_seed(against):
    verdict = against(made(), made(steps=110))
    assert verdict.status == "cost changed" and status_of(verdict) == 1
    assert verdict.detail == "steps 100 -> 110; accuracies bit-equal"


@pytest.mark.parametrize(
    "change, field",
    [
        ({"seeds": (0, 1, 5)}, "seeds [0, 1, 2] -> [0, 1, 5]"),
        (
            {"settings": {"scenario": "class", "budget": {"steps": 20, "lr": 0.002}}},
            "budget.lr 0.001 -> 0.002",
        ),
        ({"data": "data 2"}, "data data 1 -> data 2"),
    ],
)
def test_another_set_up_names_the_field(against, change, field):
    verdict = against(made(), made(**change))
    assert verdict.status == "changed set-up" and status_of(verdict) == 1
    assert verdict.detail.startswith(f"{field}; ACC 70.0 -> 70.0")


def test_settings_are_compared_as_they_come_back_from_a_file(against):
    assert (
        against(made(settings={"hidden": (10, 10)}), made(settings={"hidden": (10, 10)})).status
        == "identical"
    )


def test_noise_on_another_platform_passes_as_no_change(against):
    verdict = against(made(), made(acc=moved(0.001), processor="B, AVX512"))
    assert verdict.status == "pass" and not verdict.changed and status_of(verdict) == 0
    assert "changed" not in verdict.detail


@pytest.mark.parametrize("of_source", ["unchanged", "changed"])
def test_on_the_same_platform_the_code_must_have_changed(against, of_source):
    accepted = made()
    if of_source == "changed":
        accepted = made(source="c" * 16)
        accepted.verified = SOURCE  # else it would be stale
    verdict = against(accepted, made(acc=moved(0.001)))
    assert verdict.status == "pass" and verdict.changed and status_of(verdict) == 0
    assert verdict.detail.endswith(f"changed: not bit-equal on the same platform, source {of_source}")


def test_larger_groups_are_another_platform(against):
    current = made(acc=moved(0.001))
    costs = {name: None if value is None else 3 * value for name, value in current.groups[0].costs.items()}
    together = replace(current.groups[0], seeds=[0, 1, 2], costs=costs)
    verdict = against(made(), replace(current, groups=[together]))
    assert verdict.status == "pass" and not verdict.changed


def test_improved_names_the_command_and_fails_only_when_strict(against):
    verdict = against(made("er(memory=20)"), made("er(memory=20)", moved(+0.1)))
    assert verdict.status == "improved" and status_of(verdict) == 0 and status_of(verdict, strict=True) == 1
    command = f"clbench baseline accept --profile smoke -b {BENCHMARK} -s 'er(memory=20)'"
    assert verdict.detail.endswith(f"; accept it with: {command}")


def test_undecided_says_how_many_seeds(against):
    scattered = ARRAY.copy()
    scattered[:, -1] += np.array([-0.03, 0.0, 0.03])[:, None]
    verdict = against(made(), made(acc=scattered, processor="B"))
    assert verdict.status == "undecided" and status_of(verdict) == 3
    assert status_of(against(made(), made(acc=scattered))) == 1  # nothing but the code can have changed it
    assert "seeds would probably decide" in verdict.detail


def test_a_pair_of_the_baseline_without_a_record_is_missing(folder):
    accept([made("er"), made("ewc")], folder, "smoke")
    results = check([made("er")], folder, "smoke")
    assert [(strategy, verdict.status) for _, strategy, verdict in results] == [
        ("er", "identical"),
        ("ewc", "missing"),
    ]
    assert results[1][2].detail == "no current record"
    assert exit_status(results) == 1


def test_a_record_of_another_profile_is_none(against):
    assert against(made(), made(profile="quick")).status == "missing"


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_failed_now(against, status):
    verdict = against(made(), without_numbers(status, "ValueError: no"))
    assert verdict.status == "failed" and verdict.detail == f"current {status}: ValueError: no"
    assert status_of(verdict) == 1


def test_a_stale_record_says_nothing_about_the_source_of_today(against):
    verdict = against(made(), made(source="another digest"))
    assert verdict.status == "missing" and "stale" in verdict.detail and status_of(verdict) == 1


def test_unsupported_on_both_sides_for_the_same_reason(against):
    labels = without_numbers("unsupported", "needs task labels")
    assert against(labels, labels).status == "identical"
    assert against(labels, made()).status == "changed set-up"
    assert against(labels, without_numbers("unsupported", "needs a memory")).status == "changed set-up"


# ---- joint, for the plasticity gap


def test_each_side_has_its_own_joint(folder):
    accept([made("er"), made("joint", JOINT)], folder, "smoke")
    learnt_less = moved(-0.1, JOINT, rows=1)  # joint's own first task; its last row stays
    results = {
        strategy: verdict
        for _, strategy, verdict in check(
            [made("er", moved(0.001)), made("joint", learnt_less)], folder, "smoke"
        )
    }
    assert results["er"].status == "improved" and "plasticity gap 5.0 -> " in results["er"].detail


@pytest.mark.parametrize(
    "change",
    [
        {"source": "stale"},
        {"data": "data 2"},
        {"acc": JOINT[:, :2].tolist()},
        {"status": "failed", "error": Failure("no")},
        {"profile": "quick"},
    ],
)
def test_a_joint_that_is_not_comparable_is_left_out(folder, change):
    accept([made("er"), made("joint", JOINT)], folder, "smoke")
    joint = made("joint", **{"acc": moved(-0.1, JOINT, rows=1)} | change)
    results = {
        strategy: verdict
        for _, strategy, verdict in check([made("er", moved(0.001)), joint], folder, "smoke")
    }
    assert results["er"].status == "pass"  # with this joint it would be improved
    assert "plasticity" not in results["er"].detail


# ---- selecting


@pytest.fixture
def accepted(folder):
    accept(
        [made("er"), made("er(memory=20)"), made("ewc"), made("er", benchmark="rotated_x_domain")],
        folder,
        "smoke",
    )
    return folder


@pytest.mark.parametrize(
    "benchmarks, strategies, pairs",
    [
        (
            None,
            None,
            [("rotated_x_domain", "er"), (BENCHMARK, "er"), (BENCHMARK, "er(memory=20)"), (BENCHMARK, "ewc")],
        ),
        (None, ["er"], [("rotated_x_domain", "er"), (BENCHMARK, "er")]),
        (["split_*"], ["er*"], [(BENCHMARK, "er"), (BENCHMARK, "er(memory=20)")]),
        ([BENCHMARK], ["er(memory=20)", "ewc"], [(BENCHMARK, "er(memory=20)"), (BENCHMARK, "ewc")]),
        (["rotated_x_domain"], ["ewc"], []),
    ],
)
def test_canonical_names_and_globs_select_pairs(accepted, benchmarks, strategies, pairs):
    results = check([], accepted, "smoke", benchmarks, strategies)
    assert [result[:2] for result in results] == pairs


def test_a_record_that_is_not_in_the_baseline_counts_only_when_selected(accepted):
    new = [made("si")]
    assert "si" not in [strategy for _, strategy, _ in check(new, accepted, "smoke")]
    ((_, strategy, verdict),) = check(new, accepted, "smoke", strategies=["si"])
    assert (strategy, verdict.status) == ("si", "missing")
    command = f"clbench baseline accept --profile smoke -b {BENCHMARK} -s si"
    assert verdict.detail == f"not in the baseline: accept it with: {command}"


def test_a_pattern_that_stands_for_nothing_is_a_mistake(accepted):
    with pytest.raises(InputError, match='"ewcc" is neither in the baselines nor among the records'):
        check([], accepted, "smoke", strategies=["er", "ewcc"])


# ---- accepting


def test_a_baseline_holds_what_the_rule_compares(folder):
    (path,) = accept([made()], folder, "smoke")
    assert path == folder / "smoke" / f"{BENCHMARK}.json"
    entry = load_baselines(folder, "smoke")[BENCHMARK, "er"]
    assert np.array_equal(entry["acc"], ARRAY)
    assert entry["costs"] == {"steps": 100, "samples_seen": 3200, "flops": 5_000_000_000, "memory_items": 50}
    assert entry["platform"] == {
        "processor": "A, AVX2",
        "machine": "Linux x86_64",
        "device": "cpu",
        "torch": "2.9",
        "threads": 1,
        "group_size": 1,
    }
    assert (entry["seeds"], entry["source"], entry["status"], entry["reason"]) == (
        [0, 1, 2],
        SOURCE,
        "ok",
        None,
    )


def test_groups_from_two_machines_are_both_named(folder):
    record = made()
    other = replace(record.groups[0], provenance=record.groups[0].provenance | {"processor": "B"})
    accept([replace(record, groups=[other, *record.groups[1:]])], folder, "smoke")
    assert load_baselines(folder, "smoke")[BENCHMARK, "er"]["platform"]["processor"] == ["A, AVX2", "B"]


def test_accepting_keeps_the_other_strategies(folder):
    accept([made("er"), made("ewc")], folder, "smoke")
    before = load_baselines(folder, "smoke")
    accept([made("ewc", moved(0.1)), made("agem")], folder, "smoke")
    after = load_baselines(folder, "smoke")
    assert sorted(after) == [(BENCHMARK, "agem"), (BENCHMARK, "er"), (BENCHMARK, "ewc")]
    assert after[BENCHMARK, "er"] == before[BENCHMARK, "er"]
    assert after[BENCHMARK, "ewc"]["acc"] == moved(0.1).tolist() != before[BENCHMARK, "ewc"]["acc"]


def test_the_file_is_the_same_in_any_order_and_readable(folder, tmp_path):
    (path,) = accept([made("ewc"), made("er")], folder, "smoke")
    accept([made("er")], tmp_path / "other", "smoke")
    (other,) = accept([made("ewc")], tmp_path / "other", "smoke")
    assert path.read_bytes() == other.read_bytes()
    text = path.read_text()
    assert text.index('"er"') < text.index('"ewc"')
    assert [line.strip(" ,") for line in text.splitlines()].count(json.dumps(ARRAY[1, 2].tolist())) == 2


def test_missing_cells_stay_missing(against, folder):
    array = ARRAY.tolist()
    array[0][1][1] = array[1][1][1] = array[2][1][1] = None
    assert against(made(), replace(made(), acc=array)).status == "changed set-up"
    accept([replace(made(), acc=array)], folder, "smoke")
    assert load_baselines(folder, "smoke")[BENCHMARK, "er"]["acc"] == array
    assert check([replace(made(), acc=array)], folder, "smoke")[0][2].status == "identical"


def test_what_is_no_result_is_refused_by_name_and_nothing_is_written(folder):
    bad = [
        without_numbers("failed", "no", "ewc"),
        without_numbers("diverged", "nan", "lwf"),
        made("si", source="old"),
    ]
    with pytest.raises(InputError) as error:
        accept([made("er"), *bad], folder, "smoke")
    for named in ("ewc (failed)", "lwf (diverged)", "si (stale)"):
        assert f"{BENCHMARK} {named}" in str(error.value)
    assert f"{BENCHMARK} er" not in str(error.value)
    assert not folder.exists()


def test_nothing_to_accept(folder):
    with pytest.raises(InputError, match='no records of the profile "smoke" to accept'):
        accept([made(profile="quick")], folder, "smoke")


def test_a_broken_baseline_is_not_overwritten(folder):
    path = folder / "smoke" / f"{BENCHMARK}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{ oh")
    with pytest.raises(InputError, match=f"{BENCHMARK}.json: not readable as JSON"):
        accept([made("er"), made("er", benchmark="a_first_class")], folder, "smoke")
    assert path.read_text() == "{ oh" and [*path.parent.iterdir()] == [path]


# ---- reading


def test_no_baselines_say_how_to_make_them(folder):
    message = (
        'no baselines for profile "smoke" in {}/; make them with: clbench baseline accept --profile smoke'
    )
    with pytest.raises(InputError) as error:
        check([made()], folder, "smoke")
    assert str(error.value) == message.format(folder)
    accept([made(profile="quick")], folder, "quick")
    with pytest.raises(InputError) as error:
        load_baselines(folder, "smoke")
    assert str(error.value) == message.format(folder)


def _with_short_metrics(content):
    ((name, entry),) = content["strategies"].items()
    metrics = {metric: values[:1] for metric, values in entry["metrics"].items()}
    return content | {"strategies": {name: entry | {"metrics": metrics}}}


@pytest.mark.parametrize(
    "break_it, named",
    [
        (lambda content: "<html>", "not readable as JSON"),
        (lambda content: "[1]", "no baseline of clbench"),
        (lambda content: json.dumps(content | {"schema": 99}), "schema 99, this version reads 2"),
        (
            lambda content: json.dumps(content | {"strategies": {"er": {"status": "ok"}}}),
            "the entry er is no baseline",
        ),
        (lambda content: json.dumps(content | {"strategies": {"er": 3}}), "the entry er is no baseline"),
        (lambda content: json.dumps(_with_short_metrics(content)), "the entry er is no baseline"),
        (lambda content: json.dumps(content | {"strategies": ["er"]}), "no baseline of clbench"),
    ],
)
def test_a_broken_baseline_is_named(folder, break_it, named):
    (path,) = accept([made()], folder, "smoke")
    path.write_text(break_it(json.loads(path.read_text())))
    with pytest.raises(InputError) as error:
        load_baselines(folder, "smoke")
    assert str(error.value).startswith(f"{path}: {named}")


# ---- showing


@pytest.fixture
def results(folder):
    """One of each: identical, improved, missing, regressed, undecided elsewhere, and changed but passed."""
    names = ("a_same", "better", "lost", "worse", "x|y", "z_drifts")
    accept([made(name) for name in names], folder, "smoke")
    scattered = ARRAY.copy()
    scattered[:, -1] += np.array([-0.03, 0.0, 0.03])[:, None]
    found = check(
        [
            made("a_same"),
            made("better", moved(0.1)),
            made("worse", moved(-0.1)),
            made("x|y", scattered, processor="B"),
            made("z_drifts", moved(0.001)),
        ],
        folder,
        "smoke",
    )
    assert [verdict.status for _, _, verdict in found] == [
        "identical",
        "improved",
        "missing",
        "regressed",
        "undecided",
        "pass",
    ]
    return found


LAST = (
    "compared 5 of 6 pairs: 1 missing, 1 regressed, 1 undecided, 1 improved, 1 pass, 1 identical, "
    "3 changed on the same platform"
)


def test_text_is_one_aligned_line_per_pair_and_a_count(results):
    shown = lines(results)
    assert len(shown) == 7 and shown[-1] == LAST
    assert {line.index(BENCHMARK) for line in shown[:-1]} == {len("identical") + 2}
    assert shown[0] == f"identical  {BENCHMARK}  a_same    bit-equal, seeds [0, 1, 2]"


def test_markdown_is_a_table(results):
    shown = lines(results, "markdown")
    head = ["| status | benchmark | strategy | detail |", "| --- | --- | --- | --- |"]
    assert shown[:2] == head and shown[2].startswith(f"| improved | `{BENCHMARK}` | `better` | ")
    folded = shown.index("<details><summary>the others</summary>")
    same = f"| identical | `{BENCHMARK}` | `a_same` | bit-equal, seeds [0, 1, 2] |"
    assert shown[folded + 2 :] == [*head, same, "", "</details>", "", lines(results)[-1]]
    assert all(line.replace(r"\|", "").count("|") == 5 for line in shown[: folded - 1])


def test_github_annotates_what_needs_a_look(results):
    shown = lines(results, "github")
    assert shown[5:] == lines(results)
    starts = [
        f"::{level} title=clbench check::{BENCHMARK} {name}: {status}: "
        for level, name, status in [
            ("notice", "better", "improved"),
            ("error", "lost", "missing"),
            ("error", "worse", "regressed"),
            ("warning", "x|y", "undecided"),
            ("warning", "z_drifts", "pass"),
        ]
    ]
    assert all(line.startswith(start) for line, start in zip(shown[:5], starts, strict=True))


def test_a_line_stays_a_line_and_percent_is_escaped_for_github(against):
    failed = against(made(), without_numbers("failed", "ValueError: 10%\nof  it"))
    results = [(BENCHMARK, "er", failed)]
    assert lines(results, "github")[0].endswith("failed: current failed: ValueError: 10%25 of it")
    assert lines(results)[0].endswith("ValueError: 10% of it")
    assert lines(results)[-1] == "nothing was compared: 1 failed"


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_compared_is_said_and_fails(format):
    assert lines([], format)[-1] == "nothing was compared"
    assert exit_status([]) == 1


def test_an_unknown_format():
    with pytest.raises(InputError, match="use text, markdown, github"):
        lines([], "html")


def test_a_bad_pair_outweighs_an_undecided_one(results):
    assert exit_status(results) == 1
    fine = [one for one in results if not one[2].bad]
    assert exit_status(fine) == 3 and exit_status(fine, strict=True) == 1
    assert exit_status([one for one in fine if one[2].status != "undecided"]) == 0


def test_annotations_stand_at_the_class_of_the_strategy(against, monkeypatch, tmp_path):
    lost = against(made("ewc", benchmark="split_digits_class"), without_numbers("failed", "no", "ewc"))
    monkeypatch.chdir(ROOT)
    path = ROOT / "clbench/strategies/regularisation/ewc.py"
    line = path.read_text().splitlines().index("class EWC(Part):") + 1
    for spec in ("ewc", "ewc(lam=10.0)+er"):
        (command, *_) = lines([("split_digits_class", spec, lost)], "github")
        assert command.startswith(f"::error file={path.relative_to(ROOT)},line={line},title=clbench check::")
    own = tmp_path / "mine.py"
    own.write_text("import torch\n\n\nclass First:\n    pass\n\n\nclass Second:\n    pass\n")
    (command, *_) = lines([("split_digits_class", f"{own}:Second", lost)], "github")
    assert f"file={own},line=8," in command


def test_junit_has_a_case_for_each_pair(results):
    suite = ET.fromstring(junit(results).split("\n", 1)[1])
    assert suite.attrib == {"name": "clbench check", "tests": "6", "failures": "2", "skipped": "1"}
    found = {case.get("name"): [child.tag for child in case] for case in suite}
    assert found == {
        "a_same": ["system-out"],
        "better": ["system-out"],
        "lost": ["failure"],
        "worse": ["failure"],
        "x|y": ["skipped"],
        "z_drifts": ["system-out"],
    }
    assert suite[3].get("classname") == BENCHMARK
    assert suite[3][0].get("message").startswith("regressed: ACC 70.0 -> 60.0")
    assert ET.fromstring(junit(results, strict=True).split("\n", 1)[1]).get("failures") == "3"
    odd = junit([(BENCHMARK, "er\x1b[31m<&>", results[0][2])])
    assert "er\\x1b[31m<&>" in [case.get("name") for case in ET.fromstring(odd.split("\n", 1)[1])]


# ---- what is said of several pairs


def row_of(strategy, **changes):
    return made(strategy, benchmark="split_digits_class", **changes)


def test_a_row_that_mirrors_one_of_ours_must_have_its_numbers(folder):
    both = [row_of("naive"), row_of("avalanche_naive")]
    accept(both, folder, "smoke")
    assert exit_status(check(both, folder, "smoke")) == 0
    scattered = ARRAY.copy()
    scattered[:, -1] += np.array([-0.03, 0.0, 0.03])[:, None]
    found = check([row_of("naive", acc=scattered, processor="B"), both[1]], folder, "smoke")
    assert [(strategy, verdict.status) for _, strategy, verdict in found] == [
        ("avalanche_naive", "identical"),
        ("naive", "undecided"),
        ("avalanche_naive", "disagrees"),
    ]
    assert found[-1][2].detail.startswith("with naive: ACC 70.0 -> 70.0") and exit_status(found) == 1
    assert lines(found)[-1].startswith("compared 2 of 2 pairs")
    other_seeds = [row_of("naive", seeds=(0, 1, 5)), both[1]]
    assert "disagrees" not in [verdict.status for _, _, verdict in check(other_seeds, folder, "smoke")]


def test_a_shift_that_no_pair_shows_is_seen_over_all_of_them(folder):
    seeds = tuple(range(10))
    base = ARRAY[:1].repeat(10, axis=0)
    names = [f"row_{i:02}" for i in range(12)]
    draws = np.random.default_rng(0)

    def noisy(name, by):
        array = base.copy()
        array[:, -1] += by + draws.normal(0, 0.01, (10, 1))
        return made(name, array, seeds=seeds, processor="B")

    accept([made(name, base, seeds=seeds) for name in names], folder, "smoke")
    still = check([noisy(name, 0.0) for name in names], folder, "smoke")
    assert [strategy for _, strategy, _ in still] == names and exit_status(still) == 0
    moved_all = check([noisy(name, -0.008) for name in names], folder, "smoke")
    assert {verdict.status for _, _, verdict in moved_all[:12]} <= {"pass", "undecided"}
    assert [verdict.status for _, _, verdict in moved_all[12:]] == ["shifted", "shifted"]
    assert "ACC is higher in" in moved_all[12][2].detail and exit_status(moved_all) == 1


# ---- what accepting changes


def test_accepting_says_what_it_changes(folder):
    assert [found.status for _, _, found in checking.moved([made("er")], folder, "smoke")] == ["new"]
    accept([made("er"), made("ewc")], folder, "smoke")
    found = checking.moved([made("er", moved(-0.1)), made("ewc"), made("si")], folder, "smoke")
    assert [(strategy, verdict.status) for _, strategy, verdict in found] == [
        ("er", "regressed"),
        ("ewc", "identical"),
        ("si", "new"),
    ]
    assert found[0][2].detail.startswith("ACC 70.0 -> 60.0") and found[2][2].detail.startswith("ACC 70.0")


# ---- the older form of a baseline


def test_a_baseline_of_schema_1_is_read_and_becomes_schema_2_when_something_is_accepted(folder):
    (path,) = accept([made("er"), made("ewc")], folder, "smoke")
    content = json.loads(path.read_text())
    content["schema"] = 1
    for entry in content["strategies"].values():
        del entry["slices"], entry["metrics"]
    path.write_text(json.dumps(content))
    assert check([made("er"), made("ewc")], folder, "smoke")[0][2].status == "identical"
    accept([made("er")], folder, "smoke")
    read = json.loads(path.read_text())
    assert read["schema"] == 2 and read["strategies"]["ewc"]["metrics"] is None
    assert read["strategies"]["er"]["metrics"]["acc"] == pytest.approx([0.6995, 0.7, 0.7005])


def test_a_baseline_holds_the_sizes_of_the_slices(folder):
    record = made()
    groups = [replace(group, slice_sizes=[71, 70]) for group in record.groups]
    accept([replace(record, groups=groups)], folder, "smoke")
    assert load_baselines(folder, "smoke")[BENCHMARK, "er"]["slices"] == [[71, 70]] * 3


# ---- two source trees


def entries(*made_records):
    return {(record.benchmark, record.strategy): checking.entry_of(record) for record in made_records}


def judged_against(before, now, committed=None, **more):
    pairs = before.keys() | now.keys()
    return [verdict for *_, verdict in checking.against(before, now, pairs, {}, committed=committed, **more)]


def test_between_two_trees_only_the_code_differs():
    scattered = ARRAY.copy()
    scattered[:, -1] += np.array([-0.03, 0.0, 0.03])[:, None]
    (undecided,) = judged_against(entries(made()), entries(made(acc=scattered, processor="another name")))
    assert undecided.status == "undecided" and undecided.bad
    (new,) = judged_against({}, entries(made()), unknown={(BENCHMARK, "er")})
    assert new.status == "new" and not new.bad
    assert status_of(new) == 1  # nothing was compared
    (lost,) = judged_against({}, entries(made()))
    assert lost.status == "missing" and lost.detail == "no baseline record"
    (missing,) = judged_against(entries(made()), {})
    assert missing.status == "missing" and missing.bad
    (wider,) = judged_against(entries(made()), entries(made(acc=scattered)), margin=0.2)
    assert wider.status == "pass"


def test_between_two_trees_better_numbers_pass_only_when_accepted():
    (better,) = judged_against(entries(made()), entries(made(acc=moved(0.1))))
    assert better.status == "improved" and status_of(better, strict=True) == 1
    assert "passes once it is accepted: run it, `clbench baseline accept`" in better.detail


def test_a_change_is_accepted_where_the_committed_baseline_has_moved_with_it():
    before, now = entries(made()), entries(made(acc=moved(0.1), steps=110))
    for committed in ({}, before):
        (better,) = judged_against(before, now, committed)
        assert better.status == "cost changed" and better.bad
    (better,) = judged_against(before, now, now)
    assert better.accepted and status_of(better, strict=True) == 0
    assert better.detail.endswith("accepted: the baseline holds it")
