"""Points in time from what files hold: ISO 8601, or unix time where that is asked for. Never a guess."""
from collections.abc import Sequence
from typing import Literal

import numpy as np

from clbench.errors import InputError

Unit = Literal["iso", "s", "ms"]
BAD_SHARE = 0.01                 # more bad rows than this stop a reading; fewer are left out and counted
NEVER = np.datetime64("NaT")


def read(values: Sequence, unit: Unit, places: Sequence[str], source: str) -> np.ndarray:
    """[n] datetime64[D] in UTC, NaT where there is no date. places: where each value stands, for messages.

    pandas' own guessing (`format="mixed"`) would read 03/04/2014 as 4 March and 13/04/2014 as 13 April. Raises InputError if more
    than 1 % of the values are no dates, or stand at 1970-01-01 or in the future, as those in a wrong unit do.
    """
    import pandas as pd  # here, since it takes a third of a second

    if unit == "iso":
        numbers = [isinstance(value, (int, float, np.number)) and value == value for value in values]
        texts = [None if number else value for value, number in zip(values, numbers, strict=True)]
        stamps = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
    else:
        stamps = pd.to_datetime(pd.to_numeric(pd.Series(values), errors="coerce"), unit=unit, errors="coerce", utc=True)
    found = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    _stop_if_many(np.isnat(found), values, places, source, "no date", _advice(unit, values))
    wrong = (found == np.datetime64("1970-01-01")) | (found > np.datetime64("today") + 1)
    _stop_if_many(wrong, values, places, source, "1970-01-01 or in the future", _advice(unit, values))
    found[wrong] = NEVER
    return found


def _advice(unit: Unit, values: Sequence) -> str:
    number = next((str(value) for value in values if str(value).isdigit()), None)
    fitting = "ms" if number and len(number) > 11 else "s"
    if unit == "iso":
        return f'unix time has to be asked for: unit="{fitting}"' if number else "write 2014-06-28 or 2014-06-28T12:00:00Z"
    return f'these look like unit="{fitting}"' if number and fitting != unit else f"unix time in {unit} is a number"


def _stop_if_many(bad: np.ndarray, values: Sequence, places: Sequence[str], source: str, what: str, advice: str) -> None:
    if bad.mean() > BAD_SHARE:
        first = ", ".join(f'"{values[i]}" ({places[i]})' for i in np.flatnonzero(bad)[:3])
        raise InputError(f"{source}: {bad.sum()} of {len(bad)} rows have a time that is {what}: {first}; {advice}")
