"""How an arm moves: timed paths that keep every joint's limits, and joints that follow them or a wanted velocity.

Stepped by given time. Which path to follow is decided in `arm.py`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robolink_sims.arm_kinematics import (
    JOINT_LIMITS,
    JOINTS,
    MAX_SPEED,
    UnreachableError,
    forward,
    inverse,
    rotation_between,
    turned,
)

__all__ = ["HOME", "MAX_ACCELERATION", "ArmModel", "TimedPath", "Trapezoid", "joint_path", "linear_path"]

Floats = NDArray[np.float64]

# Ours, not published: from full speed a joint stands after 0.4 s.
MAX_ACCELERATION: Final = 8.0
STEP_S: Final = 0.005
STANDSTILL: Final = 1e-3
# Between two points of a straight line of the tool.
LINE_STEP_M: Final = 0.004
LINE_STEP_RAD: Final = 0.02
# More than this between two such points is a jump: the line passes a singularity.
JUMP_RAD: Final = 0.12

HOME: Final = np.array([0.0, -math.pi / 2, math.pi / 2, -math.pi / 2, -math.pi / 2, 0.0])


class Trapezoid:
    """From 0 to 1 with limited speed (1/s) and acceleration (1/s2), at rest at both ends.

    Attributes:
        duration: s.
    """

    def __init__(self, speed: float, acceleration: float) -> None:
        """Of those limits."""
        self._a = acceleration
        self._ramp = min(speed / acceleration, math.sqrt(1 / acceleration))
        self._v = acceleration * self._ramp
        self.duration = self._ramp + 1 / self._v

    def at(self, t: float) -> tuple[float, float]:
        """Where, and how fast (1/s), t seconds after the beginning."""
        if t <= 0:
            return 0.0, 0.0
        left = self.duration - t
        if left <= 0:
            return 1.0, 0.0
        if t < self._ramp:
            return self._a * t * t / 2, self._a * t
        if left < self._ramp:
            return 1 - self._a * left * left / 2, self._a * left
        return self._v * (t - self._ramp / 2), self._v


class TimedPath:
    """Joint angles by time along points; no joint exceeds its limits of speed and acceleration.

    Args:
        points: Shape (n, 6), rad, evenly spaced along the path; two are a straight line of the joints.
        fraction: Of the speed and acceleration limits, over 0 to 1.
        fastest: Another limit of the path's own speed, 1/s.
    """

    def __init__(self, points: Floats, fraction: float, fastest: float = math.inf) -> None:
        """Plan it."""
        self.points = points
        self._along = np.linspace(0.0, 1.0, len(points))
        edges = 2 if len(points) > 2 else 1
        self._slope = np.gradient(points, self._along, axis=0, edge_order=edges)
        bend = np.gradient(self._slope, self._along, axis=0, edge_order=edges)
        steepest, sharpest = float(np.abs(self._slope).max()), float(np.abs(bend).max())
        self._profile = None
        if steepest > 1e-9:
            bent = sharpest > 1e-6
            acceleration = MAX_ACCELERATION * fraction * (0.5 if bent else 1.0)
            speed = min(MAX_SPEED * fraction / steepest, fastest)
            if bent:
                # Half of the acceleration for the bends of the path, half to get faster and slower along it.
                speed = min(speed, math.sqrt(acceleration / sharpest))
            self._profile = Trapezoid(speed, acceleration / steepest)

    @property
    def duration(self) -> float:
        """S from rest to rest."""
        return 0.0 if self._profile is None else self._profile.duration

    def at(self, t: float) -> tuple[Floats, Floats, float]:
        """Joint angles, joint velocities and the part of the way, t seconds after the beginning."""
        if self._profile is None:
            return self.points[-1], np.zeros(len(JOINTS)), 1.0
        along, speed = self._profile.at(t)
        columns = range(len(JOINTS))
        where = np.array([np.interp(along, self._along, self.points[:, c]) for c in columns])
        slope = np.array([np.interp(along, self._along, self._slope[:, c]) for c in columns])
        return where, slope * speed, along


def joint_path(begin: Floats, end: Floats, fraction: float) -> TimedPath:
    """All joints begin and end together; the one with the longest way sets the pace."""
    return TimedPath(np.array([begin, end]), fraction)


def linear_path(begin: Floats, target: Floats, fraction: float, tool_speed: float) -> TimedPath:
    """The tool in a straight line to a pose, turning evenly.

    Args:
        begin: Joint angles now.
        target: Pose, 4 x 4.
        tool_speed: Limit, m/s.

    Raises:
        UnreachableError: A part of the line is out of reach, or passes a singularity.
    """
    here = forward(begin)
    shift, turn = target[:3, 3] - here[:3, 3], rotation_between(here, target)
    length = float(np.linalg.norm(shift))
    count = math.ceil(max(length / LINE_STEP_M, float(np.linalg.norm(turn)) / LINE_STEP_RAD, 2))
    points = [np.array(begin)]
    for n in range(1, count + 1):
        part = n / count
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turned(here, turn * part), here[:3, 3] + shift * part
        where = f"at {part * 100:.0f} % of the straight line"
        try:
            joints = inverse(pose, points[-1], restarts=0)
        except UnreachableError as exc:
            raise UnreachableError(f"{where}: {exc}") from exc
        if np.abs(joints - points[-1]).max() > JUMP_RAD:
            raise UnreachableError(f"{where} the joints would have to jump: a singularity is near")
        points.append(joints)
    fastest = tool_speed / length if length > 0 else math.inf
    return TimedPath(np.array(points), fraction, fastest)


class ArmModel:
    """Joint angles and velocities; rad, rad/s, shape (6,). Not thread-safe.

    Attributes:
        progress: Of the path that it follows, or has followed last, 0..1.
    """

    def __init__(self) -> None:
        """Standing in its home position."""
        self.position: Floats = HOME.copy()
        self.velocity: Floats = np.zeros(len(JOINTS))
        self.progress = 1.0
        self._wanted: Floats = np.zeros(len(JOINTS))
        self._path: TimedPath | None = None
        self._halting = False
        self._t = 0.0

    @property
    def following(self) -> bool:
        """Whether it follows a path."""
        return self._path is not None

    @property
    def still(self) -> bool:
        """Measured standstill."""
        return float(np.abs(self.velocity).max()) < STANDSTILL

    def want(self, velocity: Floats) -> None:
        """A velocity of the joints; while it follows a path it does not listen."""
        if self._path is None:
            self._wanted, self._halting = np.clip(velocity, -MAX_SPEED, MAX_SPEED), False

    def follow(self, path: TimedPath) -> None:
        """Follow a path from its beginning.

        Raises:
            ValueError: It does not stand there.
        """
        if not self.still or np.abs(self.position - path.points[0]).max() > 1e-3:
            raise ValueError("the arm does not stand where the path begins")
        self._path, self._t, self.progress = path, 0.0, 0.0

    def halt(self) -> None:
        """Leave the path and decelerate, all joints in step."""
        self._path, self._halting = None, True

    def advance(self, seconds: float) -> None:
        """Move on by any time, in short steps."""
        steps = max(1, math.ceil(seconds / STEP_S))
        for _ in range(steps):
            self._step(seconds / steps)

    def _step(self, dt: float) -> None:
        if self._path is not None:
            self._t += dt
            self.position, self.velocity, self.progress = self._path.at(self._t)
            if self._t >= self._path.duration:
                self.halt()
            return
        most = MAX_ACCELERATION * dt
        wanted = self._wanted
        if self._halting:
            # One factor for all: joints that leave a path keep their proportions, and come to rest together.
            wanted = self.velocity * max(0.0, 1 - most / max(float(np.abs(self.velocity).max()), 1e-12))
        change = self._braked(wanted, dt) - self.velocity
        self.velocity = self.velocity + np.clip(change, -most, most)
        self.position = self.position + self.velocity * dt
        over = np.abs(self.position) > JOINT_LIMITS
        if over.any():
            self.position = np.clip(self.position, -JOINT_LIMITS, JOINT_LIMITS)
            self.velocity = np.where(over, 0.0, self.velocity)

    def _braked(self, wanted: Floats, dt: float) -> Floats:
        """That velocity, but no joint faster than it can still brake before its end."""
        # As if one step nearer and a little weaker, so that steps of time do no harm.
        ahead = np.abs(self.velocity) * dt
        up, down = JOINT_LIMITS - self.position - ahead, JOINT_LIMITS + self.position - ahead
        fastest, slowest = (np.sqrt(1.6 * MAX_ACCELERATION * np.maximum(room, 0.0)) for room in (up, down))
        return np.asarray(np.clip(wanted, -slowest, fastest))
