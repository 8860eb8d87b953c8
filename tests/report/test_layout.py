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
    boxes = place(points, [(60.0, 10.0)] * 12, [], Box(0, 0, 400, 300), [True] * 12)
    assert all(a.overlap(b) == 0 for a, b in combinations(boxes, 2))
    assert all(box.inside(Box(0, 0, 400, 300)) for box in boxes)


def test_where_there_is_no_room_only_what_is_needed_has_a_label():
    needed = [i % 10 == 0 for i in range(200)]
    boxes = place([(100.0, 100.0)] * 200, [(60.0, 10.0)] * 200, [], Box(0, 0, 400, 300), needed)
    assert all(box is not None for box, must in zip(boxes, needed, strict=True) if must)
    assert boxes.count(None) > 100
    extra = [box for box, must in zip(boxes, needed, strict=True) if box is not None and not must]
    assert all(a.overlap(b) <= 0.05 * 600 for a, b in combinations(extra, 2))


def test_pareto_front_is_cheap_to_dear_and_rising():
    assert pareto([3.0, 1.0, 2.0, 2.0], [0.9, 0.5, 0.4, 0.6]) == [1, 3, 0]
    assert pareto([], []) == []
