"""The simulated base: its model in stepped time, and one served to a real hub."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import robolink
from robolink import v1
from robolink_sims.base import DiffDrive, steer
from tests.conftest import HubProcess, wait_for

DT = 0.01
SPEEDS = st.floats(-1.5, 1.5)
TURNS = st.floats(-3.0, 3.0)


@given(st.lists(st.tuples(SPEEDS, TURNS, st.integers(1, 30)), max_size=20))
def test_speed_and_acceleration_keep_their_limits_and_distance_only_grows(
    wishes: list[tuple[float, float, int]],
) -> None:
    drive = DiffDrive()
    for linear, angular, steps in wishes:
        drive.want(linear, angular)
        for _ in range(steps):
            before = (drive.linear, drive.angular, drive.distance, drive.x, drive.y)
            drive.step(DT)
            assert abs(drive.linear - before[0]) <= drive.acceleration * DT + 1e-12
            assert abs(drive.angular - before[1]) <= drive.angular_acceleration * DT + 1e-12
            moved = math.hypot(drive.x - before[3], drive.y - before[4])
            assert drive.distance - before[2] == pytest.approx(moved, abs=1e-9)
            assert -math.pi <= drive.theta <= math.pi
    drive.want(0.0, 0.0)
    drive.advance(2.0)
    assert drive.still


def test_a_straight_line_and_a_circle_are_where_geometry_says() -> None:
    drive = DiffDrive(linear=1.0)
    drive.want(1.0, 0.0)
    drive.advance(2.0)
    assert (drive.x, drive.y) == pytest.approx((2.0, 0.0))
    drive = DiffDrive(linear=0.5, angular=0.5)
    drive.want(0.5, 0.5)
    drive.advance(math.tau / 0.5)
    assert (drive.x, drive.y) == pytest.approx((0.0, 0.0), abs=0.02)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-3.1, 3.1))
def test_steering_reaches_every_point_from_every_heading(x: float, y: float, theta: float) -> None:
    drive = DiffDrive(theta=theta)
    for _ in range(6000):
        linear, angular, left = steer(drive, x, y, 1.0)
        if linear == angular == 0.0:
            break
        drive.want(linear, angular)
        drive.step(DT)
    assert left < 0.05


def test_a_served_base_navigates_reports_and_stops_measured(hub: HubProcess, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "robolink_sims.base",
        "--id",
        "base-1",
        "--hub",
        hub.url,
        "--speed-up",
        "4",
    ]
    with (tmp_path / "base.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with robolink.connect(hub.url, roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as client:
            wait_for(lambda: any(each.online for each in client.robots()), what="the base")
            base = client.robot("base-1")
            with base.lease():
                pose = base.goal("base.navigate_to", x=1.0, y=-0.5, theta=1.0).values(30)
                assert (pose["x"], pose["y"], pose["theta"]) == pytest.approx((1.0, -0.5, 1.0), abs=0.06)
                goal = base.goal("base.navigate_to", x=40.0, y=0.0)
                with base.stream("base.odometry") as odometry:
                    wait_for(
                        lambda: (sample := odometry.next(1)) is not None and sample.payload.linear_x > 0.2,
                        what="motion",
                    )
                stopped = base.stop()
                assert stopped.verdict == v1.STOP_VERDICT_STOPPED
                assert stopped.standstill_ms > 0, "it took a while to brake"
                assert goal.wait(5).state == v1.COMMAND_STATE_STOPPED
            where = base.call("base.pose")
            client.release()
            assert base.call("base.pose") == where
            wait_for(
                lambda: base.twin.get("base.distance")["base.distance"].reported.value.double_value > 1.0,
                what="the driven distance",
            )
            assert (
                0 < base.twin.get("battery.percentage")["battery.percentage"].reported.value.double_value <= 1
            )
    finally:
        process.terminate()
        process.wait(10)
