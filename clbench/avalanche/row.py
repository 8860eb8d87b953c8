"""Row: what one of Avalanche's strategies says of itself, and what of our runner it leaves alone or replaces.

A file in rows/ is a row: `rows/x.py` is the strategy `avalanche_x`. Its docstring says which variant
Avalanche has, the fields of its class are the arguments of a spec, `build` makes the strategy. Avalanche and
torch are imported inside the methods only, so that a plan stays instant. What the variants do was measured on
Avalanche 0.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

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
    mirrors: str = ""  # the native strategy whose numbers these must be, up to rounding

    order = "ours"  # the native strategies' batches; "own": Avalanche's, keyed by seed and task
    own_loop = False  # trains in a loop of its own, in as many steps as that takes
    sees_all_data = False  # may read data of other tasks that it has not stored
    retrains = False  # at task k a fresh strategy learns in k times the steps
    extra_cost = None  # of a step, in passes: not known, so fixed compute is refused

    def supports(self, stream: Stream, net: Network) -> str | None:
        """None, or the reason why this strategy cannot learn this stream with this network."""
        if stream.views is None:
            return None
        return "Avalanche's loaders are given the images as they are, without augmentation"

    def prepare(self) -> None:
        """Mends Avalanche itself where it is broken; before the first `build` of every run."""

    def build(self, common: dict):
        """The Avalanche strategy. `common` holds the arguments that all share: model, optimizer, plugins, …

        The model may be wrapped or replaced; the optimiser has the parameters of the one in `common`."""
        raise NotImplementedError

    def scores(self, strategy, x: Tensor, t: int | None) -> Tensor:
        """What the strategy answers at evaluation, [n, C]; t is None unless the scenario tells the task."""
        from avalanche.models import avalanche_forward

        return avalanche_forward(strategy.model, x, t)

    def memory_items(self, strategy) -> int:
        """Stored examples."""
        return 0

    def extra_params(self, strategy) -> int:
        """Parameters kept beyond the plain network."""
        return 0


def plugin_with(strategy, attribute: str):
    """The plugin of the strategy that has this attribute."""
    return next(plugin for plugin in strategy.plugins if hasattr(plugin, attribute))
