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
        self.repeated = 0

    @property
    def flops(self) -> int:
        return self.get_total_flops() + self.repeated

    @flops.setter
    def flops(self, value: int) -> None:
        self.repeated = value - self.get_total_flops()

    def __exit__(self, *what):
        self.repeated = self.flops  # entered again, it starts at 0
        super().__exit__(*what)
        self.flop_counts.clear()


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


@pytest.mark.parametrize("x_needs_grad", [False, True])
def test_convolutions_mapped_over_seeds_count_as_many_as_one_after_another(x_needs_grad):
    x = torch.ones(3, 2, 5, 8, 8, requires_grad=x_needs_grad)
    kernel = torch.ones(3, 4, 5, 3, 3, requires_grad=True)
    with FlopCounter() as mapped:
        torch.vmap(torch.nn.functional.conv2d)(x, kernel).sum().backward()
    with OfTorch() as alone:
        torch.nn.functional.conv2d(x[0], kernel[0]).sum().backward()
    # Forward, to the kernel and perhaps to x: 2 FLOPs a product.
    assert mapped.flops == 3 * alone.flops == 3 * (3 if x_needs_grad else 2) * 2 * 2 * 6 * 6 * 4 * 5 * 9
