"""The contract: every native strategy passes all of it without further test code, and planted culprits do
not."""

import re
from dataclasses import dataclass

import pytest
import torch
from helpers import NATIVE, contract, make

from clbench import Memory, Part, registry
from clbench.errors import InputError
from clbench.testing import check_strategy, strategy_checks


@contract("class", "task", "domain")
def test_contract(check):
    check()


@pytest.mark.parametrize("name", NATIVE)
def test_has_a_summary_and_typed_fields(name):
    entry = registry.strategies()[name]
    assert entry.summary.endswith((".", ":")) or len(entry.summary) > 20
    registry.strategy(name)


def test_retraining_takes_the_steps_of_all_tasks_so_far_or_of_one():
    for name, steps in (
        ("joint", 12 * 15),
        ("joint_equal", 12 * 5),
        ("cumulative", 12 * 5),
        ("cumulative(budget='seen')", 12 * 15),
    ):
        run = make(name)
        run.train()
        assert run.updates == steps, name


# ---- what each check is there for


class Anchor(Part):
    """Holds the contract; each culprit derives from it and breaks one thing."""

    def before_task(self, t, plan):
        self.anchor = self.run.learner.theta.detach().clone()
        return plan

    def gradient(self, g, batch):
        return g + self.run.learner.theta.detach() - self.anchor


class Dice(Anchor):
    def gradient(self, g, batch):
        return super().gradient(g, batch) + 0.01 * torch.rand_like(g)


class Explodes(Anchor):
    def gradient(self, g, batch):
        return g * torch.nan


class Remembers(Anchor):
    runs = 0

    def start(self, run):
        Remembers.runs += 1

    def gradient(self, g, batch):
        return super().gradient(g, batch) + 0.01 * Remembers.runs


class SeesNeighbours(Anchor):
    def gradient(self, g, batch):
        return g + (self.run.learner.theta.detach() - self.anchor).mean(0)


class ReadsOld(Anchor):
    def batch(self, batch):
        if self.run.t:
            batch.old = self.run.stream.gather(self.old).x
        return batch

    def after_task(self, t):
        self.old = self.run.subset(self.run.stream.tasks[0].train, 8, "kept in secret")


class KeepsQuietly(Anchor):
    def after_task(self, t):
        self.stored = self.run.subset(self.run.stream.tasks[0].train, 8, "kept")


class SaysItSeesAll(Anchor):
    sees_all_data = True


class HasNoEffect(Part):
    def gradient(self, g, batch):
        return 1.0 * g


class TrainsOn(Anchor):
    def after_task(self, t):
        self.run.fit(self.run.plan(self.run.stream.tasks[t]))


class LearnsOn(Anchor):
    learns_first_task_only = True


class CountsNoRows(Anchor):
    def after_step(self, batch):
        self.run.samples_seen -= 1


class Waits(Anchor):
    def gradient(self, g, batch):
        return g if g.norm().item() < 1e-9 else super().gradient(g, batch)


class CountsInPython(Anchor):
    steps = 0

    def gradient(self, g, batch):
        self.steps += 1
        return super().gradient(g, batch) + self.steps


class Rebinds(Anchor):
    def start(self, run):
        self.mean = torch.zeros_like(run.learner.theta)

    def after_step(self, batch):
        self.mean = self.mean + self.run.learner.theta

    def gradient(self, g, batch):
        return super().gradient(g, batch) + 0.01 * self.mean


class Grows(Anchor):
    def start(self, run):
        self.anchors = torch.zeros(run.S, 0)

    def after_task(self, t):
        self.anchors = torch.cat([self.anchors, self.run.learner.theta], 1)


class RefusesAtLength(Anchor):
    def supports(self, stream, net):
        return "not\nthis" if stream.scenario == "task" else None


class RefusesAll(Anchor):
    def supports(self, stream, net):
        return "no"


def test_what_holds_the_contract_passes():
    check_strategy(Anchor)


@pytest.mark.parametrize(
    ("culprit", "check", "said"),
    [
        (Dice, "twice the same bits", "draw with run.draw"),
        (Explodes, "twice the same bits", "not finite"),
        (Remembers, "a seed alone is the same seed after others", "keep no state outside the part"),
        (SeesNeighbours, "a seed alone is the same seed in a larger group", "seeds see each other"),
        (ReadsOld, "reads no old data", "do not stand in `self.stored`"),
        (KeepsQuietly, "reads no old data", "say `stores = True`"),
        (SaysItSeesAll, "reads no old data", "leave that out"),
        (HasNoEffect, "differs from plain training", "its hooks have no effect"),
        (TrainsOn, "steps and samples", "takes 48 steps where the budget has 24"),
        (LearnsOn, "steps and samples", "takes 24 steps where the budget has 8"),
        (CountsNoRows, "steps and samples", "not counted"),
        (Waits, "a step is static", "asks the device for a value"),
        (CountsInPython, "a step is static", "other shapes or numbers"),
        (Rebinds, "a recorded step", "write what is kept in place"),
        (Grows, "state does not grow", "keep a sum"),
        (RefusesAtLength, "an impossible stream", "one line"),
        (RefusesAll, "supports a stream", "refuses every stream"),
    ],
)
def test_a_culprit_fails_the_check_that_is_there_for_it(culprit, check, said):
    there = next(one for one in strategy_checks(culprit) if one.name.startswith(check))
    with pytest.raises(AssertionError, match=re.escape(said)):
        there()


def test_a_strategy_is_a_name_with_options_a_class_an_instance_or_in_a_file(tmp_path):
    @dataclass
    class Keeps(Part):
        memory: int = 5000
        after = 0

        def start(self, run):
            self.kept = Memory(run, self.memory)

        def after_task(self, t):
            self.stored = self.kept.after_task(t)

    (tmp_path / "own.py").write_text("from clbench import Part\n\n\nclass Mine(Part):\n    pass\n")
    for strategy, options, memory in (
        ("er", {"memory": 30}, 30),
        ("er(memory=40)", {}, 40),
        ("er", {}, 100),
        (Keeps, {}, 100),
        (Keeps, {"memory": 60}, 60),
        (Keeps(memory=70), {}, 70),
    ):
        (part,) = parts(strategy, **options)
        assert part.memory == memory
    assert type(parts(f"{tmp_path}/own.py:Mine")[0]).__name__ == "Mine" and len(parts(["er", Keeps])) == 2
    for strategy in ("avalanche_naive", "er(memory=40)", Keeps()):
        with pytest.raises(InputError):
            parts(strategy, memory=3)


def parts(strategy, **options) -> list:
    from clbench.testing.strategies import Subject

    return Subject(strategy, options, "class").parts()
