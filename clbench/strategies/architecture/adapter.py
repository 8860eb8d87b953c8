"""Adapters (Houlsby et al. 2019): after the first task the body is frozen; small residual layers on it
learn, with the head.

    features <- features + up relu(down features),  `layers` times

up = 0 at first, so the second task starts from the network of the first. The same for the whole stream, not
others for each task. On pairs: on each tower. Differs: the paper has two in every block of a pretrained
transformer, and tunes them for one task. Cost: 2 width x features weights a layer and side."""

from dataclasses import dataclass

from clbench.core.batch import Batch
from clbench.core.part import Network, Stream
from clbench.core.pytree import tree_map
from clbench.core.ranges import Depth, Width
from clbench.models.adapted import Adapted, widths_of_features
from clbench.strategies.representation.head_only import HeadOnly


@dataclass
class Adapter(HeadOnly):
    width: Width = 16  # of the bottleneck
    layers: Depth = 1  # one after another
    paper = "Houlsby et al. 2019"

    def supports(self, stream: Stream, net: Network) -> str | None:
        return "needs a network without running statistics" if net.layout.buffers else None

    def network(self, stream: Stream, net: Network) -> Adapted:
        x = tree_map(lambda x: x[0], stream.test(0, slice(0, 2)))
        return Adapted(net, widths_of_features(net, x), self.width, self.layers)

    def before_task(self, t: int, plan: Batch) -> Batch:
        layout = self.run.learner.net.layout
        if t == 0:
            self.run.learner.freeze(
                layout.flat({name: "adapter" in name for name in layout.shapes}).to(plan.samples.device)
            )
        return super().before_task(t, plan)
