"""Whether what made a record has changed since: its source code, or what its names stand for."""

from clbench import registry
from clbench.core import protocols, tuned
from clbench.errors import InputError
from clbench.results import source
from clbench.results.record import Record
from clbench.spec import PAPER, VALUES, parse


def source_of(benchmark: str, strategy: str) -> str:
    """The digest of today's source code of a pair, given by its specs. InputError, OSError or SyntaxError
    where there is none."""
    return source.digest(registry.modules_of(benchmark, strategy))


def is_stale(record: Record) -> bool:
    """Whether other source code than today's made the record, and was not verified to compute the same; or
    values were tuned since, which its name now stands for."""
    if record.backend == "imported":  # made by code that is not ours to follow
        return False
    try:
        is_of_today = source_of(record.benchmark, record.strategy) in (record.source, record.verified)
        return not is_of_today or has_other_values(record)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, InputError):  # gone, or no Python
        return True


def has_other_values(record: Record) -> bool:
    """Whether the name of a strategy stands for other tuned values than the record's. (The defaults of its
    class are source code, and tests hold the rows of published protocols to their files.)"""
    try:
        terms = parse(record.strategy)
    except InputError:  # no spec: for its source code to say
        return False
    if len(terms) > 1 or terms[0].arguments.get(VALUES) == PAPER or record.profile in protocols.names():
        return False
    tables = registry.tuned_tables(record.benchmark, record.settings.get("scenario", ""), record.profile)
    asked = tuned.values_of(tables.get(terms[0].name, {})) | terms[0].arguments
    own = record.settings.get("strategy", {}).get(terms[0].name, {})
    return any(asked.get(argument, value) != value for argument, value in own.items())
