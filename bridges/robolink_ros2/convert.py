"""ROS 2 messages to Robolink and back, as pure functions over attributes: nothing of ROS 2 is imported here.

Units and frames are the same on both sides (REP-103); only names, quaternions and clocks differ.
"""

from __future__ import annotations

import math
from typing import Any, Final

from robolink import v1

# A stamp from a clock that is further off than this says nothing of the sample's age.
MAX_STAMP_AGE_S: Final = 10.0


def yaw(quaternion: Any) -> float:
    """Heading of a rotation, rad in -pi..pi."""
    x, y, z, w = quaternion.x, quaternion.y, quaternion.z, quaternion.w
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


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
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"odometry: {name} = {value} is not a finite number")
    return v1.Odometry(**values, child_frame_id=message.child_frame_id)


def battery_state(message: Any) -> v1.BatteryState:
    """sensor_msgs/BatteryState; what is not measured there (NaN) is left out."""
    known = {
        name: getattr(message, name)
        for name in ("voltage", "current", "percentage")
        if math.isfinite(getattr(message, name))
    }
    # POWER_SUPPLY_STATUS_CHARGING
    return v1.BatteryState(**known, charging=message.power_supply_status == 1)


def fill_twist(message: Any, linear_x: float, linear_y: float, angular_z: float) -> Any:
    """geometry_msgs/Twist with that velocity, m/s and rad/s; the message itself."""
    message.linear.x, message.linear.y, message.angular.z = float(linear_x), float(linear_y), float(angular_z)
    return message


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
