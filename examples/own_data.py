"""Writes the small made-up tables and arrays of `docs/own-data.md` into a folder; its photos are written by
`clbench data example photos`.

    python examples/own_data.py DEST

visits.csv    900 rows of a table: 3 outcomes, 60 patients of whom each has a habit of his own, and a column
              that is written down when the outcome is known
tickets.csv   800 texts with a category and a date
digits.npz    1,200 pictures as arrays
"""

import csv
import sys
from pathlib import Path

import numpy as np


def visits(path: Path, patients: int = 60, each: int = 15) -> None:
    """A table in which `discharge` gives the outcome away."""
    draws = np.random.default_rng(1)
    rows = []
    for patient in range(patients):
        outcome = patient % 3
        habit = draws.normal(0, 2, 4)
        for _ in range(each):
            day = np.datetime64("2021-01-01") + draws.integers(0, 3 * 365)
            measured = habit + draws.normal(0, 1, 4) + outcome * 0.5
            rows.append(
                [f"P{patient:03}", day, *measured.round(3), ["home", "ward", "care"][outcome], outcome]
            )
    rows.sort(key=lambda row: str(row[1]))
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["patient", "date", "pulse", "weight", "age", "sleep", "discharge", "outcome"])
        table.writerows(rows)


def tickets(path: Path, count: int = 800) -> None:
    """Texts of four categories; each year the words of two of them change."""
    draws = np.random.default_rng(2)
    words = [[f"{name}{k}" for k in range(30)] for name in ("bill", "login", "parcel", "refund")]
    common = [f"please{k}" for k in range(20)]
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "category", "date"])
        for i in range(count):
            category, year = i % 4, i * 4 // count
            own = words[category][7 * year : 7 * year + 9]
            text = " ".join([*draws.choice(own, 4), *draws.choice(common, 5)])
            day = np.datetime64(f"{2020 + year}-01-01") + draws.integers(0, 365)
            table.writerow([text, ("billing", "login", "parcel", "refund")[category], day])


def digits(path: Path, count: int = 1200) -> None:
    """Arrays x [n, 8, 8] uint8, y and t of six classes: a lit row or column, on noise that grows."""
    draws = np.random.default_rng(3)
    y = draws.integers(0, 6, count)
    x = draws.integers(0, 60 + 60 * np.arange(count)[:, None, None] // count, (count, 8, 8))
    for i, label in enumerate(y):
        x[i][(label, slice(None)) if label < 3 else (slice(None), label)] += 130
    t = np.datetime64("2022-01-01") + (np.arange(count) * 720 // count)
    np.savez(path, x=x.clip(0, 255).astype(np.uint8), y=y, t=t)


def write_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    visits(folder / "visits.csv")
    tickets(folder / "tickets.csv")
    digits(folder / "digits.npz")


if __name__ == "__main__":
    write_all(Path(*sys.argv[1:2]))
