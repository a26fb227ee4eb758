"""A velocity and its end: nothing moves behind a stop's zero, and a zero that is lost is not the last word. No rclpy here."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace as Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink_ros2 import config
from robolink_ros2.base import ZERO, ZEROS, VelocityPart
from robolink_ros2.runs import Run
from robolink_ros2.telemetry import Measured
from tests.conftest import wait_for

STOPPED = v1.COMMAND_STATE_STOPPED
MOVES = (0.3, 0.0, 0.0)


def twist() -> Message:
    return Message(linear=Message(x=0.0, y=0.0), angular=Message(z=0.0))


class Out:
    """A publisher that refuses as often as it is told to."""

    type = staticmethod(twist)

    def __init__(self) -> None:
        self.sent: list[tuple[float, float, float]] = []
        self.refuses = 0

    def send(self, message: Any) -> bool:
        if self.refuses:
            self.refuses -= 1
            return False
        self.sent.append((message.linear.x, message.linear.y, message.angular.z))
        return True

    def listeners(self) -> int:
        return 1


class Robot:
    """What a velocity needs of its robot."""

    config = Message(foreign_velocity="ignore")

    def __init__(self) -> None:
        self.latched, self.by_others = False, False
        self.odometry = v1.Odometry()

    def stopped(self) -> bool:
        return self.latched

    def driven(self, component: str) -> bool:
        return self.by_others

    def measured(self, component: str, stream: str) -> Measured:
        return Measured(self.odometry, 0.0)

    def wait_still(self, parts: list[Any], timeout_s: float) -> None:
        """It is still at once."""

    def report(self, name: str, value: Any) -> None:
        """Shown."""

    def malformed(self, text: str) -> None:
        pytest.fail(text)


class Order:
    """A distance; whatever is told of its end."""

    id, method, cancel_requested = bytes(16), "base.drive_distance", None

    def __init__(self) -> None:
        self.args, self.end = {"distance": 1.0, "speed": 0.3}, list[Any]()

    def feedback(self, **values: Any) -> None:
        """On its way."""

    def succeed(self, **results: Any) -> None:
        self.end.append(results)

    def fail(self, text: str, cause: int = 0) -> None:
        self.end.append(text)

    def ended(self, state: Any, text: str = "") -> None:
        self.end.append(state)


class Late(Run):
    """A run to which something happens after it was asked whether it must end, and before it sends."""

    def __init__(self, order: Any) -> None:
        self.happens: Callable[[], None] = lambda: None
        super().__init__(order)

    @property
    def lost(self) -> str:
        self.happens()
        return ""

    @lost.setter
    def lost(self, text: str) -> None:
        """Not here."""


def made() -> tuple[Any, Robot, Out]:
    mapped = config.Velocity(topic="cmd_vel")
    robot, out = Robot(), Out()
    part: Any = VelocityPart(robot, "base", mapped, "odometry")  # type: ignore[arg-type]
    part._out, part._node = out, object()
    return part, robot, out


def test_a_distance_moves_nothing_after_the_zero_of_a_stop() -> None:
    part, _robot, out = made()
    order = Order()
    run = Late(order)

    def stop() -> None:
        # As the SDK does it: the stop itself is first, that the order must end is told later.
        run.end(STOPPED)
        part.stand()

    run.happens = stop
    part._drive_distance(run)
    assert out.sent
    assert set(out.sent) == {ZERO}
    assert order.end == [STOPPED]


def test_a_latched_stop_lets_no_velocity_pass() -> None:
    part, robot, out = made()
    robot.latched = True
    part.send(*MOVES)
    part.stand()
    assert out.sent == [ZERO]


def test_a_zero_that_is_refused_is_sent_again_until_enough_have_gone() -> None:
    part, _robot, out = made()
    part.start(Message(publish=lambda topic, kind: out))
    try:
        part.send(*MOVES)
        out.refuses = 2
        part.stand()
        assert out.sent == [MOVES]
        wait_for(part.settled, what="the zeros")
    finally:
        part.close()
    assert out.sent == [MOVES, *[ZERO] * ZEROS]


STEPS = st.sampled_from(
    ["move", "goal moves", "stand", "again", "refused", "latch", "release", "goal ends", "others"]
)


@given(st.lists(STEPS, max_size=40))
def test_whatever_comes_nothing_moves_behind_a_stop_and_the_last_word_is_zero(steps: list[str]) -> None:
    part, robot, out = made()
    run = Run(Order())  # type: ignore[arg-type]
    for step in steps:
        before = len(out.sent)
        if step == "move":
            part.send(*MOVES)
            assert not (robot.latched and MOVES in out.sent[before:])
        elif step == "goal moves":
            part.send(*MOVES, run)
            assert not ((robot.latched or run.over) and MOVES in out.sent[before:])
        elif step == "stand":
            part.stand()
        elif step == "again":
            part.again()
        elif step == "refused":
            out.refuses += 1
        elif step == "goal ends":
            run.end(STOPPED)
        elif step == "others":
            robot.by_others = not robot.by_others
        else:
            robot.latched = step == "latch"
        assert step in ("move", "goal moves") or MOVES not in out.sent[before:]
    robot.by_others, sent = False, len(out.sent)
    part.stand()
    for _ in range(out.refuses + ZEROS):
        part.again()
    assert out.sent[sent:] == [ZERO] * ZEROS
    assert part.settled()


def test_zeros_leave_the_road_to_a_goal_that_drives_otherwise() -> None:
    part, robot, out = made()
    part.stand()
    robot.by_others = True
    part.again()
    assert out.sent == [ZERO]
    assert part.settled()
