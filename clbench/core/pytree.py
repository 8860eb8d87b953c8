"""Functions on nested tensors, such as the inputs and outputs of networks with two sides.

torch has such functions too, which take longer than a small operator does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Tree = Any  # a tensor, or dicts, tuples and lists of trees; stream and network agree on which


def tree_map(f: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same dicts, tuples and lists with f(tensor) in place of every tensor."""
    if isinstance(tree, Tensor):
        return f(tree)
    if isinstance(tree, dict):
        return {name: tree_map(f, branch) for name, branch in tree.items()}
    return type(tree)([tree_map(f, branch) for branch in tree])


def tree_cat(trees: Sequence[Tree], dim: int) -> Tree:
    """One tree of the trees' tensors, concatenated along `dim`."""
    first = trees[0]
    if isinstance(first, Tensor):
        return torch.cat(list(trees), dim)
    if isinstance(first, dict):
        return {name: tree_cat([tree[name] for tree in trees], dim) for name in first}
    return type(first)(tree_cat(branches, dim) for branches in zip(*trees, strict=True))


def length(tree: Tree) -> int:
    """The length of the first tensor."""
    return len(tree_leaves(tree)[0])


def tree_leaves(tree: Tree) -> list[Tensor]:
    """All tensors, from left to right."""
    if isinstance(tree, Tensor):
        return [tree]
    branches = tree.values() if isinstance(tree, dict) else tree
    return [leaf for branch in branches for leaf in tree_leaves(branch)]
