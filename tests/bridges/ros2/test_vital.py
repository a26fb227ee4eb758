"""Whether a robot is there: what counts as its silence, and what is said of it in which order. No rclpy here."""

from __future__ import annotations

import itertools
import threading
import time
from types import SimpleNamespace as Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink_ros2 import config, runs
from robolink_ros2.guard import NoGuard
from robolink_ros2.robot import Ros2Robot
from robolink_ros2.runs import Run
from robolink_ros2.telemetry import Measured
from tests.conftest import wait_for

BASE = {"type": "base", "velocity": "cmd_vel", "streams": {"odometry": "odom"}}
ARM = {
    "type": "arm",
    "trajectory": {"action": "follow", "joints": ["a"]},
    "streams": {"joint_states": "joint_states"},
}
LONG = 1e6


class Link:
    """What the hub is told."""

    stop = Message(latched=False)

    def __init__(self) -> None:
        self.said: list[bool] = []

    def quality(self, robot_ok: bool, text: str = "") -> None:
        self.said.append(robot_ok)

    def report(self, name: str, value: Any) -> None:
        """Shown."""

    def notice(self, text: str, **kind: Any) -> None:
        """Told."""


def made(**components: Any) -> Any:
    mapping = config.check({"robot": "r", "components": components}, "test").robots[0]
    robot: Any = Ros2Robot(mapping, Message(errors=0), NoGuard(), types=lambda name: object)  # type: ignore[arg-type]
    robot.link = Link()
    return robot


def heard(robot: Any, component: str, stream: str, age_s: float = 0.0) -> None:
    robot._streams[component, stream].measured = Measured(v1.Odometry(), time.monotonic() - age_s)


def order(method: str) -> Any:
    return Message(id=method.encode(), method=method, motion=True, cancel_requested=None)


def test_odometry_that_returns_while_a_loss_is_told_does_not_leave_the_robot_offline() -> None:
    robot = made(base=BASE)
    heard(robot, "base", "odometry")
    robot.alive()
    heard(robot, "base", "odometry", LONG)
    # A goal that is slow to end keeps the loss waiting, and the odometry is back meanwhile.
    run = robot._runs[b"1"] = Run(order("base.drive_distance"))
    thread = threading.Thread(target=robot._judge)
    thread.start()
    wait_for(lambda: run.over, what="the goal's end")
    heard(robot, "base", "odometry")
    robot.alive()
    robot._runs.clear()
    thread.join()
    heard(robot, "base", "odometry")
    robot.alive()
    assert robot.link.said == [True, False, True]


def test_a_vital_topic_that_nobody_publishes_keeps_nobody_offline() -> None:
    robot = made(base=BASE, arm=ARM)
    heard(robot, "base", "odometry")
    robot.alive()
    assert robot.link.said == [True]
    # One that is published and says nothing does.
    robot._streams["arm", "joint_states"]._in = Message(publishers=1, offered_at=time.monotonic() - LONG)
    robot._judge()
    assert robot.link.said == [True, False]


def test_one_that_has_come_once_is_missed() -> None:
    robot = made(base=BASE, arm=ARM)
    heard(robot, "arm", "joint_states", LONG)
    heard(robot, "base", "odometry")
    robot.alive()
    assert robot.link.said == []


def test_without_odometry_a_robot_of_which_nothing_is_in_the_graph_is_offline() -> None:
    robot = made(
        eye={"type": "sensor", "streams": {"scan": "scan"}},
        lamp={
            "diagnostics": "diagnostics",
        },
    )
    robot._judge()
    assert robot.link.said == []
    robot._streams["eye", "scan"]._in = Message(publishers=1, offered_at=0.0)
    robot._judge()
    assert robot.link.said == [True]
    robot._streams["eye", "scan"]._in.publishers = 0
    # A sample of long ago is no sign of life.
    heard(robot, "eye", "scan", LONG)
    robot._judge()
    assert robot.link.said == [True, False]


@given(st.sampled_from(["base.navigate_to", "base.drive_distance", "arm.follow_trajectory"]), st.booleans())
def test_velocity_of_somebody_else_is_seen_beside_every_order_but_one_that_drives_this_base(
    method: str, ending: bool
) -> None:
    robot = made(base={**BASE, "navigate_to": {"topic": "goal_pose"}}, arm=ARM)
    part, told = robot._velocities["base"], list[str]()
    part._node, robot.foreign = Message(offered=lambda topic, ours: []), told.append
    run = robot._runs[b"1"] = Run(order(method))
    if ending:
        run.end()
    part._on_velocity(Message(linear=Message(x=0.2, y=0.0), angular=Message(z=0.0)))
    assert bool(told) == (method != "base.navigate_to")


def test_what_is_malformed_a_hundred_times_a_second_is_counted_each_time_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    robot, told = made(base=BASE), list[str]()
    robot.link.notice = lambda text, **kind: told.append(text)
    for number in range(100):
        robot.malformed(f"on odom: {number} is not finite")
        robot.problem("cmd_vel was not published")
    robot.malformed("on scan: too short")
    assert robot._counters["malformed"] == 101
    assert robot._shown["ros.problems"] == "on scan: too short"
    assert told == ["cmd_vel was not published"]
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 6.0)), max_size=40))
def test_the_same_text_is_logged_at_most_once_in_its_time(said: list[tuple[str, float]]) -> None:
    now, logged = 100.0, dict[str, list[float]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs.time, "monotonic", lambda: now)
        seldom = runs.Seldom()
        for text, passed in said:
            now += passed
            if seldom(text):
                logged.setdefault(text, []).append(now)
    assert set(logged) == {text for text, _ in said}
    for times in logged.values():
        assert all(later - before >= runs.SELDOM_S for before, later in itertools.pairwise(times))
