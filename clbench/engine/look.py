"""A look at a run: it sees what happens and changes nothing of it."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from clbench.core.pytree import Tree

if TYPE_CHECKING:
    from clbench.streams.stream import Answers


class Look:
    """Override what is wanted. `run` is a `clbench.engine.run.Run`, with `run.stream`, `run.seeds`, `run.t`,
    `run.scores_so_far`; of an Avalanche row it is a `SingleRun`, which has those too and calls the last two
    functions only."""

    name = ""  # what it is for, in a word
    ours_only = False  # whether it looks where only our own loop lets it

    def after_step(self, run: Any) -> None:
        """`run.last` holds the batch and the gradient of this step."""

    def after_task(self, run: Any) -> None:
        """Before its evaluation."""

    def after_answers(self, run: Any, answers: list["Answers"], outputs: list[Tree]) -> None:
        """On every slice, for the row of the matrix that comes next: what was answered, and what the network
        gave for it [S, m, ...]."""

    def after_row(self, run: Any) -> None:
        """`run.scores_so_far` has one row more. `run` could go on from here: see `clbench.engine.state`."""

    def arrays(self) -> dict[str, Tensor]:
        """By name, on the CPU, the seeds first: what is to be kept beside the record."""
        return {}
