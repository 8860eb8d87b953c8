"""One seed of an Avalanche row. Imports Avalanche; `clbench.avalanche.run` imports this when such a row
runs."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from avalanche.benchmarks.scenarios.dataset_scenario import DatasetExperience
from torch import Tensor

from clbench.avalanche.adapt import LearningRates, OurOrder, OwnOutputs, experience
from clbench.avalanche.meter import Meter
from clbench.core.budget import Budget
from clbench.core.keyed import draw, generator, passes
from clbench.core.pytree import Tree
from clbench.engine.clock import Clock
from clbench.engine.evaluate import evaluate
from clbench.engine.look import Look
from clbench.engine.optimiser import warm_up_rates
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.avalanche.row import Row
    from clbench.models.network import AsModule
    from clbench.streams.stream import Answers, Stream


class SingleRun:
    """Trains a row on a stream of one seed and evaluates it with our own code."""

    def __init__(self, stream: "Stream", net: "AsModule", row: "Row", budget: Budget, clock: Clock) -> None:
        self.stream, self.net, self.row, self.budget, self.clock = stream, net, row, budget, clock
        (self.seed,) = stream.seeds
        self.t, self.meter = 0, Meter(clock, row.own_loop)
        self.diverged: dict[str, int] | None = None
        self.theta = draw([self.seed], "init", 0, net.init)[0]  # row 0 of the native strategies
        self.looks: list[Look] = []
        self.scores_so_far: list[Tensor] = []  # [1, E, 1] each, as the native strategies'
        self.kept_bytes: list[int] = []
        self.moved: list[float] = []
        self.experiences: list[DatasetExperience] = []
        if reason := row.refuses(stream, budget):
            raise InputError(reason)
        row.prepare()
        self.strategy = self.fresh()

    # ---- the story
    def train(self) -> Tensor:
        """Accuracy [T+1, E]: row 0 is the untrained network, row t+1 the network after task t; NaN once
        diverged."""
        acc = [self.evaluate()]
        for t in range(len(self.stream.tasks)):
            self.t = t
            before = [one.detach().clone() for one in self.row.weights(self.strategy)]
            self.learn()
            self.moved.append(_share_moved(before, self.row.weights(self.strategy)))
            self.kept_bytes.append(self.memory_bytes())
            if self.diverged:
                break
            acc.append(self.evaluate())
        missing = [torch.full_like(acc[0], torch.nan)] * (len(self.stream.tasks) + 1 - len(acc))
        return torch.stack(acc + missing)

    def learn(self) -> None:
        """One task, one call of Avalanche's train()."""
        with self.clock.measure("setup_s"):
            kept = self.experiences if self.row.all_experiences else []
            self.experiences = [*kept, experience(self.stream, self.t)]
            self.row.adapt(self.experiences[-1], self.stream)
            if self.row.retrains and self.t > 0:
                self.strategy = self.fresh()
        before = self.meter.steps
        with self.clock.measure("train_s"):
            self.seed_generators()
            self.meter.start(self.steps)
            try:
                with self.autocast():
                    self.strategy.train(
                        self.experiences,
                        eval_streams=[],
                        reset_optimizer_state=self.budget.optimiser_state == "reset",
                        pin_memory=False,
                    )  # the data are on the device already
            finally:
                self.meter.stop()
        done = self.meter.steps - before
        assert done == self.steps or self.row.own_loop, f"Avalanche took {done} steps instead of {self.steps}"
        self.note_divergence(before)

    @property
    def steps(self) -> int:
        return self.budget.steps * (self.t + 1 if self.row.retrains else 1)

    def note_divergence(self, before: int) -> None:
        finite = self.meter.finite_steps()
        weights = all(bool(tensor.isfinite().all()) for tensor in self.row.weights(self.strategy))
        if finite < len(self.meter.losses) or not weights:
            self.diverged = {"seed": self.seed, "task": self.t + 1, "step": before + finite + 1}

    def evaluate(self) -> Tensor:
        """Accuracy [E] of the strategy as it is, NaN where it has no answer."""
        self.silent: set[int | None] = set()  # the tasks of slices without one
        with self.clock.measure("eval_s"), self.answering():
            look = self._look_at_answers if self.looks else None
            acc = evaluate(self.stream, self.scores, look)[0, :, 0].cpu()
        for t in self.silent:
            acc[slice(None) if t is None else t] = torch.nan
        self.scores_so_far.append(acc.view(1, -1, 1))
        for one in self.looks:
            one.after_row(self)
        return acc

    def _look_at_answers(self, answers: list["Answers"], outputs: list[Tree]) -> None:
        for look in self.looks:
            look.after_answers(self, answers, outputs)

    @property
    def seeds(self) -> list[int]:
        return [self.seed]

    @contextmanager
    def answering(self) -> Iterator[None]:
        """The model as it is evaluated. `strategy.eval()` would move the generators and adapt it."""
        model = self.strategy.model  # some strategies replace it
        training = model.training
        with self.autocast():
            model.eval()
            yield
            model.train(training)

    def scores(self, x: Tensor, t: int | None) -> Tensor:
        """[1, n, C] of inputs [1, n, d]."""
        out = self.row.scores(self.strategy, x[0], t)
        if out is None:
            self.silent.add(t)
            return x.new_zeros(1, x.shape[1], self.stream.classes)
        return _as_wide(out, self.stream.classes).unsqueeze(0)

    def memory_bytes(self) -> int:
        """Kept beyond the plain network. An example counts the bytes that it has in the stream's own data."""
        items, parameters = self.row.memory_items(self.strategy), self.row.extra_params(self.strategy)
        return items * self.stream.example_bytes + parameters * self.theta.element_size()

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.stream.device.type, torch.bfloat16, enabled=self.budget.precision == "bf16"
        )

    # ---- what Avalanche is given
    def fresh(self):
        """A new strategy with the initial weights."""
        self.seed_generators()
        model = self.net.module(self.theta)
        if self.stream.scenario == "task":
            model = OwnOutputs(model, torch.stack([task.classes for task in self.stream.tasks]))
        model = model.to(self.stream.device)
        plugins = [self.meter]
        if self.row.order != "own":
            plugins.append(OurOrder(self.order, an_epoch_each=self.row.order == "steps"))
        if self.budget.warm_up is not None:
            plugins.append(LearningRates(self.learning_rates))
        return self.row.build(
            {
                "model": model,
                "optimizer": self.optimiser(model),
                "criterion": torch.nn.CrossEntropyLoss(),
                "train_mb_size": self.budget.rows,
                "device": self.stream.device,
                "train_epochs": self.steps,  # more than enough: the meter stops it
                "plugins": plugins,
                "evaluator": None,
            },
            self.stream,
        )  # a list of its own: Avalanche appends to it

    def optimiser(self, model) -> torch.optim.Optimizer:
        """torch's own, fused as the native strategies' is."""
        budget = self.budget
        common = {
            "params": model.parameters(),
            "lr": budget.lr,
            "weight_decay": budget.weight_decay,
            "fused": True,
        }
        if budget.optimiser == "sgd":
            return torch.optim.SGD(momentum=budget.momentum, **common)
        kind = torch.optim.AdamW if budget.optimiser == "adamw" else torch.optim.Adam
        return kind(betas=(0.9, budget.beta2), **common)

    def learning_rates(self) -> list[float]:
        """Of all steps of the task, as the native strategies have them."""
        return warm_up_rates(self.budget, self.steps, torch.device("cpu")).tolist()

    def order(self, n: int) -> np.ndarray:
        """The examples of all steps one after another, out of n: the draws of
        `clbench.engine.run.Run.shuffled`."""
        return passes(n, self.steps * self.budget.rows, generator(self.seed, "batches", self.t)).numpy()

    def seed_generators(self) -> None:
        """Avalanche draws from all three; keyed by task too, since strategies draw different amounts between
        tasks."""
        number = generator(self.seed, "avalanche", self.t).initial_seed()
        torch.default_generator.manual_seed(
            number
        )  # torch.manual_seed would also touch GPUs that we don't use
        if self.stream.device.type == "cuda":
            with torch.cuda.device(self.stream.device):
                torch.cuda.manual_seed(number)
        random.seed(number)
        np.random.seed(number % 2**32)


def _as_wide(out: Tensor, classes: int) -> Tensor:
    """Scores [n, C]: of classes that a strategy does not know yet, lower than any."""
    return torch.nn.functional.pad(out, (0, classes - out.shape[1]), value=-torch.inf)


def _share_moved(before: list[Tensor], after: list[Tensor]) -> float:
    """Of all numbers of the network; those of a tensor that is new, or has another shape, have all moved."""
    moved = total = 0
    for i, new in enumerate(after):
        old = before[i] if i < len(before) and before[i].shape == new.shape else None
        moved += new.numel() if old is None else int((new.detach() != old).sum())
        total += new.numel()
    return moved / total if total else 0.0
