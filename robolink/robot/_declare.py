"""The words a vendor writes: Arg, Setting, Reading, Stream, command, goal, setpoint, and the component classes.

They describe; `_robot.py` makes a sheet and a handler of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from robolink import v1
from robolink.core.values import Plain, to_value, type_of

if TYPE_CHECKING:
    from robolink.robot._handler import Payload, RobotLink

T = TypeVar("T", bool, int, float, str, bytes, tuple[float, ...])
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Arg:
    """Unit and limits of an argument: `x: Annotated[float, Arg("m", -50, 50)]`.

    Attributes:
        unit: SI, as REP-103 writes it.
        length: Of a vector; 0: any.
        choices: Allowed strings.
    """

    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    description: str = ""
    length: int = 0
    choices: tuple[str, ...] = ()

    def field(self, name: str, kind: v1.ValueType) -> v1.Field:
        """As the sheet says it."""
        return v1.Field(
            name=name,
            type=kind,
            unit=self.unit,
            minimum=self.minimum,
            maximum=self.maximum,
            description=self.description,
            length=self.length,
            choices=self.choices,
        )


class _Property(Generic[T]):
    """A setting or reading; on an instance it is its plain value, and setting it reports it."""

    access = v1.ACCESS_READ_ONLY

    def __init__(
        self,
        default: T,
        *,
        unit: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
        description: str = "",
        choices: Iterable[str] = (),
    ) -> None:
        """The type is the default's."""
        self.default: T = default
        self._arg = Arg(unit, minimum, maximum, description, choices=tuple(choices))
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        """The attribute's name is the property's."""
        self.name = name

    @overload
    def __get__(self, component: None, _owner: type) -> Self: ...
    @overload
    def __get__(self, component: Component, _owner: type) -> T: ...
    def __get__(self, component: Component | None, _owner: type) -> Self | T:
        """The present value."""
        if component is None:
            return self
        value: T = component.__dict__.get(self.name, self.default)
        return value

    def __set__(self, component: Component, value: T) -> None:
        """Keep and report it."""
        component.__dict__[self.name] = value
        component._report(self.name, value)

    def info(self) -> v1.Property:
        """As the sheet says it."""
        return v1.Property(
            field=self._arg.field(self.name, type_of(to_value(self.default))), access=self.access
        )


class Reading(_Property[T]):
    """What the robot measures. `self.distance = 3.2` reports it."""


class Setting(_Property[T]):
    """What a twin may write, within limits. A method `on_NAME(value)` of the component may refuse or apply it."""

    access = v1.ACCESS_READ_WRITE


class Stream:
    """Telemetry of one schema; `self.odometry.publish(v1.Odometry(…))`."""

    def __init__(
        self, schema: str, *, rate_hz: float, frame_id: str = "", description: str = "", url: str = ""
    ) -> None:
        """`schema`: a message of telemetry.proto, "Odometry", "Image" …; `url`: where video is served: it never rides inside."""
        self.schema, self.rate_hz, self.frame_id, self.description = schema, rate_hz, frame_id, description
        self.url = url
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        """The attribute's name is the stream's."""
        self.name = name

    @overload
    def __get__(self, component: None, _owner: type) -> Self: ...
    @overload
    def __get__(self, component: Component, _owner: type) -> BoundStream: ...
    def __get__(self, component: Component | None, _owner: type) -> Self | BoundStream:
        """The stream of that component."""
        return self if component is None else BoundStream(component, self)

    def info(self) -> v1.StreamInfo:
        """As the sheet says it."""
        return v1.StreamInfo(
            name=self.name,
            description=self.description,
            schema=self.schema,
            rate_hz=self.rate_hz,
            frame_id=self.frame_id,
            url=self.url,
        )


@dataclass(frozen=True, slots=True)
class BoundStream:
    """A stream of one robot's component."""

    _component: Component
    _stream: Stream

    def publish(
        self,
        payload: Payload,
        *,
        stamp_s: float | None = None,
        attachment: bytes | memoryview = b"",
    ) -> None:
        """One sample; `stamp_s`: monotonic s of the measurement, now if left out; `attachment`: an image's bytes."""
        component, stream = self._component, self._stream
        if component._link is not None:
            component._link.publish(
                component.name,
                stream.name,
                payload,
                frame_id=stream.frame_id,
                stamp_s=stamp_s,
                attachment=attachment,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """What a decorator has noted of a method; `kind` UNSPECIFIED: a setpoint."""

    kind: v1.MethodKind
    motion: bool = True
    maintenance: bool = False
    max_duration_s: float = 0.0
    on_disconnect: v1.OnDisconnect = v1.ON_DISCONNECT_CANCEL
    modes: tuple[str, ...] = ()
    ttl_s: float = 0.0
    minimum_rate_hz: float = 0.0


SPEC = "__robolink__"


def _mark(spec: MethodSpec) -> Callable[[F], F]:
    def mark(function: F) -> F:
        setattr(function, SPEC, spec)
        return function

    return mark


@overload
def command(function: F, /) -> F: ...
@overload
def command(*, motion: bool = True, modes: Iterable[str] = ()) -> Callable[[F], F]: ...
def command(
    function: F | None = None, /, *, motion: bool = True, modes: Iterable[str] = ()
) -> F | Callable[[F], F]:
    """A method that answers at once; may be a coroutine.

    Args:
        function: The method, where the decorator stands without brackets.
        motion: False: it needs no lease and may be called while stopped.
        modes: Allowed only while the robot's `mode_property` says one of these; empty: always.
    """
    mark = _mark(MethodSpec(kind=v1.METHOD_KIND_CALL, motion=motion, modes=tuple(modes)))
    return mark if function is None else mark(function)


def goal(
    *,
    max_duration_s: float,
    motion: bool = True,
    maintenance: bool = False,
    on_disconnect: v1.OnDisconnect = v1.ON_DISCONNECT_CANCEL,
    modes: Iterable[str] = (),
) -> Callable[[F], F]:
    """A method that runs in a thread of its own with a `Goal`, feeds back, and can be cancelled.

    A coroutine gets an `AsyncGoal`, and is cancelled where it waits.

    Args:
        max_duration_s: It is ended after that time.
        motion: False: it needs no lease and may run while stopped.
        maintenance: It takes the robot out of service instead of moving it: role maintain, the robot's whole lease.
        on_disconnect: What becomes of it without its client.
        modes: Allowed only while the robot's `mode_property` says one of these; empty: always.
    """
    return _mark(
        MethodSpec(
            kind=v1.METHOD_KIND_GOAL,
            motion=motion and not maintenance,
            maintenance=maintenance,
            max_duration_s=max_duration_s,
            on_disconnect=on_disconnect,
            modes=tuple(modes),
        )
    )


def setpoint(
    *, ttl_s: float = 0.3, minimum_rate_hz: float = 0.0, modes: Iterable[str] = ()
) -> Callable[[F], F]:
    """A continuous order: called with each newest setpoint, and with zeros when its TTL is over or at a stop."""
    kind = v1.METHOD_KIND_UNSPECIFIED
    return _mark(MethodSpec(kind=kind, ttl_s=ttl_s, minimum_rate_hz=minimum_rate_hz, modes=tuple(modes)))


class Component:
    """A part of a robot; its name is the attribute's in the robot's class."""

    type = v1.COMPONENT_TYPE_GENERIC
    name = ""
    _link: RobotLink | None = None

    def start(self) -> None:
        """The robot is about to be served: open the hardware, start threads."""

    def close(self) -> None:
        """The robot is served no longer."""

    def stop(self, level: v1.StopLevel) -> None:
        """Software stop (not safety rated): bring it to standstill. Idempotent; returns at once."""

    def at_standstill(self) -> bool | None:
        """Measured; None: this component cannot measure it."""
        return None

    def notice(self, text: str, *, kind: str = "event", severity: v1.Severity = v1.SEVERITY_INFO) -> None:
        """Something happened that people should know; see `RobotLink.notice`."""
        if self._link is not None:
            self._link.notice(f"{self.name}: {text}", kind=kind, severity=severity)

    def _report(self, name: str, value: Plain) -> None:
        if self._link is not None:
            self._link.report(f"{self.name}.{name}", value)


class Base(Component):
    """A mobile base."""

    type = v1.COMPONENT_TYPE_BASE


class Arm(Component):
    """A robot arm."""

    type = v1.COMPONENT_TYPE_ARM


class Gripper(Component):
    """A gripper."""

    type = v1.COMPONENT_TYPE_GRIPPER


class Motor(Component):
    """One motor."""

    type = v1.COMPONENT_TYPE_MOTOR


class Servo(Component):
    """One servo."""

    type = v1.COMPONENT_TYPE_SERVO


class Sensor(Component):
    """A sensor."""

    type = v1.COMPONENT_TYPE_SENSOR


class Imu(Component):
    """An inertial measurement unit."""

    type = v1.COMPONENT_TYPE_IMU


class Battery(Component):
    """A battery: `percentage` is the fraction 0..1, as in sensor_msgs/BatteryState."""

    type = v1.COMPONENT_TYPE_BATTERY
    percentage = Reading(1.0, unit="1", minimum=0.0, maximum=1.0)
    state = Stream("BatteryState", rate_hz=1)


class Camera(Component):
    """A camera."""

    type = v1.COMPONENT_TYPE_CAMERA


class Gpio(Component):
    """Digital inputs and outputs."""

    type = v1.COMPONENT_TYPE_GPIO
