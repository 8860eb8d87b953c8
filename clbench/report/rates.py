"""What rows cost in money and CO2 at rates that a user gives, and what storing a memory is worth beside
retraining. All of one seed's run: training and evaluation.

- Energy: as the record has it; of a CPU, where none was measured, CPU hours times `watts_per_cpu`.
- Money: device hours at their price, plus energy at its own. Where somebody rents, the hours hold the energy;
  where somebody owns the machine, energy may be all that is paid.
- Storage: what a row keeps beyond the plain model; where an older record lacks it, stored examples times
  `bytes_per_example` and four bytes for each number kept.
- Break-even: retraining from scratch needs no memory and costs more for each update. The memory pays where
  there is an update at least every so many months: (money of joint - money of the row) / T, per update,
  divided by what a month of storage costs. What joint needs itself, all data, is not counted against it.

A row without one of the figures that a rate applies to has no money, never a part of it.
"""

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from clbench.core.costs import SECONDS
from clbench.core.paths import check_file
from clbench.errors import InputError
from clbench.metrics.references import JOINT
from clbench.report.answers import Part, answer
from clbench.report.cells import Cell, number
from clbench.report.columns import Column
from clbench.report.notes import machines
from clbench.report.tables import Table, groups
from clbench.report.values import Entry, data_of, trains_on_all_data
from clbench.results.record import Record
from clbench.spec import suggestion

LONGEST = 100_000  # bytes of a file of rates
LARGEST = 1e12  # rate
CURRENCY = r"[^\W\d_]{1,8}|[$€£¥]"
BYTES_OF_NUMBER = 4  # float32


@dataclass(frozen=True)
class Rates:
    """Prices in one currency. None: not given, so nothing is said that needs it."""

    price_per_gpu_hour: float | None = None
    price_per_cpu_hour: float | None = None
    price_per_kwh: float | None = None
    price_per_gb_month: float | None = None  # a GB has 10^9 bytes
    kg_co2_per_kwh: float | None = None
    watts_per_cpu: float | None = None  # of a busy core
    bytes_per_example: float | None = None
    currency: str = "money"


RATES = tuple(one.name for one in fields(Rates))


def read_rates(path: Path) -> Rates:
    """The rates in a TOML file; InputError for what is none."""
    check_file(path)
    try:
        if path.stat().st_size > LONGEST:
            raise InputError(f"{path}: at most {LONGEST:,} bytes of rates are read")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no TOML in UTF-8: {error}") from None
    for name, value in content.items():
        if wrong := _wrong(name, value):
            raise InputError(f"{path}: {wrong}")
    if not content.keys() - {"currency"}:
        raise InputError(f"{path}: no rate in it; there are {', '.join(RATES)}")
    return Rates(**content)


def _wrong(name: str, value: object) -> str | None:
    """What is wrong with a rate of a file."""
    if name not in RATES:
        return f'unknown rate "{name}"{suggestion(name, RATES)}; there are {", ".join(RATES)}'
    if name == "currency":
        if isinstance(value, str) and re.fullmatch(CURRENCY, value):
            return None
        return "currency has to be a word of up to eight letters, or a sign like €"
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return None
    return f"{name} has to be a number from 0 to {LARGEST:g}"


def tables_at(rates: Rates, records: Sequence[Record], around: list[Record]) -> list[Table]:
    """A table for each benchmark, of the rows that have values. around: these records and those that may
    serve as retraining."""
    wanted = {id(record) for record in records}
    made: list[Table] = []
    for judged in groups(around, (), together=False):
        for entries in judged.values():
            ok = [one for one in entries if one.ok]
            if found := [one for one in ok if id(one.record) in wanted]:
                made.append(_table(rates, found, ok))
    return made


def _table(rates: Rates, found: list[Entry], around: list[Entry]) -> Table:
    unit = rates.currency
    columns = [
        Column("kwh", "kWh"),
        Column("money", unit),
        Column("kg_co2", "kg CO2"),
        Column("kept_gb", "kept GB"),
        Column("storage", f"storage, {unit} a month"),
        Column("saved", f"saved an update, {unit}"),
        Column("break_even", "break-even, months an update"),
    ]
    cells = [_cells(rates, one, retraining_for(one, around)) for one in found]
    made = answer(found, Part("costs at the rates given", columns, cells, _notes(rates)))
    made.notes.extend(machines(made.rows))
    return made


def _cells(rates: Rates, entry: Entry, retraining: Entry | None) -> dict[str, Cell]:
    """By column, of one seed."""
    energy, money = kwh(rates, entry), money_of(rates, entry)
    kept = kept_gb(rates, entry)
    storage = _product(kept, rates.price_per_gb_month)
    retrained = money_of(rates, retraining) if retraining else None
    tasks = entry.record.array.shape[1] - 1
    saved = None if money is None or retrained is None else (retrained - money) / tasks
    values = {
        "kwh": energy,
        "money": money,
        "kg_co2": _product(energy, rates.kg_co2_per_kwh),
        "kept_gb": kept,
        "storage": storage,
        "saved": saved,
    }
    cells = {name: _cell(entry, value) for name, value in values.items()}
    if saved is None or storage is None:
        return cells | {"break_even": Cell()}
    if storage == 0 or saved <= 0:
        return cells | {"break_even": Cell(text="never" if saved <= 0 else "keeps nothing")}
    return cells | {"break_even": _cell(entry, saved / storage)}


def _cell(entry: Entry, value: float | None) -> Cell:
    """With three digits, however small: benchmarks of a minute cost next to nothing."""
    return Cell() if value is None else Cell(value, n=len(entry.record.seeds), text=f"{value:.3g}")


def retraining_for(entry: Entry, around: Sequence[Entry]) -> Entry | None:
    """The row of retraining from scratch on the same data; none for itself."""
    data = data_of(entry.record)
    found = [one for one in around if one.record.strategy == JOINT and not one.stale]
    return next((one for one in found if one is not entry and data_of(one.record) == data), None)


def kwh(rates: Rates, entry: Entry) -> float | None:
    """Energy of one seed: measured, or CPU hours at the watts given."""
    measured = entry.costs["energy_wh"]
    watts = rates.watts_per_cpu if entry.costs["gpu_hours"] is None else None
    found = _product(_cpu_hours(entry), watts) if measured is None else measured
    return None if found is None else found / 1000


def _cpu_hours(entry: Entry) -> float | None:
    """Of training and evaluation, by their share of the time: the first run of a command alone has loaded the
    libraries and the data."""
    setup, *others = (entry.costs[name] or 0.0 for name in SECONDS)
    hours, work = entry.costs["cpu_hours"], sum(others)
    return hours if hours is None or not work else hours * work / (setup + work)


def money_of(rates: Rates, entry: Entry) -> float | None:
    """Of one seed; None where a rate applies to what is not known, or none applies."""
    hours = entry.costs["gpu_hours"]
    price = rates.price_per_gpu_hour
    if hours is None:
        hours, price = _cpu_hours(entry), rates.price_per_cpu_hour
    parts = [
        _product(amount, rate)
        for amount, rate in ((hours, price), (kwh(rates, entry), rates.price_per_kwh))
        if rate is not None
    ]
    known = [part for part in parts if part is not None]
    return math.fsum(known) if parts and len(known) == len(parts) else None


def kept_gb(rates: Rates, entry: Entry) -> float | None:
    """What one seed keeps beyond the plain model, in 10^9 bytes; no record counts the data that rows which
    train on all of them keep."""
    costs = entry.costs
    if trains_on_all_data(entry.record):
        return None
    if costs["memory_bytes"] is not None:
        return costs["memory_bytes"] / 1e9
    items, numbers = costs["memory_items"], costs["extra_params"]
    if items is None or numbers is None or (items and rates.bytes_per_example is None):
        return None
    return (items * (rates.bytes_per_example or 0) + BYTES_OF_NUMBER * numbers) / 1e9


def _product(amount: float | None, rate: float | None) -> float | None:
    return None if amount is None or rate is None else amount * rate


def _notes(rates: Rates) -> list[str]:
    given = ", ".join(
        f"{name} {value if isinstance(value, str) else number(value)}"
        for name, value in asdict(rates).items()
        if value is not None
    )
    energy = "" if rates.watts_per_cpu is not None else "; the energy of a CPU needs watts_per_cpu"
    return [
        f"rates: {given}; all figures are of one seed's run, training and evaluation",
        f"saved an update: the money of {JOINT} less that of the row, by the number of tasks; break-even: "
        "what is kept costs less than retraining from scratch where there is an update at least every so "
        "many months",
        f"–: the record lacks a figure that a rate applies to, or no rate applies{energy}; what rows that "
        "train on all data keep is not counted",
    ]
