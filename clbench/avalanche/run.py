"""One run of an Avalanche row: the same call and the same result as `clbench.engine.run.run`.

The group's seeds are trained in turn. Avalanche's own strategies, loop and loader do the work; ours are the
initial weights, the batch order where the row takes it, the number of steps and the evaluation.
"""

import random
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch

from clbench.core.budget import Budget
from clbench.engine.clock import Clock
from clbench.engine.look import Look
from clbench.engine.precision import arithmetic
from clbench.engine.prediction import cost_of_predictions
from clbench.engine.run import Outcome, digest_of
from clbench.engine.tally import Tally
from clbench.errors import RunFailed, Unavailable

if TYPE_CHECKING:
    from clbench.avalanche.row import Row
    from clbench.models.network import AsModule
    from clbench.streams.stream import Stream

COUNTS = ("steps", "samples_seen", "memory_items", "memory_bytes", "extra_params")


def run(
    stream: "Stream",
    net: "AsModule",
    rows: list["Row"],
    budget: Budget,
    clock: Clock,
    run_class: type | None = None,
    looks: Sequence[Look] = (),
) -> Outcome:
    """Trains and evaluates the stream's seeds, each by a `SingleRun` or a class derived from it.

    `rows` holds the one row. looks: those that do not need our own loop.
    """
    (row,) = rows
    with _no_warnings(), _own_generators(stream.device), arithmetic(budget.precision):
        SingleRun = run_class or _single_run()  # a process pays for the import once, so no run is charged
        acc, diverged, weights = [], [], []
        counts: Counter[str] = Counter()
        more: list[dict[str, torch.Tensor]] = []
        kept, moved = [], []
        for s in range(len(stream.seeds)):
            with clock.measure("setup_s"):
                one = SingleRun(stream.only(s), net, row, budget, clock)
            one.looks = [look for look in looks if not look.ours_only]
            tally = Tally(one.stream, row.gives_probabilities)
            if run_class is None:  # another class looks at every call itself
                one.looks.append(tally)
            try:
                acc.append(one.train())
            except Exception as error:
                raise RunFailed(one.t + 1, one.meter.steps) from error
            diverged += [one.diverged] if one.diverged else []
            weights.append(digest_of(row.weights(one.strategy)))
            kept.append(one.kept_bytes)
            moved.append(one.moved)
            if run_class is None:
                more.append(tally.arrays())
                with one.answering():
                    counts.update(cost_of_predictions(one.stream, one.scores, clock))
            counts.update(_counts(row, one))
    notes = [f"shim: {row.shim}"] if row.shim else []
    notes += [f"no {look.name}: Avalanche's loop is its own" for look in looks if look.ours_only]
    costs = {**clock.sheet(), **counts}
    return Outcome(
        torch.stack(acc),
        costs,
        diverged,
        notes=notes,
        weights=weights,
        kept_bytes=[round(fmean(of_seeds)) for of_seeds in zip(*kept, strict=False)],
        moved=[fmean(of_seeds) for of_seeds in zip(*moved, strict=False)],
        tally={name: torch.cat([one[name] for one in more]) for name in more[0]} if more else {},
    )


def _counts(row, one) -> dict[str, int]:
    """Of one seed, by name."""
    items, parameters = row.memory_items(one.strategy), row.extra_params(one.strategy)
    values = (one.meter.steps, one.meter.samples, items, one.memory_bytes(), parameters)
    return dict(zip(COUNTS, values, strict=True))


def _single_run() -> type:
    """The class that needs Avalanche."""
    try:
        from clbench.avalanche.single import SingleRun
    except ImportError as error:
        raise Unavailable(f"Avalanche cannot be imported ({error}): pip install avalanche-lib") from error
    except OSError as error:
        raise Unavailable(
            f"Avalanche writes to ~/.avalanche when it is imported, and cannot ({error}): "
            f"set HOME to a folder that can be written to"
        ) from error
    return SingleRun


@contextmanager
def _no_warnings():
    """Avalanche warns about calls within itself, having reset the filter for that: recorded, so not
    printed."""
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _own_generators(device: torch.device):
    """The global generators, which Avalanche draws from, are afterwards as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
