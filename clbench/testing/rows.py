"""Avalanche's rows tried one by one on a small stream: which of them work with what is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch

from clbench import registry
from clbench.core.part import refusal
from clbench.engine.clock import Clock
from clbench.errors import InputError, RunFailed, Unavailable

if TYPE_CHECKING:
    from clbench.models.network import AsModule

SCENARIOS = ("class", "task", "domain")


def tried_rows() -> Iterator[tuple[str, str]]:
    """(name, what came of it) of every row, on the first of the small streams that it can learn."""
    for name, entry in registry.strategies().items():
        if entry.backend == "avalanche":
            yield name, _tried(name)


def _tried(name: str) -> str:
    reason = ""
    for scenario in SCENARIOS:
        said, learnt = _on(name, f"blobs_{scenario}")
        if learnt:
            return f"{said} ({scenario}-incremental)"
        reason = reason or said
    return reason


def _on(name: str, benchmark: str) -> tuple[str, bool]:
    """(what to say, whether it was trained)."""
    from clbench.avalanche.run import run

    _, made, _ = registry.benchmark(benchmark, "smoke")
    stream, net, budget = made.stream([0], torch.device("cpu")), made.network(), made.budget("smoke")
    given = ", ".join(f"{field}={value!r}" for field, value in registry.facts(name).small.items())
    (row,) = registry.strategy_on(f"{name}({given})" if given else name, made, "smoke").build()
    if reason := refusal(row, stream, net, budget):
        return reason, False
    try:
        outcome = run(stream, cast("AsModule", net), [row], budget, Clock(torch.device("cpu")))
    except InputError as error:
        return str(error), False
    except Unavailable as error:
        return f"unavailable: {error}", True
    except Exception as error:
        cause = error.__cause__ if isinstance(error, RunFailed) else error
        return f"fails: {type(cause).__name__}: {next(iter(str(cause).splitlines()), '')}", True
    return "; ".join(["diverged" if outcome.diverged else "works", *outcome.notes]), True
