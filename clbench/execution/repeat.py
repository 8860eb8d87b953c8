"""Whether a repeat of a record is the same run."""

from clbench.core.costs import EXACT
from clbench.results.record import Matrix, Record


def difference(old: Record, new: Record | None) -> str | None:
    """Why a repeat is not the same run, but for its times; None where it is, bit for bit."""
    if new is None:
        return "the repeat was unavailable"
    if new.status != "ok":
        return f"the repeat {new.status}: {new.error.reason if new.error else 'no reason given'}"
    if not set(old.seeds) <= set(new.seeds):
        return "the repeat lacks seeds"
    new = new.of_seeds(old.seeds)  # it may have more
    measured, again = _measured(old), _measured(new)
    unlike = [seed for seed in old.seeds if measured[seed] != again[seed]]
    # Of older records no digest of the weights is known.
    unlike += [seed for seed in old.weights.keys() & new.weights if old.weights[seed] != new.weights[seed]]
    if unlike:
        return f"the repeat gave other numbers for seed {', '.join(map(str, sorted(set(unlike))))}"
    counts = [name for name in EXACT if old.cost(name) not in (None, new.cost(name))]
    return f"the repeat counted other {', '.join(counts)}" if counts else None


def _measured(record: Record) -> dict[int, list[tuple[str, Matrix]]]:
    """seed -> all its matrices, by name."""
    found = {seed: [("acc", own)] for seed, own in zip(record.seeds, record.acc, strict=True)}
    for group in record.groups:
        for name, several in sorted(group.arrays.items()):
            for seed, own in zip(group.seeds, several, strict=True):
                found[seed].append((name, own))
    return found
