"""What a bridge or a vendor implements for one robot, and the handles it gets: RobotHandler, RobotLink, Order.

No threads and no sockets here; the runner calls the handler, the driver moves what the handles say.
"""

from __future__ import annotations

import abc
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple, Protocol, TypeAlias

from robolink import v1
from robolink.core.clock import SiteTime
from robolink.core.command import TERMINAL
from robolink.core.sheet import PAYLOAD_FIELDS, SheetIndex, is_label
from robolink.core.values import Plain, to_value, to_values, type_of
from robolink.errors import SettingRejectedError
from robolink.robot._actions import StartCommand

Payload: TypeAlias = (
    v1.Odometry
    | v1.BatteryState
    | v1.JointState
    | v1.Values
    | v1.Imu
    | v1.LaserScan
    | v1.Range
    | v1.Image
    | v1.PointCloud
    | v1.Poses
)


class StopOutcome(NamedTuple):
    """The verdict on a software stop (not safety rated); `standstill_ms` only if standstill was measured."""

    verdict: v1.StopVerdict
    standstill_ms: float | None = None
    text: str = ""


class StopView(NamedTuple):
    """The stop latch as the driver knows it now."""

    generation: int
    latched: bool


class LinkOwner(Protocol):
    """What the handles need of the driver."""

    def report(self, robot: str, values: Mapping[str, tuple[v1.Value | None, v1.Quality]]) -> None:
        """Measured values; None: what was measured is no value, the last one is BAD."""

    def publish(
        self, topic: str, sample: v1.Sample, stamp_s: float | None, attachment: bytes | memoryview
    ) -> None:
        """One sample of a stream, and the raw bytes behind it, if any."""

    def notice(self, robot: str, kind: str, text: str, severity: v1.Severity) -> None:
        """Something happened."""

    def robot_quality(self, robot: str, *, ok: bool, text: str) -> None:
        """Whether the robot behind the driver answers."""

    def stop_view(self, robot: str) -> StopView:
        """Its latch."""

    def newest_lease(self, robot: str) -> tuple[int, int]:
        """That an order of it came under."""

    def now_ns(self) -> int:
        """Site time."""

    def site_time(self) -> SiteTime | None:
        """Site time to pass on."""

    def finish(self, order: Order, state: v1.CommandState, cause: int, text: str, result: bytes) -> None:
        """An outcome."""

    def feedback(self, order: Order, feedback: v1.CommandFeedback) -> None:
        """A measurement on the way."""


class Order:
    """One admitted command. Finish it once, from any thread: `succeed`, `fail` or `ended`.

    Attributes:
        id: 16 bytes.
        method: "component.method".
        args: Typed, defaults filled in.
        cancel_requested: The state it should end in (CANCELED, PREEMPTED, STOPPED), or None.
    """

    def __init__(self, owner: LinkOwner, start: StartCommand) -> None:
        """From the session's action."""
        self._owner, self._start = owner, start
        self._lock = threading.Lock()
        self.id, self.robot, self.method, self.args = start.id, start.robot, start.method, start.args
        self.goal, self.motion = start.goal, start.motion
        self.on_disconnect, self.max_duration_s = start.on_disconnect, start.max_duration_s
        self.stop_generation, self.source = start.stop_generation, start.source
        self.lease_epoch, self.lease_sequence = start.lease
        self.cancel_requested: v1.CommandState | None = None
        self.done = False
        # Whether the handler was given it, and whether the handler has ended it.
        self.begun = self.finished = False
        self.on_change: Callable[[], None] = lambda: None

    def running(self) -> None:
        """The work has begun. The session has said so already; for handlers that like to be explicit."""

    def feedback(
        self, *, phase: str = "", progress: float | None = None, eta_s: float | None = None, **values: Plain
    ) -> None:
        """What is measured on the way, never the commanded value echoed; newest only, ten a second at most."""
        body = v1.CommandFeedback(phase=phase, progress=progress, eta_s=eta_s)
        if values:
            body.values.CopyFrom(to_values(values))
        self._owner.feedback(self, body)

    def succeed(self, **results: Plain) -> None:
        """It ended as asked."""
        result = to_values(results).SerializeToString() if results else b""
        self._finish(v1.COMMAND_STATE_SUCCEEDED, 0, "", result)

    def fail(self, text: str, cause: v1.Cause = v1.CAUSE_DRIVER_ERROR) -> None:
        """It did not."""
        self._finish(v1.COMMAND_STATE_FAILED, cause, text, b"")

    def ended(self, state: v1.CommandState, text: str = "") -> None:
        """It was ended: CANCELED, PREEMPTED or STOPPED."""
        if state not in TERMINAL:
            raise ValueError(f"{v1.CommandState.Name(state)} is no end")
        self._finish(state, 0, text, b"")

    def end_requested(self, why: v1.CommandState, *, ended: bool) -> None:
        """From the session: it must end; `ended`: for the hub it has, whatever the handler says later."""
        with self._lock:
            if self.cancel_requested is None or ended:
                self.cancel_requested = why
            self.done = self.done or ended
        self.on_change()

    def _finish(self, state: v1.CommandState, cause: int, text: str, result: bytes) -> None:
        with self._lock:
            self.finished = True
            if self.done:
                return  # The first outcome counts.
            self.done = True
        self._owner.finish(self, state, cause, text, result)


class RobotLink:
    """A handler's way up; thread-safe.

    Args:
        owner: The driver.
        robot: Its id.
        sheet: Its description.
    """

    def __init__(self, owner: LinkOwner, robot: str, sheet: v1.Sheet) -> None:
        """Of one robot."""
        self._owner, self._robot, self._index = owner, robot, SheetIndex(sheet)
        self._seq: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self, name: str, value: Plain, *, quality: v1.Quality = v1.QUALITY_GOOD) -> None:
        """A measured or applied value of "component.property".

        Raises:
            ValueError: The sheet has no such property, or the value is of another type. Out of the sheet's limits
                is no error: it was measured. A number that is not finite marks the last value as BAD.
        """
        info = self._index.property(name)
        if info is None:
            raise ValueError(f"the sheet of {self._robot} has no property {name!r}")
        message = to_value(value)
        if message.HasField("int_value") and info.field.type == v1.VALUE_TYPE_DOUBLE:
            message = v1.Value(double_value=message.int_value)
        if type_of(message) != info.field.type:
            wanted = v1.ValueType.Name(info.field.type).removeprefix("VALUE_TYPE_")
            raise ValueError(f"{self._robot}: {name} is of type {wanted}, got {value!r}")
        finite = all(map(math.isfinite, (message.double_value, *message.vector_value.values)))
        self._owner.report(self._robot, {name: (message, quality) if finite else (None, v1.QUALITY_BAD)})

    def publish(
        self,
        component: str,
        stream: str,
        payload: Payload | v1.Sample,
        *,
        frame_id: str = "",
        stamp_s: float | None = None,
        attachment: bytes | memoryview = b"",
    ) -> None:
        """One telemetry sample; `stamp_s`: this machine's monotonic s of the measurement, now if left out.

        `attachment`: the raw bytes of an image or a point cloud, which must not change any more.

        Raises:
            ValueError: The sheet has no such stream, or it is of another schema.
        """
        info = self._index.stream(component, stream)
        if info is None:
            raise ValueError(f"the sheet of {self._robot} has no stream {component}.{stream}")
        schema = type(payload).__name__
        if schema not in (info.schema, "Sample"):
            raise ValueError(f"{self._robot}: {component}.{stream} is of schema {info.schema}, not {schema}")
        sample = v1.Sample()
        if isinstance(payload, v1.Sample):
            sample.CopyFrom(payload)
        else:
            getattr(sample, PAYLOAD_FIELDS[schema]).CopyFrom(payload)
        topic = f"{self._robot}/{component}/{stream}"
        with self._lock:
            self._seq[topic] = sample.seq = self._seq.get(topic, 0) + 1
        sample.frame_id = frame_id or sample.frame_id or info.frame_id
        self._owner.publish(topic, sample, stamp_s, attachment)

    def notice(self, text: str, *, kind: str = "event", severity: v1.Severity = v1.SEVERITY_INFO) -> None:
        """Something happened that people should know; kept in order while the hub is away, bounded and counted.

        Args:
            text: At most 512 characters.
            kind: A DNS-1123 label, for filters: "battery-low".
            severity: INFO, WARNING or ERROR.

        Raises:
            ValueError: The kind is no label.
        """
        if not is_label(kind):
            raise ValueError(f"{kind!r} is no kind of notice: lower case letters, digits and dashes")
        self._owner.notice(self._robot, kind, text, severity)

    def quality(self, robot_ok: bool, text: str = "") -> None:
        """Whether the robot behind this driver answers; if not, it is shown offline and its readings as stale."""
        self._owner.robot_quality(self._robot, ok=robot_ok, text=text)

    def now_ns(self) -> int:
        """Site time, ns."""
        return self._owner.now_ns()

    def site_time(self) -> SiteTime | None:
        """What is known of site time, for a bridge that passes it on; None while the hub has not told it."""
        return self._owner.site_time()

    @property
    def stop(self) -> StopView:
        """The stop latch as the driver knows it now."""
        return self._owner.stop_view(self._robot)

    @property
    def lease(self) -> tuple[int, int]:
        """Epoch and sequence of the newest lease that a command or setpoint for it came under; (0, 0): none yet."""
        return self._owner.newest_lease(self._robot)


class RobotHandler(abc.ABC):
    """One robot's own code. Methods are called one by one in a thread of this robot, `on_stop` in another at once.

    Attributes:
        robot: DNS-1123 label.
        sheet: Its description; does not change while it is served.
        prompt: `on_command` never blocks and calls no code of others: it is called at once, in the I/O thread.
    """

    robot: str
    sheet: v1.Sheet
    # Its `on_command` only puts the order somewhere: it may be called in the session's own thread, one hop less.
    prompt = False

    def attached(self, link: RobotLink) -> None:
        """Called once, before anything else."""
        self.link = link

    @abc.abstractmethod
    def on_command(self, order: Order) -> None:
        """Begin an admitted command; return within 10 ms and finish the order later, from any thread."""

    def on_cancel(self, order: Order, why: v1.CommandState) -> None:  # noqa: B027  # optional on purpose
        """End it; `why`: CANCELED, PREEMPTED or STOPPED."""

    def on_setpoint(  # noqa: B027  # optional on purpose: a robot without setpoints has no use for it
        self, component: str, name: str, values: tuple[float, ...], expires_in_s: float
    ) -> None:
        """Apply a checked setpoint, within limits; all zeros with `expires_in_s` 0: stand still."""

    def on_setting(self, name: str, value: Plain) -> Future[None] | None:
        """Apply a setting; raise SettingRejectedError to refuse it. A future: the verdict comes later."""
        raise SettingRejectedError(f"{self.robot} does not take settings", cause=v1.CAUSE_UNSUPPORTED)

    @abc.abstractmethod
    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Software stop (not safety rated): bring it to standstill and measure that; blocks 0.8 s at most.

        May be called twice for one stop, and while another method runs.
        """

    def on_release(self, generation: int) -> None:  # noqa: B027  # optional on purpose
        """The stop has ended; nothing may move by it."""

    def on_hub(self, connected: bool) -> None:  # noqa: B027  # optional on purpose
        """The hub was lost or found. The SDK has ended by the rules what had to end."""
