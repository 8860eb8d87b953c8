"""The scores of every test row after each task, as parquet: for reading which answers were wrong."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from clbench.core.pytree import Tree
from clbench.engine.look import Look
from clbench.results.files import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from clbench.streams.stream import Answers

NEAREST = 10  # of pairs: so many on the right side for each on the left


class Predictions(Look):
    """A file for each seed and row of the matrix, `seed-0.task-3.parquet`; task 0 is the untrained network.

    Columns: slice (from 1), row (place of the example in the test data), label, guess, right, scores
    (float16, of every output; -inf where an output may not answer). Of pairs: slice, row, right, nearest (the
    rows of the ten right sides that are nearest to this left side, nearest first) and similarity (float16).
    """

    name = "predictions"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def after_answers(self, run: Any, answers: list["Answers"], outputs: list[Tree]) -> None:
        with run.clock.apart("looks_s"):
            rows = [task.test.cpu().numpy() for task in run.stream.tasks]
            for s, seed in enumerate(run.seeds):
                table = _of_pairs if answers[0].scores is None else _of_labels
                slices = [table(j, rows[j], one, outputs[j], s) for j, one in enumerate(answers)]
                name = f"seed-{seed}.task-{len(run.scores_so_far)}.parquet"
                write_atomically(self.folder / name, _as_parquet(slices))


def _as_parquet(slices: list["pa.Table"]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = BytesIO()
    # Scores hardly repeat: a dictionary of them takes most of the time and saves nothing.
    pq.write_table(
        pa.concat_tables(slices), file, compression="zstd", use_dictionary=["slice", "label", "guess"]
    )
    return file.getvalue()


def _of_labels(j: int, rows: np.ndarray, answers: "Answers", outputs: Tree, s: int) -> "pa.Table":
    import pyarrow as pa

    assert answers.scores is not None and answers.guess is not None and answers.label is not None
    return pa.table(
        {
            "slice": np.full(len(rows), j + 1, np.int32),
            "row": rows.astype(np.int32),
            "label": _numbers(answers.label, np.int32),
            "guess": _numbers(answers.guess[s], np.int32),
            "right": _numbers(answers.right[s], np.bool_),
            "scores": _lists(answers.scores[min(s, len(answers.scores) - 1)]),
        }
    )


def _of_pairs(j: int, rows: np.ndarray, answers: "Answers", outputs: Tree, s: int) -> "pa.Table":
    import pyarrow as pa

    left, right = (side[min(s, len(side) - 1)].float() for side in outputs)
    best = (left @ right.mT).topk(min(NEAREST, len(right)))
    places = best.indices.cpu().numpy()
    nearest = pa.FixedSizeListArray.from_arrays(
        pa.array(rows[places].astype(np.int32).ravel()), places.shape[1]
    )
    return pa.table(
        {
            "slice": np.full(len(rows), j + 1, np.int32),
            "row": rows.astype(np.int32),
            "right": _numbers(answers.right[s], np.bool_),
            "nearest": nearest,
            "similarity": _lists(best.values),
        }
    )


def _numbers(tensor: Tensor, kind: type) -> np.ndarray:
    return tensor.cpu().numpy().astype(kind)


def _lists(values: Tensor) -> Any:
    import pyarrow as pa

    flat = values.to(torch.float16).cpu().numpy()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
