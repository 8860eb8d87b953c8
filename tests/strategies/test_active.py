"""Active learning: which labels are asked for, and that no other is read."""

import pytest
import torch
from helpers import make, until

from clbench import registry
from clbench.errors import InputError
from clbench.strategies.sampling.active import Active


class Watch(Active):
    """Notes what it asked for in every round, and the network then."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.rounds_of, self.thetas = [], []

    def worth(self, t):
        self.thetas.append(self.run.learner.theta.clone())
        return super().worth(t)

    def after_step(self, batch):
        self.rounds_of.append((self.asked.clone(), batch.samples.clone()))


@pytest.mark.parametrize("pick", ["entropy", "margin"])
def test_it_asks_where_the_network_is_least_sure_and_trains_on_nothing_else(pick):
    part = Watch(labels=0.5, rounds=3, pick=pick)
    run = make("naive", seeds=(0, 1), steps=12)
    run = type(run)(run.stream, run.learner.net, [part], run.budget)
    run.learn(task := run.stream.tasks[0])
    n, share = len(task.train), int(0.5 * len(task.train)) // 3
    assert [asked.shape[1] for asked, _ in part.rounds_of] == [share] * 4 + [2 * share] * 4 + [3 * share] * 4
    for asked, samples in part.rounds_of:
        for s in range(2):
            known = set(task.train[asked[s], 1].tolist())
            assert len(known) == asked.shape[1]  # no label twice
            assert set(samples[s, :, 1].tolist()) <= known
    x = run.stream.gather(task.train.expand(2, -1, 2)).x
    for number, theta in enumerate(part.thetas):
        before, after = (part.rounds_of[4 * (number + i)][0] for i in (0, 1))
        for s in range(2):
            p = run.learner.net.module(theta[s])(x[s]).softmax(-1).detach()
            unsure = (
                -(p * p.log()).sum(-1) if pick == "entropy" else -p.topk(2).values.diff(dim=-1).abs()[:, 0]
            )
            left = [i for i in range(n) if i not in before[s].tolist()]
            best = sorted(left, key=lambda i: -float(unsure[i]))[:share]
            assert set(after[s].tolist()) - set(before[s].tolist()) == set(best)


def test_the_share_of_labels_is_a_cost():
    part, random = (
        registry.strategy(spec).build()[0] for spec in ("active(labels=0.3)", "active(pick='random')")
    )
    assert part.labels == 0.3 and random.labels == 0.2
    entropy, control = (make(f"active(pick='{pick}')") for pick in ("entropy", "random"))
    plans = [until(run, 1).samples[:3] for run in (entropy, control)]
    assert torch.equal(*plans)  # the first round is the same


def test_what_it_refuses():
    stream, net = make("naive").stream, make("naive").learner.net
    assert "fewer than 40 rounds" in Active(labels=0.2, rounds=40).supports(stream, net)
    for other in ("er", "joint", "cumulative"):
        with pytest.raises(InputError, match="few labels|choose which samples"):
            registry.strategy(f"active+{other}")
