"""Experience replay (Chaudhry et al. 2019, "On tiny episodic memories in continual learning").

    loss = mean of CE over B current rows and B rows from the memory
On pairs, where a batch stays as large as it is, B/2 of each are one batch and so each other's negatives.
The memory holds as many examples of every task and is filled at the end of each task. Replayed rows are drawn
in reshuffled passes over it, so that all come up equally often; the paper draws anew at every step.

With memory='all' it is a buffer of all that has been trained on. Every step draws from it, each example with
the same probability, and then writes its new rows to it, each example once: so a step also replays what
earlier steps of its task have seen. Replay begins with the second task here too. Cost: the memory of all
data.

*Differs:* Hsu et al. 2018 mix the memory, repeated until it is about as large as the task's data, with these
and draw every batch from both, `mix="one"`; van de Ven et al. 2022 keep as many examples of every class from
its task on, `share="class"`, and weigh the new rows by 1/t and the stored ones by 1 - 1/t, where the task is
known as many of every past one, `mix="tasks"`."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count
from clbench.strategies.parts.memory import Memory, Share
from clbench.strategies.parts.mixing import of_every_task, of_one_pool, weights_by_task


@dataclass
class ER(Part):
    memory: Count | Literal["all"] = 500  # examples kept; 'all': every one that a step has seen
    mix: Literal["rows", "one", "tasks"] = "rows"  # how new and stored rows come together
    share: Share = "task"  # of what the memory holds as many examples each: tasks so far, or all classes
    paper = "Chaudhry et al. 2019"
    keeps = "examples"
    small = {"memory": 100}
    replays = learns_pairs = stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if self.memory == "all":
            plain = self.mix == "rows" and self.share == "task"
            return None if plain else "mix and share are of a memory of some size"
        if self.mix != "rows" and stream.scenario == "pairs":
            return f"mix={self.mix!r} is of class labels"
        return Memory.fits(self.memory, stream, self.share)

    def __post_init__(self) -> None:
        if self.mix == "one":  # batches are as large as they are
            self.replays, self.choose_samples = False, self.mixed

    def start(self, run: Run) -> None:
        if self.memory == "all":
            self.grows = "keeps all that it has seen"
        else:
            self.kept = Memory(run, self.memory, self.share)

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.memory == "all":
            return self.with_buffer(plan)
        if self.stored is None or self.mix == "one":
            return plan
        run, (steps, _, new, _) = self.run, plan.samples.shape
        if self.mix == "rows":
            replay = run.shuffled(self.stored, run.replayed, steps, "replay")
        else:
            known = run.stream.scenario == "task"
            replay = of_every_task(
                run, self.kept.tasks if known else [self.stored], run.replayed, steps, "replay"
            )
            weights = weights_by_task(t, new, replay.shape[2]).to(replay.device)
            plan.shares = weights.expand(steps, run.S, -1)
        plan.samples = torch.cat([plan.samples, replay], 2)  # [steps, S, 2 rows, 2]
        return plan

    def mixed(self, t: int) -> Tensor:
        return of_one_pool(self.run, self.run.stream.tasks[t].train, self.stored, self.kept.size)

    def batch(self, batch: Batch) -> Batch:
        if "shares" in batch:
            batch.weight[:, : batch.shares.shape[1]] = batch.shares
        return batch

    def with_buffer(self, plan: Batch) -> Batch:
        """The plan with rows that its steps draw from the buffer, which is then left as after the last
        step."""
        run, steps = self.run, len(plan.samples)
        new = plan.samples if self.stored is None else plan.samples[:, :, : run.replayed]
        # Passes over the task's data: what comes behind the first of them is in the buffer already.
        train = run.stream.tasks[run.t].train
        written = new[..., :2].transpose(0, 1).flatten(1, 2)[:, : len(train)]  # [S, n, 2]
        if self.stored is None:
            self.stored = written
            return plan
        before = (torch.arange(steps) * new.shape[2]).clamp(max=written.shape[1])  # written by earlier steps
        there = self.stored.shape[1] + before.unsqueeze(1)  # [steps, 1]
        self.stored = torch.cat([self.stored, written], 1)

        def places(draws: torch.Generator) -> Tensor:
            u = torch.rand(steps, run.replayed, generator=draws, dtype=torch.double)
            return (u * there).long()

        place = run.draw("replay", places).transpose(0, 1)  # [S, steps, rows]
        replay = take(self.stored, place.flatten(1)).unflatten(1, (steps, -1)).transpose(0, 1)
        replay = torch.cat([replay, run.views(steps, run.replayed, "replay views")], -1)
        plan.samples = torch.cat([plan.samples, replay], 2)
        return plan

    def after_task(self, t: int) -> None:
        if self.memory != "all":
            self.stored = self.kept.after_task(t)
