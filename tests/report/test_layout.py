import doctest
from itertools import combinations

import pytest

from clbench.report import layout, pages, tables
from clbench.report.layout import Box, pareto, place, spread


@pytest.mark.parametrize("module", [layout, pages, tables])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_spread_keeps_order_and_distance():
    wanted = [3.0, 1.0, 1.1, 1.05, 8.0, 3.2]
    places = spread(wanted, 0.5)
    assert sorted(range(6), key=places.__getitem__) == sorted(range(6), key=wanted.__getitem__)
    ordered = sorted(places)
    assert all(b - a >= 0.5 - 1e-9 for a, b in zip(ordered, ordered[1:], strict=False))
    assert places[4] == 8.0  # nobody near: it stays
    assert spread([], 1.0) == []


def test_labels_of_crowded_points_do_not_overlap():
    points = [(100.0 + 3 * i, 100.0 + (7 * i) % 11) for i in range(12)]
    boxes = place(points, [(60.0, 10.0)] * 12, [], Box(0, 0, 400, 300))
    assert all(a.overlap(b) == 0 for a, b in combinations(boxes, 2))
    assert all(box.inside(Box(0, 0, 400, 300)) for box in boxes)


def test_pareto_front_is_cheap_to_dear_and_rising():
    assert pareto([3.0, 1.0, 2.0, 2.0], [0.9, 0.5, 0.4, 0.6]) == [1, 3, 0]
    assert pareto([], []) == []
