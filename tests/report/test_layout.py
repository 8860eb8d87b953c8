import doctest
from itertools import combinations

import pytest

from clbench.report import layout, pages, tables
from clbench.report.layout import Box, pareto, place


@pytest.mark.parametrize("module", [layout, pages, tables])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_labels_of_crowded_points_do_not_overlap():
    points = [(100.0 + 3 * i, 100.0 + (7 * i) % 11) for i in range(12)]
    boxes = place(points, [(60.0, 10.0)] * 12, [], Box(0, 0, 400, 300))
    assert all(a.overlap(b) == 0 for a, b in combinations(boxes, 2))
    assert all(box.inside(Box(0, 0, 400, 300)) for box in boxes)


def test_pareto_front_is_cheap_to_dear_and_rising():
    assert pareto([3.0, 1.0, 2.0, 2.0], [0.9, 0.5, 0.4, 0.6]) == [1, 3, 0]
    assert pareto([], []) == []
