"""Curves of a run: why did it diverge, what pulls against what, when did the features move."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.pytree import Tree, tree_leaves, tree_map
from clbench.engine.look import Look

POINTS = 100  # at most so many of a task
EVERY = 100  # steps between two looks that take more: at terms apart, at gradients apart, at features
ROWS = 32  # of a batch, for the gradients of new and of stored rows
FIRST = 64  # test rows of the first task, whose features are watched


class Curves(Look):
    """loss: what is minimised · the data term and each part's own, by the part's class · learning_rate ·
    gradient_norm: of what the optimiser gets · gradient_cosine: between the gradients of the data term on new
    and on stored rows; below 0 a step for the one undoes the other (Lopez-Paz and Ranzato 2017) ·
    feature_drift: 1 - cosine between the features of test rows of the first task now and right after it,
    mean over rows."""

    name, ours_only = "curves", True

    def __init__(self) -> None:
        self.points: list[tuple[int, int]] = []  # (task from 1, steps of the run)
        self.values: list[dict[str, Tensor | float]] = []  # of each point, by name: [S], or one for all
        self.switched = 0  # steps of the run at the last switch
        self.seeds = 0  # how many
        self.first: Tree | None = None  # features of the first task's rows when it had been learnt

    def after_step(self, run: Any) -> None:
        self.seeds = run.S
        since = run.updates - self.switched
        looks_far = since % EVERY == 1  # the first right after a switch
        if not looks_far and since % (-(-run.steps // POINTS) or 1):
            return
        with run.clock.apart("looks_s"), run.clock.uncounted():
            values = self.near(run) | (self.far(run) if looks_far else {})
        self.points.append((run.t + 1, run.updates))
        self.values.append(values)

    def after_task(self, run: Any) -> None:
        if self.first is None:
            self.first = self.features(run)
        self.switched = run.updates

    # ---- what is seen

    @torch.no_grad()
    def near(self, run: Any) -> dict[str, Tensor | float]:
        """From what the step has left."""
        batch, gradient = run.last
        lr = batch.get("lr")
        return {
            "loss": gradient.loss.clone(),  # a captured step writes the next one there
            "learning_rate": run.learner.lr if lr is None else lr.clone(),
            "gradient_norm": torch.linalg.vector_norm(gradient.g, dim=-1),
        }

    @torch.no_grad()
    def terms(self, run: Any, batch: Batch) -> dict[str, Tensor]:
        """The weighted sum of each term of the loss, as `Run.loss` adds them up."""
        names = ["data_term"]

        def of_one_seed(out: Tree, rows: dict[str, Tensor]) -> list[Tensor]:
            one = Batch(rows)
            found = [run.data_losses(out, one)]
            for number, part in run.turns():
                term = part.losses(out, one.for_part(number))
                if term is not None:
                    names.append(f"term_of_{type(part).__name__}")
                    found.append(term)
            return [(one.weight[: len(term)] * term).sum() for term in found]

        values = run.learner.map(of_one_seed, batch.out, dict(batch))
        return dict(zip(names, values, strict=True))

    def far(self, run: Any) -> dict[str, Tensor]:
        """What takes more: passes of its own over a few rows."""
        found: dict[str, Tensor] = {}
        if not hasattr(run.learner.net, "with_aside"):  # its terms want what only a pass gives
            found |= self.terms(run, run.last[0])
        if self.first is not None:
            found["feature_drift"] = _distance(self.features(run), self.first)
        stored = next((part.stored for part in run.parts if part.stored is not None), None)
        new = run.last[0].get("samples")
        if run.t and stored is not None and stored.shape[1] and new is not None and plain_loss(run):
            rows = torch.linspace(0, stored.shape[1] - 1, ROWS, device=stored.device).long()
            old = take(stored, rows.expand(run.S, -1))
            g_new, g_old = (
                self.gradient(run, one[:, :, :2]) for one in (new[:, : min(ROWS, run.new_rows)], old)
            )
            found["gradient_cosine"] = F.cosine_similarity(g_new, g_old)
        return found

    def gradient(self, run: Any, samples: Tensor) -> Tensor:
        losses: Callable[[Any, Batch], Tensor] = run.data_losses
        batch = run.stream.gather(samples)
        g: Tensor = run.learner.gradient(lambda out, rows: (rows.weight * losses(out, rows)).sum(), batch).g
        return g

    @torch.no_grad()
    def features(self, run: Any) -> Tree:
        x = tree_map(lambda a: a.expand(run.S, *a.shape[1:]), run.stream.test(0, slice(0, FIRST)))
        try:
            return run.learner.features(x)
        except AttributeError:  # columns, each with features of its own
            return None

    def arrays(self) -> dict[str, Tensor]:
        """By name, on the CPU: curve_task and curve_step [S, n], and [S, n] of each name above with NaN where
        it was not looked at."""
        if not self.points:
            return {}
        S = self.seeds
        task, step = torch.tensor(self.points, dtype=torch.int32).expand(S, -1, 2).unbind(-1)
        found = {"curve_task": task, "curve_step": step}
        names = list(dict.fromkeys(name for one in self.values for name in one))
        nothing = torch.tensor(torch.nan)
        for name in names:
            several = [torch.as_tensor(one.get(name, nothing)).float().cpu().expand(S) for one in self.values]
            found[f"curve_{name}"] = torch.stack(several, 1)
        return found


def plain_loss(run: Any) -> bool:
    """Whether the data term is the stream's own, which needs no more than gathered rows."""
    return all(part.data_losses is None for part in run.parts)


def _distance(now: Tree, before: Tree) -> Tensor:
    """[S]: 1 - cosine of features [S, n, h], mean over rows, and over sides where there are two."""
    sides = zip(tree_leaves(now), tree_leaves(before), strict=True)
    found = [1 - F.cosine_similarity(a.flatten(2), b.flatten(2), dim=-1).mean(-1) for a, b in sides]
    return torch.stack(found).mean(0)
