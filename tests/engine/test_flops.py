"""FLOPs counted by our mode and by torch's own."""

import pytest
import torch
from helpers import SUPPORTED, make
from torch.utils.flop_counter import FlopCounterMode

from clbench.engine import clock
from clbench.engine.flops import FlopCounter


class OfTorch(FlopCounterMode):
    """torch's counter in the place of ours."""

    def __init__(self):
        super().__init__(display=False)

    @property
    def flops(self) -> int:
        return self.get_total_flops()


@pytest.mark.parametrize(("name", "scenario"), dict(SUPPORTED).items())
def test_every_strategy_counts_what_torch_counts(name, scenario, monkeypatch):
    """What is counted of a run: the first step of every fit, and all that parts do before and after a
    task."""
    ours = make(name, scenario, [0, 1], steps=2)
    ours.train()
    monkeypatch.setattr(clock, "FlopCounter", OfTorch)
    theirs = make(name, scenario, [0, 1], steps=2)
    theirs.train()
    assert ours.clock.flops == theirs.clock.flops > 0


def test_convolutions_and_their_gradients_are_counted():
    counts = []
    for counter in (FlopCounter(), OfTorch()):
        x, kernel = torch.ones(3, 2, 5, 8, 8), torch.ones(3, 4, 5, 3, 3, requires_grad=True)
        with counter:
            torch.vmap(torch.nn.functional.conv2d)(x, kernel).sum().backward()
        counts.append(counter.flops)
    assert (
        counts[0] == counts[1] >= 2 * 2 * 3 * 2 * 6 * 6 * 4 * 5 * 9
    )  # forward and to the kernel, 2 FLOPs a product
