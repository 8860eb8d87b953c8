"""Parses the dates in users' files: ISO 8601, or unix time where the user asks for it.

It never guesses a format.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from clbench.errors import InputError

Unit = Literal["iso", "s", "ms"]
BAD_SHARE = 0.01  # a larger share of bad rows is an error; fewer are left out and counted
NEVER = np.datetime64("NaT")


def read(values: Sequence, unit: Unit, places: Sequence[str], source: str) -> np.ndarray:
    """The day of each value, [n] datetime64[D] in UTC; NaT where there is no date.

    places: where each value stands, for messages. Raises InputError if more than 1 % of the values are no
    dates, or are 1970-01-01 or in the future, as dates in a wrong unit are.
    """
    import pandas as pd  # here, since the import takes a third of a second

    if unit == "iso":
        # Not format="mixed": pandas would guess 03/04/2014 to be 4 March and 13/04/2014 to be 13 April.
        texts = [None if _is_number(value) else value for value in values]
        stamps = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
    else:
        numbers = pd.to_numeric(pd.Series(values), errors="coerce")
        stamps = pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True)
    days = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    _stop_if_many(np.isnat(days), values, places, source, "no date", _advice(unit, values))
    wrong = (days == np.datetime64("1970-01-01")) | (days > np.datetime64("today") + 1)
    _stop_if_many(wrong, values, places, source, "1970-01-01 or in the future", _advice(unit, values))
    days[wrong] = NEVER
    return days


def _is_number(value: object) -> bool:
    """Whether it is a number; NaN, by which pandas marks what is missing, is none."""
    return isinstance(value, (int, float, np.number)) and value == value


def _advice(unit: Unit, values: Sequence) -> str:
    """What the user can do about values that are no dates in this unit."""
    number = next((str(value) for value in values if str(value).isdigit()), None)
    fitting = "ms" if number and len(number) > 11 else "s"
    if unit == "iso":
        if number:
            return f'unix time has to be asked for: unit="{fitting}"'
        return "write 2014-06-28 or 2014-06-28T12:00:00Z"
    if number and fitting != unit:
        return f'these look like unit="{fitting}"'
    return f"unix time in {unit} is a number"


def _stop_if_many(
    bad: np.ndarray, values: Sequence, places: Sequence[str], source: str, what: str, advice: str
) -> None:
    """Raises InputError if more rows are bad than BAD_SHARE allows."""
    if bad.mean() > BAD_SHARE:
        first = ", ".join(f'"{values[i]}" ({places[i]})' for i in np.flatnonzero(bad)[:3])
        raise InputError(
            f"{source}: {bad.sum()} of {len(bad)} rows have a time that is {what}: {first}; {advice}"
        )
