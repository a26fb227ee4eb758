"""The threads of one robot's handler: one for orders, setpoints and settings; a stop gets its own, at once.

Setpoints and settings are kept newest only, so a slow handler never builds a queue. No rule is decided here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Protocol

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot._actions import (
    Action,
    ApplySetpoint,
    ApplySetting,
    CancelCommand,
    HubChanged,
    Released,
    StartCommand,
    StopChanged,
    StopNow,
)
from robolink.robot._handler import LinkOwner, Order, RobotHandler, StopOutcome, StopView

log = logging.getLogger(__name__)

# How long a stop waits for a handler call in flight before it stops once more.
IN_FLIGHT_S: Final = 0.5
MAX_QUEUED_ORDERS: Final = 256
# A handler that takes longer than this delays the setpoints behind it: counted.
SLOW_S: Final = 0.1


class RunnerOwner(LinkOwner, Protocol):
    """What a runner needs of the driver."""

    def setting_done(self, robot: str, name: str, version: int, cause: int, text: str) -> None:
        """A verdict."""

    def stop_done(self, order_id: bytes, result: v1.StopResult) -> None:
        """A verdict."""

    def count(self, name: str) -> None:
        """Something to be counted."""


class RobotRunner:
    """Calls one handler. `handle` is called in the session's thread and never blocks."""

    def __init__(self, owner: RunnerOwner, handler: RobotHandler) -> None:
        """Start the thread."""
        self.handler = handler
        self.view = StopView(0, latched=False)
        # The newest that the handler was given an order under.
        self.lease = (0, 0)
        self._owner = owner
        self._orders: dict[bytes, Order] = {}
        self._calls: deque[Callable[[], None]] = deque()
        # Each with the number of stops before it: what was ordered before a stop never begins after it.
        self._setpoints: dict[tuple[str, str], tuple[ApplySetpoint, int]] = {}
        self._settings: dict[str, ApplySetting] = {}
        self._stops = 0
        # A stop that must be repeated behind the call in flight.
        self._behind: StopNow | None = None
        self._wake = threading.Condition()
        self._in_flight = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"robot {handler.robot}", daemon=True)
        self._thread.start()

    def handle(self, action: Action) -> None:
        """Queue what the session wants done; a stop begins at once."""
        if isinstance(action, ApplySetpoint):
            with self._wake:
                self._setpoints[action.component, action.name] = (action, self._stops)
                self._wake.notify()
        elif isinstance(action, StopNow):
            self._stops += 1  # Before the thread looks at what is in flight.
            threading.Thread(
                target=self._stop, args=(action,), name=f"stop {action.robot}", daemon=True
            ).start()
        elif isinstance(action, StopChanged):
            self.view = StopView(action.generation, latched=action.latched)
        elif isinstance(action, StartCommand):
            self._take(action)
        elif isinstance(action, CancelCommand):
            self._cancel(action)
        elif isinstance(action, ApplySetting):
            with self._wake:
                self._settings[action.name] = action
                self._wake.notify()
        elif isinstance(action, Released):
            self._queue(lambda: self.handler.on_release(action.generation))
        elif isinstance(action, HubChanged):
            self._queue(lambda: self.handler.on_hub(action.connected))

    def _queue(self, call: Callable[[], None]) -> None:
        with self._wake:
            self._calls.append(call)
            self._wake.notify()

    # The robot's thread.

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._busy)
                if self._closing and not self._calls and not self._setpoints:
                    return
                setpoints, self._setpoints = list(self._setpoints.values()), {}
                call = self._calls.popleft() if self._calls else None
                settings, self._settings = list(self._settings.values()), {}
            for setpoint, stops in setpoints:
                self._guarded("setpoint", lambda each=setpoint, n=stops: self._setpoint(each, n))  # type: ignore[misc]
            if call is not None:
                self._guarded("handler", call)
            for setting in settings:
                self._guarded("setting", lambda each=setting: self._setting(each))  # type: ignore[misc]

    def _busy(self) -> bool:
        return bool(self._calls or self._setpoints or self._settings or self._closing)

    def _guarded(self, what: str, call: Callable[[], None]) -> None:
        begun = time.monotonic()
        try:
            with self._in_flight:
                call()
        except Exception:
            # The vendor's code: whatever it raises, the robot's thread goes on.
            self._owner.count(f"{what}_error")
            log.exception("robot %s: its %s raised", self.handler.robot, what)
        if time.monotonic() - begun > SLOW_S:
            self._owner.count(f"{what}_slow")
        with self._wake:
            behind, self._behind = self._behind, None
        if behind is not None:
            self._owner.count("stop_repeated")
            self._stop_once(behind)

    def _setpoint(self, action: ApplySetpoint, stops: int) -> None:
        expires_in_s = 0.0
        if action.expires_at is not None:
            expires_in_s = action.expires_at - time.monotonic()
            if expires_in_s <= 0 or stops != self._stops:
                self._owner.count("setpoint_outlived")
                return
        self.lease = max(self.lease, action.lease)
        self.handler.on_setpoint(action.component, action.name, action.values, expires_in_s)

    # Orders.

    def _take(self, action: StartCommand) -> None:
        order = Order(self._owner, action)
        if len(self._calls) >= MAX_QUEUED_ORDERS:
            self._owner.count("order_queue_full")
            text = f"{MAX_QUEUED_ORDERS} orders wait for the driver's code already"
            order.fail(text, v1.CAUSE_BUSY)
            return
        stops = self._stops
        self._orders[order.id] = order
        if self.handler.prompt and not self._calls:
            self._start(order, stops)
        else:
            self._queue(lambda: self._start(order, stops))

    def _start(self, order: Order, stops: int) -> None:
        if order.motion and stops != self._stops:
            order.ended(v1.COMMAND_STATE_STOPPED, "stopped before it began")
            return
        if order.cancel_requested is not None:
            order.ended(order.cancel_requested, "ended before it began")
            return
        order.begun = True
        self.lease = max(self.lease, (order.lease_epoch, order.lease_sequence))
        try:
            self.handler.on_command(order)
        except Exception as exc:
            # An exception of the vendor's code is the command's outcome.
            self._owner.count("handler_error")
            log.exception("robot %s: %s raised", order.robot, order.method)
            order.fail(f"{type(exc).__name__}: {exc}")

    def _cancel(self, action: CancelCommand) -> None:
        order = self._orders.get(action.id)
        if order is None:
            return
        order.end_requested(action.why, ended=action.ended)
        if action.ended:
            self._orders.pop(order.id, None)
        self._queue(lambda: self._tell_cancel(order, action.why))

    def _tell_cancel(self, order: Order, why: v1.CommandState) -> None:
        # One that never began, or has ended by itself meanwhile, has nothing to be ended.
        if order.begun and not order.finished:
            self.handler.on_cancel(order, why)

    def forget(self, order: Order) -> None:
        """It is finished."""
        self._orders.pop(order.id, None)

    # Settings.

    def _setting(self, action: ApplySetting) -> None:
        def done(future: Future[None]) -> None:
            error = future.exception()
            cause, text = 0, ""
            if error is not None:
                refused = isinstance(error, SettingRejectedError) and error.cause
                cause = int(refused) or v1.CAUSE_DRIVER_ERROR
                text = str(error) or type(error).__name__
            self._owner.setting_done(action.robot, action.name, action.version, cause, text)

        try:
            later = self.handler.on_setting(action.name, action.value)
        except Exception as exc:  # noqa: BLE001  # the vendor's code: it is the verdict on the setting
            # The verdict on the setting: the hub shows it with its text.
            later = Future()
            later.set_exception(exc)
        if later is None:
            later = Future()
            later.set_result(None)
        later.add_done_callback(done)

    # Stops, each in a thread of its own.

    def _stop(self, action: StopNow) -> None:
        # A call that is in flight now could move the robot after the stop: then stop once more behind it.
        in_flight = self._in_flight.locked()
        outcome = self._stop_once(action)
        if in_flight:
            outcome = self._stop_behind(action)
        result = v1.StopResult(
            robot=action.robot,
            verdict=outcome.verdict,
            generation=action.generation,
            standstill_ms=outcome.standstill_ms,
            text=outcome.text,
        )
        self._owner.stop_done(action.order_id, result)

    def _stop_behind(self, action: StopNow) -> StopOutcome:
        if self._in_flight.acquire(timeout=IN_FLIGHT_S):
            self._in_flight.release()
            return self._stop_once(action)
        with self._wake:
            if self._in_flight.locked():
                self._behind = action
        text = "a call into the driver's code has not returned; it is stopped again behind it"
        return StopOutcome(v1.STOP_VERDICT_STOPPING, None, text) if self._behind else self._stop_once(action)

    def _stop_once(self, action: StopNow) -> StopOutcome:
        begun = time.monotonic()
        try:
            outcome = self.handler.on_stop(action.level, action.generation)
        except Exception as exc:
            # A stop that failed is told as such, never as "ok".
            self._owner.count("stop_error")
            log.exception("robot %s: its stop raised", action.robot)
            return StopOutcome(v1.STOP_VERDICT_REFUSED, None, f"its stop failed: {type(exc).__name__}: {exc}")
        if outcome.standstill_ms is None:
            return outcome
        # The handler measures from its call, the standard from the order's arrival.
        return outcome._replace(standstill_ms=outcome.standstill_ms + (begun - action.arrived_at) * 1e3)

    def close(self) -> None:
        """End the thread once it has done what is queued."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(2.0)
