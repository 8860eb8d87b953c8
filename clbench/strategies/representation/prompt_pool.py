"""Learning to prompt, L2P (Wang et al. 2022, equations 3 to 5): the body is frozen after the first task, and
prompts that every input chooses for itself stand before its tokens.

    q(x): the plain features of x;    K_x: the keys k_j nearest to q(x) by cosine;    P_j: the prompt of k_j
    h(x) = head(mean over what has become of the prompts P_j, k_j in K_x, read before the tokens of x)
    loss = CE among the classes of the row's own task - pull sum_{k_j in K_x} cos(q(x), k_j)

The first task trains everything, prompts too; then head, prompts and keys learn. Keys learn by the pull
alone, so under Adam its size hardly counts.

On pairs: nothing but prompts, keys and the temperature learns after the first slice. By default only queries
have prompts: the left side, or the texts where the left ones are images. So the embeddings of the other side
stay, and an index of them stays valid; with `sides="both"` it has to be built anew. There what is read is the
tower's own mean, over prompts and tokens.

Cost: a pass forward for the queries; chosen * length more tokens in every other pass; pool and keys.
*Differs:* the paper's network is a transformer trained on ImageNet-21k, here the first task is all that the
body knows. The released code, and its translation to torch, choose prompts by a vote over the batch, at test
time too, so that an answer depends on the rows beside it; here every row chooses alone, as in Mammoth. They
start the optimiser anew in each task."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Run, Stream
from clbench.core.ranges import Count, NotNegative
from clbench.models.network import OfTokens
from clbench.models.prompted import Prompted
from clbench.strategies.parts.passes import flops_of_pass
from clbench.strategies.representation.head_only import HeadOnly


@dataclass
class PromptPool(HeadOnly):
    pool: Annotated[int, Meta(ge=1, le=10_000)] = 10  # prompts, each with a key
    length: Annotated[int, Meta(ge=0, le=1000)] = 5  # tokens of a prompt; 0: no prompts
    chosen: Count = 5  # prompts of an input
    pull: NotNegative = 0.1  # of keys towards the queries that choose them
    sides: Literal["query", "both"] = "query"  # of pairs, that have prompts
    tunes = {"pull": (0.01, 1.0, "log")}  # of our own
    paper = "Wang et al. 2022"
    keeps = "a pool of prompts and keys"
    small = {"pool": 6, "length": 2, "chosen": 2}
    tested_on = {"blobs": {"net": "tiny_vit"}, "driftcaps": {"net": "transformer"}}

    def supports(self, stream: Stream, net: Network) -> str | None:
        if not isinstance(net, OfTokens):
            return f"{net} has no tokens that prompts could stand before"
        if self.chosen > self.pool:
            return f"an input cannot choose {self.chosen} of {self.pool} prompts"
        if self.sides == "both" and len(net.sides) < 2:
            return f"{net} has no two sides of tokens"
        if stream.scenario == "class" and any(task.classes.sum() < 2 for task in stream.tasks):
            return "a task's classes are told apart among themselves, and here a task has one class"
        return None

    def extra_cost(self, t: int) -> float:
        """The query, which is a third, and the prompts, which a longer pass reads, as `start` counts them."""
        return self.extra

    def network(self, stream: Stream, net: Network) -> Prompted:
        assert isinstance(net, OfTokens)
        sides = net.sides if self.sides == "both" else net.sides[:1]
        return Prompted(net, self.pool, self.length, self.chosen, sides)

    def start(self, run: Run) -> None:
        net = run.learner.net
        assert isinstance(net, Prompted)
        self.extra = flops_of_pass(run.stream, net) / flops_of_pass(run.stream, net.net) - 1
        self.own = torch.stack([task.classes for task in run.stream.tasks])  # [T, C]

    def in_body(self, name: str, shape: tuple[int, ...]) -> bool | Tensor:
        net = self.run.learner.net
        assert isinstance(net, Prompted)
        if self.run.stream.scenario == "pairs":
            return name not in [*net.added, *net.layout.temperature]
        return super().in_body(name, shape)

    def batch(self, batch: Batch) -> Batch:
        if "mask" in batch:
            batch.mask = batch.mask & self.own[batch.task]
        return batch

    def losses(self, out: Tensor, batch: Batch) -> Tensor:
        return -self.pull * batch.aside
