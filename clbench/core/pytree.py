"""Nested tensors: what a network gives and what a loss is given. torch's own pytree takes longer than the small operators do."""
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Tree = Any           # a tensor, or dicts, tuples and lists of trees: which of them, stream and network agree upon


def tree_map(f: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same dicts, tuples and lists, with f of every tensor."""
    if isinstance(tree, Tensor):
        return f(tree)
    if isinstance(tree, dict):
        return {name: tree_map(f, branch) for name, branch in tree.items()}
    return type(tree)([tree_map(f, branch) for branch in tree])


def tree_cat(trees: Sequence[Tree], dim: int) -> Tree:
    """The trees' tensors one behind another."""
    first = trees[0]
    if isinstance(first, Tensor):
        return torch.cat(list(trees), dim)
    if isinstance(first, dict):
        return {name: tree_cat([tree[name] for tree in trees], dim) for name in first}
    return type(first)(tree_cat(branches, dim) for branches in zip(*trees, strict=True))


def length(tree: Tree) -> int:
    """Of the first tensor."""
    return len(tree_leaves(tree)[0])


def tree_leaves(tree: Tree) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    return [leaf for branch in (tree.values() if isinstance(tree, dict) else tree) for leaf in tree_leaves(branch)]
