"""FLOPs of a block, by torch's own formulas: torch.utils.flop_counter's total without its tables by module."""
from collections.abc import Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class FlopCounter(TorchDispatchMode):
    """Adds up `flops` of the matrix products and convolutions within the block, forward and backward.

    FlopCounterMode hooks every module to say where FLOPs arise, asks anew for every operator whether it is made of others,
    and imports torch's compiler to be left out of it. What reaches a mode is made of no others: autograd, above it, has
    taken it apart, but for `torch.inference_mode`, in which this counts too little.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False                             # nothing is compiled here, and to skip the compiler takes its import

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: Sequence[Any] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out
