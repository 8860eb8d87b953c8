"""What a pass of a network takes, for parts that replace the network."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from clbench.core.part import Network, Stream
from clbench.core.pytree import tree_leaves, tree_map


@torch.enable_grad()
def flops_of_pass(stream: Stream, net: Network) -> int:
    """FLOPs of a pass forward and back of the first two test examples."""
    x = tree_map(lambda x: x[0], stream.test(0, slice(0, 2)))
    theta = net.init(torch.Generator().manual_seed(0)).to(stream.device).requires_grad_()
    with FlopCounterMode(display=False) as counter:
        outputs = tree_leaves(net(theta, x))
        torch.autograd.grad(torch.stack([out.sum() for out in outputs]).sum(), theta)
    return counter.get_total_flops()
