"""Conversions as pure functions: no rclpy here, messages are plain attributes."""

from __future__ import annotations

import math
from types import SimpleNamespace as Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink_ros2 import convert

FINITE = st.floats(-100, 100)


def vector(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Message:
    return Message(x=x, y=y, z=z)


def odometry(x: float, y: float, theta: float, linear: float, angular: float) -> Message:
    rotation = Message(x=0.0, y=0.0, z=math.sin(theta / 2), w=math.cos(theta / 2))
    return Message(
        child_frame_id="base_link",
        pose=Message(pose=Message(position=vector(x, y), orientation=rotation)),
        twist=Message(twist=Message(linear=vector(linear), angular=vector(z=angular))),
    )


@given(FINITE, FINITE, st.floats(-3.1, 3.1), FINITE, FINITE)
def test_odometry_keeps_pose_heading_and_velocity(
    x: float, y: float, theta: float, linear: float, angular: float
) -> None:
    found = convert.odometry(odometry(x, y, theta, linear, angular))
    assert (found.x, found.y, found.linear_x, found.angular_z) == (x, y, linear, angular)
    assert found.theta == pytest.approx(theta, abs=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_odometry_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        convert.odometry(odometry(bad, 0, 0, 0, 0))


def test_a_battery_leaves_out_what_it_does_not_measure() -> None:
    found = convert.battery_state(
        Message(voltage=24.0, current=math.nan, percentage=0.5, power_supply_status=1)
    )
    assert (found.voltage, found.percentage, found.charging) == (24.0, 0.5, True)
    assert math.isnan(found.current), "zero would be a measurement"


@given(FINITE, FINITE, FINITE, st.floats(0.01, 10))
def test_speed_is_limited_as_a_vector(x: float, y: float, turn: float, limit: float) -> None:
    lx, ly, az = convert.limit_speed(x, y, turn, limit)
    assert math.hypot(lx, ly) <= limit * (1 + 1e-9) or (lx, ly) == (x, y)
    assert lx * y == pytest.approx(ly * x, abs=1e-6)
    if math.hypot(x, y) <= limit:
        assert az == turn


def test_a_stamp_gives_the_age_and_a_foreign_clock_gives_none() -> None:
    assert convert.measured_at(1_000_000_000, 1_500_000_000, 100.0) == pytest.approx(99.5)
    assert convert.measured_at(0, 1_500_000_000, 100.0) == 100.0
    assert convert.measured_at(2_000_000_000, 1_500_000_000, 100.0) == 100.0
    assert convert.measured_at(1, 3_600_000_000_000, 100.0) == 100.0
