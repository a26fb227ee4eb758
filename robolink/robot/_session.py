"""The sans-IO session of one driver: its lanes, and the rules of motion, commands and properties behind them.

Messages, timers and the handler's answers in; messages (`take_outbox`) and actions (`emit`) out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from robolink import v1
from robolink.core.clock import SiteTime
from robolink.core.envelope import (
    MAX_BODY_BYTES,
    MAX_HUB_BODY_BYTES,
    body_type_name,
    decode_body,
    decode_header,
    new_message_id,
)
from robolink.core.violation import cause_name
from robolink.errors import RejectedError, RemoteProtocolError, RobolinkError
from robolink.robot._actions import Action, HubChanged, Refused
from robolink.robot._commands import CONFIRM_CANCEL_S, CommandRules
from robolink.robot._motion import MotionRules
from robolink.robot._notices import NoticeRules
from robolink.robot._properties import Measured
from robolink.robot._served import Served, hello_of
from robolink.robot._twin import TwinRules
from robolink.robot._wire import LaneLink, Wire
from robolink.transports.lanes import Lane

log = logging.getLogger(__name__)

# The control lane waits so long for the safety lane: a robot that cannot be stopped is not offered.
SAFETY_FIRST_S: Final = 2.0
TAKEN_RETRY_S: Final = 3.0
# One hello carries the sheets of all robots, and the ids of what runs.
MAX_SHEETS_BYTES: Final = MAX_BODY_BYTES - 128 * 1024

_PERMANENT: Final = (v1.CAUSE_DENIED, v1.CAUSE_VERSION, v1.CAUSE_INVALID, v1.CAUSE_LIMIT)


class DriverSession:
    """Protocol state of one driver with many robots; see `transports.endpoint.Session`.

    Args:
        name: Of the driver, for people.
        session_id: This boot of it.
        emit: Gets each action at once; must not block or raise.
        confirm_cancel_s: How long a handler may take to end a cancelled command.
        new_id: Makes message ids.
    """

    def __init__(
        self,
        *,
        name: str,
        session_id: int,
        emit: Callable[[Action], None],
        confirm_cancel_s: float = CONFIRM_CANCEL_S,
        new_id: Callable[[], bytes] = new_message_id,
    ) -> None:
        """Silent until `start`."""
        self.name = name
        self._wire = Wire(session_id, emit)
        self._robots: dict[str, Served] = {}
        self._links = {lane: LaneLink(self._wire, lane, new_id) for lane in Lane}
        self.commands = CommandRules(self._wire, self._robots, confirm_cancel_s)
        self.notices = NoticeRules(self._wire)
        self.twin = TwinRules(self._wire, self._robots, self.notices)
        self.motion = MotionRules(self._wire, self._robots, self.commands)
        self._handlers = self._table()
        self._started = False
        self._connected = False
        self._ended: RobolinkError | None = None
        self._safety_first_until = 0.0
        self._taken_since: float | None = None
        # Until when motion may still hope for the hub; None: it is here, or motion has been ended.
        self._stale_at: float | None = None
        # When its long absence is an event.
        self._event_at: float | None = None
        self._telemetry = ""

    # What others may look at.

    @property
    def counters(self) -> dict[str, int]:
        """What was refused, dropped, repeated or unsent, by reason."""
        counts = dict(self._wire.counters)
        for served in self._robots.values():
            for name, count in served.watch.counters.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    @property
    def connected(self) -> bool:
        """Whether the hub answers on both lanes."""
        return self._connected

    def count(self, name: str) -> None:
        """Something of the runner's to be counted with the rest."""
        self._wire.counters[name] += 1

    def site_ns(self, at: float) -> int:
        """Monotonic s to site time. Other threads may call it, and `site_time`, and nothing else."""
        return self._wire.site_ns(at)

    def site_time(self) -> SiteTime | None:
        """Site time to pass on."""
        return self._wire.site_time()

    # Robots.

    def add_robot(self, robot: str, sheet: v1.Sheet, now: float) -> None:
        """Serve one more robot; it is announced at once. All sheets together: `MAX_SHEETS_BYTES`."""
        self._robots[robot] = Served.of(robot, sheet, self._wire.due)
        self._announce(now)

    def remove_robot(self, robot: str, now: float) -> None:
        """End what runs on it and serve it no longer."""
        served = self._robots.get(robot)
        if served is None:
            return
        self._give_up(served, now, "its driver does not serve this robot any more")
        del self._robots[robot]
        self._wire.armed.discard(robot)
        self._wire.due.discard(robot)
        self._announce(now)

    def set_quality(self, robot: str, ok: bool, now: float, text: str = "") -> None:
        """Whether the robot behind the driver answers; if not, it is shown offline. What runs is kept."""
        served = self._robots.get(robot)
        if served is None or served.ok == ok:
            return
        if not ok:
            self._wire.counters["robot_silent"] += 1
            log.warning("robot %s does not answer: %s", robot, text or "no reason given")
            served.properties.mark_stale(now)
            self.twin.flush(served, now)
            self.commands.stand_still(served, served.watch.disarm_all())
        served.ok = ok
        self._announce(now)
        if ok:
            self.twin.apply_all(served, now)

    def _announce(self, now: float) -> None:
        if self._started and self._ended is None:
            self._say_hello(Lane.SAFETY, now)
            if self._links[Lane.CONTROL].up or self._links[Lane.SAFETY].up:
                self._say_hello(Lane.CONTROL, now)

    def _give_up(self, served: Served, now: float, text: str) -> None:
        self.commands.stand_still(served, served.watch.disarm_all())
        self.commands.end_all(served.robot, now, text)

    # Lanes.

    def start(self, now: float) -> None:
        """Say hello: safety first, so that a robot is offered for motion only when it can be stopped."""
        self._started = True
        self._safety_first_until = now + SAFETY_FIRST_S
        self._say_hello(Lane.SAFETY, now)

    def closing(self, now: float) -> None:
        """Last call: nothing moves on without a driver."""
        self.shut_down(now)
        for lane, link in self._links.items():
            if link.up:
                self._wire.send(v1.Goodbye(), now, lane=lane)

    def shut_down(self, now: float) -> None:
        """End everything that runs; the handlers hear of it."""
        for served in self._robots.values():
            self._give_up(served, now, "its driver is shutting down")

    def _say_hello(self, lane: Lane, now: float) -> None:
        ids = self.commands.ledger.listed_ids()
        hello = hello_of(
            lane, self.name, self._robots.values(), lease_epoch=self._wire.lease_epoch, live_ids=ids
        )
        self._links[lane].hello(hello, now)

    def receive(self, lane: Lane, frames: list[bytes], now: float) -> None:
        """One message of the hub; garbage is counted."""
        try:
            if len(frames) < 2:
                raise RemoteProtocolError(f"a message of {len(frames)} frames")
            header = decode_header(frames[0])
            body = decode_body(header, frames[1], limit=MAX_HUB_BODY_BYTES)
        except RemoteProtocolError as exc:
            self._wire.counters["message_malformed"] += 1
            log.warning("the hub sent a malformed message: %s", exc)
            return
        link = self._links[lane]
        link.heard(now)
        if lane is Lane.CONTROL and header.body_type != v1.BODY_TYPE_HELLO_REPLY:
            link.sample(header, now)
        if self._ended is None or header.body_type == v1.BODY_TYPE_STOP_ORDER:
            self._dispatch(lane, header, body, now)

    def _dispatch(self, lane: Lane, header: v1.Header, body: Any, now: float) -> None:
        handler = self._handlers.get((lane, header.body_type))
        if handler is None:
            self._wire.counters["message_unexpected"] += 1
            log.debug("unexpected %s on the %s lane", body_type_name(header.body_type), lane.name)
        else:
            handler(lane, header, body, now)

    def _table(self) -> dict[tuple[Lane, int], Callable[[Lane, v1.Header, Any, float], None]]:
        """What the hub may say, by lane and body type."""
        table: dict[tuple[Lane, int], Callable[[Lane, v1.Header, Any, float], None]] = {
            (Lane.SAFETY, v1.BODY_TYPE_STOP_ORDER): lambda _, h, b, now: self.motion.stop_order(h, b, now),
            (Lane.SAFETY, v1.BODY_TYPE_RELEASE_ORDER): lambda _, h, b, now: self.motion.release_order(b),
            (Lane.CONTROL, v1.BODY_TYPE_SETPOINT): lambda _, h, b, now: self.motion.setpoint(h, b, now),
            (Lane.CONTROL, v1.BODY_TYPE_COMMAND): lambda _, h, b, now: self._command(h, b, now),
            (Lane.CONTROL, v1.BODY_TYPE_COMMAND_CANCEL): lambda _, h, b, now: self.commands.cancel_ordered(
                b, now
            ),
            (Lane.CONTROL, v1.BODY_TYPE_COMMAND_UPDATE_ACK): lambda _, h, b, now: self.commands.ledger.acked(
                b.command_id
            ),
            (Lane.CONTROL, v1.BODY_TYPE_SETTING_ORDER): lambda _, h, b, now: self.twin.order(b, now),
        }
        for lane in Lane:
            table[lane, v1.BODY_TYPE_BEAT_REPLY] = lambda *_: None  # That it came is all it says.
            table[lane, v1.BODY_TYPE_HELLO_REPLY] = self._hello_reply
            table[lane, v1.BODY_TYPE_ERROR] = self._error
            table[lane, v1.BODY_TYPE_GOODBYE] = self._goodbye
        return table

    def _goodbye(self, lane: Lane, _header: v1.Header, _body: v1.Goodbye, now: float) -> None:
        self._links[lane].lost(now)
        self._mind_connection()

    def _hello_reply(self, lane: Lane, header: v1.Header, body: v1.HelloReply, now: float) -> None:
        link = self._links[lane]
        robots = link.answered(header, now)
        if robots is None:
            self._wire.counters["hello_reply_unasked"] += 1
            return
        if body.HasField("timeouts"):
            self._wire.timeouts = body.timeouts
        self._wire.lease_epoch = max(self._wire.lease_epoch, body.lease_epoch)
        if lane is Lane.SAFETY:
            self.motion.merge_stops(body, now)
            if not self._links[Lane.CONTROL].up:
                self._links[Lane.CONTROL].want_hello(now)
            self._mind_connection()
            return
        new_hub = self._wire.hub_session != body.hub_session_id
        if new_hub:
            if self._wire.hub_session:
                self._wire.counters["hub_restarted"] += 1
                self._links[Lane.SAFETY].want_hello(now)
            self._wire.clock.reset()
            self._wire.hub_session = body.hub_session_id
        link.sample(header, now)
        self._taken_since = None
        self._telemetry = body.telemetry_publish_endpoint
        for served in self._robots.values():
            served.announced = served.robot in robots
        self.motion.merge_stops(body, now)
        self._mind_connection()
        self.commands.hub_back(now)
        self.notices.connected = True
        self.notices.hub_back(now)
        self.twin.hub_back(now, new_hub=new_hub)

    def _error(self, lane: Lane, header: v1.Header, body: v1.Error, now: float) -> None:
        link = self._links[lane]
        if body.cause == v1.CAUSE_NO_HELLO:
            if lane is Lane.CONTROL:
                self._hub_forgot(now)
            link.want_hello(now)
            return
        self._wire.counters["error_" + cause_name(body.cause).lower()] += 1
        if not link.is_hello(header.correlation_id):
            log.warning("the hub refused a message: %s", body.text)
            return
        link.refused()
        if body.cause in _PERMANENT:
            self._end(body, now)
        elif body.cause == v1.CAUSE_ROBOT_TAKEN:
            self._taken_since = now if self._taken_since is None else self._taken_since
            if now - self._taken_since >= TAKEN_RETRY_S:
                self._end(body, now)

    def _hub_forgot(self, now: float) -> None:
        """The hub is silent or does not know us (it was restarted): nor, it may be, its safety lane. That one first."""
        for link in self._links.values():
            link.lost(now)
        self._safety_first_until = now + SAFETY_FIRST_S
        self._mind_connection()

    def _end(self, body: v1.Error, now: float) -> None:
        text = f"the hub refuses driver {self.name!r}: {body.text}"
        error: RobolinkError
        if body.cause == v1.CAUSE_VERSION:
            error = RemoteProtocolError(text, cause=body.cause, hint=body.hint)
        else:
            error = RejectedError(text, cause=body.cause, hint=body.hint)
        self._ended = error
        for link in self._links.values():
            link.give_up()
        self.shut_down(now)
        self._wire.emit(Refused(error=error))

    def _mind_connection(self) -> None:
        """Compare the lanes with what the handlers were told."""
        control, safety = self._links[Lane.CONTROL], self._links[Lane.SAFETY]
        self.commands.connected = self.twin.connected = control.up
        if not control.up:
            self.notices.connected = False  # True again once what was kept has been told.
        self._wire.stoppable = safety.up
        connected = self.motion.connected = control.up and safety.up
        if connected == self._connected:
            return
        self._connected = connected
        if connected:
            self._stale_at = self._event_at = None
        else:
            heard = min(link.heard_at for link in self._links.values() if not link.up)
            self._stale_at = heard + self._wire.timeouts.lease_stale_ms / 1e3
            self._event_at = heard + self._wire.timeouts.link_event_ms / 1e3
            for served in self._robots.values():
                self.commands.stand_still(served, served.watch.disarm_all())
        self._wire.emit(HubChanged(connected=connected, telemetry_endpoint=self._telemetry))

    # Commands.

    def _command(self, header: v1.Header, body: v1.Command, now: float) -> None:
        self._wire.lease_epoch = max(self._wire.lease_epoch, header.lease.epoch)
        self.commands.receive(header, body, now, stoppable=self._links[Lane.SAFETY].up)

    # The handler's answers; the runner calls these in the session's thread.

    def setting_done(self, robot: str, name: str, version: int, cause: int, text: str, now: float) -> None:
        """The verdict on an `ApplySetting`; `cause` 0 and no text: applied."""
        self.twin.done(robot, name, version, cause, text, now)

    def notice(self, robot: str, kind: str, text: str, severity: v1.Severity, at: float, now: float) -> None:
        """Something happened to that robot at `at`, monotonic s."""
        if robot in self._robots:
            self.notices.notice(robot, kind, text, severity, at, now)

    def report(self, robot: str, values: Mapping[str, Measured], now: float) -> None:
        """Measured values; names are the sheet's."""
        self.twin.report(robot, values, now)

    # Time and the box of messages.

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self._ended is not None:
            return None
        times = [link.next_timer() for link in self._links.values()]
        times += [self._stale_at, self._event_at, self.commands.next_timer(), self.twin.next_timer()]
        times += [self._robots[robot].watch.next_timer() for robot in self._wire.armed]
        if not self._links[Lane.CONTROL].up and self._started:
            times.append(self._safety_first_until or None)
        return min((each for each in times if each is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Deadmen first, then lanes, stale authority, commands and reports."""
        for robot in list(self._wire.armed):
            served = self._robots[robot]
            over = served.watch.handle_timer(now)
            if over:
                self._wire.counters["setpoint_expired"] += len(over)
                self.commands.stand_still(served, over)
            if served.watch.next_timer() is None:
                self._wire.armed.discard(robot)
        if self._ended is not None:
            return
        if self._safety_first_until and now >= self._safety_first_until:
            self._safety_first_until = 0.0
            if not self._links[Lane.CONTROL].up:
                self._links[Lane.CONTROL].want_hello(now)
        self._mind_lanes(now)
        self._mind_connection()
        if self._stale_at is not None and self._stale_at <= now:
            self._stale_at = None
            self._wire.counters["hub_gone"] += 1
            self.commands.hub_gone(now)
        if self._event_at is not None and self._event_at <= now:
            self._event_at = None
            for robot in self._robots:
                self.notices.notice(robot, "hub-lost", "the hub is silent", v1.SEVERITY_ERROR, now, now)
        self.commands.handle_timer(now)
        self.twin.handle_timer(now)

    def _mind_lanes(self, now: float) -> None:
        control, safety = self._links[Lane.CONTROL], self._links[Lane.SAFETY]
        was_up = control.up
        wanted = control.handle_timer(now)
        if was_up and not control.up:
            self._hub_forgot(now)
        if safety.handle_timer(now):
            self._say_hello(Lane.SAFETY, now)
        if wanted and not safety.up and now < self._safety_first_until:
            control.postpone(self._safety_first_until)  # Or as soon as the safety lane is there.
        elif wanted:
            self._say_hello(Lane.CONTROL, now)

    def take_outbox(self) -> list[tuple[Lane, list[bytes]]]:
        """What to send now."""
        return self._wire.take_outbox()

    def unsent(self, lane: Lane, frames: list[bytes]) -> None:
        """No connection: hellos are said again soon, outcomes by their own timer; all is counted."""
        header = decode_header(frames[0])
        self._wire.counters[f"unsent_{body_type_name(header.body_type).lower()}"] += 1
        if header.body_type == v1.BODY_TYPE_HELLO:
            self._links[lane].hello_unsent()
        elif header.body_type == v1.BODY_TYPE_PROPERTY_REPORT:
            served = self._robots.get(header.destination)
            if served is not None:
                served.properties.retry()
        elif header.body_type == v1.BODY_TYPE_NOTICE:
            self.notices.unsent(v1.Notice.FromString(frames[1]))
