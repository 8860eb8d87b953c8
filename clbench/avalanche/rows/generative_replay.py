"""Avalanche's GenerativeReplay: a variational autoencoder makes examples of earlier tasks, which the network
as the last task left it labels.

Every step learns as many made rows as new ones. The generator learns when a task has ended, in as many steps,
with samples of its former self beside the new rows; its own layers, not its default `(1, 28, 28)`, which fits
nothing else. Differs from `generative_replay`: made examples are pictures of the published mean and spread of
MNIST, whatever the data are."""

from dataclasses import dataclass
from types import SimpleNamespace

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row
from clbench.core.ranges import Count, Positive


@dataclass
class GenerativeReplay(Row):
    latent: Count = (
        16  # numbers that a sample is made from; Avalanche's default, 2, is for pictures of digits
    )
    lr: Positive = 0.001  # of the generator, by Adam; Avalanche's default is .01
    tunes = {"lr": (1e-5, 0.1, "log")}
    family = "replay"
    paper = "Shin et al. 2017"
    keeps = "a generator and the last task's weights"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "what it makes has no task label"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised
        from avalanche.training.plugins import GenerativeReplayPlugin
        from torch import optim

        from clbench.avalanche.adapt import FlatVAE, StopAfter

        device, rows = common["device"], common["train_mb_size"]
        inputs = stream.test(0, slice(0, 1)).shape[-1]
        generator = FlatVAE((1, 1, inputs), nhid=self.latent, n_classes=stream.classes, device=device)
        learner = supervised.VAETraining(
            model=generator.to(device),
            optimizer=optim.Adam(generator.parameters(), lr=self.lr),
            train_mb_size=rows,
            train_epochs=common["train_epochs"],
            device=device,
            plugins=[StopAfter(common["train_epochs"]), GenerativeReplayPlugin()],
            evaluator=None,
        )
        return supervised.GenerativeReplay(**common, generator_strategy=learner)

    def adapt(self, experience, stream) -> None:
        experience.origin_stream = SimpleNamespace(name="train")  # the generator's strategy asks for its name

    def extra_params(self, strategy) -> int:
        generator = strategy.generator_strategy.model if strategy.generator_strategy else None
        return numbers_of(strategy.model) + numbers_of(generator)
