"""Batch: the named tensors of one training step, which streams make and which strategies read and extend."""

from collections.abc import Set
from typing import Any

import torch
from torch import Tensor

from clbench.core.pytree import Tree, tree_cat

# Names of a plan or batch that all parts share; every other name belongs to the part that puts it there.
SHARED = {"samples", "x", "y", "task", "mask", "weight", "lr", "out", "loss", "aside"}


def take(table: Tensor, index: Tensor) -> Tensor:
    """The rows index [S, n] of table [S, M, ...], for each seed from its own rows: [S, n, ...]."""
    beyond = [1] * (table.dim() - 2)  # the axes after the rows
    return table.gather(1, index.view(*index.shape, *beyond).expand(*index.shape, *table.shape[2:]))


class Batch(dict[Any, Any]):
    """The named tensors of one step, seed axis first; `batch.x` is `batch["x"]`.

    samples [S, B, 2]  (task, index) pairs; [S, B, 3] where the stream augments: the third is a view's number
    x [S, B, ...]      the inputs; of a stream of pairs the left and the right sides, as a tuple
    y [S, B]           the labels; of a stream of pairs their groups. -100: the row has no data term
    task [S, B]        the task of each row
    mask [S, B, C]     the outputs that a row's softmax may see
    weight [S, B]      weights of the rows in the loss, which is a weighted sum; as streams give them, a mean
    aside              in `losses`, what the network finds beside its outputs: see `HasAside` of the models

    A *plan* is the same with the steps in front: `plan.samples [steps, S, B, 2]` are all batches of a task,
    and whatever else a part puts into the plan arrives, step by step, in the batch.

    What a part puts into a plan or batch is kept under (number of the part, name), so that parts do not
    overwrite each other. `for_part` shows it to its part as `batch.name`, and `from_part` is the way back.
    """

    def __getattr__(self, name: str) -> Tensor:
        try:
            tensor: Tensor = self[name]  # or a tree, as of a stream of pairs
            return tensor
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Tree) -> None:
        self[name] = value

    def at(self, step: int) -> "Batch":
        """The batch of one step, where this is a plan."""
        return Batch({name: tensor[step] for name, tensor in self.items()})

    def between(self, start: int, end: int | None = None) -> "Batch":
        """The plan of these steps alone, where this is a plan; without `end`, of all from `start` on."""
        return Batch({name: tensor[start:end] for name, tensor in self.items()})

    def for_part(self, part: int) -> "Batch":
        """The batch as part number `part` sees it: its own entries by their names, others out of its way."""
        return Batch({key[1] if key[0] == part else key: tensor for key, tensor in self.items()})

    def from_part(self, part: int, shared: Set[str] = SHARED) -> "Batch":
        """The batch as all parts see it: a name that is not shared becomes (part, name)."""
        return Batch(
            {
                key if isinstance(key, tuple) or key in shared else (part, key): tensor
                for key, tensor in self.items()
            }
        )

    def append(self, rows: "Batch", weight: float | None = None) -> "Batch":
        """This batch with the rows of another one behind its own rows, which stay where they are.

        All rows then count alike; or, if `weight` is given, own rows keep their weights and the new ones
        together get this one.
        """
        own, new = self.y.shape[1], rows.y.shape[1]
        factor_of_own: float
        if weight is None:
            factor_of_own = own / (own + new)
            weight_of_new = 1 / (own + new)
        else:
            factor_of_own = 1
            weight_of_new = weight / new
        behind = {**rows, "weight": torch.full_like(rows.y, weight_of_new, dtype=torch.float)}
        joined = {name: tree_cat([self[name], tensor], 1) for name, tensor in behind.items()}
        joined["weight"][:, :own] *= factor_of_own
        return Batch({**self, **joined})
