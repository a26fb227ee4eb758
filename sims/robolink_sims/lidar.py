"""Ray casting through a map's cells, all rays at once: a lidar's ranges, and what a camera sees. It only looks."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robolink import v1
from robolink_sims.maps import OccupancyMap

__all__ = ["BEAMS", "RANGE_MAX", "cast", "scan", "scan_message"]

Floats = NDArray[np.float64]

BEAMS: Final = 180
RANGE_MIN: Final = 0.05
RANGE_MAX: Final = 8.0


def cast(place: OccupancyMap, x: float, y: float, angles: Floats, longest: float) -> Floats:
    """Distance along each angle to the first occupied cell; `longest` where there is none before.

    Exact: from one cell border to the next. Begun inside a wall every distance is 0.
    """
    size, (rows, columns) = place.resolution, place.occupied.shape
    dx, dy = np.cos(angles), np.sin(angles)
    column = np.full(angles.shape, math.floor((x - place.origin_x) / size))
    row = np.full(angles.shape, math.floor((y - place.origin_y) / size))
    step_c, step_r = np.where(dx > 0, 1, -1), np.where(dy > 0, 1, -1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # Way to the next border of each direction, and from border to border; endless along an axis.
        pace_c, pace_r = np.abs(size / dx), np.abs(size / dy)
        next_c = (place.origin_x + (column + (dx > 0)) * size - x) / dx
        next_r = (place.origin_y + (row + (dy > 0)) * size - y) / dy
    next_c, next_r = (np.where(np.isfinite(each), each, np.inf) for each in (next_c, next_r))
    ranges = np.zeros(angles.shape)
    going = np.arange(angles.size)
    while going.size:
        inside = (row[going] >= 0) & (row[going] < rows) & (column[going] >= 0) & (column[going] < columns)
        hit = ~inside
        hit[inside] = place.occupied[row[going[inside]], column[going[inside]]]
        going = going[~hit & (ranges[going] < longest)]
        sideways = next_c[going] < next_r[going]
        side, up = going[sideways], going[~sideways]
        ranges[side], ranges[up] = next_c[side], next_r[up]
        column[side] += step_c[side]
        next_c[side] += pace_c[side]
        row[up] += step_r[up]
        next_r[up] += pace_r[up]
    return np.minimum(ranges, longest)


def scan(place: OccupancyMap, x: float, y: float, theta: float, beams: int = BEAMS) -> Floats:
    """Ranges all around, from behind (-pi, seen from the robot) counter-clockwise; `RANGE_MAX`: nothing seen."""
    angles = theta - math.pi + np.arange(beams) * (math.tau / beams)
    return cast(place, x, y, angles, RANGE_MAX)


def scan_message(ranges: Floats) -> v1.Values:
    """A scan in the words of sensor_msgs/LaserScan."""
    numbers = {
        "angle_min": -math.pi,
        "angle_increment": math.tau / ranges.size,
        "range_min": RANGE_MIN,
        "range_max": RANGE_MAX,
    }
    values = [v1.NamedValue(name=name, value=v1.Value(double_value=each)) for name, each in numbers.items()]
    vector = v1.Vector(values=ranges.round(3).tolist())
    return v1.Values(values=[*values, v1.NamedValue(name="ranges", value=v1.Value(vector_value=vector))])
