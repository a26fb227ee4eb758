"""Commands at the robot: admission, cancel, durations, and outcomes that are told until acknowledged.

The robot judges last: what a hub let through is checked again where time may have passed (stop, TTL, id).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from robolink import v1
from robolink.core.age import check_ttl
from robolink.core.envelope import MAX_RESULT_BYTES
from robolink.core.lease import token_of
from robolink.core.sheet import check_args, check_mode, needs_lease, typed_args
from robolink.core.violation import Violation
from robolink.robot._actions import ApplySetpoint, CancelCommand, StartCommand
from robolink.robot._ledger import FEEDBACK_INTERVAL_S, Entry, Ledger
from robolink.robot._served import Served
from robolink.robot._wire import Wire

CONFIRM_CANCEL_S: Final = 5.0
# Where neither the command nor its method names one: no command runs for ever.
DEFAULT_GOAL_DURATION_S: Final = 600.0
DEFAULT_CALL_DURATION_S: Final = 60.0

_ENDINGS: Final = (v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_PREEMPTED, v1.COMMAND_STATE_STOPPED)


class CommandRules:
    """The commands of every robot of one session.

    Args:
        wire: Shared state.
        robots: Shared with the session.
        confirm_s: How long a handler may take to end a cancelled command.
    """

    def __init__(self, wire: Wire, robots: Mapping[str, Served], confirm_s: float = CONFIRM_CANCEL_S) -> None:
        """No command known."""
        self._wire = wire
        self._robots = robots
        self._confirm_s = confirm_s
        self.ledger = Ledger(wire.counters)
        self.connected = False

    # From the hub.

    def receive(self, header: v1.Header, body: v1.Command, now: float, *, stoppable: bool) -> None:
        """A command: start it, or tell why not; a known id only gets its present state."""
        if not self._wire.hub_session or header.session_id != self._wire.hub_session:
            self._wire.counters["command_of_other_hub_session"] += 1
            return
        known = self.ledger.get(header.message_id)
        if known is not None:
            self._wire.counters["command_repeated"] += 1
            self._tell(known, now)
            return
        robot = header.destination
        entry = Entry(id=header.message_id, robot=robot, method=body.method, motion=False)
        if self.ledger.full(robot):
            self._wire.counters["command_table_full"] += 1
            entry.state, entry.cause = v1.COMMAND_STATE_FAILED, v1.CAUSE_STORAGE
            entry.text = f"{robot}: the driver remembers {self.ledger.limit_per_robot} commands, its limit"
            self._tell(entry, now)
            return
        try:
            start = self._admit(header, body, entry, now, stoppable=stoppable)
        except Violation as violation:
            latched = violation.cause == v1.CAUSE_LATCHED
            entry.state = v1.COMMAND_STATE_STOPPED if latched else v1.COMMAND_STATE_FAILED
            entry.cause, entry.text = violation.cause, violation.text
            self._wire.counters["command_refused"] += 1
            self.ledger.add(entry, now)
            self._tell(entry, now)
            return
        self.ledger.add(entry, now)
        if entry.goal:
            self._tell(entry, now)
        self._wire.emit(start)

    def _admit(
        self, header: v1.Header, body: v1.Command, entry: Entry, now: float, *, stoppable: bool
    ) -> StartCommand:
        served = self._robots.get(entry.robot)
        if served is None:
            raise Violation(v1.CAUSE_UNKNOWN_ROBOT, f"this driver does not serve {entry.robot!r}")
        method = served.index.method(body.method)
        if method is None:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{entry.robot} has no method {body.method!r}")
        entry.motion, entry.goal = needs_lease(method), method.kind == v1.METHOD_KIND_GOAL
        if method.motion:
            served.may_move(header.stop_generation, header.sent_ns, stoppable=stoppable)
        if not self._wire.clock.synced:
            raise Violation(v1.CAUSE_NO_TIMESYNC, f"{entry.robot}: no clock offset to the hub yet")
        if header.ttl_ms:
            now_ns = self._wire.site_ns(now)
            check_ttl(entry.robot, sent_ns=header.sent_ns, ttl_ms=header.ttl_ms, now_ns=now_ns)
        check_args(body.method, method, body.args)
        check_mode(f"{entry.robot}: {body.method}", method.modes, served.mode())
        default_s = DEFAULT_GOAL_DURATION_S if entry.goal else DEFAULT_CALL_DURATION_S
        duration_s = (body.max_duration_ms or method.max_duration_ms) / 1e3 or default_s
        entry.on_disconnect = body.on_disconnect or method.on_disconnect or v1.ON_DISCONNECT_CANCEL
        if entry.motion and entry.goal:
            self._make_room(served, entry, now, preempt=body.preempt)
        entry.ends_at = now + duration_s
        return StartCommand(
            robot=entry.robot,
            id=entry.id,
            method=body.method,
            args=typed_args(method, body.args),
            goal=entry.goal,
            motion=entry.motion,
            on_disconnect=entry.on_disconnect,
            max_duration_s=duration_s,
            stop_generation=header.stop_generation,
            lease=token_of(header.lease),
            source=header.source,
        )

    def _make_room(self, served: Served, entry: Entry, now: float, *, preempt: bool) -> None:
        """One motion goal per component, and no setpoints beside it."""
        for other in self.ledger.live(entry.robot):
            if not (other.goal and other.motion and other.component == entry.component):
                continue
            if other.state == v1.COMMAND_STATE_RUNNING and not preempt:
                raise Violation(v1.CAUSE_BUSY, f"{entry.robot}/{entry.component} runs {other.method}")
            self.cancel(other, now, end_state=v1.COMMAND_STATE_PREEMPTED, text="preempted")
        self.stand_still(served, served.watch.disarm_all(entry.component))

    def stand_still(self, served: Served, streams: list[tuple[str, str]]) -> None:
        """Zero those setpoints."""
        for component, name in streams:
            info = served.index.setpoint(component, name)
            zeros = (0.0,) * len(info.fields) if info is not None else ()
            self._wire.emit(
                ApplySetpoint(
                    robot=served.robot, component=component, name=name, values=zeros, expires_at=None
                )
            )

    def cancel_ordered(self, body: v1.CommandCancel, now: float) -> None:
        """The hub says: end that command."""
        entry = self.ledger.get(body.command_id)
        if entry is None:
            self._wire.counters["cancel_of_unknown_command"] += 1
            return
        if entry.terminal:
            self._tell(entry, now)
            return
        end_state = body.end_state if body.end_state in _ENDINGS else v1.COMMAND_STATE_CANCELED
        self.cancel(entry, now, end_state=end_state, cause=body.cause, text=body.reason)

    def cancel(
        self, entry: Entry, now: float, *, end_state: v1.CommandState, cause: int = 0, text: str = ""
    ) -> None:
        """Ask the handler to end it; the first reason counts."""
        if entry.state != v1.COMMAND_STATE_RUNNING:
            return
        entry.state, entry.since = v1.COMMAND_STATE_CANCELING, now
        entry.cancel, entry.cancel_cause, entry.cancel_text = end_state, cause, text
        entry.confirm_by = now + self._confirm_s
        self._tell(entry, now)
        self._emit_cancel(entry, end_state, text)

    def _emit_cancel(self, entry: Entry, why: v1.CommandState, text: str) -> None:
        self._wire.emit(
            CancelCommand(robot=entry.robot, id=entry.id, why=why, ended=entry.terminal, text=text)
        )

    def stopped(self, robot: str, now: float, text: str) -> None:
        """A stop: every motion command of that robot ends now."""
        for entry in self.ledger.live(robot):
            if entry.motion:
                self._end(entry, v1.COMMAND_STATE_STOPPED, now, cause=v1.CAUSE_LATCHED, text=text)
                self._emit_cancel(entry, v1.COMMAND_STATE_STOPPED, text)

    def hub_gone(self, now: float) -> None:
        """Losing the hub is losing every client: motion ends by its on_disconnect."""
        for entry in self.ledger.live():
            if entry.motion and entry.on_disconnect != v1.ON_DISCONNECT_CONTINUE:
                self.cancel(
                    entry,
                    now,
                    end_state=v1.COMMAND_STATE_CANCELED,
                    cause=v1.CAUSE_DISCONNECTED,
                    text="the hub was lost",
                )

    def end_all(self, robot: str, now: float, text: str) -> None:
        """The driver gives that robot up: every command of it ends now."""
        for entry in self.ledger.live(robot):
            self._end(entry, v1.COMMAND_STATE_CANCELED, now, cause=v1.CAUSE_DISCONNECTED, text=text)
            self._emit_cancel(entry, v1.COMMAND_STATE_CANCELED, text)

    # From the handler.

    def finish(
        self, command_id: bytes, state: v1.CommandState, now: float, *, cause: int, text: str, result: bytes
    ) -> None:
        """The handler's outcome; ignored (and counted) if the command has ended otherwise before."""
        entry = self.ledger.get(command_id)
        if entry is None:
            self._wire.counters["outcome_of_unknown_command"] += 1
            return
        if len(result) > MAX_RESULT_BYTES:
            state, cause = v1.COMMAND_STATE_FAILED, v1.CAUSE_DRIVER_ERROR
            text, result = f"its result has {len(result)} bytes, over the limit of {MAX_RESULT_BYTES}", b""
        if entry.state == v1.COMMAND_STATE_CANCELING and state in _ENDINGS:
            state, cause = entry.cancel, cause or entry.cancel_cause
            text = text or entry.cancel_text
        self._end(entry, state, now, cause=cause, text=text, result=result)

    def feedback(self, command_id: bytes, feedback: v1.CommandFeedback, now: float) -> None:
        """Newest only, ten a second and command."""
        entry = self.ledger.get(command_id)
        if entry is None or entry.terminal:
            self._wire.counters["feedback_after_end"] += 1
            return
        if entry.feedback is not None:
            self._wire.counters["feedback_coalesced"] += 1
        entry.feedback = feedback
        if entry.feedback_at <= now:
            self._send_feedback(entry, now)

    def _send_feedback(self, entry: Entry, now: float) -> None:
        if entry.feedback is not None and self._reachable(entry):
            self._wire.send(entry.feedback, now, destination=entry.robot, correlation_id=entry.id)
        entry.feedback, entry.feedback_at = None, now + FEEDBACK_INTERVAL_S

    def goal_on(self, robot: str, component: str) -> bool:
        """Whether a motion goal runs on that component."""
        return any(
            each.goal and each.motion and each.component == component for each in self.ledger.live(robot)
        )

    # Telling the hub.

    def _end(
        self,
        entry: Entry,
        state: v1.CommandState,
        now: float,
        *,
        cause: int = 0,
        text: str = "",
        result: bytes = b"",
    ) -> None:
        if self.ledger.end(entry, state, now, cause=cause, text=text, result=result):
            self._tell(entry, now)

    def _reachable(self, entry: Entry) -> bool:
        served = self._robots.get(entry.robot)
        return self.connected and (served is None or served.announced)

    def _tell(self, entry: Entry, now: float) -> None:
        if not self._reachable(entry):
            return  # Told after the next hello, see `hub_back`.
        update = v1.CommandUpdate(
            command_id=entry.id,
            robot=entry.robot,
            state=entry.state,
            cause=entry.cause,  # type: ignore[arg-type]
            text=entry.text or (entry.cancel_text if entry.state == v1.COMMAND_STATE_CANCELING else ""),
            result=entry.result,
            time_ns=self._wire.site_ns(entry.since or now),
        )
        self._wire.send(update, now, destination=entry.robot, correlation_id=entry.id)

    def hub_back(self, now: float) -> None:
        """A hello was answered: present state of every live command, and every outcome not acknowledged."""
        for entry in self.ledger.live():
            if entry.goal or entry.state != v1.COMMAND_STATE_RUNNING:
                self._tell(entry, now)
        self.ledger.resend_all(now)
        self._resend(now)

    def _resend(self, now: float) -> None:
        for entry in self.ledger.take_resends(now):
            self._tell(entry, now)

    # Time.

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        times = [self.ledger.next_due()]
        if self.connected:
            times.append(self.ledger.next_resend())
        return min((each for each in times if each is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Durations, unconfirmed cancels, feedback that waited, outcomes to tell again."""
        for entry in self.ledger.live():
            if entry.due > now:
                continue
            if entry.ends_at <= now:
                text = "its max_duration is over"
                self._end(entry, v1.COMMAND_STATE_FAILED, now, cause=v1.CAUSE_MAX_DURATION, text=text)
                self._emit_cancel(entry, v1.COMMAND_STATE_CANCELED, text)
            elif entry.confirm_by <= now:
                self._wire.counters["cancel_unconfirmed"] += 1
                text = f"the driver's code did not end it {self._confirm_s:.0f} s after the cancel; it may still move"
                self._end(entry, v1.COMMAND_STATE_FAILED, now, cause=v1.CAUSE_DRIVER_ERROR, text=text)
                self._emit_cancel(entry, v1.COMMAND_STATE_CANCELED, text)
            else:
                self._send_feedback(entry, now)
        if self.connected:
            self._resend(now)
        self.ledger.purge(now)
