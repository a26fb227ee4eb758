"""A mapping file with a real rclpy robot: actions, topics, parameters, services, streams, and what is not there."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.core.values import from_value
from robolink.errors import CommandFailedError, SettingRejectedError
from tests.bridges.ros2.conftest import Bench
from tests.conftest import wait_for

SUCCEEDED, CANCELED = v1.COMMAND_STATE_SUCCEEDED, v1.COMMAND_STATE_CANCELED


def reported(bench: Bench, name: str) -> object:
    return from_value(bench.robot.twin.get(name)[name].reported.value)


def test_an_action_feeds_back_succeeds_is_cancelled_and_refused(mapped: Bench) -> None:
    robot = mapped.robot
    with robot.lease():
        goal = robot.goal("base.go", x=0.6, y=0.0)
        feedback = list(goal.feedback())
        assert goal.wait(30).state == SUCCEEDED, goal.wait()
        assert feedback[-1].progress > 0.5
        assert feedback[0].values.values[0].name == "distance_left"
        assert goal.values(5)["distance_left"] < 0.05  # type: ignore[operator]
        goal = mapped.underway("base.go", x=20.0, y=0.0)
        goal.cancel()
        assert goal.wait(10).state == CANCELED
        wait_for(mapped.observer.still, what="standstill after the cancel")
        refused = robot.goal("base.go", x=1000.0, y=0.0).wait(10)
        assert (refused.state, "refuses" in refused.text) == (v1.COMMAND_STATE_FAILED, True)
        goal = mapped.underway("base.go", x=20.0, y=0.0)
        assert robot.stop().verdict == v1.STOP_VERDICT_STOPPED
        assert goal.wait(10).state == v1.COMMAND_STATE_STOPPED
        wait_for(mapped.observer.still, what="standstill after the stop")
        assert robot.release().cause == 0


def test_goals_by_topics_are_measured_and_held(mapped: Bench) -> None:
    robot = mapped.robot
    with robot.lease():
        goal = robot.goal("arm.move_joints", positions=(0.5, -0.4), duration=1.0)
        assert next(iter(goal.feedback())).phase == "moving"
        assert goal.wait(20).state == SUCCEEDED, goal.wait()
        assert goal.values(5)["positions"] == pytest.approx((0.5, -0.4), abs=0.03)
        goal = robot.goal("arm.follow_trajectory", positions=(0.0, 0.0, 3.0, 3.0), times=(1.0, 30.0))
        with robot.stream("arm.joint_states") as joints:
            wait_for(lambda: (each := joints.next(1)) and any(each.payload.velocity), what="moving joints")
            goal.cancel()
            assert goal.wait(10).state == CANCELED
            wait_for(
                lambda: (each := joints.next(1)) and not any(each.payload.velocity), what="resting joints"
            )
        goal = robot.goal("pose.navigate_to", x=0.6, y=0.0)
        assert goal.wait(30).state == SUCCEEDED, goal.wait()
        goal = mapped.underway("pose.navigate_to", x=20.0, y=0.0)
        goal.cancel()
        assert goal.wait(10).state == CANCELED
        wait_for(mapped.observer.still, what="standstill at a held pose")


def test_parameters_services_streams_and_what_is_missing(mapped: Bench) -> None:
    robot = mapped.robot
    wait_for(lambda: reported(mapped, "base.speed_limit") == 1.0, what="the parameter's present value")
    robot.twin.set("base.speed_limit", 0.25, wait_s=10)
    with robot.lease():
        mapped.stream(speed=1.0)
        wait_for(lambda: robot.setpoint("base.velocity", linear_x=1.0) or mapped.observer.speed > 0.24)
        assert mapped.observer.speed <= 0.25 + 1e-6
    wait_for(mapped.observer.still, what="standstill")
    with pytest.raises(SettingRejectedError, match="0 to 2 m/s"):
        robot.twin.set("base.speed_limit", 7.0, wait_s=10)
    assert robot.call("lamps.set", data=True) == {"success": True, "message": "on"}
    with pytest.raises(CommandFailedError, match="no server of the service nowhere"):
        robot.call("lamps.missing")
    with robot.stream("lidar.scan") as scans:
        scan = wait_for(lambda: scans.next(1), what="a scan")
        assert len(scan.payload.ranges) == 90
        assert scan.age_s < 1.0
    wait_for(lambda: reported(mapped, "lamps.health") == "ok", what="diagnostics")
    assert "topic nobody" in str(reported(mapped, "ros.waiting"))
    assert "no_such_msgs" in str(reported(mapped, "ros.left_out"))
    assert "lamps.foreign" in str(reported(mapped, "ros.left_out"))
    names = {method.name for part in robot.describe().sheet.components for method in part.methods}
    assert "foreign" not in names
