"""Every pair `a+b` of native strategies does what both do, or is refused with a reason that names both."""

from contextlib import nullcontext
from functools import lru_cache
from zlib import crc32

import pytest
import torch
from helpers import NATIVE, make, reason
from helpers import small as sized

from clbench import registry
from clbench.core.part import Part
from clbench.errors import InputError

# What people join.
EXPECTED = [
    "er+lwf",
    "mir+lwf",
    "ewc+er",
    "agem+ewc",
    "derpp+lwf",
    "icarl+ewc",
    "icarl+lwf",
    "ema+er",
    "patching+ewc",
    "packnet+er",
    "progressive+er",
    "gem+mir",
    "ewc+adapter",
    "er+agem",
    "er+mir",
    "er+icarl",
    "lwf+joint",
    "gem+joint",
]


def small(spec: str, scenario: str = "class", extra=(), **budget):
    """A run of three tasks of six long steps, so that gradients go against stored ones soon."""
    return make(
        sized(spec, memory=30, rows=2, samples=16, herded=20),
        scenario,
        extra=extra,
        benchmark="blobs_{}(tasks=3)",
        **{"steps": 6, "lr": 0.03} | budget,
    )


@lru_cache(None)
def scores(spec: str, scenario: str) -> torch.Tensor:
    """What the run of the spec answers on the test data of every task, in the end."""
    run = small(spec, scenario)
    run.clock.count_flops = lambda times=1: nullcontext()  # half of so short a run
    run.train()
    assert not run.diverged
    tests = [(run.stream.test(t, slice(None)), t if scenario == "task" else None) for t in range(3)]
    return torch.cat([run.predict(*one) for one in tests], 1)


def refused(spec: str) -> str | None:
    try:
        registry.strategy(spec)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("a", NATIVE)
def test_a_pair_differs_from_either_alone_or_is_refused(a):
    """Of all pairs it is known whether they are refused; a part of the others is trained, chosen by name."""
    for b in NATIVE:
        spec = f"{a}+{b}"
        if why := refused(spec):
            assert len(why.splitlines()) == 1 and why.count(a) > 1 and why.count(b) > 1
        elif crc32(spec.encode()) % 6 == 0:
            scenario = "task" if reason(a, "class") or reason(b, "class") else "class"
            both = scores.__wrapped__(spec, scenario)
            assert both.isfinite().all(), spec
            for alone, other in ((a, b), (b, a)):
                assert torch.equal(both, scores(alone, scenario)) == (other == "naive"), f"{spec} is {alone}"


@pytest.mark.parametrize("spec", EXPECTED)
def test_what_people_join_is_not_refused(spec):
    assert not refused(spec) and not refused("+".join(reversed(spec.split("+"))))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("er+er(memory=20)", "er stands there twice"),
        ("adapter+progressive", "both replace the network"),
        ("ema+icarl", "both replace the prediction"),
        ("icarl+joint", "both choose which samples"),
        ("packnet+head_only", "both choose which weights learn"),
        ("joint+packnet", "starts every task from the initial weights"),
        ("lwf+progressive", "lwf has nothing to protect"),
        ("er+slda", "slda learns the first task as plain training does and then takes no step: leave er out"),
        ("naive+er+ewc+icarl+ema", "icarl and ema both replace the prediction"),
    ],
)
def test_refused_with_the_reason(spec, reason):
    assert reason in refused(spec)


# ---- what the order does not decide


@pytest.mark.parametrize(
    ("spec", "seeds"),
    [
        ("er+cumulative", [0]),
        ("icarl+er", [0, 1]),
        ("lwf+joint", [0]),
        ("agem+joint", [0, 1]),
        ("ewc+adapter", [0]),
    ],
)
def test_the_order_of_parts_that_meet_in_no_hook_is_of_no_account(spec, seeds):
    theirs = []
    for one in (spec, "+".join(reversed(spec.split("+")))):
        run = small(one, seeds=seeds)
        run.train()
        theirs.append(run.learner.theta)
    assert torch.equal(*theirs)


def test_replay_stays_whatever_comes_behind_it():
    """16 new rows, 16 of er's in the plan, 16 that mir chooses in the step."""
    for spec, rows in (("er+agem", 32), ("agem+er", 32), ("er+mir", 48), ("mir+er", 48), ("er+joint", 32)):
        seen = []

        class Watch(Part):
            def after_step(self, batch, seen=seen):
                seen.append(batch.y.shape[1])

        small(spec, extra=[Watch()]).train()
        assert seen[0] == 16 and seen[-1] == rows, spec


def test_the_teacher_beside_retraining_is_the_network_before_it():
    run = small("joint+lwf")
    run.learn(run.stream.tasks[0])
    before = run.learner.theta.clone()
    run.t = 1
    run.plan(run.stream.tasks[1])
    assert torch.equal(run.parts[1].teacher, before) and torch.equal(run.learner.theta, run.learner.initial)


# ---- a name space for each part


class Notes(Part):
    """Puts an entry into the plan and one into the batch, and draws."""

    def __init__(self, number: float):
        self.number, self.found = number, []

    def start(self, run):
        self.kept = run.subset(run.stream.tasks[0].train, 20, "kept by notes")

    def before_task(self, t, plan):
        plan.planned = torch.full((len(plan.samples), self.run.S, 1), self.number)
        return plan

    def batch(self, batch):
        assert "added" not in batch
        batch.added = batch.planned + 0.5
        return batch

    def losses(self, out, batch):
        return 0 * out[:, 0] * batch.added + 0 * batch.planned

    def after_step(self, batch):
        self.found += [batch.planned.item(), batch.added.item()]


class MoreNotes(Notes):
    pass


def test_parts_see_their_own_entries_only():
    run = small("packnet", "task", extra=[Notes(1.0), MoreNotes(2.0)])
    packnet, first, second = run.parts
    run.parts = [first, second, packnet]
    run.train()
    assert set(first.found) == {1.0, 1.5} and set(second.found) == {
        2.0,
        2.5,
    }  # also while packnet trains again
    assert len(first.found) == len(second.found) == 2 * 3 * 6


def test_a_part_that_trains_on_a_plan_of_its_own_finds_its_entries():
    class Again(Notes):
        def after_task(self, t):
            self.run.fit(self.before_task(t, self.run.plan(self.run.stream.tasks[t]).for_part(self.run.turn)))

    run = small("er", extra=[Notes(1.0), Again(3.0)])
    run.train()
    assert set(run.parts[2].found) == {3.0, 3.5} and len(run.parts[2].found) == 2 * 2 * 3 * 6


def test_two_parts_that_draw_for_the_same_purpose_draw_apart():
    run = small("naive", extra=[Notes(1.0), MoreNotes(2.0)])
    alone = small("naive", extra=[MoreNotes(2.0)])
    assert torch.equal(run.parts[1].kept, alone.parts[1].kept)
    assert not torch.equal(run.parts[1].kept, run.parts[2].kept)
    both, er = small("er+mir"), small("er")
    both.train(), er.train()
    kept, chosen = both.parts[0].stored, both.parts[1].stored
    assert torch.equal(kept, er.parts[0].stored) and not torch.equal(kept, chosen)


# ---- declarations are what classes do


@pytest.mark.parametrize("name", NATIVE)
def test_a_class_declares_what_it_does(name):
    run = small(name, "task")
    run.learn(run.stream.tasks[0])
    (part,) = run.parts
    before, (old, new) = run.learner.theta.clone(), run.stream.tasks[:2]
    run.t = 1
    plan = run.plan(new)
    assert part.learns_first_task_only == (len(plan.samples) == 0)
    assert part.freezes or run.learner.frozen is None
    assert part.retrains == (not torch.equal(run.learner.theta, before))
    rows = run.stream.gather(old.train[:40].unsqueeze(0))
    g = run.learner.gradient(lambda out, batch: run.stream.losses(out, batch).mean(), rows).g
    learns = g if run.learner.frozen is None else g.masked_fill(run.learner.frozen, 0)
    assert part.separates_tasks == bool((learns == 0).all())


@pytest.mark.parametrize("spec", ["net2net+packnet", "joint+hat", "joint+net2net", "ncm+er"])
def test_what_leaves_nothing_of_the_other_is_refused(spec):
    assert refused(spec)


@pytest.mark.parametrize(
    "name", [name for name in NATIVE if registry.load(registry.strategies()[name]).freezes]
)
def test_what_freezes_leaves_weights_as_they_are_that_plain_training_moves(name):
    still = {}
    for one in (name, "naive"):
        run = small(one, "task")
        run.learn(run.stream.tasks[0])
        before, run.t = run.learner.theta.clone(), 1
        run.fit(run.plan(run.stream.tasks[1]))
        still[one] = (run.learner.theta == before).float().mean()
    assert still[name] > still["naive"] + 0.1


@pytest.mark.parametrize(
    "name", [name for name in NATIVE if registry.load(registry.strategies()[name]).protects]
)
def test_what_protects_has_no_effect_where_tasks_are_separate(name, monkeypatch):
    monkeypatch.setattr("clbench.core.composition._undone", lambda *_: None)
    assert torch.equal(scores.__wrapped__(f"progressive+{name}", "task"), scores("progressive", "task"))


def test_a_learner_replaced_in_start_is_refused():
    class Old(Part):
        def start(self, run):
            run.learner = run.new_learner(run.learner.net)

    with pytest.raises(InputError, match="the hooks `network` and `data_losses` are for"):
        small("naive", extra=[Old()])
