"""The sheet of a ROS 2 mobile base: what the bridge offers of cmd_vel, odometry and battery."""

from __future__ import annotations

from typing import Final

from robolink import v1

MAX_LINEAR: Final = 2.0
MAX_ANGULAR: Final = 4.0
DEFAULT_SPEED: Final = 0.5


def _double(
    name: str, unit: str, minimum: float, maximum: float, *, default: float | None = None
) -> v1.Field:
    field = v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, unit=unit, minimum=minimum, maximum=maximum)
    if default is not None:
        field.default_value.double_value = default
    return field


def _base() -> v1.Component:
    return v1.Component(
        name="base",
        type=v1.COMPONENT_TYPE_BASE,
        description="A mobile base that speaks ROS 2: cmd_vel and odometry",
        methods=[
            v1.Method(
                name="drive_distance",
                kind=v1.METHOD_KIND_GOAL,
                motion=True,
                max_duration_ms=120_000,
                on_disconnect=v1.ON_DISCONNECT_CANCEL,
                description="Drive straight by a distance, measured by the odometry",
                args=[
                    _double("distance", "m", -20.0, 20.0),
                    _double("speed", "m/s", 0.02, MAX_LINEAR, default=0.3),
                ],
            )
        ],
        properties=[
            v1.Property(field=_double("max_speed", "m/s", 0.02, MAX_LINEAR), access=v1.ACCESS_READ_WRITE),
            v1.Property(
                field=v1.Field(name="distance", type=v1.VALUE_TYPE_DOUBLE, unit="m"),
                access=v1.ACCESS_READ_ONLY,
            ),
        ],
        streams=[v1.StreamInfo(name="odometry", schema="Odometry", rate_hz=30, frame_id="odom")],
        setpoints=[
            v1.SetpointInfo(
                name="velocity",
                ttl_ms=300,
                minimum_rate_hz=5,
                fields=[
                    _double("linear_x", "m/s", -MAX_LINEAR, MAX_LINEAR),
                    _double("linear_y", "m/s", -MAX_LINEAR, MAX_LINEAR),
                    _double("angular_z", "rad/s", -MAX_ANGULAR, MAX_ANGULAR),
                ],
            )
        ],
    )


def _battery() -> v1.Component:
    return v1.Component(
        name="battery",
        type=v1.COMPONENT_TYPE_BATTERY,
        properties=[
            v1.Property(
                field=v1.Field(name="percentage", type=v1.VALUE_TYPE_DOUBLE, unit="1"),
                access=v1.ACCESS_READ_ONLY,
            )
        ],
        streams=[v1.StreamInfo(name="state", schema="BatteryState", rate_hz=1)],
    )


def base_sheet() -> v1.Sheet:
    """One mobile base with a battery."""
    return v1.Sheet(
        model="ros2-base",
        vendor="robolink",
        version="1.0",
        description="A ROS 2 mobile base behind the bridge",
        components=[_base(), _battery()],
        stop_levels=[v1.STOP_LEVEL_SOFT_HOLD],
        on_link_loss=v1.ON_DISCONNECT_CANCEL,
    )
