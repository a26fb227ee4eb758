"""The whole chain in real processes: a twin command, mapper, hub, bridge, and a ROS 2 robot that drives to a pose.

Only edgecore is a double. Where the robot is, its odometry says; standstill is judged by an observer in ROS 2 itself.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robolink.core import twincmd
from robolink.core.violation import state_name
from robolink_kubeedge import manifests
from robolink_kubeedge.double import EdgecoreDouble
from tests.bridges.kubeedge.conftest import TERMINAL, Mapper
from tests.bridges.ros2.conftest import ROBOT, Bench
from tests.conftest import wait_for


class Cloud:
    """What writes desired values, and reads what is reported."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.double = EdgecoreDouble(folder / "dmi.sock")
        self.double.start()
        found = bench.robot.describe()
        self.double.apply(manifests.device_model(found.sheet, found.sheet_hash))
        self.double.apply(manifests.device(ROBOT, found.sheet, found.sheet_hash))
        self.mapper = Mapper(bench.hub_process.url, folder, folder / "dmi.sock")
        self.mapper.start()

    def command(self, twin_id: str, method: str, **args: float) -> None:
        text = twincmd.make(twin_id, method, args, issued_ms=int(time.time() * 1000), ttl_ms=30_000)
        self.double.patch_desired(ROBOT, "cmd", text)

    def verdict(self, twin_id: str, *states: str) -> str:
        """The state of a command, once it is one of these (any terminal one by default)."""
        wanted = states or {state_name(state) for state in TERMINAL}

        def state() -> str:
            found = twincmd.Status.parse(self.double.reported(ROBOT, "cmd-status")[1])
            return str(found.get(twin_id, ("",))[0])

        assert self.double.wait(lambda: state() in wanted, 30), (state(), self.double.log[-5:])
        return state()

    def close(self) -> None:
        self.mapper.end(signal.SIGKILL)
        self.double.stop()


@pytest.fixture
def cloud(mapped: Bench, tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(mapped, tmp_path)
    yield made
    made.close()


def test_a_twin_command_drives_a_ros_2_robot_to_a_pose_and_a_twin_stop_stops_it(
    mapped: Bench, cloud: Cloud
) -> None:
    cloud.command("go-1", "base.go", x=0.6, y=0.0)
    assert cloud.verdict("go-1") == "SUCCEEDED"
    with mapped.robot.stream("base.odometry") as odometry:
        here = wait_for(lambda: odometry.next(1.0), what="odometry").payload
    assert (here.x, here.y) == pytest.approx((0.6, 0.0), abs=0.1)
    # The same by a goal topic, whose end is measured.
    cloud.command("go-2", "pose.navigate_to", x=0.0, y=0.0, theta=0.0)
    assert cloud.verdict("go-2") == "SUCCEEDED"
    cloud.command("go-3", "base.go", x=20.0, y=0.0)
    cloud.verdict("go-3", "RUNNING")
    wait_for(mapped.observer.moving, what="motion")
    cloud.double.patch_desired(ROBOT, "stop", "SOFT_HOLD")
    assert cloud.verdict("go-3") == "STOPPED"
    wait_for(mapped.observer.still, what="standstill after the stop")
    assert cloud.double.wait(lambda: cloud.double.reported(ROBOT, "stop-generation")[1] == "1", 20)
    cloud.command("go-4", "base.go", x=0.0, y=0.0)
    assert cloud.verdict("go-4") == "REJECTED"
    assert mapped.robot.release().cause == 0
