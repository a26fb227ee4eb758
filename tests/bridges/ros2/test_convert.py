"""Conversions as pure functions: no rclpy here, messages are plain attributes."""

from __future__ import annotations

import importlib
import math
from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message as Proto
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink_ros2 import convert, expose, images

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


def imu(**covariances: float) -> Message:
    """Each number another one; covariances begin as given."""
    rotation = Message(x=0.1, y=0.2, z=0.3, w=0.4)
    parts = {
        "orientation": rotation,
        "angular_velocity": vector(1, 2, 3),
        "linear_acceleration": vector(4, 5, 6),
    }
    known = {f"{part}_covariance": [covariances.get(part, 0.0), *[0.0] * 8] for part in parts}
    return Message(**parts, **known)


TURNED = {"orientation_x": 0.1, "orientation_y": 0.2, "orientation_z": 0.3, "orientation_w": 0.4}
SPUN = {"angular_velocity_x": 1, "angular_velocity_y": 2, "angular_velocity_z": 3}
PUSHED = {"linear_acceleration_x": 4, "linear_acceleration_y": 5, "linear_acceleration_z": 6}
XYZ = [Message(name=name, offset=4 * at, datatype=7, count=1) for at, name in enumerate("xyz")]
FIELDS = [v1.PointField(name=each.name, offset=each.offset, datatype=7, count=1) for each in XYZ]
# Two rows of three points of 12 bytes, and 4 bytes that belong to nobody.
POINTS = bytes(range(76))


def cloud(**changed: Any) -> Message:
    said = {"height": 2, "width": 3, "row_step": 36, "point_step": 12, "is_bigendian": True, "is_dense": True}
    return Message(**{**said, "fields": XYZ, "data": POINTS, **changed})


def cloud_of(height: int, width: int, row_step: int) -> v1.PointCloud:
    found = v1.PointCloud(fields=FIELDS, height=height, width=width, row_step=row_step, point_step=12)
    found.is_bigendian = found.is_dense = True
    return found


def picture(**changed: Any) -> Message:
    """Two rows of two pixels, and a byte behind each row."""
    said = {
        "height": 2,
        "width": 2,
        "step": 7,
        "encoding": "rgb8",
        "is_bigendian": 0,
        "data": bytes(range(14)),
    }
    return Message(**{**said, **changed})


def picture_of(height: int, width: int, step: int) -> v1.Image:
    return v1.Image(height=height, width=width, step=step, encoding="rgb8")


SCAN_HEAD = {"angle_min": -1.0, "angle_max": 1.0, "time_increment": 0.25, "scan_time": 0.5}
SCAN_HEAD |= {"range_min": 0.125, "range_max": 8.0}
RANGE = {"field_of_view": 0.5, "min_range": 0.125, "max_range": 4.0, "range": math.inf}


def scan() -> Message:
    return Message(
        **SCAN_HEAD, angle_increment=0.5, ranges=[3.0, 1.0, math.nan, 2.0, 5.0], intensities=[7.0] * 5
    )


def compressed(words: str) -> Message:
    return Message(format=words, data=b"\xff\xd8")


# Type, message, every n-th, what is published, and the bytes behind it.
TAKEN: list[tuple[str, Message, int, Proto, bytes]] = [
    ("Imu", imu(), 1, v1.Imu(**TURNED, **SPUN, **PUSHED), b""),
    ("Imu", imu(orientation=-1.0), 1, v1.Imu(**SPUN, **PUSHED), b""),
    ("Imu", imu(angular_velocity=-1.0, linear_acceleration=-1.0), 1, v1.Imu(**TURNED), b""),
    # Beyond its range is what a range finder says by infinity.
    ("Range", Message(radiation_type=0, **RANGE), 1, v1.Range(**RANGE), b""),
    ("LaserScan", scan(), 2, v1.LaserScan(**SCAN_HEAD, angle_increment=1.0, ranges=[1.0, 2.0, 5.0]), b""),
    ("PointCloud2", cloud(), 1, cloud_of(2, 3, 36), POINTS),
    ("PointCloud2", cloud(), 4, cloud_of(1, 2, 24), POINTS[:12] + POINTS[48:60]),
    ("PointCloud2", cloud(), 99, cloud_of(1, 1, 12), POINTS[:12]),
    ("CompressedImage", compressed("jpeg"), 1, v1.Image(format="jpeg"), b"\xff\xd8"),
    ("CompressedImage", compressed("bgr8; JPG compressed bgr8"), 3, v1.Image(format="jpeg"), b"\xff\xd8"),
    ("CompressedImage", compressed("16UC1; png compressed"), 1, v1.Image(format="png"), b"\xff\xd8"),
    ("CompressedImage", compressed("h264"), 1, v1.Image(format="h264"), b"\xff\xd8"),
    ("Image", picture(), 1, picture_of(2, 2, 7), bytes(range(14))),
    ("Image", picture(), 2, picture_of(1, 1, 3), bytes(range(3))),
    ("Image", picture(data=bytes(range(20))), 1, picture_of(2, 2, 7), bytes(range(14))),
]


@pytest.mark.parametrize(("kind", "message", "n", "payload", "attachment"), TAKEN)
def test_a_message_becomes_a_sample_and_the_bytes_behind_it(
    kind: str, message: Message, n: int, payload: Proto, attachment: bytes
) -> None:
    found = convert.take(f"sensor_msgs/msg/{kind}", message, n=n)
    assert found.payload == payload
    assert bytes(found.attachment) == attachment


def test_a_scan_as_it_is_keeps_each_beam_and_its_intensity() -> None:
    found = convert.laser_scan(scan())
    assert (found.angle_increment, list(found.intensities)) == (0.5, [7.0] * 5)
    assert list(found.ranges) == pytest.approx([3.0, 1.0, math.nan, 2.0, 5.0], nan_ok=True)


@pytest.mark.parametrize(
    ("kind", "message", "n", "words"),
    [
        ("Imu", Message(**{**vars(imu()), "angular_velocity": vector(y=math.nan)}), 1, "velocity_y = nan"),
        ("LaserScan", Message(**{**vars(scan()), "angle_min": math.inf}), 1, "angle_min = inf"),
        ("PointCloud2", cloud(row_step=40), 2, "rows are padded"),
        ("PointCloud2", cloud(data=POINTS[:71]), 2, "71 bytes for 6 points"),
        ("PointCloud2", cloud(point_step=0, row_step=0), 2, "points of 0 bytes"),
        ("PointCloud2", cloud(data=POINTS[:71]), 1, "71 bytes for 2 rows of 36"),
        ("Image", picture(data=bytes(13)), 1, "13 bytes for 2 rows of 7"),
        ("Image", picture(encoding="bayer_rggb8"), 2, "cannot be thinned"),
    ],
)
def test_a_message_that_lies_is_refused(kind: str, message: Message, n: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        convert.take(f"sensor_msgs/msg/{kind}", message, n=n)


@given(st.integers(1, 8), st.integers(0, 30), st.integers(1, 9), st.binary(max_size=5))
def test_every_nth_point(step: int, count: int, n: int, behind: bytes) -> None:
    rows = [np.random.default_rng(at).bytes(step) for at in range(count)]
    data, found = images.thin_points(memoryview(b"".join(rows) + behind), point_step=step, points=count, n=n)
    assert (bytes(data), found) == (b"".join(rows[::n]), len(rows[::n]))


SHOWN: dict[str, Proto] = {
    "Range": v1.Range(**RANGE),
    "LaserScan": v1.LaserScan(
        **SCAN_HEAD, angle_increment=0.5, ranges=[1.0, math.inf], intensities=[7.0, 8.0]
    ),
    "JointState": v1.JointState(name=["a", "b"], position=[0.1, 0.2], velocity=[1.0, 2.0], effort=[3.0, 4.0]),
    "BatteryState": v1.BatteryState(voltage=24.0, current=-1.5, percentage=0.5, charging=True),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_shown_to_ros_2_comes_back_as_it_was(kind: str) -> None:
    pytest.importorskip("sensor_msgs", reason="needs ROS 2's message packages (extra ros2)")
    made = getattr(importlib.import_module("sensor_msgs.msg"), kind)
    assert expose.STREAMS[kind] == f"sensor_msgs/msg/{kind}"
    message = expose.fill_stream(made(), SHOWN[kind])
    assert convert.take(f"sensor_msgs/msg/{kind}", message).payload == SHOWN[kind]
