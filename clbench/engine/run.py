"""One run: a group of S seeds of one strategy over one stream."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.core.batch import SHARED, Batch, take
from clbench.core.budget import Budget
from clbench.core.composition import conflict
from clbench.core.keyed import draw, passes
from clbench.core.part import Part
from clbench.core.pytree import Tree
from clbench.engine import hooks
from clbench.engine.capture import CapturedStep
from clbench.engine.clock import Clock
from clbench.engine.evaluate import evaluate
from clbench.engine.learner import Gradient, Learner
from clbench.engine.look import Look
from clbench.engine.optimiser import warm_up_rates
from clbench.engine.precision import arithmetic
from clbench.engine.prediction import cost_of_predictions
from clbench.engine.storage import extra_bytes, extra_numbers
from clbench.engine.tally import Tally
from clbench.errors import InputError, RunFailed

if TYPE_CHECKING:
    from clbench.models.network import Network
    from clbench.streams.stream import Answers, Stream, Task


@dataclass
class Outcome:
    """What a runner gives back for its group of seeds."""

    acc: Tensor  # [S, T+1, E] float64 on the CPU; NaN where a seed had diverged before
    costs: dict[str, Any]  # the cost sheet, all seeds together
    diverged: list[dict[str, int]]  # {seed, task, step of the run} where a loss or weight was not finite
    more: dict[str, Tensor] = field(default_factory=dict)  # what else the stream measures, as acc
    notes: list[str] = field(default_factory=list)  # what a reader of the record should know
    slice_sizes: list[int] | None = None  # [E] examples in each evaluation slice
    parameters: list[int] | None = None  # [T] in use after each task, where they grow
    pictures: Tensor | None = None  # [classes, n, height, width, channels] uint8, see `Part.pictures`
    weights: list[str] | None = None  # a digest for each seed of the network's weights
    kept_bytes: list[int] | None = None  # [T] of one seed, beyond the plain network, after each task
    moved: list[float] | None = None  # [T] share of the weights that each task has changed, mean over seeds
    tally: dict[str, Tensor] = field(default_factory=dict)  # see `Tally.arrays`; seeds first


def run(
    stream: "Stream",
    net: "Network",
    parts: list[Part],
    budget: Budget,
    clock: Clock,
    run_class: type["Run"] | None = None,
    looks: Sequence[Look] = (),
) -> Outcome:
    """Trains and evaluates the stream's seeds together, by a `Run` or a class derived from it.

    looks: what else looks at the run."""
    with arithmetic(budget.precision):
        with clock.measure("setup_s"):
            this = (run_class or Run)(stream, net, parts, budget, clock)
        this.looks = list(looks)
        if run_class is None:  # another class looks at every call itself
            this.looks.append(Tally(stream, this.gives_probabilities))
        try:
            acc = this.train()
        except Exception as error:
            raise RunFailed(this.t + 1, this.updates) from error
    costs = {
        **clock.sheet(),
        "steps": this.updates * this.S,
        "samples_seen": this.samples_seen,
        "memory_items": sum(part.stored.shape[1] for part in parts if part.stored is not None) * this.S,
        "memory_bytes": this.memory_bytes() * this.S,
        "extra_params": this.extra_parameters() * this.S,
    }
    if run_class is None:
        costs |= cost_of_predictions(stream, this.scores, clock)
    if shares := [part.labels for part in parts if part.labels is not None]:
        costs["labels"] = min(shares)
    more = {name: array.cpu() for name, array in this.more.items()}
    return Outcome(
        acc.cpu(),
        costs,
        this.diverged,
        more,
        this.notes,
        parameters=_parameters(parts, stream),
        pictures=next((shown for part in parts if (shown := part.pictures()) is not None), None),
        weights=[digest_of([theta]) for theta in this.learner.theta],
        kept_bytes=this.kept_bytes,
        moved=this.moved,
        tally={name: array for look in this.looks for name, array in look.arrays().items()},
    )


def digest_of(tensors: list[Tensor]) -> str:
    """Of their bits."""
    digest = blake2b(digest_size=8)
    for tensor in tensors:
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _parameters(parts: list[Part], stream: "Stream") -> list[int] | None:
    """[T] numbers of the network in use after each task; None where no part says that they change."""
    for part in parts:
        numbers = [part.parameters(t) for t in range(len(stream.tasks))]
        if numbers[0] is not None:
            return [number or 0 for number in numbers]
    return None


class Run:
    """What parts see: `stream`, `learner`, the task `t`, `seeds`, `S`, `steps`, `rows`, and the functions
    below."""

    def __init__(
        self, stream: "Stream", net: "Network", parts: list[Part], budget: Budget, clock: Clock | None = None
    ) -> None:
        self.stream, self.parts, self.budget = stream, parts, budget
        self.seeds, self.S, self.steps, self.rows = stream.seeds, len(stream.seeds), budget.steps, budget.rows
        # Where a method replays, a batch holds so many stored rows and as many new ones.
        replaying = sum(part.replays for part in parts)
        self.replayed = budget.rows // (1 + replaying) if budget.fixed_compute else budget.rows
        self.clock = clock or Clock(stream.device)
        self.looks: list[Look] = []
        self.last: tuple[Batch, Gradient] | None = None  # what the last step saw and made, for looks
        self.scores_so_far: list[Tensor] = []  # a row of the matrix each; a run that goes on begins with some
        self.plain = net.layout.parameters  # how many, before a part replaces the network
        self.kept_bytes: list[int] = []
        self.moved: list[float] = []
        self.t = self.updates = self.samples_seen = 0
        self.new_rows = self.rows  # of a batch of this task, before parts append to them
        self.notes: list[str] = []
        self.alive = torch.ones(self.S, dtype=torch.bool, device=stream.device)
        self.finite_steps = torch.zeros(self.S, dtype=torch.long, device=stream.device)
        self.diverged: list[dict[str, int]] = []
        if reason := conflict([(type(part).__name__, type(part)) for part in parts]):
            raise InputError(reason)
        if part := self._owner("network"):
            hooks.check_network(part, net := part.network(stream, net))
        self.learner = self.new_learner(net)
        if part:
            hooks.check_initial(part, self.learner.initial, (self.S, net.layout.P))
        losing, predicting = self._owner("data_losses"), self._owner("predict")
        self.data_losses = losing.data_losses if losing else stream.losses
        self.predict = predicting.predict if predicting else self._outputs
        # Whom a wrong data term or wrong scores are told of: (owner, name of its function).
        self.loses: tuple[Any, str] = (losing, "data_losses") if losing else (stream, "losses")
        self.predicts: tuple[Any, str] = (predicting, "predict") if predicting else (net, "__call__")
        self.first_of_fit = False  # whether this is the step whose batch is looked at
        self.turn: int | None = None  # the number of the part whose hook runs
        self.drawn_by: dict[str, int | None] = {}  # purpose of a draw -> the part that came first
        given = self.learner, self.data_losses
        for _, part in self.turns():
            part.run = self
            part.start(self)
            hooks.check_stored(part, self.S, stream.device)
        if given != (self.learner, self.data_losses):
            raise InputError(
                "a part replaces the learner or the data term in `start`: "
                "that is what the hooks `network` and `data_losses` are for"
            )
        if budget.fixed_compute and not all(self._steps_left(t) for t in range(len(stream.tasks))):
            names = "+".join(type(part).__name__ for part in parts)
            raise InputError(
                f"what {names} computes besides its steps takes all {budget.steps} steps of the budget, "
                "which pays for it (fixed_compute): ask it for less, or give the benchmark more steps"
            )

    # ---- the story
    def train(self) -> Tensor:
        """Accuracy [S, T+1, E]: row 0 is the untrained network, row t+1 the network after task t. What else
        the stream measures is in `more`."""
        self.scores_so_far = scores = [self._of_all_slices(row) for row in self.scores_so_far]
        if not scores:
            self.add_row()
        for t, task in list(enumerate(self.stream.tasks))[len(scores) - 1 :]:
            self.t = t
            before = self.learner.theta.detach().clone()
            with self.clock.measure("train_s"):
                self.learn(task)
                for look in self.looks:
                    look.after_task(self)
            self.moved.append(self._share_moved(before))
            self.kept_bytes.append(self.memory_bytes())
            self.add_row()
            if len(self.diverged) == self.S:
                break
        missing = [torch.full_like(scores[0], torch.nan)] * (len(self.stream.tasks) + 1 - len(scores))
        acc, *more = torch.stack(scores + missing, 1).unbind(-1)
        self.more: dict[str, Tensor] = dict(zip(self.stream.measures[1:], more, strict=True))
        return acc

    def learn(self, task: "Task") -> None:
        """One task: draw the plan, train, consolidate."""
        if self.budget.optimiser_state == "reset":
            self.learner.reset_optimiser()
        if hasattr(self.stream, "open_outputs"):
            self.stream.open_outputs(self.t)
        if self.budget.epochs:
            self.steps = self.budget.steps_over(len(task.train))
        if self.budget.fixed_compute:
            self.steps = self._steps_left(self.t)
        with self.clock.count_flops():
            plan = self.plan(task)
        self.fit(plan)
        with self.clock.count_flops():
            for _, part in self.turns(last=lambda part: not part.splits_plan):
                part.after_task(self.t)
                hooks.check_stored(part, self.S, self.stream.device)
        self._note_divergence()

    def plan(self, task: "Task") -> Batch:
        """All batches of the task, after every part's `before_task`."""
        samples, columns = None, 2 if self.stream.views is None else 3
        for _, part in self.turns():
            if part.choose_samples:
                samples = part.choose_samples(self.t)
                hooks.check_samples(part, samples, self.S, columns, self.stream.device)
        if samples is None:
            samples = self.shuffled(task.train)
        if self.t > 0 and any(part.replays for part in self.parts):
            samples = samples[:, :, : self.replayed]
        self.new_rows = samples.shape[2]
        plan = Batch(samples=samples)
        for number, part in self.turns(last=lambda part: part.splits_plan):
            plan = part.before_task(self.t, plan.for_part(number))
            hooks.check_plan(part, plan, self.S, columns, self.stream.device)
            plan = plan.from_part(number)
        if any(part.retrains for part in self.parts):
            self.learner.restart()  # after the hooks: what they copy is what was learnt
        return plan

    def fit(self, plan: Batch) -> None:
        """Trains on every batch of the plan, with all hooks on; on a GPU as a captured step."""
        if self.turn is not None:  # a part's own plan
            plan = plan.from_part(self.turn)
        steps, before = len(plan.samples), self.samples_seen
        if not steps:  # of a part that learns nothing by gradients
            return
        if self.budget.warm_up is not None:
            plan.lr = warm_up_rates(self.budget, steps, self.stream.device).expand(self.S, steps).T
        with self.clock.count_flops(times=steps):  # all steps of a fit have the same shapes
            self.first_of_fit = True
            self.step(plan.at(0))
            self.first_of_fit = False
        self.updates += 1
        self.look_at_step()
        rows = self.samples_seen - before  # counted here: a captured step counts nothing
        take = self.step_of_fit()
        with self.clock.uncounted():
            self.end_periods(1)
            for step in range(1, steps):
                take(plan.at(step))
                self.updates += 1
                self.look_at_step()
                self.end_periods(step + 1)
        self.samples_seen = before + steps * rows

    def end_periods(self, steps: int) -> None:
        """After so many steps of a fit: what parts do between steps."""
        if any(part.period for part in self.parts):
            for _, part in self.turns():
                if part.period and steps % part.period == 0:
                    part.after_period()

    def look_at_step(self) -> None:
        for look in self.looks:
            look.after_step(self)

    def step_of_fit(self) -> Callable[[Batch], None]:
        """What takes the steps of one fit after the first."""
        return CapturedStep(self.step, self.notes) if self.stream.device.type == "cuda" else self.step

    def step(self, draws: Batch) -> None:
        batch = self.batch(draws)
        gradient = self.learner.gradient(self.loss, batch)
        g, batch.out, batch.loss = gradient.g, gradient.out, gradient.loss
        for number, part in self.turns():
            g = hooks.check_gradient(part, part.gradient(g, batch.for_part(number)), self.learner.theta)
        gradient = gradient._replace(g=g)
        self.learner.step(gradient, batch.get("lr"))
        if any(look.ours_only for look in self.looks):
            self.last = batch, gradient
        self.samples_seen += batch.y.numel()
        self.alive &= batch.loss.abs() < torch.inf  # isfinite takes twice the operators
        self.finite_steps += self.alive
        for number, part in self.turns():
            part.after_step(batch.for_part(number))

    def batch(self, draws: Batch) -> Batch:
        """The batch of these draws, after every part's `batch`."""
        gathered = self.stream.gather(draws.samples)
        batch, shared = Batch({**draws, **gathered}), SHARED | gathered.keys()
        for number, part in self.turns():
            batch = part.batch(batch.for_part(number))
            if self.first_of_fit:
                hooks.check_batch(part, batch, self.S, self.stream.device)
            batch = batch.from_part(number, shared)
        return batch

    def loss(self, out: Tree, batch: Batch) -> Tensor:
        """One seed: weighted sum over the rows of the data term and of every part's term."""
        weight = batch.weight
        terms = [hooks.check_losses(*self.loses, self.data_losses(out, batch), weight, whole=True)]
        for number, part in self.turns():
            term = part.losses(out, batch.for_part(number))
            if term is not None:
                terms.append(hooks.check_losses(part, "losses", term, weight, whole=False))
        first, *more = ((weight[: len(term)] * term).sum() for term in terms)
        return sum(more, first)

    def evaluate(self) -> Tensor:
        """Scores [S, E, K] of the network as it is; NaN for a seed that has diverged."""
        with self.clock.measure("eval_s"):
            acc = evaluate(self.stream, self.scores, self._look_at_answers if self.looks else None)
        return acc.masked_fill(~self.alive.view(-1, 1, 1), torch.nan)

    def add_row(self) -> None:
        """Evaluates, for the next row of the matrix."""
        self.scores_so_far.append(self.evaluate())
        for look in self.looks:
            look.after_row(self)

    def _look_at_answers(self, answers: list["Answers"], outputs: list[Tree]) -> None:
        for look in self.looks:
            look.after_answers(self, answers, outputs)

    def scores(self, x: Tree, t: int | None) -> Tree:
        """What `predict` gives, looked at."""
        out = self.predict(x, t)
        hooks.check_scores(*self.predicts, out, x, self.stream.classes, self.stream.device)
        return out

    # ---- for parts
    def new_learner(self, net: "Network", purpose: str = "init", **fields: Any) -> Learner:
        """Another network with its own parameters and optimiser, for the same seeds; `fields` replace those
        of the budget: lr=0.1, …"""
        return Learner(net, self.seeds, self.stream.device, replace(self.budget, **fields), purpose)

    def draw(self, purpose: str, make: Callable[[torch.Generator], Tensor]) -> Tensor:
        """make(generator) [steps, ...] for every seed: [steps, S, ...], ready for the plan."""
        return draw(self.seeds, self.purpose(purpose), self.t, make).transpose(0, 1).to(self.stream.device)

    def purpose(self, name: str) -> str:
        """The name of a draw, unless another part draws under it too: then the later of the two has numbers
        of its own."""
        owner = self.drawn_by.setdefault(name, self.turn)
        return name if self.turn in (owner, None) or owner is None else f"{name} of part {self.turn + 1}"

    def shuffled(
        self, samples: Tensor, rows: int | None = None, steps: int | None = None, purpose: str = "batches"
    ) -> Tensor:
        """[steps, S, rows, 2]: reshuffled passes over samples [n, 2] or [S, n, 2], the remainder carried
        over, or dropped where the budget says so. steps: None for those of the budget.

        For training: where the stream augments, a third column says how each row is seen this time.
        """
        rows, n = rows or self.rows, samples.shape[-2]
        if steps is None:
            steps = self.budget.steps_over(n, rows) if self.budget.epochs else self.steps
        used, count = self.budget.used_of_pass(n, rows), steps * rows
        order = draw(self.seeds, self.purpose(purpose), self.t, lambda draws: passes(n, count, draws, used))
        drawn = take(samples.expand(self.S, n, 2), order.to(samples.device))
        drawn = drawn.unflatten(1, (steps, rows)).transpose(0, 1)
        return torch.cat([drawn, self.views(steps, rows, f"{purpose} views")], -1)

    def drawn_anew(self, samples: Tensor, rows: int, steps: int, purpose: str) -> Tensor:
        """[steps, S, rows, 2]: at every step so many of samples [S, n, 2], each at most once in the step, all
        with the same probability whatever came before; where n is smaller, all of them.

        A third column as in `shuffled`.
        """
        n = samples.shape[1]
        rows = min(rows, n)
        # [steps, S, rows]
        order = self.draw(
            purpose,
            lambda draws: torch.stack([torch.randperm(n, generator=draws)[:rows] for _ in range(steps)]),
        )
        drawn = take(samples, order.transpose(0, 1).flatten(1)).unflatten(1, (steps, rows)).transpose(0, 1)
        return torch.cat([drawn, self.views(steps, rows, f"{purpose} views")], -1)

    def views(self, steps: int, rows: int, purpose: str) -> Tensor:
        """[steps, S, rows, 1]: how each row is seen, where the stream augments; else [steps, S, rows, 0]. The
        third column of samples."""
        shape = (steps, rows, 0 if self.stream.views is None else 1)
        count = 1 if self.stream.views is None else len(self.stream.views)
        return self.draw(purpose, lambda draws: torch.randint(count, shape, generator=draws))

    def subset(self, samples: Tensor, rows: int, purpose: str) -> Tensor:
        """[S, rows, 2]: so many of samples [n, 2] or [S, n, 2], no pair twice: what to keep or to measure
        on."""
        n = samples.shape[-2]
        order = draw(
            self.seeds, self.purpose(purpose), self.t, lambda draws: torch.randperm(n, generator=draws)[:rows]
        )
        return take(samples.expand(self.S, n, 2), order.to(samples.device))

    def seen(self) -> Tensor:
        """[n, 2]: the training data of all tasks so far; for parts that declare `sees_all_data`."""
        return torch.cat([task.train for task in self.stream.tasks[: self.t + 1]])

    def gradient(self, batch: Batch, theta: Tensor | None = None) -> Tensor:
        """g [S, P] of the data term alone: the other gradient of methods that need two."""
        self.samples_seen += batch.y.numel()
        return self.learner.gradient(
            lambda out, b: (b.weight * self.data_losses(out, b)).sum(), batch, theta
        ).g

    @torch.no_grad()
    def row_losses(self, batch: Batch, theta: Tensor | None = None) -> Tensor:
        """[S, B]: the data term of each row."""
        out = self.learner.outputs(batch.x, theta)
        losses: Tensor = self.learner.map(lambda o, b: self.data_losses(o, Batch(b)), out, dict(batch))
        return losses

    # ---- its own
    def turns(self, last: Callable[[Part], bool] | None = None) -> Iterator[tuple[int, Part]]:
        """The parts, one after another, with their numbers; meanwhile `turn` is the number of the one whose
        hook runs. last: of which parts the turn comes after that of the others."""
        before, numbered = self.turn, list(enumerate(self.parts))
        for number, part in sorted(numbered, key=lambda one: last(one[1])) if last else numbered:
            self.turn = number
            yield number, part
        self.turn = before

    def _steps_left(self, t: int) -> int:
        """Of the budget's steps in task t, once what the parts compute besides is paid."""
        return int(self.budget.steps / (1 + sum(part.extra_cost(t) for part in self.parts)))

    @property
    def gives_probabilities(self) -> bool:
        """Whether the softmax of the scores is meant as probabilities."""
        predicting = self._owner("predict")
        return predicting is None or predicting.gives_probabilities

    def extra_parameters(self) -> int:
        """Numbers kept per seed beyond the plain network: a larger network, and the parts' float tensors."""
        return self._larger() + extra_numbers(self)

    def memory_bytes(self) -> int:
        """Bytes kept per seed beyond the plain network: examples as the stream has them, a larger network,
        and all tensors of the parts."""
        examples = sum(part.stored.shape[1] for part in self.parts if part.stored is not None)
        return (
            examples * self.stream.example_bytes
            + self._larger() * self.learner.theta.element_size()
            + extra_bytes(self)
        )

    def _larger(self) -> int:
        return self.learner.net.layout.parameters - self.plain

    def _of_all_slices(self, row: Tensor) -> Tensor:
        """[S, E, K]: a row that was measured when there were fewer slices, with NaN for those to come."""
        missing = len(self.stream.tasks) - row.shape[1]
        return torch.cat([row, row.new_full((len(row), missing, row.shape[2]), torch.nan)], 1)

    def _share_moved(self, before: Tensor) -> float:
        """Of the network's weights, mean over the seeds; -0.0 for 0.0 is no move."""
        moved = self.learner.theta.detach() != before
        return float(moved[:, : self.learner.net.layout.parameters].double().mean())

    def _owner(self, name: str) -> Any:
        """The one part whose hook of this name stands in for what the stream or the network gives, or
        None."""
        return next((part for part in self.parts if getattr(part, name)), None)

    def _outputs(self, x: Tree, t: int | None) -> Tree:
        return self.learner.outputs(x)

    def _note_divergence(self) -> None:
        self.alive = self.alive & self.learner.theta.isfinite().all(-1)
        known = {one["seed"] for one in self.diverged}
        for seed, alive, steps in zip(
            self.seeds, self.alive.tolist(), self.finite_steps.tolist(), strict=True
        ):
            if not alive and seed not in known:
                self.diverged.append({"seed": seed, "task": self.t + 1, "step": steps + 1})
