"""The mapping file: which ROS 2 interfaces make which robot. Typed and checked; nothing of ROS 2 is looked at here.

What is not named here does not leave ROS 2, and nothing else is published into it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from robolink import v1
from robolink.errors import ConfigError

NAME: Final = r"[a-z][a-z0-9_]{0,47}"
TYPE: Final = r"[a-z][a-z0-9_]*/(msg|srv|action)/[A-Za-z][A-Za-z0-9]*"

# The type of a stream that has one of these names and no `type`.
STREAM_TYPES: Final = {
    "odometry": "nav_msgs/msg/Odometry",
    "joint_states": "sensor_msgs/msg/JointState",
    "joints": "sensor_msgs/msg/JointState",
    "battery": "sensor_msgs/msg/BatteryState",
    "state": "sensor_msgs/msg/BatteryState",
    "imu": "sensor_msgs/msg/Imu",
    "scan": "sensor_msgs/msg/LaserScan",
    "range": "sensor_msgs/msg/Range",
    "image": "sensor_msgs/msg/Image",
    "compressed": "sensor_msgs/msg/CompressedImage",
    "points": "sensor_msgs/msg/PointCloud2",
    "poses": "tf2_msgs/msg/TFMessage",
}
COMPONENTS: Final = [each.removeprefix("COMPONENT_TYPE_").lower() for each in v1.ComponentType.keys()[1:]]


class Model(BaseModel):
    """An unknown key is an error: it would be a typing mistake that maps nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Qos(Model):
    """Instead of what the other side offers."""

    reliability: Literal["reliable", "best_effort"] | None = None
    durability: Literal["volatile", "transient_local"] | None = None


class Stream(Model):
    """A topic as a stream."""

    topic: str = Field(min_length=1)
    type: str = Field(default="", pattern=rf"^({TYPE})?$")
    rate_hz: float = Field(default=0.0, ge=0, description="no more often; 0: as it comes")
    thin: int = Field(
        default=1, ge=1, le=1000, description="every n-th pixel or point, the nearest of n beams"
    )
    frames: tuple[str, ...] = ()
    frame_id: str = ""
    qos: Qos = Qos()
    description: str = ""


class Velocity(Model):
    """cmd_vel."""

    topic: str = "cmd_vel"
    type: Literal["geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped"] = "geometry_msgs/msg/Twist"
    frame_id: str = "base_link"
    max_linear: float = Field(default=2.0, gt=0, le=50)
    max_angular: float = Field(default=4.0, gt=0, le=50)
    speed: float = Field(default=0.5, gt=0, description="max_speed at the start")
    ttl_ms: int = Field(default=300, ge=20, le=10_000)


class ByActionOrTopic(Model):
    """One of both."""

    action: str = ""
    topic: str = ""
    type: str = Field(default="", pattern=rf"^({TYPE})?$")
    max_duration_s: float = Field(default=600.0, gt=0, le=86_400)
    lost_after_s: float = Field(
        default=3.0, gt=0, description="silence of the action server that ends a goal"
    )

    @model_validator(mode="after")
    def _one(self) -> ByActionOrTopic:
        if bool(self.action) == bool(self.topic):
            raise ValueError("name either an action or a topic")
        return self


class Navigate(ByActionOrTopic):
    """NavigateToPose, or a topic that takes PoseStamped goals."""

    frame_id: str = Field(default="map", description="of a goal; by a topic: the frame of the odometry too")
    tolerance_m: float = Field(default=0.15, gt=0)
    tolerance_rad: float = Field(default=0.2, gt=0)
    odometry: str = Field(
        "odometry", description="the stream that tells the progress of a goal sent to a topic"
    )


class Trajectory(ByActionOrTopic):
    """FollowJointTrajectory, or a topic that takes JointTrajectory."""

    joints: tuple[str, ...] = Field(min_length=1)
    tolerance: float = Field(default=0.02, gt=0, description="rad or m")
    minimum: float = -6.2832
    maximum: float = 6.2832
    joint_states: str = Field(
        default="joint_states", description="the stream that tells where the joints are"
    )


class Gripper(ByActionOrTopic):
    """GripperCommand, or a topic of JointTrajectory or Float64MultiArray."""

    joint: str = "gripper"
    minimum: float = 0.0
    maximum: float = 0.1
    max_effort: float = Field(default=100.0, ge=0)
    tolerance: float = Field(default=0.005, gt=0)
    joint_states: str = "joint_states"


class Call(Model):
    """Any service."""

    service: str
    type: str = Field(pattern=rf"^{TYPE}$")
    motion: bool = True
    args: dict[str, str] | None = None
    results: dict[str, str] | None = None
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    description: str = ""


class Goal(Model):
    """Any action; values are paths of fields."""

    action: str
    type: str = Field(pattern=rf"^{TYPE}$")
    motion: bool = True
    args: dict[str, str] | None = None
    feedback: dict[str, str] | None = None
    results: dict[str, str] | None = None
    progress: str = Field(default="", description="a field of the feedback that goes from 0 to 1")
    left: str = Field(
        default="", description="a field of the feedback that goes down to 0, such as a distance"
    )
    eta_s: str = ""
    max_duration_s: float = Field(default=600.0, gt=0, le=86_400)
    on_disconnect: Literal["cancel", "hold", "continue"] = "cancel"
    lost_after_s: float = Field(default=3.0, gt=0)
    description: str = ""


class Setting(Model):
    """A parameter of a node."""

    node: str
    parameter: str
    type: Literal["bool", "int", "double", "string", "vector"]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    description: str = ""


class Reading(Model):
    """One field of a topic."""

    topic: str
    type: str = Field(pattern=rf"^{TYPE}$")
    field: str = "data"
    unit: str = ""
    description: str = ""


class Component(Model):
    """A part of a robot."""

    type: str = "generic"
    description: str = ""
    velocity: Velocity | None = None
    navigate_to: Navigate | None = None
    trajectory: Trajectory | None = None
    gripper: Gripper | None = None
    diagnostics: str = Field(default="", description="topic of diagnostic_msgs/DiagnosticArray")
    streams: dict[str, Stream] = {}
    readings: dict[str, Reading] = {}
    settings: dict[str, Setting] = {}
    calls: dict[str, Call] = {}
    goals: dict[str, Goal] = {}

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in COMPONENTS:
            raise ValueError(f"{value!r} is no type of component: {', '.join(COMPONENTS)}")
        return value

    @field_validator("velocity", mode="before")
    @classmethod
    def _velocity_topic(cls, value: Any) -> Any:
        return {"topic": value} if isinstance(value, str) else value

    @field_validator("streams", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        """A topic alone, or a stream whose name says its type."""
        found = {}
        for name, each in (value or {}).items():
            each = (
                {"topic": each} if isinstance(each, str) else dict(each) if isinstance(each, dict) else each
            )
            if isinstance(each, dict) and not each.get("type"):
                if name not in STREAM_TYPES:
                    raise ValueError(f"stream {name!r} needs a type, such as std_msgs/msg/Float64")
                each["type"] = STREAM_TYPES[name]
            found[name] = each
        return found

    @model_validator(mode="after")
    def _sources(self) -> Component:
        wanted = [self.navigate_to.odometry] if self.navigate_to and self.navigate_to.topic else []
        wanted += [self.trajectory.joint_states] if self.trajectory else []
        wanted += [self.gripper.joint_states] if self.gripper and self.gripper.topic else []
        for name in wanted:
            if name not in self.streams:
                raise ValueError(f"stream {name!r} is missing: it tells how far a goal is")
        return self


class RobotConfig(Model):
    """One robot."""

    robot: str
    namespace: str = ""
    model: str = "ros2-robot"
    vendor: str = "ros2"
    description: str = "A ROS 2 robot behind the bridge"
    use_sim_time: bool = False
    clock: Literal["shared", "measured"] = "shared"
    lost_after_s: float = Field(default=1.0, gt=0, description="silence of odometry or joint states: offline")
    foreign_velocity: Literal["report", "ignore"] = "report"
    components: dict[str, Component] = Field(min_length=1)


class BridgeConfig(Model):
    """The file."""

    hub: str | None = None
    domain_id: int | None = Field(default=None, ge=0, le=232)
    robots: tuple[RobotConfig, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> BridgeConfig:
        names = [each.robot for each in self.robots]
        if len(set(names)) != len(names):
            raise ValueError(f"a robot stands twice in {', '.join(names)}")
        return self


def check(data: Any, source: str) -> BridgeConfig:
    """A mapping as read from a file.

    Raises:
        ConfigError: It is none; each fault is named with its place.
    """
    if isinstance(data, dict) and "robots" not in data and "robot" in data:
        data = {**{key: data[key] for key in ("hub", "domain_id") if key in data}, "robots": [
            {key: value for key, value in data.items() if key not in ("hub", "domain_id")}
        ]}  # fmt: skip
    try:
        return BridgeConfig.model_validate(data)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg'].removeprefix('Value error, ')}"
            for each in exc.errors()[:8]
        )
        raise ConfigError(f"{source}: {faults}", hint="`robolink ros2 scan` writes one that fits") from exc


def load(path: Path) -> BridgeConfig:
    """Read a mapping file.

    Raises:
        ConfigError: It cannot be read, or is not right.
    """
    try:
        import yaml
    except ImportError as exc:
        raise ConfigError(f"{path}: PyYAML is missing", hint="pip install 'robolink[ros2]'") from exc
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(
            f"{path} cannot be read: {exc.strerror}", hint="`robolink ros2 scan` writes one"
        ) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no YAML: {exc}", hint="`robolink ros2 scan` writes one") from exc
    return check(data, str(path))


def mobile_base(robot: str, *, cmd_vel: str, odom: str, battery: str) -> RobotConfig:
    """A base with a battery, for who has no file."""
    base = Component(
        type="base",
        description="A mobile base that speaks ROS 2: cmd_vel and odometry",
        velocity=Velocity(topic=cmd_vel),
        streams={"odometry": Stream(topic=odom, type=STREAM_TYPES["odometry"], frame_id="odom")},
    )
    power = Component(type="battery", streams={"state": Stream(topic=battery, type=STREAM_TYPES["battery"])})
    components = {"base": base, "battery": power}
    return RobotConfig(robot=robot, model="ros2-base", vendor="robolink", components=components)
