"""Where a UR5e's tool is, and which joint angles bring it somewhere: pure geometry, no time.

Published facts: Denavit-Hartenberg values of the UR5e, joints of +-360 degrees (the elbow +-180), 180 degrees a second.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "JOINTS",
    "JOINT_LIMITS",
    "MAX_SPEED",
    "UnreachableError",
    "forward",
    "inverse",
    "is_within_limits",
    "jacobian",
    "pose_matrix",
    "quaternion",
    "rotation_between",
    "turned",
]

Floats = NDArray[np.float64]

JOINTS: Final = (
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
)
JOINT_LIMITS: Final = np.array([math.tau, math.tau, math.pi, math.tau, math.tau, math.tau])
MAX_SPEED: Final = math.pi

# a, d (m) and alpha (rad) of each joint's transform.
_A: Final = (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0)
_D: Final = (0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996)
_ALPHA: Final = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)

# Farther from the shoulder than this no pose of the tool can be, m.
REACH_M: Final = 0.425 + 0.3922 + math.hypot(0.1333, 0.0997) + 0.0996
TOLERANCE: Final = 1e-9
ITERATIONS: Final = 80
RESTARTS: Final = 24
MAX_STEP_RAD: Final = 0.4


class UnreachableError(Exception):
    """No joint angles bring the tool there; the text says what is in the way."""


def _transforms(joints: Floats) -> list[Floats]:
    """Of the base and of each joint's end, seen from the base; 4 x 4."""
    frames = [np.eye(4)]
    for angle, a, d, alpha in zip(joints, _A, _D, _ALPHA, strict=True):
        c, s, ca, sa = math.cos(angle), math.sin(angle), math.cos(alpha), math.sin(alpha)
        link = np.array(
            [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
        )
        frames.append(frames[-1] @ link)
    return frames


def forward(joints: Floats) -> Floats:
    """Pose of the tool's flange in the base frame, 4 x 4."""
    return _transforms(joints)[-1]


def jacobian(joints: Floats) -> Floats:
    """Velocity of the tool (m/s, then rad/s) for 1 rad/s of each joint; 6 x 6."""
    return _jacobian(_transforms(joints))


def _jacobian(frames: list[Floats]) -> Floats:
    axes = np.array([frame[:3, 2] for frame in frames[:-1]])
    arms = frames[-1][:3, 3] - np.array([frame[:3, 3] for frame in frames[:-1]])
    return np.vstack([np.cross(axes, arms).T, axes.T])


def quaternion(rotation: Floats) -> Floats:
    """x, y, z, w of a rotation matrix (or of a pose), w not negative."""
    r = rotation
    # Four ways to compute it; the one that divides by the largest number is exact.
    squares = np.array(
        [
            1 + r[0, 0] - r[1, 1] - r[2, 2],
            1 - r[0, 0] + r[1, 1] - r[2, 2],
            1 - r[0, 0] - r[1, 1] + r[2, 2],
            1 + r[0, 0] + r[1, 1] + r[2, 2],
        ]
    )
    xy, xz, yz = r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1]
    x, y, z = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
    rows = np.array(
        [
            [squares[0], xy, xz, x],
            [xy, squares[1], yz, y],
            [xz, yz, squares[2], z],
            [x, y, z, squares[3]],
        ]
    )
    best = rows[int(squares.argmax())]
    best = best / np.linalg.norm(best)
    return best if best[3] >= 0 else -best


def pose_matrix(position: Floats, orientation: Floats) -> Floats:
    """The 4 x 4 of a position and a quaternion x, y, z, w.

    Raises:
        ValueError: The quaternion is not of length 1 (to 1 %).
    """
    length = float(np.linalg.norm(orientation))
    if abs(length - 1) > 0.01:
        raise ValueError(f"orientation has the length {length:.3f}; a quaternion x, y, z, w has 1")
    x, y, z, w = np.asarray(orientation) / length
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = position
    return pose


def rotation_between(begin: Floats, end: Floats) -> Floats:
    """The turn from one orientation to another, as axis times angle (rad) in the base frame."""
    x, y, z, w = quaternion(end[:3, :3] @ begin[:3, :3].T)
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 if sine < 1e-12 else 2 * math.atan2(sine, w) / sine
    return np.array([x, y, z]) * scale


def turned(begin: Floats, turn: Floats) -> Floats:
    """An orientation (3 x 3), turned by axis times angle in the base frame."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-12:
        return begin[:3, :3]
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return np.asarray(rotation @ begin[:3, :3])


def is_within_limits(joints: Floats) -> bool:
    """Whether no joint is beyond its range."""
    return bool((np.abs(joints) <= JOINT_LIMITS + 1e-9).all())


def inverse(target: Floats, seed: Floats, *, restarts: int = RESTARTS) -> Floats:
    """Joint angles near `seed` that bring the tool to a pose; damped least squares, from several beginnings.

    Raises:
        UnreachableError: None were found.
    """
    away = float(np.linalg.norm(target[:3, 3] - np.array([0, 0, _D[0]])))
    if away > REACH_M:
        raise UnreachableError(f"{away:.3f} m from the shoulder, the arm reaches {REACH_M:.3f} m at most")
    # Always the same beginnings: the same order has the same end.
    random = np.random.default_rng(0)
    found: list[Floats] = []
    for attempt in range(restarts + 1):
        begin = seed if attempt == 0 else random.uniform(-math.pi, math.pi, len(JOINTS))
        joints = _descend(target, begin)
        joints = None if joints is None else _nearest_turn(joints, seed)
        if joints is not None and is_within_limits(joints):
            found.append(joints)
            if attempt == 0 or len(found) == 3:
                break
    if not found:
        raise UnreachableError("no joint angles within the limits bring the tool there")
    return min(found, key=lambda each: float(np.abs(each - seed).max()))


def _descend(target: Floats, begin: Floats) -> Floats | None:
    joints = np.array(begin, np.float64)
    for _ in range(ITERATIONS):
        frames = _transforms(joints)
        error = np.concatenate([target[:3, 3] - frames[-1][:3, 3], rotation_between(frames[-1], target)])
        size = float(np.linalg.norm(error))
        if size < TOLERANCE:
            return joints
        slope = _jacobian(frames)
        # The less is left, the less it is damped: fast at the end, calm far away and near singularities.
        damping = max(1e-3 * size * size, 1e-12)
        step = slope.T @ np.linalg.solve(slope @ slope.T + damping * np.eye(6), error)
        joints += step * min(1.0, MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-12))
    return None


def _nearest_turn(joints: Floats, seed: Floats) -> Floats:
    """The same pose by whole turns, as near to the seed as the limits allow."""
    turns = np.round((seed - joints) / math.tau)
    near = joints + turns * math.tau
    near = np.where(near > JOINT_LIMITS, near - math.tau, near)
    return np.asarray(np.where(near < -JOINT_LIMITS, near + math.tau, near))
