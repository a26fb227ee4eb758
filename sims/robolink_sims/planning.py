"""A way around walls: A* over the cells that leave room for the robot, then straightened. Pure."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise
from typing import Final

import numpy as np

from robolink_sims.maps import OccupancyMap

__all__ = ["NoWayError", "plan"]

# A robot that stands too near a wall may drive out of there: start cells within this of it count as free.
ESCAPE_CELLS: Final = 3

_STEPS: Final = [(r, c, math.hypot(r, c)) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]

Cell = tuple[int, int]


class NoWayError(Exception):
    """There is no way; the text says why."""


def plan(
    place: OccupancyMap, start: tuple[float, float], goal: tuple[float, float], room: float
) -> list[tuple[float, float]]:
    """Points to drive through in straight lines, the goal last.

    Args:
        room: How far the middle of the robot stays from walls, m.

    Raises:
        NoWayError: The goal is in or too near a wall, or cannot be reached.
    """
    x, y = goal
    if place.hits(x, y, room):
        raise NoWayError(f"x = {x:.2f} m, y = {y:.2f} m is in a wall or within {room:.2f} m of one")
    first, last = place.cell(*start), place.cell(x, y)
    escape = ESCAPE_CELLS if place.hits(*start, room) else 0
    cells = _search(place, first, last, room, escape)
    if cells is None:
        raise NoWayError(f"no way to x = {x:.2f} m, y = {y:.2f} m that leaves {room:.2f} m to the walls")
    points = [start, *(place.middle(*each) for each in _corners(cells)), goal]
    return _straightened(place, points, room)[1:]


def _search(place: OccupancyMap, first: Cell, last: Cell, room: float, escape: int) -> list[Cell] | None:
    def may(row: int, column: int) -> bool:
        if not place.is_inside(row, column) or place.occupied[row, column]:
            return False
        if place.clearance[row, column] >= room or (row, column) == last:
            return True
        return max(abs(row - first[0]), abs(column - first[1])) <= escape

    def estimate(cell: Cell) -> float:
        far, near = sorted((abs(cell[0] - last[0]), abs(cell[1] - last[1])), reverse=True)
        return far + (math.sqrt(2) - 1) * near

    open_cells: list[tuple[float, float, Cell]] = [(estimate(first), 0.0, first)]
    cost: dict[Cell, float] = {first: 0.0}
    came: dict[Cell, Cell] = {}
    while open_cells:
        _, so_far, cell = heapq.heappop(open_cells)
        if cell == last:
            return _trace(came, cell)
        if so_far > cost[cell]:
            continue
        for step_r, step_c, length in _STEPS:
            beside = (cell[0] + step_r, cell[1] + step_c)
            # Not diagonally between two walls that touch at a corner.
            if not (may(*beside) and may(cell[0], beside[1]) and may(beside[0], cell[1])):
                continue
            total = so_far + length
            if total < cost.get(beside, math.inf):
                cost[beside], came[beside] = total, cell
                heapq.heappush(open_cells, (total + estimate(beside), total, beside))
    return None


def _trace(came: dict[Cell, Cell], cell: Cell) -> list[Cell]:
    cells = [cell]
    while cell in came:
        cell = came[cell]
        cells.append(cell)
    return cells[::-1]


def _corners(cells: list[Cell]) -> list[Cell]:
    """The first, those where the direction changes, the last but one; without the ends themselves."""
    inner = cells[1:-1]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(inner)]
    turns = [inner[n + 1] for n, (one, other) in enumerate(pairwise(steps)) if one != other]
    return [*inner[:1], *turns, *inner[1:][-1:]]


def _straightened(
    place: OccupancyMap, points: list[tuple[float, float]], room: float
) -> list[tuple[float, float]]:
    """The farthest point that can be reached in a straight line, again and again."""
    kept, at = [points[0]], 0
    while at < len(points) - 1:
        nearer = at + 1
        for farther in range(len(points) - 1, at + 1, -1):
            if _is_clear(place, points[at], points[farther], room):
                nearer = farther
                break
        kept.append(points[nearer])
        at = nearer
    return kept


def _is_clear(place: OccupancyMap, begin: tuple[float, float], end: tuple[float, float], room: float) -> bool:
    count = max(1, math.ceil(math.dist(begin, end) / (place.resolution / 4)))
    x, y = np.linspace(begin[0], end[0], count + 1), np.linspace(begin[1], end[1], count + 1)
    return not place.touches(x, y, room).any()
