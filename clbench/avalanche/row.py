"""Row: what one of Avalanche's strategies says of itself, and what of our runner it leaves alone or replaces.

A file in rows/ is a row: `rows/x.py` is the strategy `avalanche_x`. Its docstring says which variant
Avalanche has, the fields of its class are the arguments of a spec, `build` makes the strategy. Avalanche and
torch are imported inside the methods only, so that a plan stays instant. What the variants do was measured on
Avalanche 0.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from clbench.core.budget import Budget
    from clbench.models.network import Network
    from clbench.streams.stream import Stream


class Row:
    """What the runner asks of a row; override what differs."""

    # What `Part` has too: read from the file without importing it.
    family: str = "own"  # one of the folders of clbench/strategies
    paper: str = ""
    keeps: str = ""
    tolerance: float = 0.0  # a group's seeds are trained in turn
    grows: str = ""
    small: ClassVar[dict[str, Any]] = {}  # arguments that suit streams of some 100 examples, for tests
    tunes: ClassVar[dict[str, tuple[Any, ...]]] = {}  # range of each argument that may be tuned
    mirrors: str = ""  # the native strategy whose numbers these must be, up to rounding
    native: str = ""  # the native strategy that is the same method; "": the one of the same name
    slow: bool = True  # `run --all` leaves it out; a pattern of `-s` does not
    # What is done about a fault of Avalanche's without which the row would not run, or do nothing.
    shim: str = ""

    # "ours": the native strategies' batches; "steps": the same, an epoch for each; "own": Avalanche's, keyed
    # by seed and task
    order = "ours"
    own_loop = False  # trains in a loop of its own, in as many steps as that takes
    sees_all_data = False  # may read data of other tasks that it has not stored
    all_experiences = False  # train() is given the tasks so far, not only the one that has come
    retrains = False  # at task k a fresh strategy learns in k times the steps
    gives_probabilities = True  # whether the softmax of its scores is meant as probabilities
    extra_cost = None  # of a step, in passes: not known, so fixed compute is refused

    def copied(self) -> dict[str, Any]:
        """The arguments with which the native strategy computes what this row does; empty where none do."""
        return {}

    def supports(self, stream: Stream, net: Network) -> str | None:
        """None, or the reason why this strategy cannot learn this stream with this network."""

    def refuses(self, stream: Stream, budget: Budget) -> str | None:
        """None, or the reason why it cannot learn this stream with this budget."""

    def prepare(self) -> None:
        """Mends Avalanche itself where it is broken; before the first `build` of every run."""

    def build(self, common: dict, stream: Stream):
        """The Avalanche strategy. `common` holds the arguments that all share: model, optimizer, plugins, …

        The model may be wrapped or replaced; the optimiser has the parameters of the one in `common`."""
        raise NotImplementedError

    def adapt(self, experience, stream: Stream) -> None:
        """Puts to a task, as Avalanche has it, what this row asks for besides."""

    def scores(self, strategy, x: Tensor, t: int | None) -> Tensor | None:
        """What the strategy answers at evaluation, [n, C], or None where it has no answer yet; t is None
        unless the scenario tells the task."""
        from avalanche.models import avalanche_forward

        return avalanche_forward(strategy.model, x, t)

    def weights(self, strategy) -> list[Tensor]:
        """All that it has learnt, which has to be finite."""
        return [*strategy.model.parameters(), *strategy.model.buffers()]

    def memory_items(self, strategy) -> int:
        """Stored examples."""
        return 0

    def extra_params(self, strategy) -> int:
        """Parameters kept beyond the plain network."""
        return 0


def plugin_with(strategy, attribute: str):
    """The plugin of the strategy that has this attribute."""
    return next(plugin for plugin in strategy.plugins if hasattr(plugin, attribute))
