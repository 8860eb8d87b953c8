"""Reads the files of TiC-CLIP (Garg et al. 2024, apple/ml-tic-clip): its lists of uids, and the results of
its runs.

A uid is a 128-bit hash. The lists are NumPy arrays, or pickles that hold the uids by year.
"""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clbench.errors import InputError


def parse_uid(uid: str | None) -> int | None:
    """A uid of 32 hex digits as a number; None for anything else."""
    try:
        return int(uid, 16) if uid and len(uid) == 32 else None
    except ValueError:
        return None


def read_uids(path: Path) -> frozenset[int]:
    """The uids of a .npy list, or of all years of a .pkl. Raises InputError for a file that is neither."""
    try:
        if path.suffix == ".pkl":
            with open(path, "rb") as content:
                return frozenset(map(_uid_number, _leaves(_PlainUnpickler(content).load())))
        listed = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is no list of uids: {str(error).splitlines()[0]}") from error
    if listed.dtype.descr != [("f0", "<u8"), ("f1", "<u8")]:
        raise InputError(f"{path}: a list of uids has the fields f0 and f1 of <u8, not {listed.dtype}")
    high = listed["f0"].astype(object)  # Python's integers hold all 128 bits
    low = listed["f1"].astype(object)
    return frozenset((high << 64 | low).tolist())


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, lists, texts and numbers; refuses anything else, which could run code."""

    def find_class(self, module: str, name: str):
        raise pickle.UnpicklingError(
            f"it holds {module}.{name}, and only plain dicts, lists and texts are read"
        )


def _leaves(tree) -> list:
    """Everything in nested dicts, lists, tuples and sets that is none of these."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if not isinstance(tree, list | tuple | set):
        return [tree]
    return [leaf for branch in tree for leaf in _leaves(branch)]


def _uid_number(uid: object) -> int:
    number = parse_uid(str(uid))
    if number is None:
        raise ValueError(f"{uid!r} is not 32 hex digits")
    return number


def read_results(folders: Sequence[Path]) -> dict[str, tuple[list[str], np.ndarray]]:
    """What TiC-CLIP's evaluation wrote, one folder per step: stream -> (names of its slices, E [steps,
    slices]).

    Each folder holds `eval_results.jsonl` with a line for each evaluation: {"key":
    "tic/datacomp/retrieval/yearly/2014", "metrics": {"main_metric": 0.31, …}}. The file is appended to, so
    the last line of a key counts. What is missing or null is NaN. Raises InputError for a file that is
    missing or of another form.
    """
    steps = [_main_metrics(folder / "eval_results.jsonl") for folder in folders]
    keys = {key for step in steps for key in step if key.startswith("tic/")}
    if not keys:
        raise InputError(f"{folders[0]}: no line of eval_results.jsonl has a key that begins with tic/")
    names: dict[str, list[str]] = {}  # of the slices, by stream
    for key in sorted(keys):
        stream, _, name = key.rpartition("/")
        names.setdefault(stream, []).append(name)
    results = {}
    for stream in sorted(names):
        slices = sorted(names[stream])
        matrix = [[step.get(f"{stream}/{name}", np.nan) for name in slices] for step in steps]
        results[stream] = (slices, np.array(matrix))
    return results


def _main_metrics(path: Path) -> dict[str, float]:
    """key -> main metric of one `eval_results.jsonl`, NaN for null; the last line of a key counts."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    metrics = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            value = entry["metrics"]["main_metric"]
            metrics[entry["key"]] = np.nan if value is None else float(value)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number}: not a result with key and metrics.main_metric ({error})"
            ) from error
    return metrics
