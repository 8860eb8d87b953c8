"""TiC-CLIP's files (Garg et al. 2024, apple/ml-tic-clip): lists of uids, 128-bit hashes in NumPy arrays or by year in
pickles; and its results."""
import json
import pickle
from collections.abc import Sequence
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


def results(folders: Sequence[Path]) -> dict[str, tuple[list[str], np.ndarray]]:
    """What TiC-CLIP's evaluation wrote, a folder a step: stream -> (names of its slices, E [steps, slices]).

    Each folder holds `eval_results.jsonl`, a line for each evaluation: {"key": "tic/datacomp/retrieval/yearly/2014",
    "metrics": {"main_metric": 0.31, …}}. The file is appended to, so the last line of a key counts. What is missing or null
    is NaN.
    """
    steps = [_main_metrics(folder / "eval_results.jsonl") for folder in folders]
    streams: dict[str, set[str]] = {}
    for key in {key for step in steps for key in step if key.startswith("tic/")}:
        stream, _, name = key.rpartition("/")
        streams.setdefault(stream, set()).add(name)
    if not streams:
        raise InputError(f"{folders[0]}: no line of eval_results.jsonl has a key that begins with tic/")
    return {stream: (sorted(names), np.array([[step.get(f"{stream}/{name}", np.nan) for name in sorted(names)]
                                              for step in steps]))
            for stream, names in sorted(streams.items())}


def _main_metrics(path: Path) -> dict[str, float]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
            value = one["metrics"]["main_metric"]
            found[one["key"]] = np.nan if value is None else float(value)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, line {number}: not a result with key and metrics.main_metric ({error})") from error
    return found
