"""The bridge with a real rclpy robot in another process; standstill is judged by an observer in ROS 2 itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import robolink
from robolink import v1
from robolink_sims.ros2_base import Ros2BaseSim
from tests.bridges.ros2.conftest import DOMAINS, ROBOT, Bench, Bridge
from tests.conftest import HubProcess, wait_for

SUCCEEDED, CANCELED = v1.COMMAND_STATE_SUCCEEDED, v1.COMMAND_STATE_CANCELED

STREAM = """
import sys, time, robolink
with robolink.connect(sys.argv[1], name="app") as hub:
    robot = hub.robot(sys.argv[2])
    with robot.lease():
        while True:
            robot.setpoint("base.velocity", linear_x=0.4)
            time.sleep(0.05)
"""


def app(bench: Bench) -> subprocess.Popen[bytes]:
    """Somebody else's app that streams setpoints."""
    return subprocess.Popen([sys.executable, "-c", STREAM, bench.hub_process.url, ROBOT])


def test_velocity_odometry_deadman_and_settings(bench: Bench) -> None:
    with bench.robot.lease(), bench.robot.stream("base.odometry") as odometry:
        bench.stream()
        # The first samples may tell of the time before it moved.
        samples = (odometry.next(2) for _ in range(100))
        sample = next(each for each in samples if each is None or each.payload.linear_x > 0.1)
        assert sample is not None
        assert sample.age_s < 1.0
        # The app falls silent: the deadman's zero comes by TTL, in ROS 2 as well.
        wait_for(bench.observer.still, 5, "standstill by the deadman")
        bench.robot.twin.set("base.max_speed", 0.2, wait_s=5)
        bench.stream(speed=1.0)
        for _ in range(20):
            bench.robot.setpoint("base.velocity", linear_x=1.0)
            odometry.next(0.05)
            assert bench.observer.speed <= 0.2 + 1e-6
    wait_for(
        lambda: bench.robot.twin.get("battery.percentage")["battery.percentage"].reported.HasField("value")
    )
    assert bench.robot.twin.get("base.distance")["base.distance"].reported.value.double_value > 0.05


def test_a_goal_is_measured_cancelled_and_stopped(bench: Bench) -> None:
    with bench.robot.lease():
        goal = bench.robot.goal("base.drive_distance", distance=0.3)
        progress = [each.progress for each in goal.feedback()]
        assert goal.wait(20).state == SUCCEEDED, goal.wait()
        assert len(progress) > 2
        assert progress == sorted(progress)
        assert abs(float(goal.values(20)["distance"]) - 0.3) < 0.1  # type: ignore[arg-type]
        goal = bench.underway("base.drive_distance", distance=15.0)
        goal.cancel()
        assert goal.wait(10).state == CANCELED
        wait_for(bench.observer.still, what="standstill after the cancel")
        goal = bench.underway("base.drive_distance", distance=15.0)
        result = bench.robot.stop()
        assert result.verdict == v1.STOP_VERDICT_STOPPED
        assert result.standstill_ms > 0
        assert goal.wait(10).state == v1.COMMAND_STATE_STOPPED
        wait_for(bench.observer.still, what="standstill after the stop")
        assert bench.robot.release().cause == 0
        assert bench.robot.goal("base.drive_distance", distance=-0.1).wait(20).state == SUCCEEDED


def test_it_stands_still_when_the_streaming_app_is_killed(bench: Bench) -> None:
    streaming = app(bench)
    try:
        wait_for(bench.observer.moving, 20, "motion")
    finally:
        streaming.kill()
        streaming.wait()
    wait_for(bench.observer.still, 5, "standstill")


def test_it_stands_still_when_the_bridge_is_killed_and_heals(bench: Bench) -> None:
    streaming = app(bench)
    try:
        wait_for(bench.observer.moving, 20, "motion")
        bench.bridge.end(signal.SIGKILL)
        wait_for(bench.observer.still, 5, "standstill by the robot's own timeout")
    finally:
        streaming.kill()
        streaming.wait()
    bench.bridge.start()
    wait_for(lambda: not bench.online(), 10, "offline")
    bench.wait_online()
    wait_for(lambda: not bench.hub.robots()[0].authority.leases, 10, "the dead app's lease to go stale")
    with bench.robot.lease():
        assert bench.robot.goal("base.drive_distance", distance=0.1).wait(20).state == SUCCEEDED


def test_two_robots_in_one_process_each_in_its_namespace(hub: HubProcess, tmp_path: Path) -> None:
    domain = next(DOMAINS)
    mapping = tmp_path / "two.yaml"
    part = "components: {base: {type: base, velocity: cmd_vel, streams: {odometry: odom}}}"
    rows = [f"- {{robot: ros-{name}, namespace: {name}, {part}}}" for name in ("left", "right")]
    mapping.write_text("robots:\n" + "\n".join(rows) + "\n")
    with (
        Ros2BaseSim(domain, "--namespace", "left"),
        Ros2BaseSim(domain, "--namespace", "right") as right,
        robolink.connect(hub.url, name="two") as client,
    ):
        bridge = Bridge(hub.url, domain, tmp_path / "bridge.log", "--config", str(mapping))
        bridge.start()
        try:

            def online() -> set[str]:
                return {each.robot for each in client.robots() if each.online}

            wait_for(lambda: online() == {"ros-left", "ros-right"}, 60, "both robots")
            moved = {name: client.robot(f"ros-{name}").stream("base.odometry") for name in ("left", "right")}
            with client.robot("ros-left").lease():

                def driven() -> bool:
                    client.robot("ros-left").setpoint("base.velocity", linear_x=0.4)
                    sample = moved["left"].next(0.05)
                    return sample is not None and sample.payload.x > 0.2

                wait_for(driven, 30, "the left one's way")
            still = wait_for(lambda: moved["right"].next(1), 10, "odometry of the right one")
            assert still.payload.x == 0.0
            # One that dies is offline; the other goes on.
            right.kill()
            wait_for(lambda: online() == {"ros-left"}, 30, "the right one's end")
        finally:
            bridge.end()


def test_a_robot_that_dies_is_shown_offline_and_its_goal_ends_once(bench: Bench) -> None:
    with bench.robot.lease():
        goal = bench.underway("base.drive_distance", distance=15.0)
        bench.sim.kill()
        update = goal.wait(20)
        assert (update.state, update.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_UNREACHABLE)
        wait_for(lambda: not bench.online(), 10, "offline")
        bench.sim.start()
        bench.wait_online()
        wait_for(bench.observer.still, what="nothing moves by its return")
        assert bench.robot.goal("base.drive_distance", distance=0.1).wait(20).state == SUCCEEDED
