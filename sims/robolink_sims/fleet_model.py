"""Many differential-drive bases as arrays, stepped together; and the pacer that spreads their samples over time.

Time is given, nothing is opened; `fleet.py` serves it. The same motion as `base.DiffDrive`, a robot a row.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robolink_sims.base import ARRIVED_M, ARRIVED_RAD, STANDSTILL, STEP_S

__all__ = ["BRAKING", "DRIVING", "FREE", "TURNING", "FleetModel", "Pacer"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

# What a row does: it follows its wanted velocity, or a goal takes it from phase to phase.
FREE: Final = 0
DRIVING: Final = 1
TURNING: Final = 2
BRAKING: Final = 3

# Between two starting places, m.
SPACING_M: Final = 1.5


def _wrap(angle: Floats) -> Floats:
    return (angle + math.pi) % math.tau - math.pi


def _towards(value: Floats, target: Floats, step: float) -> None:
    """Move value to target by step at most, in place."""
    value += np.clip(target - value, -step, step)


class FleetModel:
    """Pose, velocity and goal of `count` bases; not thread-safe.

    Attributes:
        x, y, theta: Poses; m, rad, shape (count,).
        linear, angular: Measured velocities; m/s, rad/s.
        wanted_linear, wanted_angular: What the wheels strive for.
        max_speed: Limits of each, m/s.
        distance: Driven so far, m.
        mode: FREE, DRIVING, TURNING or BRAKING.
    """

    acceleration = 2.0
    angular_acceleration = 8.0

    def __init__(self, count: int) -> None:
        """Standing on a square grid around the origin."""
        if count < 1:
            raise ValueError(f"a fleet of {count} bases")
        side = math.ceil(math.sqrt(count))
        row = np.arange(count)
        middle = (side - 1) / 2
        self.count = count
        self.x: Floats = (row % side - middle) * SPACING_M
        self.y: Floats = (row // side - middle) * SPACING_M
        self.theta, self.linear, self.angular = np.zeros(count), np.zeros(count), np.zeros(count)
        self.wanted_linear, self.wanted_angular = np.zeros(count), np.zeros(count)
        self.distance = np.zeros(count)
        self.max_speed = np.full(count, 0.8)
        self.mode = np.zeros(count, np.int8)
        self._goal = np.zeros((3, count))
        self._start = np.ones(count)

    def want(self, row: int, linear: float, angular: float) -> None:
        """A velocity setpoint; a row that follows a goal does not listen."""
        if self.mode[row] == FREE:
            limit = self.max_speed[row]
            self.wanted_linear[row] = max(-limit, min(limit, linear))
            self.wanted_angular[row] = angular

    def go(self, row: int, x: float, y: float, theta: float) -> None:
        """Drive to a pose; `advance` tells when it stands there."""
        self._goal[:, row] = x, y, theta
        self._start[row] = max(self.left(row), ARRIVED_M)
        self.mode[row] = DRIVING

    def brake(self, row: int) -> None:
        """End what it does and decelerate; `advance` tells when a row with a goal stands."""
        self.wanted_linear[row] = self.wanted_angular[row] = 0.0
        if self.mode[row] != FREE:
            self.mode[row] = BRAKING

    def left(self, row: int) -> float:
        """To its goal, m."""
        return math.hypot(self._goal[0, row] - self.x[row], self._goal[1, row] - self.y[row])

    def progress(self, row: int) -> float:
        """Of its goal, 0..1."""
        return max(0.0, min(1.0, 1.0 - self.left(row) / self._start[row]))

    def is_still(self, row: int) -> bool:
        """Measured standstill."""
        return abs(self.linear[row]) < STANDSTILL and abs(self.angular[row]) < STANDSTILL

    def advance(self, seconds: float) -> list[int]:
        """Let time pass, in steps that are short enough for the model; the rows whose goal has ended standing."""
        steps = max(1, math.ceil(seconds / STEP_S))
        ended: list[int] = []
        for _ in range(steps):
            self._steer()
            self._step(seconds / steps)
            still = (np.abs(self.linear) < STANDSTILL) & (np.abs(self.angular) < STANDSTILL)
            rows = np.flatnonzero((self.mode == BRAKING) & still)
            self.mode[rows] = FREE
            ended += rows.tolist()
        return ended

    def _step(self, dt: float) -> None:
        _towards(self.linear, self.wanted_linear, self.acceleration * dt)
        _towards(self.angular, self.wanted_angular, self.angular_acceleration * dt)
        self.theta = _wrap(self.theta + self.angular * dt)
        self.x += self.linear * np.cos(self.theta) * dt
        self.y += self.linear * np.sin(self.theta) * dt
        self.distance += np.abs(self.linear) * dt

    def _steer(self) -> None:
        """The goals' controllers, as `base.steer`."""
        rows = np.flatnonzero(self.mode == DRIVING)
        if rows.size:
            self._drive(rows)
        rows = np.flatnonzero(self.mode == TURNING)
        if rows.size:
            error = _wrap(self._goal[2, rows] - self.theta[rows])
            there = np.abs(error) <= ARRIVED_RAD
            self.wanted_angular[rows] = np.where(there, 0.0, np.clip(4.0 * error, -1.5, 1.5))
            self.mode[rows[there]] = BRAKING

    def _drive(self, rows: Rows) -> None:
        dx, dy = self._goal[0, rows] - self.x[rows], self._goal[1, rows] - self.y[rows]
        left = np.hypot(dx, dy)
        error = _wrap(np.arctan2(dy, dx) - self.theta[rows])
        # Brakes in time: v = sqrt(2 a s), and only drives on when it looks roughly that way.
        speed = np.minimum(self.max_speed[rows], np.sqrt(self.acceleration * left))
        speed *= np.maximum(0.0, np.cos(error)) ** 3
        there = left < ARRIVED_M
        self.wanted_linear[rows] = np.where(there, 0.0, speed)
        self.wanted_angular[rows] = np.where(there, 0.0, np.clip(3.0 * error, -2.0, 2.0))
        self.mode[rows[there]] = TURNING


class Pacer:
    """Whose turn it is: each of `count` rows `rate_hz` times a second, evenly spread and never in a burst.

    Args:
        count: Rows.
        rate_hz: Of each row; 0: never.
        now: Monotonic s, when it begins.

    Attributes:
        skipped: Turns that were left out, because `due` was not called for longer than a whole round.
    """

    def __init__(self, count: int, rate_hz: float, now: float) -> None:
        """The first turn is row 0's."""
        if count < 1 or not 0 <= rate_hz < math.inf:
            raise ValueError(f"{count} rows at {rate_hz} Hz")
        self._count, self._rate, self._begun = count, rate_hz, now
        self._given = 0
        self.skipped = 0

    def due(self, now: float) -> list[int]:
        """The rows since the last call, oldest first; each once at most."""
        turns = math.floor((now - self._begun) * self._rate * self._count)
        late = turns - self._given - self._count
        if late > 0:
            self.skipped += late
            self._given += late
        rows = [turn % self._count for turn in range(self._given, turns)]
        self._given = max(self._given, turns)
        return rows
