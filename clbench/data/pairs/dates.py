"""Reads the dates in users' files: ISO 8601, or unix time where the user asks for it.

What a value is says the value itself: a whole number of four digits is a year, one of eight digits a day,
20140628. It never guesses a format.
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from clbench.errors import InputError

Unit = Literal["iso", "s", "ms"]
BAD_SHARE = 0.01  # a larger share of bad rows is an error; fewer are left out and counted
NEVER = np.datetime64("NaT")
UNIX_ZERO = np.datetime64("1970-01-01")
WITHOUT_SIGNS = {
    r"(\d{4})(\d\d)": "{}-{}",
    r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)": "{}-{}-{}T{}:{}:{}",
}
SPREADSHEET_ZERO = np.datetime64("1899-12-30")  # day 0 of Excel's dates


def read(values: Sequence, unit: Unit, places: Sequence[str], source: str) -> np.ndarray:
    """The day of each value, [n] datetime64[D] in UTC; NaT where there is no date.

    places: where each value stands, for messages. Raises InputError if more than 1 % of the values are no
    dates, or are in the future or 1970-01-01, as dates in a wrong unit are. 1970-01-01 is an ordinary day
    beside other days that early, and the year 1970 always.
    """
    import pandas as pd  # here, since the import takes a third of a second

    exact = np.ones(len(values), bool)  # whether the value says a day
    if unit == "iso":
        # Not format="mixed": pandas would guess 03/04/2014 to be 4 March and 13/04/2014 to be 13 April.
        texts = [_as_iso(value) for value in values]
        stamps = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
        exact = np.array([not isinstance(text, str) or len(text) >= 8 for text in texts])
    else:
        numbers = pd.to_numeric(pd.Series(values), errors="coerce")
        stamps = pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True)
    days = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    _stop_if_many(np.isnat(days), values, places, source, "no date", _advice(unit, values))
    zero = (days == UNIX_ZERO) & exact
    if ((days < np.datetime64("1971-01-01")) & ~zero).any():
        zero[:] = False
    wrong = zero | (days > np.datetime64("today") + 1)
    _stop_if_many(wrong, values, places, source, "1970-01-01 or in the future", _advice(unit, values))
    days[wrong] = NEVER
    return days


def of_name(name: str) -> str | None:
    """The ISO date in a folder's name: 2014, 201403, 2014-03 or 2014-03-01; None for another name."""
    found = re.fullmatch(r"(\d{4})-?(\d{2})?-?(\d{2})?", name)
    return "-".join(filter(None, found.groups())) if found else None


def _as_iso(value: object) -> object:
    """The value as pandas is to read it: a whole number of four or eight digits as the year or day that it
    is, no other number."""
    number = _digits(value)
    if len(number) == 8:
        return f"{number[:4]}-{number[4:6]}-{number[6:]}"
    return number or (None if _is_number(value) else value)


def _digits(value: object) -> str:
    """The digits of a whole number of four or eight, 2014 or 2014.0; else nothing."""
    found = re.fullmatch(r"\s*(\d{4}|\d{8})(\.0*)?\s*", str(value), re.ASCII)
    return found[1] if found else ""


def _is_number(value: object) -> bool:
    """Whether it is a number; NaN, by which pandas marks what is missing, is none."""
    return isinstance(value, (int, float, np.number)) and value == value


def _advice(unit: Unit, values: Sequence) -> str:
    """What the user can do about values that are no dates in this unit."""
    if unit != "iso" and any(_digits(value) for value in values):
        return 'years and days like 20140628 are read without a unit: unit="iso"'
    whole = (re.fullmatch(r"(\d+)(\.0*)?", str(value), re.ASCII) for value in values if not _digits(value))
    number = next((found[1] for found in whole if found), "")
    fitting: Unit = "ms" if len(number) > 11 else "s"
    if unit == "iso":
        unknown = "write 2014, 2014-06-28 or 2014-06-28T12:00:00Z"
        return _of_number(number, fitting) if number else unknown
    if number and fitting != unit:
        return f'these look like unit="{fitting}"'
    return f"unix time in {unit} is a number"


def _of_number(number: str, unit: Unit) -> str:
    """What to write for a whole number that is no date. unit: what it is if it is unix time."""
    for digits, iso in WITHOUT_SIGNS.items():
        found = re.fullmatch(digits, number)
        if found and "1900" <= found[1] <= "2100" and "01" <= found[2] <= "12":
            return f"write {iso.format(*found.groups())}"
    if len(number) == 5:
        return f"a spreadsheet's count of days? then write {SPREADSHEET_ZERO + int(number)}"
    if len(number) > 14:
        return 'unix time is read in seconds and milliseconds: divide, and say unit="ms"'
    return f'unix time has to be asked for: unit="{unit}"'


def _stop_if_many(
    bad: np.ndarray, values: Sequence, places: Sequence[str], source: str, what: str, advice: str
) -> None:
    """Raises InputError if more rows are bad than BAD_SHARE allows."""
    if bad.mean() > BAD_SHARE:
        first = ", ".join(f'"{values[i]}" ({places[i]})' for i in np.flatnonzero(bad)[:3])
        raise InputError(
            f"{source}: {bad.sum()} of {len(bad)} rows have a time that is {what}: {first}; {advice}"
        )
