"""`clbench check` against the committed baselines: passes on this code, fails on code that was broken on
purpose."""

import json
from pathlib import Path

import pytest
import torch

from clbench.core.part import Part
from clbench.strategies.parts.fisher import fisher_diagonal
from clbench.strategies.regularisation.ewc import EWC
from clbench.strategies.replay.er import ER
from clbench.streams.labelled import LabelledStream

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def check(here):
    """(exit code, what was printed) of `clbench check` on one pair, in this process."""

    def run(benchmark, strategy, *more):
        done = here(
            "check", "--profile", "smoke", "-b", benchmark, "-s", strategy, "--workers", "0", *more, cwd=ROOT
        )
        return done.returncode, done.stdout

    return run


def test_unchanged_code_passes(check):
    code, said = check("split_digits_domain", "e*")
    assert code in (0, 3), said  # 3: another processor, too few seeds to tell
    number = sum(path.stem[0] == "e" for path in (ROOT / "results/smoke/split_digits_domain").glob("*.json"))
    assert number >= 3 and f"compared {number} of {number} pairs" in said  # ema, er, ewc, …


def test_a_replay_memory_that_stays_empty_is_a_regression(check, monkeypatch):
    monkeypatch.setattr(ER, "before_task", Part.before_task)
    code, said = check("split_digits_class", "er")
    assert code == 1 and said.startswith("regressed"), said


def test_a_dead_penalty_is_a_regression(check, monkeypatch):
    monkeypatch.setattr(EWC, "gradient", Part.gradient)
    code, said = check("split_digits_domain", "ewc")
    assert code == 1 and said.startswith("regressed") and "forgetting" in said, said


def test_shifted_labels_of_one_task_are_a_regression(check, monkeypatch):
    gather = LabelledStream.gather

    def shifted(self, samples):
        batch = gather(self, samples)
        batch.y = torch.where(batch.task == 1, 5 - batch.y, batch.y)  # its classes are 2 and 3
        return batch

    monkeypatch.setattr(LabelledStream, "gather", shifted)
    code, said = check("split_digits_task", "naive")
    assert code == 1 and said.startswith("regressed"), said


def test_an_extra_pass_is_a_changed_cost(check, monkeypatch):
    after_task = EWC.after_task

    def twice(self, t):
        after_task(self, t)
        fisher_diagonal(self.run, self.run.subset(self.run.stream.tasks[t].train, 64, "again"))

    monkeypatch.setattr(EWC, "after_task", twice)
    code, said = check("split_digits_domain", "ewc", "--format", "github")
    assert code == 1 and "cost changed" in said and "flops" in said and said.startswith("::error"), said


def test_a_strategy_that_is_gone_is_missing_and_the_others_are_judged(here, tmp_path):
    run = ("run", "-b", "blobs_class", "-s", "naive", "--workers", "0", "--out", "results", "--seeds", "2")
    here(*run, "--profile", "smoke")
    here("baseline", "accept", "--profile", "smoke", "--results", "results")
    file = tmp_path / "baselines/smoke/blobs_class.json"
    content = json.loads(file.read_text())
    content["strategies"]["gone"] = content["strategies"]["naive"]
    file.write_text(json.dumps(content))
    done = here("check", "--profile", "smoke", "--workers", "0")
    assert done.returncode == 1 and 'blobs_class gone: unknown strategy "gone"' in done.stderr
    assert [line.split()[:3:2] for line in done.stdout.splitlines()[:2]] == [
        ["missing", "gone"],
        ["identical", "naive"],
    ]


def test_accepting_prints_what_it_changes(here):
    run = ("run", "-b", "blobs_class", "--workers", "0", "--out", "results", "--seeds", "2")
    accept = ("baseline", "accept", "--profile", "smoke", "--results", "results")
    here(*run, "-s", "naive", "--profile", "smoke")
    first = here(*accept).stdout.splitlines()
    assert first[0].startswith("new  blobs_class  naive  ACC ")
    assert first[1:] == ["accepted: 1 new", "baselines/smoke/blobs_class.json"]
    here(*run, "-s", "ema", "--profile", "smoke")
    assert [line.split()[0] for line in here(*accept).stdout.splitlines()[:2]] == ["new", "identical"]
