"""The sentence that a table comes to."""

import re

import pytest

from clbench.report import tables
from clbench.report.headline import headline


@pytest.fixture
def said(fabricated):
    """said(name=(ACC on task 1, on task 2, spread), …) -> the headline of these rows beside each other."""

    def seeds(first, second, spread=0.001):
        return [(first + spread * (i % 3 - 1), second) for i in range(10)]

    def of(stale=False, **rows):
        made = [
            fabricated.make(name, fabricated.two_tasks(*seeds(*acc)), stale=stale)
            for name, acc in rows.items()
        ]
        with fabricated.known():
            return headline(tables.comparison(made))

    return of


def test_the_best_row_and_what_it_wins_back_are_said(said):
    text = said(naive=(0.1, 0.5), joint=(0.9, 0.9), er=(0.7, 0.7), ewc=(0.3, 0.5))
    assert text.startswith("toy_class (smoke): er is best by ACC (70.0 ± ")
    assert text.endswith(" and wins back 67 % of what plain fine-tuning loses against retraining")


def test_plain_fine_tuning_wins_nothing_back(said):
    text = said(naive=(0.8, 0.8), joint=(0.9, 0.9), er=(0.3, 0.3))
    assert re.search(r"naive is best by ACC \(80.0 ± [\d.]+\): plain fine-tuning$", text)


def test_rows_that_cannot_be_told_from_the_best_are_named(said):
    text = said(naive=(0.1, 0.5), joint=(0.9, 0.9), er=(0.7, 0.7), ewc=(0.7, 0.699, 0.1))
    assert text.endswith("; not distinguishable from it: ewc")


def test_without_retraining_it_says_what_is_missing(said):
    assert "takes joint beside it" in said(naive=(0.1, 0.5), er=(0.7, 0.7))


def test_stale_rows_are_never_best(said):
    assert said(stale=True, er=(0.7, 0.7)) == (
        "toy_class (smoke): no row can be called best: rows are stale, run them again"
    )
