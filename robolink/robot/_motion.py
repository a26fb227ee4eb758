"""Stops, releases and setpoints at the robot: the latch, its merge at a hello, the deadman's first step.

Stopping asks for nothing; moving is judged here once more, after the hub.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from robolink import v1
from robolink.core.age import setpoint_ttl_ms
from robolink.core.lease import token_of
from robolink.core.sheet import check_mode, scale_setpoint
from robolink.core.stop import MAX_GENERATION
from robolink.core.violation import Violation
from robolink.robot._actions import ApplySetpoint, Released, StopChanged, StopNow
from robolink.robot._commands import CommandRules
from robolink.robot._served import Served
from robolink.robot._wire import Wire
from robolink.transports.lanes import Lane

log = logging.getLogger(__name__)


class MotionRules:
    """Stops and setpoints of every robot of one session.

    Args:
        wire: Shared state.
        robots: Shared with the session.
        commands: Ends motion commands at a stop.
    """

    def __init__(self, wire: Wire, robots: Mapping[str, Served], commands: CommandRules) -> None:
        """Nothing moves."""
        self._wire = wire
        self._robots = robots
        self._commands = commands
        self.connected = False

    def merge_stops(self, body: v1.HelloReply, now: float) -> None:
        """At a hello: the larger generation wins; at the same one the hub is believed."""
        for authority in body.authorities:
            served = self._robots.get(authority.robot)
            if served is None or authority.stop.generation < served.latch.generation:
                continue
            same = authority.stop.generation == served.latch.generation
            if same and authority.stop.released_ns < served.latch.released_ns:
                continue  # From before the release that we know of: the other lane was quicker.
            if authority.stop.generation > MAX_GENERATION:
                self._wire.counters["stop_generation_unbelievable"] += 1
                continue
            before = served.latch.state()
            served.latch.load(authority.stop)
            raised = served.latch.generation > before.generation
            if served.latch.latched and (raised or not before.latched):
                self._stop(served, b"", served.latch.level, now)
            elif raised and self._moving(served):
                # Stopped and released while we were away: what ran under the older one must not run on.
                self._stop(served, b"", served.latch.level, now)
            if before.latched and not served.latch.latched:
                self._wire.emit(Released(robot=served.robot, generation=served.latch.generation))
            self._show(served)

    def _moving(self, served: Served) -> bool:
        return bool(self._commands.ledger.live(served.robot)) or served.watch.next_timer() is not None

    def _show(self, served: Served) -> None:
        latch = served.latch
        self._wire.emit(StopChanged(robot=served.robot, generation=latch.generation, latched=latch.latched))

    def stop_order(self, header: v1.Header, body: v1.StopOrder, now: float) -> None:
        """Stop now. Executed each time it comes, whatever its generation."""
        served = self._robots.get(body.robot)
        if served is None:
            result = v1.StopResult(
                robot=body.robot,
                verdict=v1.STOP_VERDICT_UNREACHABLE,
                generation=body.stop.generation,
                text=f"this driver does not serve {body.robot!r}",
            )
            self._report_stop(header.message_id, result, now)
            return
        if body.stop.generation > MAX_GENERATION:
            # Stopped all the same; only the number is not taken.
            self._wire.counters["stop_generation_unbelievable"] += 1
            served.latch.latched = True
        elif body.stop.generation >= served.latch.generation:
            served.latch.load(body.stop)
            served.latch.latched = True
        self._show(served)
        self._stop(served, header.message_id, body.stop.level, now)

    def _stop(self, served: Served, order_id: bytes, level: int, now: float) -> None:
        by = f" by {served.latch.stopped_by}" if served.latch.stopped_by else ""
        self._wire.emit(
            StopNow(
                robot=served.robot,
                level=level or v1.STOP_LEVEL_SOFT_HOLD,  # type: ignore[arg-type]
                generation=served.latch.generation,
                order_id=order_id,
                arrived_at=now,
            )
        )
        self._commands.stand_still(served, served.watch.disarm_all())
        self._commands.stopped(served.robot, now, f"stopped{by}")

    def stop_done(self, order_id: bytes, result: v1.StopResult, now: float) -> None:
        """The handler's verdict on a stop."""
        if order_id:
            self._report_stop(order_id, result, now)

    def _report_stop(self, order_id: bytes, result: v1.StopResult, now: float) -> None:
        report = v1.StopReport(result=result)
        self._wire.send(report, now, lane=Lane.SAFETY, destination=result.robot, correlation_id=order_id)

    def release_order(self, body: v1.ReleaseOrder) -> None:
        """End the latch, if the order names the newest generation."""
        served = self._robots.get(body.robot)
        if served is None:
            return
        was_latched = served.latch.latched
        try:
            served.latch.release(body.generation, at_ns=body.released_ns)
        except Violation:
            self._wire.counters["release_of_other_generation"] += 1
            return
        self._show(served)
        if was_latched:
            self._wire.emit(Released(robot=served.robot, generation=body.generation))

    # Setpoints.

    def setpoint(self, header: v1.Header, body: v1.Setpoint, now: float) -> None:
        """One sample of a continuous order; refusals are counted, nobody is answered."""
        try:
            self._take_setpoint(header, body, now)
        except Violation as violation:
            self._wire.counters["setpoint_refused"] += 1
            log.debug("setpoint refused: %s", violation.text)

    def _take_setpoint(self, header: v1.Header, body: v1.Setpoint, now: float) -> None:
        robot, _, component = header.destination.partition("/")
        served = self._robots.get(robot)
        info = None if served is None else served.index.setpoint(component, body.name)
        if served is None or info is None:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"no setpoint {header.destination}.{body.name}")
        served.may_move(header.stop_generation, header.sent_ns, stoppable=self.connected)
        if not self._wire.clock.synced:
            raise Violation(v1.CAUSE_NO_TIMESYNC, f"{robot}: no clock offset to the hub yet")
        values, scaled = scale_setpoint(info, tuple(body.values))
        if self._commands.goal_on(robot, component):
            raise Violation(v1.CAUSE_BUSY, f"{header.destination} runs a goal")
        if scaled:
            self._wire.counters["setpoint_scaled"] += 1
        check_mode(f"{robot}/{component}.{body.name}", info.modes, served.mode())
        ttl_ms = setpoint_ttl_ms(header.ttl_ms, info.ttl_ms, self._wire.timeouts.setpoint_ttl_ms)
        lease = token_of(header.lease)
        valid_s = served.watch.accept(
            component,
            body.name,
            token=lease,
            sent_ns=header.sent_ns,
            age_s=(self._wire.site_ns(now) - header.sent_ns) / 1e9,
            ttl_s=ttl_ms / 1e3,
            now=now,
        )
        self._wire.armed.add(robot)
        action = ApplySetpoint(
            robot=robot,
            component=component,
            name=body.name,
            values=values,
            expires_at=now + valid_s,
            lease=lease,
        )
        self._wire.emit(action)
