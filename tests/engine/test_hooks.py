"""What a hook gives back: another order in memory is put right, anything else is refused by name."""

import pytest
import torch
from helpers import make

from clbench.api import run as clbench_run
from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.errors import HookError
from clbench.models.mlp import MLP
from clbench.strategies.replay.er import ER


class Same(Part):
    """The same numbers in another order in memory."""

    def gradient(self, g, batch):
        return g.T.contiguous().T


class Expanded(Part):
    """Right in shape, with one row in memory."""

    def gradient(self, g, batch):
        return g[:1].expand_as(g)


class Copied(Part):
    def gradient(self, g, batch):
        return g[:1].repeat(len(g), 1)


@pytest.mark.parametrize(
    "optimiser", [{"optimiser": "adam"}, {"optimiser": "sgd", "lr": 0.02, "momentum": 0.9}]
)
def test_a_gradient_in_another_order_in_memory_is_the_same_gradient(optimiser):
    same, plain = (make("naive", seeds=[0, 1], extra=extra, **optimiser) for extra in ([Same()], []))
    assert torch.equal(same.train(), plain.train()) and torch.equal(same.learner.theta, plain.learner.theta)
    expanded, copied = (
        make("naive", seeds=[0, 1], extra=[part], **optimiser) for part in (Expanded(), Copied())
    )
    assert torch.equal(expanded.train(), copied.train())
    assert torch.equal(expanded.learner.theta, copied.learner.theta)


def later(change):
    """A gradient that is right in the first task and the first steps of the second."""

    class Late(Part):
        def gradient(self, g, batch):
            return change(g) if self.run.t == 1 and self.run.updates == 15 else g

    return Late


GRADIENTS = {
    "float32 [1, 1984]": lambda g: g.mean(0, keepdim=True),  # would be read past its end
    "float32 [2, 3]": lambda g: g[:, :3],
    "float64 [2, 1984]": lambda g: g.double(),
    "nothing": lambda g: None,
}


@pytest.mark.parametrize("found", GRADIENTS)
def test_a_gradient_of_another_shape_or_type_is_refused_in_whichever_step_it_comes(found):
    run = make("naive", seeds=[0, 1], extra=[later(GRADIENTS[found])()])
    assert refusal(run) == f"Late.gradient (test_hooks.py:N) gives {found}; float32 [2, 1984] is due"
    assert run.updates == 15


def refusal(run) -> str:
    """What the error says, without the number of the hook's line."""
    with pytest.raises(HookError) as error:
        run.train()
    message = str(error.value)
    assert "\n" not in message
    head, behind = message.split("test_hooks.py:", 1)
    return f"{head}test_hooks.py:N{behind[behind.index(')') :]}"


def part(**hooks):
    return type("Own", (Part,), hooks)()


def with_entry(name, value):
    """A hook that puts value(what it is given) there."""
    return lambda self, batch: Batch({**batch, name: value(batch)})


REFUSED = {
    "choose_samples gives int64 [12, 2, 16, 3]; int64 [steps, 2, rows, 2] is due": part(
        choose_samples=lambda self, t: torch.zeros(12, 2, 16, 3, dtype=torch.long)
    ),
    "choose_samples gives float32 [12, 2, 16, 2]; int64 [steps, 2, rows, 2] is due": part(
        choose_samples=lambda self, t: torch.zeros(12, 2, 16, 2)
    ),
    "before_task gives nothing; a Batch is due": part(before_task=lambda self, t, plan: None),
    "before_task gives `anchor` as float32 [2, 5]; tensor [12, 2, …] is due": part(
        before_task=lambda self, t, plan: Batch({**plan, "anchor": torch.zeros(2, 5)})
    ),
    "before_task gives `samples` as int64 [12, 1, 16, 2]; int64 [steps, 2, rows, 2] is due": part(
        before_task=lambda self, t, plan: Batch(samples=plan.samples[:, :1])
    ),
    "batch gives nothing; a Batch is due": part(batch=lambda self, batch: None),
    "batch gives `teacher` as float32 [16, 10]; tensor [2, …] is due": part(
        batch=with_entry("teacher", lambda batch: torch.zeros(16, 10))
    ),
    "batch gives `weight` as float32 [2, 1]; float [2, 16] is due": part(
        batch=with_entry("weight", lambda batch: batch.weight[:, :1])  # would broadcast
    ),
    "batch gives `y` as int32 [2, 16]; int64 [2, 16] is due": part(
        batch=with_entry("y", lambda batch: batch.y.int())
    ),
    "batch gives `x` as float32 [2, 8, 16]; tensor [2, 16, …] is due": part(
        batch=with_entry("x", lambda batch: batch.x[:, :8])
    ),
    "batch gives `x` as float32 [2, 16, 16] on meta; tensor [2, 16, …] on cpu is due": part(
        batch=with_entry("x", lambda batch: batch.x.to("meta"))
    ),
    "data_losses gives float32 [16, 1]; float [16] is due": part(  # would broadcast
        data_losses=lambda self, out, batch: out.square().mean(-1, keepdim=True)
    ),
    "losses gives float32 []; float [at most 16] is due": part(
        losses=lambda self, out, batch: out.square().mean()
    ),
    "losses gives float32 [16, 16]; float [at most 16] is due": part(  # would broadcast
        losses=lambda self, out, batch: out @ out.mT
    ),
    "predict gives float32 [2, 10]; float [2, 40, 10] is due": part(
        predict=lambda self, x, t: self.run.learner.outputs(x)[:, 0]
    ),
    "predict gives int64 [2, 40]; float [2, 40, 10] is due": part(
        predict=lambda self, x, t: self.run.learner.outputs(x).argmax(-1)
    ),
    "predict gives float32 [1, 40, 10]; float [2, 40, 10] is due": part(
        predict=lambda self, x, t: self.run.learner.outputs(x)[:1]
    ),
}


@pytest.mark.parametrize("said", REFUSED, ids=[said.split(";")[0] for said in REFUSED])
def test_what_a_hook_gives_is_refused_by_name_with_the_shape_found_and_the_shape_due(said):
    hook, rest = said.split(" ", 1)
    run = make("naive", seeds=[0, 1], extra=[REFUSED[said]])
    assert refusal(run) == f"Own.{hook} (test_hooks.py:N) {rest}"


class Fifty(MLP):
    def init(self, generator):
        return super().init(generator)[:50]


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (lambda net: None, "gives nothing; a network is due: `layout`, `init` and a call"),
        (
            lambda net: torch.nn.Linear(16, 10),
            "gives a Linear; a network is due: `layout`, `init` and a call",
        ),
        (lambda net: Fifty(16, 32, 10), "gives `init` as float32 [2, 50]; float32 [2, 896] is due"),
    ],
)
def test_a_network_of_a_part_is_looked_at_before_anything_is_learnt(net, said):
    own = part(network=lambda self, stream, given: net(given))
    with pytest.raises(HookError) as error:
        make("naive", seeds=[0, 1], extra=[own])
    assert str(error.value).startswith("Own.network (test_hooks.py:") and str(error.value).endswith(said)


def test_what_is_stored_is_looked_at():
    class OfOneSeed(ER):
        def after_task(self, t):
            super().after_task(t)
            self.stored = self.stored[0]

    run = make("naive", seeds=[0, 1], extra=[OfOneSeed(memory=100)])
    with pytest.raises(
        HookError, match=r"OfOneSeed\.stored gives int64 \[100, 2\]; int64 \[2, examples, 2\] is due"
    ):
        run.train()


def test_a_run_of_a_part_that_gives_something_else_has_failed_and_says_so_in_a_line():
    class Mean(Part):
        def gradient(self, g, batch):
            return g.mean(0, keepdim=True)

    with pytest.raises(RuntimeError, match=r"Mean\.gradient \(test_hooks.py:\d+\) gives float32 \[1, 1984\]"):
        clbench_run("blobs_class", Mean, seeds=2, profile="smoke")
