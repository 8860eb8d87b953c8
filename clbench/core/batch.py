"""Batch: the named tensors of a training step."""
from collections.abc import Set
from typing import Any

import torch
from torch import Tensor

from clbench.core.pytree import Tree, tree_cat

SHARED = {"samples", "x", "y", "task", "mask", "weight", "lr", "out", "loss"}        # by all parts, of a plan or batch



def take(table: Tensor, index: Tensor) -> Tensor:
    """Rows index [S, n] of table [S, M, ...], each seed its own: [S, n, ...]."""
    return table.gather(1, index.view(*index.shape, *[1] * (table.dim() - 2)).expand(*index.shape, *table.shape[2:]))



class Batch(dict[Any, Any]):
    """Named tensors of one step, seed axis first; `batch.x` is `batch["x"]`.

    samples [S, B, 2]  (task, index) pairs; [S, B, 3] where the stream augments: the third says in which view
    x [S, B, ...], y [S, B], task [S, B]        x of pairs: the left and the right sides; y: their groups
    mask [S, B, C]     the outputs that a row's softmax may see
    weight [S, B]      the loss is the weighted sum over the rows: a mean unless somebody says otherwise
    A label of -100 means that the row has no data term.

    A *plan* is the same with the steps in front: `plan.samples [steps, S, B, 2]` are all batches of a task, and
    whatever else a part puts into the plan arrives, step by step, in the batch.

    What one part has put there stands under (number of the part, name); it sees its own as `batch.name` (`seen_by`).
    """

    def __getattr__(self, name: str) -> Tensor:
        try:
            tensor: Tensor = self[name]                      # a tree where a network or a stream of pairs gives one
            return tensor
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Tree) -> None:
        self[name] = value

    def at(self, step: int) -> "Batch":
        return Batch({name: tensor[step] for name, tensor in self.items()})

    def seen_by(self, part: int) -> "Batch":
        """This part's own entries under their names alone; other parts' stay where they are, out of its way."""
        return Batch({key[1] if key[0] == part else key: tensor for key, tensor in self.items()})

    def given_by(self, part: int, shared: Set[str] = SHARED) -> "Batch":
        """The way back: names that are not shared become (part, name)."""
        return Batch({key if isinstance(key, tuple) or key in shared else (part, key): tensor
                      for key, tensor in self.items()})

    def append(self, rows: "Batch", weight: float | None = None) -> "Batch":
        """The rows of another batch behind one's own; rows never move, so a part finds its own again.

        All rows count alike, or the new ones together count `weight` beside the old ones.
        """
        own, new = self.y.shape[1], rows.y.shape[1]
        kept, each = (own / (own + new), 1 / (own + new)) if weight is None else (1, weight / new)
        behind = {**rows, "weight": torch.full_like(rows.y, each, dtype=torch.float)}
        joined = {name: tree_cat([self[name], one], 1) for name, one in behind.items()}
        joined["weight"][:, :own] *= kept
        return Batch({**self, **joined})
