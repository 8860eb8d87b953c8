"""Avalanche as its documentation feeds it: PIL items through ToTensor and Normalize, its own loaders and
metrics."""

import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from clbench.data import files
from clbench.data.labelled import sources
from clbench.execution.processor import onednn_precision

MEMORY = 500


def split_mnist(folder: Path):
    """Avalanche's SplitMNIST, five tasks, from the files that clbench reads."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in sources.MNIST.files:
        shutil.copy(files.find(sources.MNIST, file), raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.benchmarks.classic import SplitMNIST

        return SplitMNIST(n_experiences=5, fixed_class_order=list(range(10)), dataset_root=folder)


def strategies() -> dict[str, Callable]:
    from avalanche.training import supervised

    return {
        "naive": supervised.Naive,
        "ewc": lambda **common: supervised.EWC(**common, ewc_lambda=1.0, mode="separate"),
        "er": lambda **common: supervised.Replay(**common, mem_size=MEMORY),
        "lwf": lambda **common: supervised.LwF(**common, alpha=1.0, temperature=2.0),
        "agem": lambda **common: supervised.AGEM(**common, patterns_per_exp=MEMORY // 5, sample_size=128),
        "mir": lambda **common: supervised.MIR(**common, mem_size=MEMORY, subsample=256, batch_size_mem=128),
    }


def runner(stream, network, name: str, device: str = "cpu") -> Callable[[], None]:
    """() -> one epoch of each task, all test data before the first and after each: the evaluations that ours
    makes.

    Matrices are multiplied as torch does it unasked, not as `clbench.execution.processor` chooses.
    """

    @onednn_precision("none")
    def run():
        from avalanche.evaluation.metrics import accuracy_metrics
        from avalanche.training.plugins import EvaluationPlugin

        logging.disable(logging.CRITICAL)
        model = torch.nn.Sequential(
            torch.nn.Flatten(), network.module(network.init(torch.Generator().manual_seed(0)))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strategy = strategies()[name](
                model=model,
                optimizer=torch.optim.Adam(model.parameters(), 1e-3),
                criterion=torch.nn.CrossEntropyLoss(),
                train_mb_size=128,
                train_epochs=1,
                eval_mb_size=512,
                device=device,
                evaluator=EvaluationPlugin(accuracy_metrics(experience=True), loggers=[]),
            )
            strategy.eval(stream.test_stream)
            for experience in stream.train_stream:
                strategy.train(experience)
                strategy.eval(stream.test_stream)

    return run
