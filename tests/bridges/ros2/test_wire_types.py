"""NavigateToPose, FollowJointTrajectory, GripperCommand and TFMessage on the wire: types of our own build (`interfaces/`).

The robot is plain rclpy; robot, bridge and hub are processes, and one of each serves all tests here that leave them whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import robolink
from robolink import v1
from robolink.client import TERMINAL
from robolink.core.values import from_value
from robolink_ros2 import config
from tests.bridges.ros2.conftest import DOMAINS, HERE, ROBOT, Bench
from tests.bridges.ros2.test_expose import exposed_base
from tests.conftest import HubProcess, wait_for

ROOT = HERE.parents[2]
FAR = 50.0


@pytest.fixture(scope="module")
def types(wire_types: Path) -> Iterator[None]:
    """Whatever is started below imports them."""
    with pytest.MonkeyPatch.context() as patch:
        before = os.environ.get("PYTHONPATH", "")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(wire_types), str(ROOT), before))))
        yield


@pytest.fixture(scope="module")
def wire(types: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("wire")
    hub = HubProcess(folder)
    hub.start()
    try:
        made = Bench(
            hub, folder, "--config", str(HERE / "wire.yaml"), navigator="tests.bridges.ros2.wire_robot"
        )
        try:
            wait_for(lambda: not reported(made, "ros.waiting"), what="everything mapped")
            yield made
        finally:
            made.close()
    finally:
        hub.stop()


def reported(bench: Bench, name: str) -> object:
    return from_value(bench.robot.twin.get(name)[name].reported.value)


def test_nothing_is_left_out(wire: Bench) -> None:
    sheet = wire.robot.describe().sheet
    methods = {f"{part.name}.{each.name}" for part in sheet.components for each in part.methods}
    assert methods >= {
        "base.navigate_to",
        "arm.move_joints",
        "arm.follow_trajectory",
        "gripper.move",
    }
    assert not reported(wire, "ros.left_out")


def test_navigate_to_pose_feeds_back_and_arrives(wire: Bench) -> None:
    with wire.robot.lease(), wire.robot.stream("base.odometry") as odometry:
        x = 0.8 + wait_for(lambda: odometry.next(1), what="the odometry").payload.x
        goal = wire.robot.goal("base.navigate_to", x=x, y=0.0)
        measured = list(goal.feedback())
        assert goal.wait(30).state == v1.COMMAND_STATE_SUCCEEDED, goal.wait()
        wait_for(lambda: (each := odometry.next(1)) and abs(each.payload.x - x) < 0.1, what="the pose")
    assert measured[0].eta_s >= measured[-1].eta_s >= 1.0
    assert 0.0 <= measured[0].progress < measured[-1].progress <= 1.0
    assert measured[-1].progress > 0.5


def test_navigate_to_pose_is_cancelled_stopped_refused_and_aborted(wire: Bench) -> None:
    with wire.robot.lease():
        goal = wire.underway("base.navigate_to", x=FAR, y=0.0)
        goal.cancel()
        assert goal.wait(10).state == v1.COMMAND_STATE_CANCELED
        wait_for(wire.observer.still, what="standstill after the cancel")
        goal = wire.underway("base.navigate_to", x=FAR, y=0.0)
        assert wire.robot.stop().verdict == v1.STOP_VERDICT_STOPPED
        assert goal.wait(10).state == v1.COMMAND_STATE_STOPPED
        wait_for(wire.observer.still, what="standstill after the stop")
        assert wire.robot.release().cause == 0
        refused = wire.robot.goal("base.navigate_to", x=1000.0, y=0.0).wait(10)
        assert (refused.state, "refuses" in refused.text) == (v1.COMMAND_STATE_FAILED, True)
        aborted = wire.robot.goal("base.navigate_to", x=1.0, y=2.0, theta=0.5).wait(10)
        assert aborted.state == v1.COMMAND_STATE_FAILED
        # What it was asked for comes back in the server's own words.
        assert aborted.text.endswith("aborted the goal: 208 no path to 1.00 2.00 0.50")


def test_follow_joint_trajectory(wire: Bench) -> None:
    with wire.robot.lease(), wire.robot.stream("arm.joint_states") as joints:

        def moving() -> bool:
            sample = joints.next(1)
            return bool(sample and len(sample.payload.name) == 2 and any(sample.payload.velocity))

        goal = wire.robot.goal("arm.follow_trajectory", positions=(0.2, 0.1, 0.5, -0.4), times=(0.3, 0.8))
        assert next(iter(goal.feedback())).phase == "running"
        assert goal.wait(20).state == v1.COMMAND_STATE_SUCCEEDED, goal.wait()
        goal = wire.robot.goal("arm.move_joints", positions=(0.0, 0.0), duration=0.5)
        assert goal.wait(20).state == v1.COMMAND_STATE_SUCCEEDED, goal.wait()
        goal = wire.robot.goal("arm.move_joints", positions=(2.0, 2.0), duration=60.0)
        wait_for(moving, what="moving joints")
        goal.cancel()
        assert goal.wait(10).state == v1.COMMAND_STATE_CANCELED
        failed = wire.robot.goal("arm.move_joints", positions=(3.1, 0.0), duration=1.0).wait(10)
        assert failed.state == v1.COMMAND_STATE_FAILED
        assert failed.text.endswith("aborted the goal: -5 a joint stopped at its end, 3.00 rad")


def test_gripper_command(wire: Bench) -> None:
    with wire.robot.lease():
        goal = wire.robot.goal("gripper.move", position=0.05, max_effort=40.0)
        assert goal.values(20)["position"] == pytest.approx(0.05)
        goal = wire.robot.goal("gripper.move", position=0.0, max_effort=40.0)
        measured = [each.values.values[0] for each in goal.feedback()]
        assert {each.name for each in measured} == {"position"}
        assert goal.values(20)["position"] == pytest.approx(0.02), "it holds something"
        refused = wire.robot.goal("gripper.move", position=0.0, max_effort=60.0).wait(10)
        assert (refused.state, "refuses" in refused.text) == (v1.COMMAND_STATE_FAILED, True)


def test_tf_is_a_stream_of_poses(wire: Bench) -> None:
    with wire.robot.stream("frames.tf") as frames:
        poses = wait_for(lambda: (each := frames.next(1)) and each.payload.poses, what="transforms")
        assert [(each.frame_id, each.child_frame_id) for each in poses] == [
            ("odom", "base_link"),
            ("base_link", "lidar"),
        ]
        assert poses[1].z == pytest.approx(0.3)
        # Between two of them comes one without any, as it may.
        wait_for(
            lambda: (each := frames.next(1)) and not each.payload.poses, what="a TFMessage without transforms"
        )
    assert reported(wire, "ros.malformed") == 0


def test_a_scan_writes_them_down(wire: Bench, tmp_path: Path) -> None:
    out = tmp_path / "found.yaml"
    command = ["scan", "--robot", "r", "--domain-id", str(wire.domain), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "ros2", *command],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    parts = config.check(yaml.safe_load(text), str(out)).robots[0].components
    base, arm, gripper = (parts[name] for name in ("base", "arm", "gripper"))
    assert base.navigate_to is not None and base.navigate_to.action == "/navigate_to_pose"
    assert arm.trajectory is not None and arm.trajectory.action == "/follow_joint_trajectory"
    assert gripper.gripper is not None and gripper.gripper.action == "/gripper_cmd"
    assert "/tf, type: tf2_msgs/msg/TFMessage}\n" in text
    assert "not installed" not in text


def test_the_server_is_killed(wire: Bench) -> None:
    assert wire.navigator is not None
    # Another connection: who has sent a goal is told of it by its handle, and not as a watcher.
    with (
        robolink.connect(wire.hub_process.url, name="other") as other,
        other.watch([ROBOT], twins=False, commands=True) as events,
        wire.robot.lease(),
    ):
        goal = wire.underway("base.navigate_to", x=FAR, y=0.0)
        wire.navigator.kill()
        try:
            update = goal.wait(30)
            assert (update.state, update.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_UNREACHABLE), update
            wait_for(wire.observer.still, what="standstill")
            # The next one fails too; what has ended before it stays so.
            last = wire.robot.goal("base.navigate_to", x=FAR, y=0.0)
            ends: list[v1.CommandUpdate] = []
            while not ends or ends[-1].command_id != last.id:
                event = wait_for(lambda: events.next(1), what="the end of the last goal")
                if event.HasField("command") and event.command.state in TERMINAL:
                    ends.append(event.command)
        finally:
            wire.navigator.start()
        for each in (goal, last):
            states = [end.state for end in ends if end.command_id == each.id]
            assert states == [v1.COMMAND_STATE_FAILED], "one end"


def test_a_robot_of_the_hub_serves_navigate_to_pose(types: None, hub: HubProcess, tmp_path: Path) -> None:
    domain, log = next(DOMAINS), tmp_path / "log"
    with exposed_base(hub, domain, log, HERE / "wire_expose.yaml"):
        user = subprocess.run(
            [sys.executable, str(HERE / "wire_user.py"), str(domain)],
            capture_output=True, text=True, check=False, timeout=110,
        )  # fmt: skip
        assert user.returncode == 0, user.stdout + user.stderr + log.read_text()
        assert user.stdout == "served\n"
