"""The sheet of a ROS 2 robot, from its mapping and the types that are installed. Asks nobody, and imports no type itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from robolink import v1
from robolink_ros2 import config, convert, fields

DEFAULT_RATE_HZ: Final = 50.0
RATES: Final = {"Odometry": 30.0, "BatteryState": 1.0, "Image": 30.0, "PointCloud": 10.0, "LaserScan": 15.0}

# "pkg/msg/Name" to its class; raises LookupError, saying what is missing.
Resolve = Callable[[str], Any]
# Makes one member of a component from its mapping, or notes why it cannot be.
Put = Callable[[str, Callable[[Any], None], Any], None]

NAVIGATE: Final = "nav2_msgs/action/NavigateToPose"
FOLLOW: Final = "control_msgs/action/FollowJointTrajectory"
GRIP: Final = "control_msgs/action/GripperCommand"
DOUBLE: Final = v1.VALUE_TYPE_DOUBLE


class Described(NamedTuple):
    """A sheet, and what of the mapping is not in it: name to reason."""

    sheet: v1.Sheet
    left_out: dict[str, str]


def number(
    name: str, unit: str, low: float | None = None, high: float | None = None, *, default: float | None = None
) -> v1.Field:
    """A field of type DOUBLE."""
    field = v1.Field(name=name, type=DOUBLE, unit=unit, minimum=low, maximum=high)
    if default is not None:
        field.default_value.double_value = default
    return field


def _reading(name: str, type_: v1.ValueType, unit: str = "", description: str = "") -> v1.Property:
    field = v1.Field(name=name, type=type_, unit=unit, description=description)
    return v1.Property(field=field, access=v1.ACCESS_READ_ONLY)


def _goal(name: str, text: str, args: list[v1.Field], results: list[v1.Field], seconds: float) -> v1.Method:
    return v1.Method(
        name=name,
        kind=v1.METHOD_KIND_GOAL,
        motion=True,
        max_duration_ms=int(seconds * 1000),
        on_disconnect=v1.ON_DISCONNECT_CANCEL,
        description=text,
        args=args,
        results=results,
    )


def _base(found: v1.Component, velocity: config.Velocity, odometry: bool) -> None:
    linear, angular = velocity.max_linear, velocity.max_angular
    limits = [("linear_x", "m/s", linear), ("linear_y", "m/s", linear), ("angular_z", "rad/s", angular)]
    found.setpoints.add(
        name="velocity",
        ttl_ms=velocity.ttl_ms,
        minimum_rate_hz=5,
        fields=[number(name, unit, -limit, limit) for name, unit, limit in limits],
    )
    found.properties.add(
        field=number("max_speed", "m/s", min(0.02, linear), linear), access=v1.ACCESS_READ_WRITE
    )
    if odometry:
        speed = number("speed", "m/s", min(0.02, linear), linear, default=min(0.3, linear))
        args = [number("distance", "m", -20.0, 20.0), speed]
        text = "Drive straight by a distance, measured by the odometry"
        found.methods.append(_goal("drive_distance", text, args, [number("distance", "m")], 120.0))
        found.properties.append(_reading("distance", DOUBLE, "m", "Driven so far"))


def _navigate(found: v1.Component, navigate: config.Navigate) -> None:
    args = [number("x", "m"), number("y", "m"), number("theta", "rad", -3.1416, 3.1416, default=0.0)]
    text = f"Drive to a pose in the frame {navigate.frame_id}"
    results = [number(name, unit) for name, unit in (("x", "m"), ("y", "m"), ("theta", "rad"))]
    found.methods.append(
        _goal("navigate_to", text, args, results if navigate.topic else [], navigate.max_duration_s)
    )


def _trajectory(found: v1.Component, trajectory: config.Trajectory) -> None:
    count = len(trajectory.joints)
    names = ", ".join(trajectory.joints)
    positions = v1.Field(name="positions", type=v1.VALUE_TYPE_VECTOR, unit="rad", description=names)
    positions.minimum, positions.maximum = trajectory.minimum, trajectory.maximum
    rows = v1.Field()
    rows.CopyFrom(positions)
    positions.length = count
    rows.description = f"point after point: {names}"
    times = v1.Field(name="times", type=v1.VALUE_TYPE_VECTOR, unit="s", minimum=0.0, maximum=3600.0)
    results = [v1.Field(name="positions", type=v1.VALUE_TYPE_VECTOR, unit="rad", description=names)]
    duration = number("duration", "s", 0.05, 3600.0, default=2.0)
    limit_s = trajectory.max_duration_s
    found.methods.append(
        _goal("move_joints", "Move every joint to a position", [positions, duration], results, limit_s)
    )
    found.methods.append(
        _goal("follow_trajectory", "Follow points in joint space", [rows, times], results, limit_s)
    )


def _gripper(found: v1.Component, gripper: config.Gripper) -> None:
    args = [number("position", "m", gripper.minimum, gripper.maximum)]
    args.append(number("max_effort", "N", 0.0, gripper.max_effort, default=gripper.max_effort))
    found.methods.append(
        _goal("move", "Open or close", args, [number("position", "m")], gripper.max_duration_s)
    )


def _stream(name: str, stream: config.Stream, resolve: Resolve) -> v1.StreamInfo:
    resolve(stream.type)
    schema = convert.schema_of(stream.type)
    return v1.StreamInfo(
        name=name,
        schema=schema,
        rate_hz=stream.rate_hz or RATES.get(schema, DEFAULT_RATE_HZ),
        frame_id=stream.frame_id,
        description=stream.description or f"{stream.type} of {stream.topic}",
    )


def paths(message: Any, wanted: Mapping[str, str] | None) -> dict[str, fields.Leaf]:
    """Name to leaf: those that the mapping names, or all.

    Raises:
        ValueError: A path leads nowhere, or two have one name.
    """
    if wanted is not None:
        return {name: fields.leaf(message, path) for name, path in wanted.items()}
    found: dict[str, fields.Leaf] = {}
    for each in fields.leaves(message):
        if each.name in found:
            raise ValueError(
                f"{each.path} and {found[each.name].path} are both named {each.name}: map them yourself"
            )
        found[each.name] = each
    return found


def _fields(leaves: Mapping[str, fields.Leaf], *, optional: bool) -> list[v1.Field]:
    listed = []
    for name, leaf in leaves.items():
        field = fields.sheet_field(leaf, name)
        if optional and leaf.type == v1.VALUE_TYPE_VECTOR and not leaf.kind.length:
            field.default_value.vector_value.SetInParent()
        listed.append(field)
    return listed


def _call(name: str, call: config.Call, resolve: Resolve) -> v1.Method:
    service = resolve(call.type)
    return v1.Method(
        name=name,
        kind=v1.METHOD_KIND_CALL,
        motion=call.motion,
        max_duration_ms=int(call.timeout_s * 1000),
        on_disconnect=v1.ON_DISCONNECT_CANCEL if call.motion else v1.ON_DISCONNECT_CONTINUE,
        description=call.description or f"{call.type} of {call.service}",
        args=_fields(paths(service.Request(), call.args), optional=True),
        results=_fields(paths(service.Response(), call.results), optional=False),
    )


def _any_goal(name: str, goal: config.Goal, resolve: Resolve) -> v1.Method:
    action = resolve(goal.type)
    feedback = action.Feedback()
    paths(feedback, goal.feedback)
    for path in (goal.progress, goal.left, goal.eta_s):
        if path:
            fields.leaf(feedback, path)
    args = _fields(paths(action.Goal(), goal.args), optional=True)
    results = _fields(paths(action.Result(), goal.results), optional=False)
    text = goal.description or f"{goal.type} of {goal.action}"
    method = _goal(name, text, args, results, goal.max_duration_s)
    method.motion = goal.motion
    method.on_disconnect = v1.OnDisconnect.Value(f"ON_DISCONNECT_{goal.on_disconnect.upper()}")  # type: ignore[assignment]
    return method


def _setting(name: str, setting: config.Setting) -> v1.Property:
    field = v1.Field(
        name=name,
        type=f"VALUE_TYPE_{setting.type.upper()}",
        unit=setting.unit,
        minimum=setting.minimum,
        maximum=setting.maximum,
        description=setting.description or f"parameter {setting.parameter} of {setting.node}",
    )
    return v1.Property(field=field, access=v1.ACCESS_READ_WRITE)


def _any_reading(name: str, reading: config.Reading, resolve: Resolve) -> v1.Property:
    leaf = fields.leaf(resolve(reading.type)(), reading.field)
    description = reading.description or f"{reading.field} of {reading.topic}"
    return _reading(name, leaf.type, reading.unit, description)


def _usual(found: v1.Component, part: config.Component, resolve: Resolve, put: Put) -> None:
    """Goals with a meaning of their own, by an action or by a topic."""

    def installed(mapped: config.ByActionOrTopic, default: str) -> None:
        if mapped.action:
            resolve(mapped.type or default)

    def navigate(mapped: config.Navigate) -> None:
        installed(mapped, NAVIGATE)
        _navigate(found, mapped)

    def trajectory(mapped: config.Trajectory) -> None:
        installed(mapped, FOLLOW)
        _trajectory(found, mapped)

    def gripper(mapped: config.Gripper) -> None:
        installed(mapped, GRIP)
        _gripper(found, mapped)

    if part.navigate_to is not None:
        put("navigate_to", navigate, part.navigate_to)
    if part.trajectory is not None:
        put("trajectory", trajectory, part.trajectory)
    if part.gripper is not None:
        put("gripper", gripper, part.gripper)


def _component(name: str, part: config.Component, resolve: Resolve, left_out: dict[str, str]) -> v1.Component:
    found = v1.Component(name=name, description=part.description)
    found.type = v1.ComponentType.Value(f"COMPONENT_TYPE_{part.type.upper()}")  # type: ignore[assignment]

    def put(member: str, make: Callable[[Any], None], mapped: Any) -> None:
        try:
            make(mapped)
        except (LookupError, ValueError) as exc:
            left_out[f"{name}.{member}"] = str(exc.args[0] if exc.args else exc)

    def add(members: Any, make: Callable[[str, Any, Resolve], Any], member: str, mapped: Any) -> None:
        members.append(make(member, mapped, resolve))

    for each, stream in part.streams.items():
        put(each, partial(add, found.streams, _stream, each), stream)
        if convert.schema_of(stream.type) == "BatteryState" and "percentage" not in part.readings:
            found.properties.append(_reading("percentage", DOUBLE, "1", "0 to 1"))
    if part.velocity is not None:
        _base(found, part.velocity, any(each.schema == "Odometry" for each in found.streams))
    _usual(found, part, resolve, put)
    if part.diagnostics:
        found.properties.append(_reading("health", v1.VALUE_TYPE_STRING, "", "ok, warning, error or stale"))
        found.properties.append(_reading("health_text", v1.VALUE_TYPE_STRING))
    found.properties.extend(_setting(each, setting) for each, setting in part.settings.items())
    for each, reading in part.readings.items():
        put(
            each,
            partial(add, found.properties, _any_reading, each),
            reading,
        )
    for each, call in part.calls.items():
        put(each, partial(add, found.methods, _call, each), call)
    for each, goal in part.goals.items():
        put(each, partial(add, found.methods, _any_goal, each), goal)
    return found


def _bridge() -> v1.Component:
    words = {
        "waiting": "What is mapped and not there: topics, services, actions, nodes",
        "left_out": "What is mapped and cannot be: types that are not installed, paths that lead nowhere",
        "problems": "What was last refused or did not match",
        "foreign": "Who else commands this robot's velocity",
    }
    properties = [_reading(name, v1.VALUE_TYPE_STRING, "", text) for name, text in words.items()]
    properties += [
        _reading(name, v1.VALUE_TYPE_INT, "", f"messages: {name.replace('_', ' ')}, counted")
        for name in ("malformed", "publish_failed", "incompatible_qos", "lost")
    ]
    return v1.Component(
        name="ros", type=v1.COMPONENT_TYPE_GENERIC, description="The bridge itself", properties=properties
    )


def robot_sheet(robot: config.RobotConfig, resolve: Resolve) -> Described:
    """One robot's sheet; what cannot be mapped is left out of it, with the reason."""
    left_out: dict[str, str] = {}
    parts = [_component(name, part, resolve, left_out) for name, part in robot.components.items()]
    moves = any(each.motion for part in parts for each in part.methods) or any(
        part.setpoints for part in parts
    )
    sheet = v1.Sheet(
        model=robot.model,
        vendor=robot.vendor,
        version="1.0",
        description=robot.description,
        components=[*parts, _bridge()],
        stop_levels=[v1.STOP_LEVEL_SOFT_HOLD] if moves else [],
        on_link_loss=v1.ON_DISCONNECT_CANCEL,
    )
    return Described(sheet, left_out)
