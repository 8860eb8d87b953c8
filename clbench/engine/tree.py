"""Nested tensors: what a network gives and what a loss is given. torch's own pytree takes longer than the small operators do."""
from collections.abc import Callable

from torch import Tensor

Tree = Tensor | dict | tuple | list


def tree_map(f: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same dicts, tuples and lists, with f of every tensor."""
    if isinstance(tree, Tensor):
        return f(tree)
    if isinstance(tree, dict):
        return {name: tree_map(f, branch) for name, branch in tree.items()}
    return type(tree)([tree_map(f, branch) for branch in tree])
