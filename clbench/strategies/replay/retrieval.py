"""Retrieval: the network's answer mixed with those of the nearest stored examples, kNN-LM (Khandelwal et al.
2020, equation 2).

    p(c | x) = (1 - share) softmax(h(x))_c + share sum_{i near x, y_i = c} w_i(x)
    w(x) = softmax_i(-|f(x) - f(x_i)|^2 / temperature)        over the k stored examples nearest to x
f: features of length 1. On pairs the network reads what it finds: for a left side with the embedding q, of
length 1, and stored pairs with the embeddings (l_i, r_i), nearest by q and l_i,

    q <- (q + share sum_i w_i(q) r_i) to the length of q
and right sides stay as they are, like an index that is not built anew. The memory is filled as `er`'s is, and
keys are computed anew after every task, so they do not age. Nothing is replayed: `er+retrieval` does both,
with a memory for each.
*Differs:* kNN-LM stores all training data, and the distance is not of normalised features. Examples as near
as the k-th all vote, so that the order of the memory decides nothing. Where the task is told, only its own
examples vote. MbPA (Sprechmann et al. 2018) retrieves in the same way and adapts the network to what it
finds; this does not. Cost: the keys, and as many products a row of the evaluation; at task ends a pass
forward over the memory, which the few steps of small runs pay dearly: on driftcaps (smoke, 3 seeds) this has
.176, with share=0 .163, and naive, which has 20 steps for its 17, .203."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.part import Network, Part, Run, Stream
from clbench.core.pytree import Tree
from clbench.core.ranges import Count, Positive, Share
from clbench.strategies.parts.memory import Memory


@dataclass
class Retrieval(Part):
    memory: Count = 500  # examples kept
    k: Count = 16  # nearest ones that vote
    share: Share = 0.5  # of their vote
    temperature: Positive = 0.1  # of their weights
    tunes = {"share": (0.1, 0.9, "linear"), "temperature": (0.01, 1.0, "log")}  # of our own
    paper = "Khandelwal et al. 2020"
    keeps = "examples"
    small = {"memory": 100}
    learns_pairs = stores = True
    gives_probabilities = False  # they are themselves

    def supports(self, stream: Stream, net: Network) -> str | None:
        if not hasattr(net, "features"):
            return "needs a network that shows its features"
        return Memory.fits(self.memory, stream)

    def extra_cost(self, t: int) -> float:
        """The pass forward over the memory, spread over the steps that are left."""
        passes = self.memory / (3 * self.run.rows)
        return passes / max(1, self.run.budget.steps - passes)

    def start(self, run: Run) -> None:
        self.kept = Memory(run, self.memory)

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        self.stored = self.kept.after_task(t)
        batch = self.run.stream.gather(self.stored)
        self.task = batch.task  # [S, M]
        if self.run.stream.scenario == "pairs":
            left, right = self.run.learner.outputs(batch.x)
            self.keys, self.values = F.normalize(left, dim=-1), F.normalize(right, dim=-1)  # [S, M, h]
        else:
            classes = torch.arange(self.run.stream.classes, device=batch.y.device)
            self.keys = F.normalize(self.run.learner.features(batch.x), dim=-1)
            self.values = (batch.y.unsqueeze(-1) == classes).float()  # [S, M, C]

    def predict(self, x: Tree, t: int | None) -> Tree:
        out = self.run.learner.outputs(x)
        if self.stored is None:
            return out
        if self.run.stream.scenario == "pairs":
            return self.told(*out)
        if t is not None:
            out = out.masked_fill(~self.run.stream.tasks[t].classes, -1e9)
        query = F.normalize(self.run.learner.features(x), dim=-1)
        return (1 - self.share) * out.softmax(-1) + self.share * self.found(query, t)

    def told(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """The embeddings [S, n, h] of both sides, the left ones with what they retrieve."""
        query = F.normalize(left, dim=-1)
        mixed = F.normalize(query + self.share * self.found(query, None), dim=-1)
        return mixed * left.norm(dim=-1, keepdim=True), right

    def found(self, query: Tensor, t: int | None) -> Tensor:
        """[S, n, C or h]: the weighted mean of the values whose keys are nearest to query [S, n, h]."""
        near = query @ self.keys.mT  # [S, n, M]: cosines
        if t is not None:
            near = near.masked_fill((self.task != t).unsqueeze(1), -1e9)
        kth = near.topk(min(self.k, near.shape[-1]), -1).values[..., -1:]
        weight = (2 * near / self.temperature).masked_fill(near < kth, -torch.inf).softmax(-1)
        return weight @ self.values
