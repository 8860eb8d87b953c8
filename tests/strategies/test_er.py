"""Experience replay from a buffer of all that has been seen, er(memory='all'), against a plain twin."""

import pytest
import torch
from helpers import make, refused, until
from strategies.test_equations import SGD, Twin, same_weights

from clbench import registry
from clbench.core.keyed import generator
from clbench.testing import strategy_checks

ALL = "er(memory='all')"
PAIRS = "driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=6)"


class BufferTwin(Twin):
    """A list that every step first draws from and then extends by those of its rows that are not in it."""

    def __init__(self, run):
        super().__init__(run)
        self.buffer = []

    def samples(self, t):
        steps = self.run.steps
        draws = generator(self.seed, "replay", t)
        u = torch.rand(steps, 16, generator=draws, dtype=torch.double)
        for new, places in zip(super().samples(t), u, strict=True):
            replay = [self.buffer[int(one * len(self.buffer))] for one in places.tolist()] if t else []
            yield torch.cat([new, torch.tensor(replay, dtype=torch.long).view(1, -1, 2)], 1)
            for row in new[0].tolist():
                if row not in self.buffer:
                    self.buffer.append(row)


@pytest.mark.parametrize(
    ("scenario", "steps"), [("class", 12), ("task", 12), ("domain", 5)]
)  # more than a pass over 120 examples, and less
def test_a_buffer_of_all_data(scenario, steps):
    run = make(ALL, scenario, steps=steps, **SGD)
    twin = BufferTwin(run)
    same_weights(run, twin)
    assert sorted(run.parts[0].stored[0].tolist()) == sorted(twin.buffer)


def test_a_step_replays_what_earlier_steps_of_its_task_have_seen_and_nothing_else():
    run = make(ALL, seeds=[0, 1], steps=20)
    plan, seen = until(run, 1), run.parts[0].stored.shape[1]
    of_the_task = 0
    for s in range(2):
        written = {tuple(row) for row in run.parts[0].stored[s].tolist() if row[0] == 0}
        assert len(written) == 120
        for samples in plan.samples[:, s]:
            new, replayed = ({tuple(row) for row in half.tolist()} for half in samples.split(16))
            assert replayed <= written
            of_the_task += sum(t for t, _ in replayed)
            written |= new
        assert len(written) == seen
    assert of_the_task > 40


def test_keeps_everything_and_old_tasks_with_it():
    run = make(ALL, seeds=[0, 1], steps=60)
    old = run.train()[:, -1, :4].mean()
    assert old > make("naive", seeds=[0, 1], steps=60).train()[:, -1, :4].mean() + 0.3
    stored = run.parts[0].stored
    assert stored.shape == (2, 600, 2) and all(len(one.unique(dim=0)) == 600 for one in stored)


def test_with_fixed_compute_new_and_stored_rows_share_a_batch():
    run = make(ALL, benchmark=PAIRS)
    plan = until(run, 1)
    assert plan.samples.shape[2] == run.rows == 2 * run.replayed
    assert run.parts[0].stored.shape[1] == 2 * 48


@pytest.mark.parametrize(
    "check",
    [check for check in strategy_checks("er", memory="all") if check.name.endswith("class")],
    ids=str,
)
def test_contract(check):
    check()


def test_a_memory_is_a_number_or_all():
    assert refused(registry.strategy, "er(memory='most')") == (
        "er: memory takes a whole number from 1 to 1,000,000,000, or 'all', not 'most'"
    )
    assert "memory takes a whole number" in refused(registry.strategy, "mir(memory='all')")
    _, benchmark, _ = registry.benchmark("split_digits_class", "smoke")
    assert registry.strategy_on("er", benchmark, "smoke").build()[0].memory == 100  # the benchmark's
    assert not make("er").parts[0].grows and make(ALL).parts[0].grows
