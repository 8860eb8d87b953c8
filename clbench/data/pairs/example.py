"""A table to try `clbench data inspect` on: titles, descriptions and dates of the embedded icons."""

import csv
import io
from pathlib import Path

import numpy as np

ICONS = Path(__file__).parent / "icons" / "icons.npz"
COLUMNS = ("title", "description", "date")


def example_table() -> str:
    """The table as comma-separated values: a line for the names of its columns, then one for each icon."""
    icons = np.load(ICONS)
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(zip(icons["name"], icons["caption"], icons["date"], strict=True))
    return written.getvalue()
