"""The same loop moves a simulated base, a MicroPython board and a ROS 2 robot: a setting, a command, reports."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from robolink import v1
from robolink.cloud import Fleet, Options, RobotHandle
from robolink.errors import CommandFailedError, RejectedError, SettingRejectedError
from robolink_sims.board import BoardSim
from robolink_sims.ros2_base import Ros2BaseSim
from tests.bridges.serial.conftest import BOARD, Bridge
from tests.conftest import wait_for
from tests.kubeedge.site import Site

LONG = Options(ttl_s=60)


def reported(robot: RobotHandle, name: str) -> float:
    return robot.twin.get(name)[name].reported.value.double_value


def test_a_patch_and_a_command_move_the_simulated_base(site: Site) -> None:
    arguments = ("--id", "base-1", "--hub", site.hub_process.url)
    base = site.run_robot("robolink_sims.base", *arguments, robot="base-1")
    base.twin.set("base.max_speed", 1.0, wait_s=30)
    goal = base.goal("base.navigate_to", LONG, x=1.0, y=0.0)
    assert goal.result(90).state == v1.COMMAND_STATE_SUCCEEDED
    wait_for(lambda: reported(base, "base.distance") > 0.9, 60, "the way it has driven")
    with Fleet(config=site.cluster.config) as other:
        # Whoever comes later reads the verdict from the cluster.
        twin = other.robot(base.id).twin.get("cmd-status")["cmd-status"]
        assert f"{goal.twin_id}:SUCCEEDED" in twin.reported.value.string_value


def _anew(order: Callable[[], Any]) -> Any:
    """A serial line that is silent for a moment ends what goes on and refuses what comes: a verdict, and it is ordered anew."""
    until = time.monotonic() + 90
    while True:
        try:
            return order()
        except (SettingRejectedError, CommandFailedError, RejectedError):
            if time.monotonic() > until:
                raise
            time.sleep(1)


@pytest.mark.board
def test_the_same_with_the_micropython_board(site: Site) -> None:
    if sys.platform != "linux":
        pytest.skip("the simulated board runs on Linux")
    with BoardSim() as board:
        bridge = Bridge(board.port, site.hub_process.url, site.folder / "bridge.log")
        bridge.start()
        try:
            motor = site.bring(BOARD)
            _anew(lambda: motor.twin.set("motor.max_speed", 4.0, wait_s=30))
            done = _anew(lambda: motor.goal("motor.turn_to", LONG, position=3.0).result(90))
            assert done.state == v1.COMMAND_STATE_SUCCEEDED
            wait_for(
                lambda: reported(motor, "motor.position") == pytest.approx(3.0, abs=0.05), 60, "its position"
            )
            assert motor.stop(wait_s=30).generation == 1
            motor.release()
        finally:
            bridge.stop()


@pytest.mark.skipif(importlib.util.find_spec("rclpy") is None, reason="no rclpy (extra ros2)")
def test_the_same_with_a_ros_2_robot(site: Site) -> None:
    from tests.bridges.ros2.conftest import DOMAINS, MAPPING, Bridge, Observer

    domain = next(DOMAINS)
    with contextlib.ExitStack() as closing:
        for module in ("robolink_sims.ros2_base", "robolink_sims.ros2_navigator"):
            closing.callback(Ros2BaseSim(domain, module=module).close)
        observer = Observer(domain)
        closing.callback(observer.close)
        bridge = Bridge(site.hub_process.url, domain, site.folder / "ros.log", "--config", str(MAPPING))
        bridge.start()
        closing.callback(bridge.end)
        robot = site.bring("ros-1", 60)
        robot.twin.set("base.speed_limit", 0.4, wait_s=30)
        # To a pose by Nav2's topic, and by an action: each is one line of text in the property `cmd`.
        goal = robot.goal("pose.navigate_to", LONG, x=0.6, y=0.0)
        assert goal.result(90).state == v1.COMMAND_STATE_SUCCEEDED
        wait_for(lambda: reported(robot, "base.distance") > 0.5, 60, "the way it has driven")
        assert robot.goal("base.go", LONG, x=0.0, y=0.0).result(90).state == v1.COMMAND_STATE_SUCCEEDED
        with site.hub.robot(robot.id).stream("base.odometry") as odometry:
            here = wait_for(lambda: odometry.next(1.0), what="odometry").payload
        assert (here.x, here.y) == pytest.approx((0.0, 0.0), abs=0.1)
        goal = robot.goal("base.go", LONG, x=20.0, y=0.0)
        wait_for(observer.moving, 30, "motion in ROS 2")
        assert robot.stop(wait_s=30).generation == 1
        wait_for(observer.still, 10, "standstill in ROS 2")
        with pytest.raises(CommandFailedError, match="STOPPED"):
            goal.result(60)
        with pytest.raises(RejectedError, match="LATCHED"):
            robot.goal("base.go", x=1.0, y=0.0)
