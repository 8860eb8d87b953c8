"""What a test needs to know at one place: values per seed, or the reasons why it cannot be decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from clbench.claims.at_hand import AtHand, Missing
from clbench.claims.language import Atom, Statement, Term
from clbench.core.costs import COSTS
from clbench.metrics.accuracy import METRICS
from clbench.metrics.references import JOINT, NAIVE
from clbench.results.record import Group
from clbench.spec import suggestion

if TYPE_CHECKING:
    from clbench.report.values import Entry

MEASURED = tuple(name for name, cost in COSTS.items() if cost.measured)
# Means over seeds of what differs from seed to seed.
OF_ALL_SEEDS = ("moved", "steps_to_target", "gflops_to_target")
EQUAL = {"memory": "memory_items", "flops": "flops", "steps": "steps"}  # what is given -> cost
WITHIN = 1.1  # how far equal rows may lie apart
DIGITS = 11  # of a difference: what lies beyond them is rounding

Seed = int | tuple[int, str]  # by which values are paired; with the machine where it matters
Values = Mapping[Seed, float]


@dataclass(frozen=True)
class Evidence:
    """The values of each atom. Where there are reasons, some are not known, or a condition fails."""

    values: dict[Atom, Values]
    missing: list[Missing]  # rows
    reasons: list[str]
    mistakes: list[str]  # those of the reasons that are of what is written: a name that there is not

    @property
    def runs(self) -> bool:
        """Whether runs of the missing rows would leave no reason, as far as can be seen now."""
        others = set(self.reasons) - set(in_words(self.missing))
        return bool(self.missing) and not others and all(one.runs for one in self.missing)


def gather(statement: Statement, given: tuple[str, ...], at_hand: AtHand) -> Evidence:
    """statement: of atoms that say their profile and benchmark."""
    values: dict[Atom, Values] = {}
    missing, mistakes = [], []
    reasons: list[str] = []
    data: dict[str, set[str]] = {}  # place -> fingerprints
    for atom in dict.fromkeys((*statement.atoms, *_atoms_of_conditions(statement, given))):
        known = atom.metric in METRICS | COSTS
        if not known:
            mistakes.append(f'unknown metric "{atom.metric}"{suggestion(atom.metric, METRICS | COSTS)}')
        row = at_hand.row(atom.profile, atom.benchmark, atom.strategy)
        if isinstance(row, Missing):
            missing.append(row)
        elif isinstance(row, str):
            mistakes.append(row)
        else:
            data.setdefault(f"{atom.profile}/{atom.benchmark}", set()).add(row.record.data)
            values[atom] = values_of(row, atom.metric)
            if atom.metric in OF_ALL_SEEDS:
                reasons.append(f"{atom.metric} is one number for all seeds, so nothing says how it varies")
            elif known and not values[atom]:
                reasons.append(f"no {atom.metric} of {atom.strategy} on {atom.profile}/{atom.benchmark}")
    reasons += [f"made on different data: {place}" for place, those in data.items() if len(those) > 1]
    missing = list(dict.fromkeys(missing))
    reasons += [*mistakes, *in_words(missing)]
    if not reasons:
        reasons = [why for one in given if (why := _unmet(one, statement, values))]
    return Evidence(values, missing, list(dict.fromkeys(reasons)), mistakes)


def in_words(missing: list[Missing]) -> list[str]:
    """'no record: er, mir on quick/glyphs', for each reason and set of rows."""
    rows: dict[tuple[str, str], list[str]] = {}  # (why, place) -> strategies
    for one in missing:
        rows.setdefault((one.why, one.place), []).append(one.strategy)
    places: dict[tuple[str, str], list[str]] = {}  # (why, strategies) -> places
    for (why, place), strategies in rows.items():
        places.setdefault((why, ", ".join(dict.fromkeys(strategies))), []).append(place)
    return [f"{why}: {strategies} on {', '.join(several)}" for (why, strategies), several in places.items()]


def values_of(entry: Entry, name: str) -> dict[Seed, float]:
    """seed -> value of a metric, in points, or of a cost; empty where one is not known.

    What is measured stands at the seed and the machine, so that nothing is paired across machines, and at the
    first seed only of those that were trained together: they have one measurement.
    """
    if name in COSTS:
        return _costs(entry, name)
    values: dict[Seed, float] = {seed: 100 * value for seed, value in entry.metrics.get(name, {}).items()}
    return values if np.isfinite([*values.values()]).all() else {}


def _costs(entry: Entry, name: str) -> dict[Seed, float]:
    record, cost = entry.record, COSTS[name]
    if name in OF_ALL_SEEDS:
        return {}
    if name in record.tally:
        seen = record.tally[name]
        by_seed: dict[Seed, float] = {seed: seen.get(seed, np.nan) for seed in record.seeds}
        return by_seed if np.isfinite([*by_seed.values()]).all() else {}
    if cost.derived:
        value = entry.costs.get(name)
        return {} if value is None else dict.fromkeys(record.seeds, value)
    found: dict[Seed, float] = {}
    for group in record.groups:
        value = group.costs.get(name)
        if value is None:
            return {}
        seeds = [(group.seeds[0], _machine(group))] if name in MEASURED else group.seeds
        found |= dict.fromkeys(seeds, value / len(group.seeds) if cost.adds_up else value)
    return found


def _machine(group: Group) -> str:
    return ", ".join(str(group.provenance.get(name)) for name in ("device", "processor", "threads"))


# ---- conditions


def _atoms_of_conditions(statement: Statement, given: tuple[str, ...]) -> list[Atom]:
    """What else has to be known: costs of the rows, and retraining and fine-tuning for the room."""
    return [
        atom
        for condition in given
        for atom in (_costs_of(statement, condition) if condition in EQUAL else _references(statement))
    ]


def _costs_of(statement: Statement, condition: str) -> list[Atom]:
    return [replace(atom, metric=EQUAL[condition]) for atom in statement.atoms]


def _references(statement: Statement) -> list[Atom]:
    """Retraining and fine-tuning, in turn, at each place."""
    places = dict.fromkeys((atom.benchmark, atom.profile) for atom in statement.atoms)
    return [Atom("acc", name, *place) for place in places for name in (JOINT, NAIVE)]


def _unmet(condition: str, statement: Statement, values: Mapping[Atom, Values]) -> str:
    """Why a condition fails; "" where it is met."""
    if condition in EQUAL:
        means = [float(np.mean([*values[atom].values()])) for atom in _costs_of(statement, condition)]
        if condition == "memory":  # rows that store nothing have none to be equal in
            means = [mean for mean in means if mean > 0]
        if means and max(means) > (WITHIN + 1e-9) * min(means):
            return f"given equal {condition}: it is {min(means):.4g} to {max(means):.4g}"
        return ""
    room, references = float(condition.split()[1]), _references(statement)
    for retrained, tuned in zip(references[::2], references[1::2], strict=True):
        gain = difference(values[retrained], values[tuned])
        if not gain.size or gain.mean() < room:
            said = f"{gain.mean():.1f}" if gain.size else "not known"
            return f"given room {room:g}: {JOINT} less {NAIVE} is {said}"
    return ""


# ---- one number per common seed


def values_of_term(term: Term, values: Mapping[Atom, Values]) -> Values | float:
    if term.number is not None:
        return term.number
    first, *second = (values[atom] for atom in term.atoms)
    return {seed: first[seed] - second[0][seed] for seed in first if seed in second[0]} if second else first


def on_common_seeds(*terms: Values | float) -> np.ndarray:
    """[terms, seeds]"""
    seeds = set.intersection(*(set(term) for term in terms if isinstance(term, Mapping)))
    ordered = sorted(seeds, key=str)
    return np.array([[term[s] if isinstance(term, Mapping) else term for s in ordered] for term in terms])


def difference(a: Values | float, b: Values | float) -> np.ndarray:
    """[common seeds] a - b, without what is rounding."""
    return np.round(np.subtract(*on_common_seeds(a, b)), DIGITS)


def log_ratio(a: Values | float, b: Values | float) -> np.ndarray | None:
    """[common seeds] log(a / b); None where there is none."""
    both = on_common_seeds(a, b)
    return None if (both <= 0).any() else np.round(np.subtract(*np.log(both)), DIGITS)
