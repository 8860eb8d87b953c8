"""Where labels go in a figure so that they do not lie on each other. Plain numbers, no matplotlib."""

import math
from dataclasses import dataclass

import numpy as np

ANGLES = (0, 180, 35, -35, 145, -145, 90, -90)
LEADER = 12  # a label farther from its point than this is led to it by a line
COVERED = 0.05  # share of a label that may lie on something


@dataclass(frozen=True)
class Box:
    left: float
    bottom: float
    width: float
    height: float

    def overlap(self, other: "Box") -> float:
        """The shared area."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        up = min(self.bottom + self.height, other.bottom + other.height) - max(self.bottom, other.bottom)
        return max(across, 0) * max(up, 0)

    def inside(self, other: "Box") -> bool:
        return math.isclose(self.overlap(other), self.width * self.height)


def place(
    points: list[tuple[float, float]],
    sizes: list[tuple[float, float]],
    obstacles: list[Box],
    frame: Box,
    needed: list[bool],
) -> list[Box | None]:
    """A box for the label of each point: inside the frame, near its point, clear of obstacles and of the
    labels before it. None where there is no room for one that is not needed."""
    taken: list[Box] = list(obstacles)
    boxes: list[Box | None] = []
    for point, size, must in zip(points, sizes, needed, strict=True):
        candidates = [
            _beside(point, size, radius, angle) for radius in (7, 16, 28, 42, 60, 80) for angle in ANGLES
        ]
        candidates = [box for box in candidates if box.inside(frame)] or candidates
        edges = _edges(taken)
        covered = [_covered(_edges([box, *_leader(point, box)]), edges) for box in candidates]
        if min(covered) > COVERED * size[0] * size[1] and not must:
            boxes.append(None)
            continue
        best = candidates[covered.index(min(covered))]  # the nearest of equals
        boxes.append(best)
        taken += [best, *_leader(point, best)]
    return boxes


def _edges(boxes: list[Box]) -> np.ndarray:
    """[n, 2, 2]: (left, bottom) and (right, top) of each."""
    corners = [((box.left, box.bottom), (box.left + box.width, box.bottom + box.height)) for box in boxes]
    return np.array(corners).reshape(-1, 2, 2)


def _covered(edges: np.ndarray, taken: np.ndarray) -> float:
    """The area that boxes [n, 2, 2] share with those taken [m, 2, 2], all pairs; in whole thousandths, so
    that equals are equal."""
    low, high = np.maximum(edges[:, None, 0], taken[:, 0]), np.minimum(edges[:, None, 1], taken[:, 1])
    return round(float((high - low).clip(0).prod(-1).sum()), 3)


def near(point: tuple[float, float], box: Box) -> tuple[float, float]:
    """Where a line from the point meets the label: half-way up, at the side that is nearer."""
    return min(max(point[0], box.left), box.left + box.width), box.bottom + box.height / 2


def _leader(point: tuple[float, float], box: Box) -> list[Box]:
    """Dots along the line from the point to its label, but for its beginning; none where no line is drawn."""
    (x, y), (a, b) = point, near(point, box)
    length = math.hypot(a - x, b - y)
    if length <= LEADER:
        return []
    return [
        Box(x + done / length * (a - x) - 1.5, y + done / length * (b - y) - 1.5, 3, 3)
        for done in range(8, int(length) - 1, 3)
    ]


def _beside(point: tuple[float, float], size: tuple[float, float], radius: float, angle: float) -> Box:
    """The label's box with its near edge `radius` away from the point."""
    (x, y), (width, height) = point, size
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    left = x + radius * across - (0 if across > 0.1 else width if across < -0.1 else width / 2)
    return Box(left, y + radius * up - height / 2, width, height)


def pareto(costs: list[float], values: list[float]) -> list[int]:
    """The points that no other one beats at its cost or below, from cheap to dear.

    >>> pareto([1.0, 2.0, 2.0, 4.0], [0.5, 0.4, 0.7, 0.7])
    [0, 2]
    """
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -values[i])):
        if not front or values[i] > values[front[-1]]:
            front.append(i)
    return front
