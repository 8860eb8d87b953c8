"""One run: a group of S seeds of one strategy over one stream."""
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from clbench.engine.capture import CapturedStep
from clbench.engine.clock import Clock
from clbench.engine.evaluate import evaluate
from clbench.engine.learner import Learner
from clbench.engine.optimiser import warmed_up
from clbench.engine.part import Part
from clbench.engine.precision import arithmetic
from clbench.errors import InputError, RunFailed
from clbench.keyed import draw, passes
from clbench.stream import Batch, Budget, Stream, take


@dataclass
class Outcome:
    """What a runner gives back for its group of seeds."""

    acc: Tensor                      # [S, T+1, E] float64 on the CPU; NaN where a seed had diverged before
    costs: dict                      # the cost sheet, all seeds together
    diverged: list[dict]             # {seed, task, step of the run} where a loss or weight was not finite
    more: dict[str, Tensor] = field(default_factory=dict)    # what else the stream measures, as acc
    notes: list[str] = field(default_factory=list)           # what a reader of the record should know


def run(stream: Stream, net, parts: list[Part], budget: Budget, clock: Clock) -> Outcome:
    """Trains and evaluates the stream's seeds together."""
    with arithmetic(budget.precision):
        with clock.measure("setup_s"):
            this = Run(stream, net, parts, budget, clock)
        try:
            acc = this.train()
        except Exception as error:
            raise RunFailed(this.t + 1, this.updates) from error
    costs = {**clock.sheet(), "steps": this.updates * this.S, "samples_seen": this.samples_seen,
             "memory_items": sum(part.stored.shape[1] for part in parts if part.stored is not None) * this.S,
             "extra_params": this.extra_parameters(net) * this.S}
    return Outcome(acc.cpu(), costs, this.diverged, {name: array.cpu() for name, array in this.more.items()}, this.notes)


class Run:
    """What parts see: `stream`, `learner`, the task `t`, `seeds`, `S`, `steps`, `rows`, and the functions below."""

    def __init__(self, stream: Stream, net, parts: list[Part], budget: Budget, clock: Clock | None = None):
        self.stream, self.parts, self.budget = stream, parts, budget
        self.seeds, self.S, self.steps, self.rows = stream.seeds, len(stream.seeds), budget.steps, budget.rows
        # Where a method replays, a batch holds so many stored rows and as many new ones.
        self.replayed = budget.rows // 2 if budget.fixed_compute else budget.rows
        self.clock = clock or Clock(stream.device)
        self.t = self.updates = self.samples_seen = 0
        self.notes: list[str] = []
        self.alive = torch.ones(self.S, dtype=torch.bool, device=stream.device)
        self.finite_steps = torch.zeros(self.S, dtype=torch.long, device=stream.device)
        self.diverged: list[dict] = []
        self.learner, self.data_losses, data_terms = self.new_learner(net), stream.losses, []
        for part in parts:
            part.run, before = self, self.data_losses
            part.start(self)
            data_terms += [self.data_losses] if self.data_losses is not before else []
        self._only_one(data_terms, "data term")
        self.predict = self._only_one([part.predict for part in parts if part.predict], "prediction") or self._outputs

    # ---- the story
    def train(self) -> Tensor:
        """Accuracy [S, T+1, E]: row 0 is the untrained network, row t+1 the network after task t. What else the stream
        measures is in `more`."""
        scores = [self.evaluate()]
        for t, task in enumerate(self.stream.tasks):
            self.t = t
            with self.clock.measure("train_s"):
                self.learn(task)
            scores.append(self.evaluate())
            if len(self.diverged) == self.S:
                break
        missing = [torch.full_like(scores[0], torch.nan)] * (len(self.stream.tasks) + 1 - len(scores))
        acc, *more = torch.stack(scores + missing, 1).unbind(-1)
        self.more = dict(zip(self.stream.measures[1:], more, strict=True))
        return acc

    def learn(self, task) -> None:
        """One task: draw the plan, train, consolidate."""
        if self.budget.optimiser_state == "reset":
            self.learner.reset_optimiser()
        if self.budget.fixed_compute:
            extra = sum(part.extra_cost(self.t) for part in self.parts)
            self.steps = max(1, int(self.budget.steps / (1 + extra)))
        plan = Batch(samples=self.shuffled(task.train))
        with self.clock.count_flops():
            for part in self.parts:
                plan = part.before_task(self.t, plan)
        self.fit(plan)
        with self.clock.count_flops():
            for part in self.parts:
                part.after_task(self.t)
        self._note_divergence()

    def fit(self, plan: Batch) -> None:
        """Trains on every batch of the plan, with all hooks on; on a GPU as a captured step."""
        steps, before = len(plan.samples), self.samples_seen
        if self.budget.warm_up is not None:
            plan.lr = warmed_up(self.budget, steps, self.stream.device).expand(self.S, steps).T
        with self.clock.count_flops(times=steps):            # all steps of a fit have the same shapes
            self.step(plan.at(0))
        self.updates += 1
        rows = self.samples_seen - before                    # counted here: a captured step counts nothing
        take = CapturedStep(self.step, self.notes) if self.stream.device.type == "cuda" else self.step
        for step in range(1, steps):
            take(plan.at(step))
            self.updates += 1
        self.samples_seen = before + steps * rows

    def step(self, draws: Batch) -> None:
        batch = Batch({**draws, **self.stream.gather(draws.samples)})
        for part in self.parts:
            batch = part.batch(batch)
        gradient = self.learner.gradient(self.loss, batch)
        g, batch.out, batch.loss = gradient.g, gradient.out, gradient.loss
        for part in self.parts:
            g = part.gradient(g, batch)
        self.learner.step(gradient._replace(g=g), batch.get("lr"))
        self.samples_seen += batch.y.numel()
        self.alive &= batch.loss.abs() < torch.inf             # isfinite takes twice the operators
        self.finite_steps += self.alive
        for part in self.parts:
            part.after_step(batch)

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """One seed: weighted sum over the rows of the data term and of every part's term."""
        terms = [self.data_losses(out, batch)] + [part.losses(out, batch) for part in self.parts]
        first, *more = ((batch.weight[:len(term)] * term).sum() for term in terms if term is not None)
        return sum(more, first)

    def evaluate(self) -> Tensor:
        """Scores [S, E, K] of the network as it is; NaN for a seed that has diverged."""
        with self.clock.measure("eval_s"):
            acc = evaluate(self.stream, self.predict)
        return acc.masked_fill(~self.alive.view(-1, 1, 1), torch.nan)

    # ---- for parts
    def new_learner(self, net, purpose: str = "init") -> Learner:
        """Another network with its own parameters and optimiser, for the same seeds."""
        return Learner(net, self.seeds, self.stream.device, self.budget, purpose)

    def draw(self, purpose: str, make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """make(generator) [steps, ...] for every seed: [steps, S, ...], ready for the plan."""
        return draw(self.seeds, purpose, self.t, make).transpose(0, 1).to(self.stream.device)

    def shuffled(self, samples: Tensor, rows: int | None = None, steps: int | None = None,
                 purpose: str = "batches") -> Tensor:
        """[steps, S, rows, 2]: reshuffled passes over samples [n, 2] or [S, n, 2], the remainder carried over.

        For training: where the stream augments, a third column says how each row is seen this time.
        """
        rows, steps, n = rows or self.rows, steps or self.steps, samples.shape[-2]
        order = draw(self.seeds, purpose, self.t, lambda draws: passes(n, steps * rows, draws)).to(samples.device)
        drawn = take(samples.expand(self.S, n, 2), order)
        drawn = drawn.unflatten(1, (steps, rows)).transpose(0, 1)
        return torch.cat([drawn, self.views(steps, rows, f"{purpose} views")], -1)

    def views(self, steps: int, rows: int, purpose: str) -> Tensor:
        """[steps, S, rows, 1]: how each row is seen, where the stream augments; else [steps, S, rows, 0]. The third column of
        samples."""
        shape = (steps, rows, 0 if self.stream.views is None else 1)
        count = 1 if self.stream.views is None else len(self.stream.views)
        return self.draw(purpose, lambda draws: torch.randint(count, shape, generator=draws))

    def subset(self, samples: Tensor, rows: int, purpose: str) -> Tensor:
        """[S, rows, 2]: so many of samples [n, 2] or [S, n, 2], no pair twice: what to keep or to measure on."""
        n = samples.shape[-2]
        order = draw(self.seeds, purpose, self.t, lambda draws: torch.randperm(n, generator=draws)[:rows])
        return take(samples.expand(self.S, n, 2), order.to(samples.device))

    def seen(self) -> Tensor:
        """[n, 2]: the training data of all tasks so far; for parts that declare `sees_all_data`."""
        return torch.cat([task.train for task in self.stream.tasks[:self.t + 1]])

    def gradient(self, batch: Batch, theta: Tensor | None = None) -> Tensor:
        """g [S, P] of the data term alone: the other gradient of methods that need two."""
        self.samples_seen += batch.y.numel()
        return self.learner.gradient(lambda out, b: (b.weight * self.data_losses(out, b)).sum(), batch, theta).g

    @torch.no_grad()
    def row_losses(self, batch: Batch, theta: Tensor | None = None) -> Tensor:
        """[S, B]: the data term of each row."""
        out = self.learner.outputs(batch.x, theta)
        return self.learner.map(lambda o, b: self.data_losses(o, Batch(b)), out, dict(batch))

    # ---- its own
    def extra_parameters(self, net) -> int:
        """Numbers kept per seed beyond the plain network: a larger network, and the parts' float tensors."""
        P, parameters = self.learner.net.layout.P, self.learner.net.layout.parameters
        kept = (tensor.numel() // self.S for part in self.parts for tensor in vars(part).values()
                if torch.is_tensor(tensor) and tensor.is_floating_point())
        return parameters - net.layout.parameters + sum(n // P * parameters if n % P == 0 else n for n in kept)

    def _outputs(self, x: Tensor, t: int | None) -> Tensor:
        return self.learner.outputs(x)

    def _note_divergence(self) -> None:
        self.alive = self.alive & self.learner.theta.isfinite().all(-1)
        known = {one["seed"] for one in self.diverged}
        for seed, alive, steps in zip(self.seeds, self.alive.tolist(), self.finite_steps.tolist(), strict=True):
            if not alive and seed not in known:
                self.diverged.append({"seed": seed, "task": self.t + 1, "step": steps + 1})

    @staticmethod
    def _only_one(replacements: list, what: str):
        if len(replacements) > 1:
            raise InputError(f"two parts of this strategy both replace the {what}: leave one out")
        return replacements[0] if replacements else None
