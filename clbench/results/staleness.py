"""Whether what made a record has changed since: its source code, or what its names ask for."""

import json
from typing import Any

from clbench import registry
from clbench.errors import InputError, Unavailable
from clbench.results import source
from clbench.results.record import Record
from clbench.spec import is_own


def source_of(benchmark: str, strategy: str) -> str:
    """The digest of today's source code of a pair, given by its specs. InputError, OSError or SyntaxError
    where there is none."""
    return source.digest(registry.modules_of(benchmark, strategy))


def is_stale(record: Record) -> bool:
    """Whether other source code than today's made the record, and was not verified to compute the same."""
    if record.backend == "imported":  # made by code that is not ours to follow
        return False
    try:
        return source_of(record.benchmark, record.strategy) not in (record.source, record.verified)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, InputError):  # gone, or no Python
        return True


def has_other_settings(record: Record) -> bool:
    """Whether its names ask for other arguments or another budget today: the strategy has been tuned since,
    or a published protocol was mended. What the record does not hold is not compared."""
    return _differs(record.settings, settings_asked(record))


def settings_asked(record: Record) -> dict[str, Any]:
    """The budget and the arguments that its names ask for today. Nothing for what is one's own, whose code
    would have to be run, and for what there is no more, which is stale."""
    if record.backend == "imported" or is_own(record.benchmark) or is_own(record.strategy):
        return {}
    try:
        _, benchmark, _ = registry.benchmark(record.benchmark, record.profile)
        strategy = registry.strategy_on(record.strategy, benchmark, record.profile)
    except (InputError, Unavailable):
        return {}
    asked = {"budget": benchmark.budget(record.profile).settings(), "strategy": strategy.arguments}
    read: dict[str, Any] = json.loads(json.dumps(asked))  # as it comes back from a file
    return read


def _differs(stored: Any, asked: Any) -> bool:
    if isinstance(stored, dict) and isinstance(asked, dict):
        return any(_differs(value, asked[name]) for name, value in stored.items() if name in asked)
    return bool(stored != asked)
