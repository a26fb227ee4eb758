"""What comes up from ROS 2: streams, single readings, diagnostics, parameters as settings. It commands nothing."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink_ros2 import config, convert, fields, health
from robolink_ros2.clock import StampClock
from robolink_ros2.node import In, RosNode
from robolink_ros2.runs import Part
from robolink_ros2.service import Client

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot

log = logging.getLogger(__name__)

PARAMETER_S: Final = 5.0
MAX_READING: Final = 512
# Of one topic of joint states: far more than a robot has.
MAX_JOINTS: Final = 256
# A rate is an average: a sample that comes a little early is taken.
EARLY: Final = 0.9


class Measured(NamedTuple):
    """The newest sample, when it came, monotonic s, and in which frame it is."""

    payload: Any
    at: float
    frame_id: str = ""


class Joint(NamedTuple):
    """The last position or speed of one joint and when it came, monotonic s."""

    value: float
    at: float


def absent(source: In | None, topic: str) -> list[str]:
    """A topic that nobody publishes, or that could not be opened."""
    return [] if source is not None and source.publishers else [f"topic {topic}"]


class StreamPart(Part):
    """One topic as one stream."""

    def __init__(self, robot: Ros2Robot, component: str, name: str, stream: config.Stream) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self.name, self.config = name, stream
        self.measured: Measured | None = None
        # Kept for each joint: several broadcasters on one topic each tell of their own joints only.
        self.positions: dict[str, Joint] = {}
        self.speeds: dict[str, Joint] = {}
        self.schema = convert.schema_of(stream.type)
        self._clock = StampClock(measured=robot.config.clock == "measured")
        self._node: RosNode | None = None
        self._in: In | None = None
        self._last = -math.inf
        self._distance = 0.0

    def start(self, node: RosNode) -> None:
        """Subscribe."""
        self._node = node
        forced = self.config.qos
        self._in = node.listen(
            self.config.topic,
            self.config.type,
            self._take,
            large=self.config.type in convert.LARGE,
            reliable=None if forced.reliability is None else forced.reliability == "reliable",
            latched=None if forced.durability is None else forced.durability == "transient_local",
        )

    def missing(self) -> list[str]:
        """Its publisher."""
        return absent(self._in, self.config.topic)

    def silent_s(self, now: float) -> float | None:
        """Since when it has said nothing; None: it never came, and nobody publishes it."""
        if self.measured is not None:
            return now - self.measured.at
        since = None if self._in is None else self._in.offered_at
        return None if since is None else now - since

    def _take(self, message: Any) -> None:
        now = time.monotonic()
        rate = self.config.rate_hz
        if rate and now - self._last < EARLY / rate and self.schema not in ("Odometry", "JointState"):
            return  # Thinned by the mapping; nothing is lost that was promised.
        try:
            taken = convert.take(self.config.type, message, n=self.config.thin, frames=self.config.frames)
        except (ValueError, TypeError) as exc:
            self.robot.malformed(f"on {self.config.topic}: {exc}")
            return
        header = getattr(message, "header", None)
        frame_id = getattr(header, "frame_id", "")
        before, self.measured = self.measured, Measured(taken.payload, now, frame_id or self.config.frame_id)
        if isinstance(taken.payload, v1.JointState):
            self._merge(self.positions, taken.payload.name, taken.payload.position, now)
            self._merge(self.speeds, taken.payload.name, taken.payload.velocity, now)
        self.robot.alive()
        if rate and now - self._last < EARLY / rate:
            return  # Goals are measured by every sample, the hub is told of some.
        self._last = now
        stamp = convert.stamp_ns(header.stamp) if header is not None else 0
        at = self._clock.measured_at(stamp, self._node.now_ns() if self._node and stamp else 0, now)
        self.robot.publish(self.component, self.name, taken, frame_id, at)
        self._readings(taken.payload, before)

    def _merge(
        self, known: dict[str, Joint], names: Sequence[str], values: Sequence[float], now: float
    ) -> None:
        for name, value in zip(names, values, strict=False):
            if name not in known and len(known) >= MAX_JOINTS:
                self.robot.malformed(f"on {self.config.topic}: more than {MAX_JOINTS} joints, such as {name}")
                return
            known[name] = Joint(value, now)

    def _readings(self, payload: Any, before: Measured | None) -> None:
        if isinstance(payload, v1.BatteryState):
            # NaN, not measured, marks the reading as bad.
            self.robot.report(f"{self.component}.percentage", round(payload.percentage, 4))
        elif isinstance(payload, v1.Odometry) and self.robot.has_reading(f"{self.component}.distance"):
            if before is not None:
                step = math.hypot(payload.x - before.payload.x, payload.y - before.payload.y)
                self._distance += step
                if step:
                    self.robot.report(f"{self.component}.distance", round(self._distance, 4))


class ReadingPart(Part):
    """One field of a topic as a reading."""

    def __init__(self, robot: Ros2Robot, component: str, name: str, reading: config.Reading) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self._name, self._config = f"{component}.{name}", reading
        self._in: In | None = None

    def start(self, node: RosNode) -> None:
        """Subscribe."""
        self._in = node.listen(self._config.topic, self._config.type, self._take)

    def missing(self) -> list[str]:
        """Its publisher."""
        return absent(self._in, self._config.topic)

    def _take(self, message: Any) -> None:
        try:
            value = fields.read(message, self._config.field)
        except ValueError as exc:
            self.robot.malformed(f"on {self._config.topic}: {exc}")
            return
        self.robot.report(self._name, value)


class HealthPart(Part):
    """Diagnostics: the worst level as a reading, and a notice where it gets worse."""

    def __init__(self, robot: Ros2Robot, component: str, topic: str) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self._topic = topic
        self._health, self._lock = health.Diagnostics(), threading.Lock()
        self._told = ("", "")
        self._dropped = 0
        self._in: In | None = None

    def start(self, node: RosNode) -> None:
        """Subscribe."""
        self._in = node.listen(self._topic, "diagnostic_msgs/msg/DiagnosticArray", self._take)

    def missing(self) -> list[str]:
        """Its publisher."""
        return absent(self._in, self._topic)

    def _take(self, message: Any) -> None:
        with self._lock:
            self._health.hear(health.states_of(message), time.monotonic())
        self._tell(anew=True)

    def look(self) -> None:
        """Silence comes by no message."""
        if self._told[0]:
            self._tell(anew=False)

    def _tell(self, *, anew: bool) -> None:
        with self._lock:
            before, self._told = self._told, self._health.worst(time.monotonic())
            dropped, self._dropped = self._health.dropped - self._dropped, self._health.dropped
            level, text = self._told
            if anew or self._told != before:
                self.robot.report(f"{self.component}.health", level)
                self.robot.report(f"{self.component}.health_text", text[:MAX_READING])
        if dropped:
            self.robot.malformed(f"on {self._topic}: diagnostics of more than {health.MAX_NAMES} names")
        if health.LEVELS.index(level) > health.LEVELS.index(before[0] or "ok"):
            severity = v1.SEVERITY_ERROR if level == "error" else v1.SEVERITY_WARNING
            self.robot.notice(f"diagnostics are {level}: {text}", "diagnostics", severity)


class SettingPart(Part):
    """One parameter of a node as a setting."""

    def __init__(self, robot: Ros2Robot, component: str, name: str, setting: config.Setting) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self.name, self._config = f"{component}.{name}", setting
        self._set: Client | None = None
        self._get: Client | None = None
        self._there = False
        # The last value that the node took: taken again when the node comes back, as settings converge.
        self._applied: fields.Plain | None = None
        # The newest value while the node is not there: its verdict is open until the node comes, and gives one.
        self._waiting: tuple[fields.Plain, Future[None]] | None = None
        self._lock = threading.Lock()

    def start(self, node: RosNode) -> None:
        """Clients of the node's parameter services, and its news."""
        self._node = node
        where = self._config.node.rstrip("/")
        self._get = node.client(f"{where}/get_parameters", "rcl_interfaces/srv/GetParameters")
        self._set = node.client(f"{where}/set_parameters", "rcl_interfaces/srv/SetParameters")
        # Best effort would do for its own sake; the events are offered reliably.
        node.listen("/parameter_events", "rcl_interfaces/msg/ParameterEvent", self._on_event)

    def missing(self) -> list[str]:
        """Its node."""
        return [] if self._there else [f"parameters of {self._config.node}"]

    def look(self) -> None:
        """Whether the node is there; when it comes, what it has, or what it should have."""
        there = self._get is not None and self._set is not None and self._get.ready() and self._set.ready()
        came, self._there = there and not self._there, there
        if there:
            with self._lock:
                waiting, self._waiting = self._waiting, None
            if waiting is not None:
                self._send(*waiting)
                return
        if not came or self._get is None:
            return
        if self._applied is not None:
            self._send(self._applied, Future())
            return
        request = self._get.type.Request()
        request.names = [self._config.parameter]
        self._get.send(request, self._got)

    def _got(self, response: Any) -> None:
        if response is not None and len(response.values) == 1:
            self._report(response.values[0])

    def _on_event(self, message: Any) -> None:
        if message.node != self._node.resolved(self._config.node):
            return
        for each in (*message.new_parameters, *message.changed_parameters):
            if each.name == self._config.parameter:
                self._report(each.value)

    def _report(self, value: Any) -> None:
        found = parameter_value(value)
        if found is None:
            self.robot.problem(f"{self._config.node} has no parameter {self._config.parameter}")
            return
        if self._config.type == "double" and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        try:
            self.robot.report(self.name, found)
        except ValueError as exc:
            self.robot.malformed(str(exc))

    def apply(self, value: fields.Plain) -> Future[None]:
        """Set it, when the node is there; the node's own word is the verdict. A newer value takes the place of a waiting one."""
        verdict: Future[None] = Future()
        with self._lock:
            there = self._set is not None and self._set.ready()
            self._waiting = None if there else (value, verdict)
        if there:
            self._send(value, verdict)
        return verdict

    def _send(self, value: fields.Plain, verdict: Future[None]) -> None:
        assert self._set is not None
        request = self._set.type.Request()
        request.parameters = [parameter_message(self._config.parameter, value)]

        def answered(response: Any) -> None:
            timer.cancel()
            if verdict.done():
                return
            refused = "" if response is None or response.results[0].successful else response.results[0].reason
            if response is None or not response.results[0].successful:
                why = "it does not answer" if response is None else refused or "no reason is given"
                text = f"{self._config.node} refuses {self._config.parameter} = {value!r}: {why}"
                cause = v1.CAUSE_UNREACHABLE if response is None else v1.CAUSE_INVALID
                verdict.set_exception(SettingRejectedError(text, cause=cause))
                return
            self._applied = value
            verdict.set_result(None)
            self.robot.report(self.name, value)

        give_up: list[Any] = []

        def late() -> None:
            for each in give_up:
                each()
            answered(None)

        timer = threading.Timer(PARAMETER_S, late)
        timer.daemon = True
        timer.start()
        give_up.append(self._set.send(request, answered))


# rcl_interfaces/ParameterType to the field that holds the value.
_VALUE_FIELDS: Final = {
    1: "bool_value",
    2: "integer_value",
    3: "double_value",
    4: "string_value",
    7: "integer_array_value",
    8: "double_array_value",
}


def parameter_value(value: Any) -> fields.Plain | None:
    """rcl_interfaces/ParameterValue; None: not set, or a list of texts or truths, which the standard has no value for."""
    name = _VALUE_FIELDS.get(value.type)
    if name is None:
        return None
    found = getattr(value, name)
    return tuple(float(each) for each in found) if name.endswith("array_value") else found


def parameter_message(name: str, value: fields.Plain) -> Any:
    """rcl_interfaces/Parameter."""
    from rcl_interfaces.msg import Parameter

    message = Parameter(name=name)
    kind = (
        1 if isinstance(value, bool)
        else 2 if isinstance(value, int)
        else 3 if isinstance(value, float)
        else 4 if isinstance(value, str)
        else 8
    )  # fmt: skip
    message.value.type = kind
    setattr(message.value, _VALUE_FIELDS[kind], list(value) if isinstance(value, tuple) else value)
    return message
