"""Whether the source code that made a record has changed since."""

from clbench import registry
from clbench.errors import InputError
from clbench.results import source
from clbench.results.record import Record


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
