"""The training loop of a script: one seed, step for step as clbench trains it, without costs and checks."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from clbench.core.batch import SHARED, Batch
from clbench.core.budget import Budget
from clbench.core.part import Part
from clbench.data.labelled.sources import Images
from clbench.engine.optimiser import warm_up_rates
from clbench.engine.run import Run
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream
from clbench.streams.stream import Task

ROWS = 1000  # of the test data at a time


class Rounds:
    """Counts the rounds of a part's own loops."""

    repeat = range


class Training(Run):
    """The run of one seed: every tensor that has a seed axis has the length 1 there."""

    stream: LabelledStream

    def __init__(self, stream: LabelledStream, net: Network, parts: list[Part], budget: Budget) -> None:
        self.stream, self.parts, self.budget = stream, parts, budget
        self.seeds, self.S, self.steps, self.rows = stream.seeds, 1, budget.steps, budget.rows
        self.replayed = self.new_rows = budget.rows
        self.t = self.updates = self.samples_seen = 0
        self.clock: Any = Rounds()
        self.turn, self.drawn_by = None, {}
        if part := self._owner("network"):
            net = part.network(stream, net)
        self.learner = self.new_learner(net)
        losing, predicting = self._owner("data_losses"), self._owner("predict")
        self.data_losses = losing.data_losses if losing else stream.losses
        self.predict = predicting.predict if predicting else self._outputs
        for _, part in self.turns():
            part.run = self
            part.start(self)

    def train(self) -> Tensor:
        """Accuracies [T+1, E]: row 0 of the untrained network, row t+1 of the network after task t."""
        rows = [self.evaluate()]
        self.show("untrained", rows[0])
        for t, task in enumerate(self.stream.tasks):
            self.t = t
            self.learn(task)
            rows.append(self.evaluate())
            self.show(f"task {t + 1}", rows[-1])
        self.acc = torch.stack(rows)
        print(f"ACC {self.acc[-1].mean():.4f}")
        return self.acc

    def show(self, name: str, row: Tensor) -> None:
        print(f"{name:10}", *(f"{100 * one:6.2f}" for one in row.tolist()))

    def learn(self, task: Task) -> None:
        """One task: draw the plan, train, consolidate."""
        if self.budget.optimiser_state == "reset":
            self.learner.reset_optimiser()
        self.stream.open_outputs(self.t)
        self.steps = self.budget.steps_over(len(task.train))
        self.fit(self.plan(task))
        for _, part in self.turns(last=lambda part: not part.splits_plan):
            part.after_task(self.t)

    def plan(self, task: Task) -> Batch:
        """All batches of the task, after every part's `before_task`."""
        samples = None
        for _, part in self.turns():
            if part.choose_samples:
                samples = part.choose_samples(self.t)
        if samples is None:
            samples = self.shuffled(task.train)
        self.new_rows = samples.shape[2]
        plan = Batch(samples=samples)
        for number, part in self.turns(last=lambda part: part.splits_plan):
            plan = part.before_task(self.t, plan.for_part(number)).from_part(number)
        if any(part.retrains for part in self.parts):
            self.learner.restart()
        return plan

    def fit(self, plan: Batch) -> None:
        """Trains on every batch of the plan."""
        if self.turn is not None:  # a part's own plan
            plan = plan.from_part(self.turn)
        steps = len(plan.samples)
        if self.budget.warm_up is not None and steps:
            plan.lr = warm_up_rates(self.budget, steps, self.stream.device).unsqueeze(1)
        for step in range(steps):
            self.step(plan.at(step))
            self.updates += 1
            self.end_periods(step + 1)

    def step(self, draws: Batch) -> None:
        """The batch, its loss and gradient, the optimiser's step."""
        batch = self.batch(draws)
        gradient = self.learner.gradient(self.loss, batch)
        g, batch.out, batch.loss = gradient.g, gradient.out, gradient.loss
        for number, part in self.turns():
            g = part.gradient(g, batch.for_part(number)).contiguous()
        self.learner.step(gradient._replace(g=g), batch.get("lr"))
        self.samples_seen += batch.y.numel()
        for number, part in self.turns():
            part.after_step(batch.for_part(number))

    def batch(self, draws: Batch) -> Batch:
        """The batch of these draws, after every part's `batch`."""
        gathered = self.stream.gather(draws.samples)
        batch, shared = Batch({**draws, **gathered}), SHARED | gathered.keys()
        for number, part in self.turns():
            batch = part.batch(batch.for_part(number)).from_part(number, shared)
        return batch

    def loss(self, out: Any, batch: Batch) -> Tensor:
        """Weighted sum over the rows of the data term and of every part's term."""
        terms = [self.data_losses(out, batch)]
        for number, part in self.turns():
            term = part.losses(out, batch.for_part(number))
            if term is not None:
                terms.append(term)
        first, *more = ((batch.weight[: len(term)] * term).sum() for term in terms)
        return sum(more, first)

    @torch.no_grad()
    def evaluate(self) -> Tensor:
        """Accuracy [E] on the test data of every task; NaN once a weight is not finite."""
        row = []
        for j, task in enumerate(self.stream.tasks):
            known = j if self.stream.scenario == "task" else None
            parts = (slice(start, start + ROWS) for start in range(0, len(task.test), ROWS))
            out = [self.predict(self.stream.test(j, part), known) for part in parts]
            row.append(self.stream.score(j, torch.cat(out, 1))[0, 0].cpu())
        acc = torch.stack(row)
        return acc if bool(self.learner.theta.isfinite().all()) else acc * torch.nan


def stream_of(
    tasks: Iterable[tuple[Any, Any, Any, Any]], scenario: str, seed: int, device: torch.device
) -> LabelledStream:
    """Tasks of arrays x [n, d], y [n], x_test [m, d], y_test [m] as a stream. Labels are outputs of the
    network, from 0; in the scenario "task" a task's rows compete among its own labels only, in "domain" all
    tasks share the labels."""
    x, y, x_test, y_test = (
        [torch.as_tensor(array) for array in arrays] for arrays in zip(*tasks, strict=True)
    )
    images = Images(torch.cat(x), torch.cat(y).long(), torch.cat(x_test), torch.cat(y_test).long(), scale=1.0)
    outputs = 1 + int(images.y.max())
    places = [torch.arange(len(images.y)).split([len(one) for one in y])]
    places.append(torch.arange(len(images.y_test)).split([len(one) for one in y_test]))
    made = []
    for t, (train, test) in enumerate(zip(*places, strict=True)):
        own = torch.ones(outputs, dtype=torch.bool)
        if scenario != "domain":
            own = torch.isin(torch.arange(outputs), y[t].long())
        pairs = torch.stack([torch.full_like(train, t), train], -1)
        made.append(Task(pairs.to(device), test.to(device), own.to(device)))
    return LabelledStream(images.to(device), made, scenario, [seed])
