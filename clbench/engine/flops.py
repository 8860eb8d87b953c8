"""Counts the FLOPs of a block by torch's own formulas, as torch.utils.flop_counter does, but faster."""

from collections.abc import Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class FlopCounter(TorchDispatchMode):
    """Adds up `flops`, those of the matrix products and convolutions within the block, forward and backward.

    torch's FlopCounterMode is slower: it hooks every module to say where FLOPs arise, asks for every
    operator whether it can be decomposed, and imports torch's compiler. Here autograd has decomposed every
    operator before it arrives. That is not so within `torch.inference_mode`, where this counts too little.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled; True would import the compiler

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out
