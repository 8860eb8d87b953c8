"""Part: the hooks of a strategy. `losses` sees one seed; every other hook sees the whole group, seed axis
first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.pytree import Tree

if TYPE_CHECKING:
    from clbench.engine.run import Run
    from clbench.models.network import Network
    from clbench.streams.stream import Stream
else:
    Network = Run = Stream = Any  # for the annotations of a strategy: names, and no import of what they name


class Part:
    """One building block of a strategy; `a+b` runs the hooks of both, in this order. Override what the paper
    needs.

    When a hook is called `self.run` is the run (see `clbench.engine.run.Run`), with `run.learner`,
    `run.stream`, `run.t`.

    In a plan or batch a part sees what the stream and the engine give (`samples`, `x`, `out`, …), which all
    parts share, and what it has put there itself, which no other part sees or overwrites.
    """

    if TYPE_CHECKING:
        run: Run

    # For lists, pages and tests, which read them from the file without importing it: literals, please.
    paper: str = ""  # short: "Kirkpatrick et al. 2017"
    keeps: str = ""  # between tasks, in a few words; nothing: only the network
    needs_task_label: bool = False  # at test time
    # Relative distance of the weights between a group of one and a larger group: `vmap` adds in another
    # order. Measured: below 1e-7 under SGD after 6 steps a task. (Adam's g / sqrt(v) blows up the sign noise
    # of gradients near zero.)
    tolerance: float = 1e-5
    grows: str = ""  # why what it keeps may grow with the tasks; nothing: it must not
    # Arguments that suit streams of some 100 examples and a few steps a task, for tests.
    small: ClassVar[dict[str, Any]] = {}
    # Arguments without which it cannot learn the streams of tests, by benchmark:
    # {"blobs": {"net": "tiny_vit"}}.
    tested_on: ClassVar[dict[str, dict[str, Any]]] = {}

    # The arguments that `clbench tune` may choose, each with its range: {"lam": (1.0, 1e6, "log")}, or
    # "linear", or ("a", "b") of a choice. Neither the memory, which is the benchmark's, nor what a run costs.
    tunes: ClassVar[dict[str, tuple[Any, ...]]] = {}

    learns_pairs: bool = False  # makes sense for pairs, whose loss is of a batch and not of a row
    sees_all_data: bool = False  # may read data of other tasks that it has not stored
    replays: bool = False  # from the second task on its steps also see stored rows (`run.replayed`)
    retrains: bool = False  # every task starts from the initial weights
    stores: bool = False  # keeps examples, which it names in `stored`
    # Keeps a part of the task's plan to train on when the task ends (`run.fit`): it sees the plan after all
    # other parts, and the end of the task before them.
    splits_plan: bool = False
    freezes: bool = False  # chooses which weights learn: by freezing, by scaling their steps, by growth
    # After the first task, which is learnt as plain training does, its plans are empty and no step is taken.
    learns_first_task_only: bool = False
    separates_tasks: bool = False  # no weight that a task learns has a part in the outputs of earlier tasks
    protects: bool = False  # acts only on weights that have a part in the outputs of earlier tasks
    labels: float | None = None  # share of the training labels that it asks for; None: it is given all
    stored: Tensor | None = None  # [S, M, 2] (task, index) pairs that it keeps
    period: int | None = None  # after so many steps of a fit comes `after_period`; None: it never does
    # Whether the softmax of what its `predict` gives is meant as probabilities.
    gives_probabilities: bool = True
    joined: bool = False  # whether other parts of the same spec do something; known before every hook

    # Hooks that only one part of a spec can have: each stands in for what the stream or the network gives.
    # network(stream, net) -> net, before `start`: what is learnt instead of the stream's own network.
    network: Callable[..., Network] | None = None
    # choose_samples(t) -> [steps, S, B, 2], before any `before_task`: batches that are not of the task's data
    # alone.
    choose_samples: Callable[[int], Tensor] | None = None
    # data_losses(out, batch) -> [B], one seed: another data term, from what `stream.gather` gives.
    data_losses: Callable[[Any, Batch], Tensor] | None = None
    # predict(x, t) -> scores [S, n, C] at evaluation; t is None unless the scenario tells the task.
    predict: Callable[..., Tree] | None = None

    def supports(self, stream: Stream, net: Network) -> str | None:
        """None, or the reason why this strategy cannot learn this stream with this network."""

    def extra_cost(self, t: int) -> float:
        """What a step of task t takes beyond its batch's own pass forward and back, in such passes; forward
        alone is 1/3. Where compute is fixed (`Budget.fixed_compute`) it is paid in steps; a part with
        `extra_cost = None` is refused there."""
        return 0.0

    def parameters(self, t: int) -> int | None:
        """Numbers of the network that are in use once task t has been learnt; None: all of them."""

    def pictures(self) -> Tensor | None:
        """[classes, n, height, width, channels] uint8: what the first seed has learnt to stand for examples,
        for the pages, once the last task has been learnt."""

    def asked_bytes(self, budget: Budget) -> int:
        """What a seed's plan takes, in bytes, for what this part's own arguments add to it. A run that this
        machine's memory does not hold is refused when it is planned."""
        return 0

    def start(self, run: Run) -> None:
        """Once, before row 0; `run.learner` has its weights already."""

    def before_task(self, t: int, plan: Batch) -> Batch:
        """The plan of task t: all its batches, drawn before the first step. Anchors, teachers, freezing."""
        return plan

    def batch(self, batch: Batch) -> Batch:
        """The batch of this step: append rows, add targets."""
        return batch

    def losses(self, out: Any, batch: Batch) -> Tensor | None:
        """One seed: a term [n] for the first n rows, as printed in the paper; the loss is the weighted sum
        over rows."""
        return None

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        """g [S, P]: add a penalty's gradient, project, rescale; may be changed in place."""
        return g

    def after_step(self, batch: Batch) -> None:
        """batch.out [S, B, C] and batch.loss [S] now hold what the forward pass gave. What is kept is written
        in place."""

    def after_period(self) -> None:
        """Between two steps, every `period` steps: what would cost too much in each."""

    def after_task(self, t: int) -> None:
        """Consolidate: Fisher, herding, pruning; may train again with run.fit(plan)."""


def introduce(parts: list[Any]) -> list[Any]:
    """The parts of one spec, told whether they stand alone. One that does nothing, as naive, is nobody."""
    for part in parts if len(parts) > 1 else []:
        part.joined = any(_acts(type(other)) for other in parts if other is not part)
    return parts


def _acts(cls: type) -> bool:
    """Whether a part's class overrides a function of `Part`, or has one that `Part` leaves out."""
    functions = [name for name, value in vars(Part).items() if callable(value) or value is None]
    return any(getattr(cls, name) is not getattr(Part, name) for name in functions if name[0] != "_")


def refusal(part: Any, stream: Stream, net: Network, budget: Budget) -> str | None:
    """None, or the reason why this part (or Avalanche row) cannot learn this stream with this network, this
    budget."""
    if stream.scenario == "pairs" and not getattr(part, "learns_pairs", False):
        return "is defined for class labels; this stream has pairs"
    if budget.fixed_compute and part.extra_cost is None:
        return (
            "what it does besides its steps is not known, so with fixed_compute it cannot be paid from them"
        )
    reason: str | None = part.supports(stream, net)
    return reason
