"""TiC-CLIP's lists of uids (Garg et al. 2024, apple/ml-tic-clip): 128-bit hashes in NumPy arrays, or by year in pickles."""
import pickle
from pathlib import Path

import numpy as np

from clbench.errors import InputError


def number(uid: str | None) -> int | None:
    """A uid of 32 hex digits as a number; None for anything else."""
    try:
        return int(uid, 16) if uid and len(uid) == 32 else None
    except ValueError:
        return None


def uids(path: Path) -> frozenset[int]:
    """The uids of a .npy list, or of all years of a .pkl."""
    try:
        if path.suffix == ".pkl":
            with open(path, "rb") as content:
                return frozenset(map(_hex, _leaves(_PlainUnpickler(content).load())))
        listed = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is no list of uids: {str(error).splitlines()[0]}") from error
    if listed.dtype.descr != [("f0", "<u8"), ("f1", "<u8")]:
        raise InputError(f"{path}: a list of uids has the fields f0 and f1 of <u8, not {listed.dtype}")
    high, low = (listed[name].astype(object) for name in ("f0", "f1"))
    return frozenset((high << 64 | low).tolist())


class _PlainUnpickler(pickle.Unpickler):
    """Dicts, lists, texts and numbers only: anything else could run code."""

    def find_class(self, module: str, name: str):
        raise pickle.UnpicklingError(f"it holds {module}.{name}, and only plain dicts, lists and texts are read")


def _leaves(tree) -> list:
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in _leaves(branch)]
    return [leaf for branch in tree for leaf in _leaves(branch)] if isinstance(tree, list | tuple | set) else [tree]


def _hex(uid) -> int:
    found = number(str(uid))
    if found is None:
        raise ValueError(f"{uid!r} is not 32 hex digits")
    return found
