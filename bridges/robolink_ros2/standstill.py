"""Who measures that a robot stands: for each member of a mapping that can move it, the streams that tell. It commands nothing.

A stop is answered STOPPED only if there is one for each member, and each tells of standstill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from robolink_ros2 import config, convert
from robolink_ros2.base import is_still

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot
    from robolink_ros2.telemetry import Joint

# rad/s or m/s.
STILL_JOINT: Final = 0.01

# Standstill by something that came after that monotonic s; None: nothing has ever measured it.
Still = Callable[[float], bool | None]


class Judge(NamedTuple):
    """One member that can move the robot, such as arm.trajectory, and whether it stands."""

    name: str
    still: Still


def joints_still(speeds: list[Joint] | None, since: float) -> bool | None:
    """Standstill of all these joints; None where one was never measured."""
    if not speeds:
        return None
    return all(each.at > since and abs(each.value) < STILL_JOINT for each in speeds)


def judges(robot: Ros2Robot, left_out: dict[str, str]) -> list[Judge]:
    """One for each member that can move, and is there."""
    return [
        Judge(f"{name}.{member}", still)
        for name, part in robot.config.components.items()
        for member, still in _members(robot, name, part)
        if f"{name}.{member}" not in left_out
    ]


def _members(robot: Ros2Robot, name: str, part: config.Component) -> Iterator[tuple[str, Still]]:
    if part.velocity is not None:
        measured = [each for each, stream in part.streams.items() if _schema(stream) == "Odometry"]
        yield "velocity", partial(_base, robot, name, measured[0] if measured else "")
    if part.navigate_to is not None:
        yield "navigate_to", partial(_base, robot, name, part.navigate_to.odometry)
    if (arm := part.trajectory) is not None:
        yield "trajectory", partial(_joints, robot, name, arm.joint_states, arm.joints)
    if (hand := part.gripper) is not None:
        yield "gripper", partial(_joints, robot, name, hand.joint_states, (hand.joint,))
    own: dict[str, config.Goal | config.Call] = {**part.goals, **part.calls}
    for member, mapped in own.items():
        if mapped.motion:
            yield member, partial(_anything, robot, name, part)


def _schema(stream: config.Stream) -> str:
    return convert.schema_of(stream.type)


def _base(robot: Ros2Robot, component: str, stream: str, since: float) -> bool | None:
    measured = robot.measured(component, stream)
    return None if measured is None else measured.at > since and is_still(measured.payload)


def _joints(
    robot: Ros2Robot, component: str, stream: str, names: tuple[str, ...], since: float
) -> bool | None:
    return joints_still(robot.joints(component, stream, names, speeds=True), since)


def _anything(robot: Ros2Robot, component: str, part: config.Component, since: float) -> bool | None:
    """What moves by a goal or call of one's own is not known: all that its component measures must stand."""
    found: list[bool | None] = []
    for name, stream in part.streams.items():
        if _schema(stream) == "Odometry":
            found.append(_base(robot, component, name, since))
        elif _schema(stream) == "JointState":
            found.append(_joints(robot, component, name, robot.joint_names(component, name), since))
    return None if not found or None in found else all(found)
