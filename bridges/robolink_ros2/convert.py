"""ROS 2 messages to Robolink and back, as pure functions over attributes: nothing of ROS 2 is imported here.

Units and frames are the same on both sides (REP-103); only names, quaternions and clocks differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from robolink import v1
from robolink_ros2 import fields, images

# A stamp from a clock that is further off than this says nothing of the sample's age.
MAX_STAMP_AGE_S: Final = 10.0

Payload: TypeAlias = (
    v1.Odometry | v1.BatteryState | v1.JointState | v1.Values | v1.Imu | v1.LaserScan | v1.Range | v1.Image
    | v1.PointCloud | v1.Poses
)  # fmt: skip


class Taken(NamedTuple):
    """One message on its way up: what is published, and the raw bytes behind it."""

    payload: Payload
    attachment: bytes | memoryview = b""


def finite(what: str, **values: float) -> None:
    """Raises ValueError, naming the first that is not a finite number."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{what}: {name} = {value} is not a finite number")


def yaw(quaternion: Any) -> float:
    """Heading of a rotation, rad in -pi..pi."""
    x, y, z, w = quaternion.x, quaternion.y, quaternion.z, quaternion.w
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def fill_yaw(quaternion: Any, theta: float) -> None:
    """The rotation of a heading."""
    quaternion.x = quaternion.y = 0.0
    quaternion.z, quaternion.w = math.sin(theta / 2), math.cos(theta / 2)


# Up: ROS 2 to Robolink.


def odometry(message: Any) -> v1.Odometry:
    """nav_msgs/Odometry in the plane.

    Raises:
        ValueError: A value is not finite.
    """
    pose, twist = message.pose.pose, message.twist.twist
    values = {
        "x": pose.position.x,
        "y": pose.position.y,
        "theta": yaw(pose.orientation),
        "linear_x": twist.linear.x,
        "linear_y": twist.linear.y,
        "angular_z": twist.angular.z,
    }
    finite("odometry", **values)
    return v1.Odometry(**values, child_frame_id=message.child_frame_id)


def battery_state(message: Any) -> v1.BatteryState:
    """sensor_msgs/BatteryState; what is not measured is NaN on both sides: zero would be an empty battery."""
    known = {name: getattr(message, name) for name in ("voltage", "current", "percentage")}
    known = {name: value if math.isfinite(value) else math.nan for name, value in known.items()}
    # POWER_SUPPLY_STATUS_CHARGING
    return v1.BatteryState(**known, charging=message.power_supply_status == 1)


def joint_state(message: Any) -> v1.JointState:
    """sensor_msgs/JointState.

    Raises:
        ValueError: Arrays of other lengths than the names, or a position that is not finite.
    """
    count = len(message.name)
    columns = {}
    for name in ("position", "velocity", "effort"):
        values = list(getattr(message, name))
        if values and len(values) != count:
            raise ValueError(f"joint states: {count} names and {len(values)} values of {name}")
        # Drivers that measure no effort or velocity say NaN.
        columns[name] = values if all(map(math.isfinite, values)) else []
        if name == "position" and values and not columns[name]:
            raise ValueError("joint states: a position is not a finite number")
    return v1.JointState(name=message.name, **columns)


def imu(message: Any) -> v1.Imu:
    """sensor_msgs/Imu; a part whose covariance begins with -1 is not measured and stays zero."""
    found = v1.Imu()
    for part, axes in (("orientation", "xyzw"), ("angular_velocity", "xyz"), ("linear_acceleration", "xyz")):
        if getattr(message, f"{part}_covariance", (0.0,))[0] == -1.0:
            continue
        vector = getattr(message, part)
        values = {f"{part}_{axis}": float(getattr(vector, axis)) for axis in axes}
        finite("imu", **values)
        for name, value in values.items():
            setattr(found, name, value)
    return found


def laser_scan(message: Any, n: int = 1) -> v1.LaserScan:
    """sensor_msgs/LaserScan; of each n beams the nearest.

    Raises:
        ValueError: Its angles are not finite.
    """
    finite("scan", angle_min=message.angle_min, angle_increment=message.angle_increment)
    head = {
        name: getattr(message, name)
        for name in ("angle_min", "angle_max", "time_increment", "scan_time", "range_min", "range_max")
    }
    intensities = list(message.intensities) if n <= 1 else []
    return v1.LaserScan(
        **head,
        angle_increment=message.angle_increment * max(n, 1),
        ranges=images.thin_scan(message.ranges, n),
        intensities=intensities,
    )


def range_(message: Any) -> v1.Range:
    """sensor_msgs/Range."""
    names = ("field_of_view", "min_range", "max_range", "range")
    return v1.Range(**{name: getattr(message, name) for name in names})


def image(message: Any, n: int = 1) -> Taken:
    """sensor_msgs/Image, every n-th pixel of every n-th row. Raises ValueError where that cannot be."""
    data, height, width, step = images.thin_image(
        memoryview(message.data).cast("B"),
        height=message.height,
        width=message.width,
        row_bytes=message.step,
        encoding=message.encoding,
        n=n,
    )
    head = v1.Image(height=height, width=width, step=step, encoding=message.encoding)
    head.is_bigendian = bool(message.is_bigendian)
    return Taken(head, data)


def compressed_image(message: Any) -> Taken:
    """sensor_msgs/CompressedImage: the bytes as they are."""
    words = message.format.lower()
    known = next(
        (each for each in ("jpeg", "png") if each in words or (each == "jpeg" and "jpg" in words)), words
    )
    return Taken(v1.Image(format=known), memoryview(message.data).cast("B"))


def point_cloud(message: Any, n: int = 1) -> Taken:
    """sensor_msgs/PointCloud2, every n-th point; a thinned cloud has one row. Raises ValueError for missing bytes."""
    names = ("name", "offset", "datatype", "count")
    data, step = memoryview(message.data).cast("B"), message.point_step
    head = v1.PointCloud(
        fields=[v1.PointField(**{name: getattr(each, name) for name in names}) for each in message.fields],
        is_bigendian=message.is_bigendian,
        point_step=step,
        is_dense=message.is_dense,
    )
    if n <= 1:
        if len(data) < message.height * message.row_step:
            raise ValueError(f"{len(data)} bytes for {message.height} rows of {message.row_step}")
        head.height, head.width, head.row_step = message.height, message.width, message.row_step
        return Taken(head, data)
    if message.row_step != message.width * step:
        raise ValueError("a cloud whose rows are padded cannot be thinned")
    points, count = images.thin_points(data, point_step=step, points=message.height * message.width, n=n)
    head.height, head.width, head.row_step = 1, count, count * step
    return Taken(head, points)


def poses(message: Any, frames: Sequence[str] = ()) -> v1.Poses:
    """tf2_msgs/TFMessage (or one geometry_msgs/TransformStamped): those whose child frame is named; all if none is.

    Raises:
        ValueError: A number is not finite.
    """
    found = v1.Poses()
    # A TFMessage may hold none.
    for each in getattr(message, "transforms", [message]):
        if frames and each.child_frame_id not in frames:
            continue
        moved, turned = each.transform.translation, each.transform.rotation
        values = {"x": moved.x, "y": moved.y, "z": moved.z}
        values |= {"qx": turned.x, "qy": turned.y, "qz": turned.z, "qw": turned.w}
        finite(f"tf {each.child_frame_id}", **values)
        found.poses.add(frame_id=each.header.frame_id, child_frame_id=each.child_frame_id, **values)
    return found


def pose(message: Any) -> v1.Poses:
    """geometry_msgs/PoseStamped or PoseWithCovarianceStamped. Raises ValueError for numbers that are not finite."""
    inner = message.pose if hasattr(message.pose, "position") else message.pose.pose
    place, turned = inner.position, inner.orientation
    values = {"x": place.x, "y": place.y, "z": place.z}
    values |= {"qx": turned.x, "qy": turned.y, "qz": turned.z, "qw": turned.w}
    finite("pose", **values)
    return v1.Poses(poses=[v1.FramePose(frame_id=message.header.frame_id, **values)])


def values(message: Any) -> v1.Values:
    """Any message, by introspection. Raises ValueError for one that is too large."""
    named = ((fields.member_name(name), value) for name, value in fields.flatten(message).items())
    return v1.Values(values=[v1.NamedValue(name=name, value=value_of(value)) for name, value in named])


def value_of(value: fields.Plain) -> v1.Value:
    """One plain value as the schema's."""
    if isinstance(value, bool):
        return v1.Value(bool_value=value)
    if isinstance(value, int):
        return v1.Value(int_value=value)
    if isinstance(value, float):
        return v1.Value(double_value=value)
    if isinstance(value, str):
        return v1.Value(string_value=value)
    if isinstance(value, bytes):
        return v1.Value(bytes_value=value)
    return v1.Value(vector_value=v1.Vector(values=value))


# By type: the schema of its stream, and how it is taken. `n`: the rule that makes it smaller.
TABLE: Final[Mapping[str, tuple[str, Callable[[Any, int], Payload | Taken]]]] = {
    "nav_msgs/msg/Odometry": ("Odometry", lambda message, n: odometry(message)),
    "sensor_msgs/msg/BatteryState": ("BatteryState", lambda message, n: battery_state(message)),
    "sensor_msgs/msg/JointState": ("JointState", lambda message, n: joint_state(message)),
    "sensor_msgs/msg/Imu": ("Imu", lambda message, n: imu(message)),
    "sensor_msgs/msg/LaserScan": ("LaserScan", laser_scan),
    "sensor_msgs/msg/Range": ("Range", lambda message, n: range_(message)),
    "sensor_msgs/msg/Image": ("Image", image),
    "sensor_msgs/msg/CompressedImage": ("Image", lambda message, n: compressed_image(message)),
    "sensor_msgs/msg/PointCloud2": ("PointCloud", point_cloud),
    "tf2_msgs/msg/TFMessage": ("Poses", lambda message, n: poses(message)),
    "geometry_msgs/msg/TransformStamped": ("Poses", lambda message, n: poses(message)),
    "geometry_msgs/msg/PoseStamped": ("Poses", lambda message, n: pose(message)),
    "geometry_msgs/msg/PoseWithCovarianceStamped": ("Poses", lambda message, n: pose(message)),
}
LARGE: Final = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/PointCloud2")


def schema_of(ros_type: str) -> str:
    """The schema of a stream of that type; Values for what is in no table."""
    return TABLE[ros_type][0] if ros_type in TABLE else "Values"


def take(ros_type: str, message: Any, *, n: int = 1, frames: Sequence[str] = ()) -> Taken:
    """Any message as what is published of it.

    Raises:
        ValueError: It holds what the standard has no place for: NaN where a number must be, too much.
    """
    if frames and ros_type == "tf2_msgs/msg/TFMessage":
        return Taken(poses(message, frames))
    row = TABLE.get(ros_type)
    taken = values(message) if row is None else row[1](message, n)
    return taken if isinstance(taken, Taken) else Taken(taken)


# Down: Robolink to ROS 2.


def fill_twist(message: Any, linear_x: float, linear_y: float, angular_z: float) -> Any:
    """geometry_msgs/Twist or TwistStamped with that velocity, m/s and rad/s; the message itself.

    Raises:
        ValueError: A value is not finite.
    """
    finite("twist", linear_x=linear_x, linear_y=linear_y, angular_z=angular_z)
    twist = message.twist if hasattr(message, "twist") else message
    twist.linear.x, twist.linear.y, twist.angular.z = float(linear_x), float(linear_y), float(angular_z)
    return message


def twist(message: Any) -> tuple[float, float, float]:
    """Velocity of a Twist or TwistStamped. Raises ValueError for numbers that are not finite."""
    inner = message.twist if hasattr(message, "twist") else message
    found = (float(inner.linear.x), float(inner.linear.y), float(inner.angular.z))
    finite("twist", linear_x=found[0], linear_y=found[1], angular_z=found[2])
    return found


def fill_pose(message: Any, x: float, y: float, theta: float, frame_id: str) -> Any:
    """geometry_msgs/PoseStamped; the message itself. Raises ValueError for numbers that are not finite."""
    finite("pose", x=x, y=y, theta=theta)
    message.header.frame_id = frame_id
    message.pose.position.x, message.pose.position.y = float(x), float(y)
    fill_yaw(message.pose.orientation, theta)
    return message


def trajectory_points(
    count: int, positions: Sequence[float], times: Sequence[float]
) -> list[tuple[list[float], float]]:
    """Points of a trajectory, row by row: positions of each, and when, s.

    Raises:
        ValueError: They do not fit each other, or time does not pass.
    """
    if not times or len(positions) != count * len(times):
        raise ValueError(f"{len(positions)} positions for {len(times)} points of {count} joints")
    if any(later <= before for before, later in zip((0.0, *times), times, strict=False)):
        raise ValueError(f"times {tuple(times)[:8]} do not rise from 0")
    rows = (list(map(float, positions[at * count : (at + 1) * count])) for at in range(len(times)))
    return list(zip(rows, map(float, times), strict=True))


def fill_trajectory(message: Any, new_point: Callable[[], Any], joints: Sequence[str], points: Any) -> Any:
    """trajectory_msgs/JointTrajectory; the message itself. `points`: from `trajectory_points`."""
    message.joint_names = list(joints)
    made = []
    for positions, at_s in points:
        point = new_point()
        point.positions = positions
        point.time_from_start.sec = int(at_s)
        point.time_from_start.nanosec = int(at_s % 1 * 1e9)
        made.append(point)
    message.points = made
    return message


# Clocks.


def stamp_ns(stamp: Any) -> int:
    """builtin_interfaces/Time to ns."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def measured_at(stamp: int, ros_now: int, monotonic_s: float) -> float:
    """When a stamped sample was measured, on this machine's monotonic clock, s.

    Args:
        stamp: Of the sample, ns of the ROS clock; 0: not stamped.
        ros_now: The ROS clock now, ns.
        monotonic_s: The monotonic clock now, s.
    """
    age_s = (ros_now - stamp) / 1e9
    if not stamp or not 0.0 <= age_s <= MAX_STAMP_AGE_S:
        return monotonic_s
    return monotonic_s - age_s


def limit_speed(
    linear_x: float, linear_y: float, angular_z: float, max_speed: float
) -> tuple[float, float, float]:
    """Scale a velocity as one vector so that its linear part is at most `max_speed`, m/s."""
    speed = math.hypot(linear_x, linear_y)
    if speed <= max_speed:
        return linear_x, linear_y, angular_z
    factor = max_speed / speed
    return linear_x * factor, linear_y * factor, angular_z * factor
