"""Baselines and the verdicts on records: fabricated records, real files."""

import dataclasses
import json

import numpy as np
import pytest
from msgspec.structs import replace

from clbench.errors import InputError
from clbench.results import staleness
from clbench.results.baselines import accept, check, load_baselines
from clbench.results.judged import FORMATS, exit_status, lines
from clbench.results.records import Failure, Group, Record

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
    assert verdict.detail == "steps 100 -> 110"


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
    assert verdict.detail == field


def test_settings_are_compared_as_they_come_back_from_a_file(against):
    assert (
        against(made(settings={"hidden": (10, 10)}), made(settings={"hidden": (10, 10)})).status
        == "identical"
    )


def test_noise_on_another_platform_passes_without_drift(against):
    verdict = against(made(), made(acc=moved(0.001), processor="B, AVX512"))
    assert verdict.status == "pass" and not verdict.drift and status_of(verdict) == 0
    assert "drift" not in verdict.detail


@pytest.mark.parametrize("of_source", ["unchanged", "changed"])
def test_noise_on_the_same_platform_is_said_to_be_drift(against, of_source):
    accepted = made()
    if of_source == "changed":
        accepted = made(source="c" * 16)
        accepted.verified = SOURCE  # else it would be stale
    verdict = against(accepted, made(acc=moved(0.001)))
    assert verdict.status == "pass" and verdict.drift and status_of(verdict) == 0
    assert verdict.detail.endswith(f"drift: not bit-equal on the same platform, source {of_source}")


def test_larger_groups_are_another_platform(against):
    current = made(acc=moved(0.001))
    costs = {name: None if value is None else 3 * value for name, value in current.groups[0].costs.items()}
    together = replace(current.groups[0], seeds=[0, 1, 2], costs=costs)
    verdict = against(made(), replace(current, groups=[together]))
    assert verdict.status == "pass" and not verdict.drift


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


@pytest.mark.parametrize(
    "break_it, named",
    [
        (lambda content: "<html>", "not readable as JSON"),
        (lambda content: "[1]", "no baseline of clbench"),
        (lambda content: json.dumps(content | {"schema": 99}), "schema 99, this version reads 1"),
        (
            lambda content: json.dumps(content | {"strategies": {"er": {"status": "ok"}}}),
            "the entry er is not whole",
        ),
        (lambda content: json.dumps(content | {"strategies": {"er": 3}}), "the entry er is not whole"),
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
    """One of each: identical, improved, missing, regressed, undecided, and pass with drift."""
    names = ("a_same", "better", "lost", "worse", "x|y", "z_drifts")
    accept([made(name) for name in names], folder, "smoke")
    scattered = ARRAY.copy()
    scattered[:, -1] += np.array([-0.03, 0.0, 0.03])[:, None]
    found = check(
        [
            made("a_same"),
            made("better", moved(0.1)),
            made("worse", moved(-0.1)),
            made("x|y", scattered),
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
    "3 with drift"
)


def with_one_drift(results):
    """Only z_drifts, whatever the others did."""
    return [(*pair, dataclasses.replace(verdict, drift=pair[1] == "z_drifts")) for *pair, verdict in results]


def test_text_is_one_aligned_line_per_pair_and_a_count(results):
    shown = lines(with_one_drift(results))
    assert len(shown) == 7 and shown[-1] == LAST.replace("3 with", "1 with")
    assert {line.index(BENCHMARK) for line in shown[:-1]} == {len("identical") + 2}
    assert shown[0] == f"identical  {BENCHMARK}  a_same    bit-equal, seeds [0, 1, 2]"


def test_markdown_is_a_table(results):
    shown = lines(results, "markdown")
    assert shown[:3] == [
        "| status | benchmark | strategy | detail |",
        "| --- | --- | --- | --- |",
        f"| identical | `{BENCHMARK}` | `a_same` | bit-equal, seeds [0, 1, 2] |",
    ]
    assert shown[-2:] == ["", lines(results)[-1]] and len(shown) == 2 + 6 + 2
    assert all(line.replace(r"\|", "").count("|") == 5 for line in shown[:-2])


def test_github_annotates_what_needs_a_look(results):
    shown = lines(with_one_drift(results), "github")
    assert shown[5:] == lines(with_one_drift(results))
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
