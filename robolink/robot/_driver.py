"""One connection of a driver to its hub, with the robots it serves: session, threads and sockets put together.

The rules are the session's; the vendor's code runs in the runners' threads.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import zmq

from robolink import v1
from robolink.core.clock import SiteTime
from robolink.core.envelope import new_session_id
from robolink.core.sheet import validate_robot_id, validate_sheet
from robolink.core.violation import Violation
from robolink.errors import ConfigError, TransportError
from robolink.robot._actions import Action, HubChanged, Refused
from robolink.robot._handler import Order, RobotHandler, RobotLink, StopView
from robolink.robot._properties import Measured
from robolink.robot._runner import RobotRunner
from robolink.robot._session import MAX_SHEETS_BYTES, DriverSession
from robolink.transports.discovery import hub_address, resolve
from robolink.transports.endpoint import Endpoint
from robolink.transports.lanes import Keys, beside, publisher, seen_from

log = logging.getLogger(__name__)

CALL_S: Final = 2.0
SIGNAL_LOOK_S: Final = 0.1
# The hub closes the connection of whoever sends a longer frame than 1 MiB.
ATTACHMENT_BYTES: Final = 1 << 20


def attached(data: bytes | memoryview) -> list[bytes | memoryview]:
    """Raw bytes as frames, each within the limit of the standard."""
    whole = memoryview(data)
    if whole.nbytes <= ATTACHMENT_BYTES:
        return [data] if whole.nbytes else []
    whole = whole.cast("B")
    return [whole[at : at + ATTACHMENT_BYTES] for at in range(0, whole.nbytes, ATTACHMENT_BYTES)]


class Driver:
    """Serves robots to a hub; a context manager.

    Args:
        hub: Control lane; else the environment's ROBOLINK_HUB, else tcp://127.0.0.1:5570.
        name: For people.
        keys: CURVE keys, off loopback; else those that the environment names (docs/hub.md).
        safety_url: If it is not the port after `hub`.

    Attributes:
        error: Why the hub refuses this driver, or None.
    """

    def __init__(
        self,
        hub: str | None = None,
        *,
        name: str = "",
        keys: Keys | None = None,
        safety_url: str | None = None,
    ) -> None:
        """Nothing is opened before `start`."""
        target = resolve(hub_address(hub), keys)
        self.hub = target.url
        self.error: Exception | None = None
        self._keys = keys = target.keys
        self._runners: dict[str, RobotRunner] = {}
        self._attach_lock = threading.Lock()
        self._attaching: dict[str, list[Callable[[float], Any]]] = {}
        self._session = DriverSession(
            name=name or f"driver-{os.getpid()}", session_id=new_session_id(), emit=self._emit
        )
        self._endpoint = Endpoint(
            self._session,
            control_url=self.hub,
            safety_url=safety_url or target.safety_url or beside(self.hub, 1),
            keys=keys,
            name="robolink-driver",
        )
        self._publish_lock = threading.Lock()
        self._dropped: Counter[str] = Counter()
        self._report_lock = threading.Lock()
        self._reports: dict[str, dict[str, Measured]] = {}
        self._publisher: zmq.Socket[bytes] | None = None
        self._publish_url = ""
        self._ending = threading.Event()
        self._connected = threading.Event()
        self._started = self._closed = False

    # For those who run it.

    def add(self, handler: RobotHandler) -> None:
        """Serve one more robot.

        Raises:
            ConfigError: Its id or sheet breaks a rule of the standard; the text names it.
        """
        try:
            validate_robot_id(handler.robot)
            validate_sheet(handler.sheet)
        except Violation as violation:
            raise ConfigError(
                f"robot {handler.robot!r}: {violation.text}", hint="correct its sheet"
            ) from violation
        if handler.robot in self._runners:
            raise ConfigError(
                f"this driver serves {handler.robot!r} already", hint="give each robot its own id"
            )
        total = (
            sum(each.handler.sheet.ByteSize() for each in self._runners.values()) + handler.sheet.ByteSize()
        )
        if total > MAX_SHEETS_BYTES:
            raise ConfigError(
                f"the sheets of this driver's robots have {total} bytes, over the limit of {MAX_SHEETS_BYTES}",
                hint="use several drivers",
            )
        # What the handler says while it is attached is heard once the session knows the robot.
        self._attaching[handler.robot] = []
        try:
            handler.attached(RobotLink(self, handler.robot, handler.sheet))
            self._runners[handler.robot] = RobotRunner(self, handler)
            self._post(lambda now: self._session.add_robot(handler.robot, handler.sheet, now))
        finally:
            # Its own threads may speak meanwhile: what they say comes behind, in order.
            with self._attach_lock:
                for call in self._attaching.pop(handler.robot):
                    self._post(call)

    def remove(self, robot: str) -> None:
        """End what runs on that robot and serve it no longer."""
        # Waited for, so that its handler still hears what must end.
        self._post_and_wait(lambda now: self._session.remove_robot(robot, now))
        runner = self._runners.pop(robot, None)
        if runner is not None:
            runner.close()

    def start(self) -> None:
        """Connect; returns at once, and reconnects by itself for ever."""
        self._started = True
        self._endpoint.start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait until the hub has taken this driver on both lanes; False after the timeout or a refusal."""
        until = time.monotonic() + timeout_s
        while not self._connected.wait(0.05):
            if self.error is not None or time.monotonic() > until:
                return False
        return True

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            RobolinkError: The hub refuses this driver.
        """
        # A handler may land while this thread is inside the event's own lock: it only leaves a note.
        signalled: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: signalled.append(number))
        if not self._started:
            self.start()
        while not signalled and not self._ending.wait(SIGNAL_LOOK_S):
            continue
        self.close()
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """End every order, say goodbye, end the threads."""
        if self._closed:
            return
        self._closed = True
        self._ending.set()
        self._post_and_wait(self._session.shut_down)
        for runner in self._runners.values():
            runner.close()
        with self._publish_lock:
            if self._publisher is not None:
                self._publisher.close(0)
                self._publisher = None
        self._endpoint.close()

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the hub answers on both lanes."""
        return self._connected.is_set()

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, dropped, repeated or unsent, by reason."""
        return self._session.counters | dict(self._dropped)

    # From the session, in its thread.

    def _emit(self, action: Action) -> None:
        if isinstance(action, HubChanged):
            (self._connected.set if action.connected else self._connected.clear)()
            if action.connected:
                self._open_publisher(action.telemetry_endpoint)
            for runner in list(self._runners.values()):
                runner.handle(action)
        elif isinstance(action, Refused):
            log.error("%s", action.error)
            self.error = action.error
            self._ending.set()
        else:
            found = self._runners.get(action.robot)
            if found is not None:
                found.handle(action)

    def _open_publisher(self, url: str) -> None:
        url = seen_from(url, self.hub) if url else ""
        with self._publish_lock:
            if self._closed or not url or url == self._publish_url:
                return
            if self._publisher is not None:
                self._publisher.close(0)
            self._publisher, self._publish_url = publisher(self._endpoint.context, url, self._keys), url
            # Refuse at the high-water mark instead of dropping in silence: what is dropped is counted.
            self._publisher.setsockopt(zmq.XPUB_NODROP, 1)

    def _post_for(self, robot: str, call: Callable[[float], Any]) -> None:
        with self._attach_lock:
            early = self._attaching.get(robot)
            if early is None:
                self._post(call)
            else:
                early.append(call)

    def _post(self, call: Callable[[float], Any]) -> None:
        self._endpoint.post(self._guarded(call))

    def _guarded(self, call: Callable[[float], Any]) -> Callable[[float], None]:
        def guarded(now: float) -> None:
            try:
                call(now)
            except TransportError:
                raise
            except Exception:
                # One faulty call must not cut off every robot of this driver.
                self._session.count("call_error")
                log.exception("a call into the driver's session failed")

        return guarded

    def _post_and_wait(self, call: Callable[[float], Any]) -> None:
        if not self._started:
            call(time.monotonic())  # Nothing runs yet: this thread is the only one.
            return
        done = threading.Event()

        def noted(now: float) -> None:
            try:
                call(now)
            finally:
                done.set()

        self._post(noted)
        if not done.wait(CALL_S):
            log.warning("the driver's I/O thread did not answer within %s s", CALL_S)

    # From the handlers, in any thread: LinkOwner and RunnerOwner.

    def report(self, robot: str, values: Mapping[str, tuple[v1.Value | None, v1.Quality]]) -> None:
        """Measured values; newest only until the session's thread takes them."""
        at = time.monotonic()
        with self._report_lock:
            waiting = robot in self._reports
            kept = self._reports.setdefault(robot, {})
            kept.update({name: (value, quality, at) for name, (value, quality) in values.items()})
        if not waiting:
            self._post_for(robot, lambda now: self._take_reports(robot, now))

    def _take_reports(self, robot: str, now: float) -> None:
        with self._report_lock:
            values = self._reports.pop(robot, {})
        self._session.report(robot, values, now)

    def publish(
        self, topic: str, sample: v1.Sample, stamp_s: float | None, attachment: bytes | memoryview = b""
    ) -> None:
        """One sample; before the hub is there it is dropped and counted."""
        if not sample.stamp_ns:
            sample.stamp_ns = self._session.site_ns(time.monotonic() if stamp_s is None else stamp_s)
        with self._publish_lock:
            if not sample.stamp_ns:
                self._dropped["sample_without_site_time"] += 1
                return
            if self._publisher is None:
                self._dropped["sample_without_hub"] += 1
                return
            frames = [topic.encode(), sample.SerializeToString(), *attached(attachment)]
            try:
                self._publisher.send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                self._dropped["sample_dropped"] += 1

    def notice(self, robot: str, kind: str, text: str, severity: v1.Severity) -> None:
        """Something happened now."""
        at = time.monotonic()
        self._post_for(robot, lambda now: self._session.notice(robot, kind, text, severity, at, now))

    def robot_quality(self, robot: str, *, ok: bool, text: str) -> None:
        """Whether the robot behind the driver answers."""
        self._post_for(robot, lambda now: self._session.set_quality(robot, ok, now, text))

    def stop_view(self, robot: str) -> StopView:
        """Its latch."""
        runner = self._runners.get(robot)
        return runner.view if runner is not None else StopView(0, latched=False)

    def newest_lease(self, robot: str) -> tuple[int, int]:
        """That an order of it came under."""
        runner = self._runners.get(robot)
        return runner.lease if runner is not None else (0, 0)

    def now_ns(self) -> int:
        """Site time."""
        return self._session.site_ns(time.monotonic())

    def site_time(self) -> SiteTime | None:
        """Site time to pass on."""
        return self._session.site_time()

    def finish(self, order: Order, state: v1.CommandState, cause: int, text: str, result: bytes) -> None:
        """An outcome."""
        runner = self._runners.get(order.robot)
        if runner is not None:
            runner.forget(order)
        # At once if it can be: the outcome is what somebody waits for.
        self._endpoint.run(
            self._guarded(
                lambda now: self._session.commands.finish(
                    order.id, state, now, cause=cause, text=text, result=result
                )
            )
        )

    def feedback(self, order: Order, feedback: v1.CommandFeedback) -> None:
        """A measurement on the way."""
        self._post(lambda now: self._session.commands.feedback(order.id, feedback, now))

    def setting_done(self, robot: str, name: str, version: int, cause: int, text: str) -> None:
        """A verdict on a setting."""
        self._post(lambda now: self._session.setting_done(robot, name, version, cause, text, now))

    def stop_done(self, order_id: bytes, result: v1.StopResult) -> None:
        """A verdict on a stop."""
        self._post(lambda now: self._session.motion.stop_done(order_id, result, now))

    def count(self, name: str) -> None:
        """Something to be counted."""
        self._post(lambda _now: self._session.count(name))
