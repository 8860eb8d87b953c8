"""A training step as a CUDA graph: one launch instead of hundreds."""

from collections.abc import Callable
from functools import cache

import torch

from clbench.core.batch import Batch

# Eager steps before the capture: libraries choose their kernels and allocate their workspaces in them.
WARM_UP = 3


class CapturedStep:
    """Takes the steps of one fit: a few eagerly, then one that is recorded once and replayed with each step's
    draws.

    Nothing runs while it is recorded. The step must have static shapes, ask the device for no value and write
    what it keeps in place: the contract battery tests all three for every strategy on a CPU. A step that CUDA
    refuses to record goes on eagerly, with a note.
    """

    def __init__(self, step: Callable[[Batch], None], notes: list[str]):
        # The types stand in a comment: where this file's code changes, records made on a GPU have to be made
        # anew.
        self.step, self.notes, self.eager, self.graph = step, notes, WARM_UP, None  # type: Callable[[Batch], None], list[str], float, torch.cuda.CUDAGraph | None

    def __call__(self, draws: Batch) -> None:
        if self.eager > 0:
            self.eager -= 1
            return self._on_a_side_stream(draws)
        if self.graph is None and not self._record(draws):
            return self(draws)
        for name, tensor in draws.items():
            self.draws[name].copy_(tensor)
        self.graph.replay()  # type: ignore[union-attr]    # recorded just now, or before

    def _record(self, draws: Batch) -> bool:
        self.draws = Batch(
            {name: tensor.clone() for name, tensor in draws.items()}
        )  # the addresses that it reads
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self.step(self.draws)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.notes.append(f"steps were not captured: {str(error).splitlines()[0]}")
            self.eager = float("inf")
            return False
        self.graph = graph
        return True

    def _on_a_side_stream(self, draws: Batch) -> None:
        """As CUDA wants it before a capture: not on the default stream."""
        side = _side_stream(torch.cuda.current_device())
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.step(draws)
        torch.cuda.current_stream().wait_stream(side)


@cache
def _side_stream(device: int) -> torch.cuda.Stream:
    """One for all: cuBLAS keeps a workspace of 32 MB for every stream that it has seen."""
    return torch.cuda.Stream(device)
