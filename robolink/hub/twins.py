"""The hub's twin desk: writes, orders to drivers, reports, watches, and commands and stops through the twin.

Versions and the replay rule are core/twin.py's; a command through the twin is admitted by the command
desk like any other.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core import command as rules
from robolink.core import twincmd
from robolink.core.command import CommandRecord
from robolink.core.values import from_value, to_value
from robolink.core.violation import Violation, cause_name, state_name
from robolink.hub.commands import CommandDesk
from robolink.hub.leases import LeaseDesk
from robolink.hub.replies import Replies
from robolink.hub.site import MS, Machine, Peer, Site

ASK_AGAIN_NS: Final = 1_000 * MS
OWNER_PREFIX: Final = "twin:"
# A cloud's wall clock may be so far ahead; more would prolong a command's TTL.
MAX_AHEAD_MS: Final = 10_000


class TwinDesk:
    """Twins of all robots.

    Args:
        site: Shared state.
        commands: Where a command through the twin is admitted.
        leases: Where such a command gets the hub's own lease.
    """

    def __init__(self, site: Site, commands: CommandDesk, leases: LeaseDesk) -> None:
        """An empty desk."""
        self._site = site
        self._commands = commands
        self._leases = leases
        self._replies = Replies()
        # Robots whose verdicts were lost, and when to ask for them again.
        self._ask_again: dict[str, int] = {}
        # Twin command ids by command id, for cmd-status.
        self._twin_ids: dict[bytes, str] = {}

    def get(self, peer: Peer, header: v1.Header, body: v1.TwinGet) -> None:
        """The present twin, whole or by names."""
        machine = self._site.machine(body.robot)
        self._site.reply(peer, header, machine.twin.snapshot(tuple(body.names)), held=True)

    def watch(self, peer: Peer, header: v1.Header, body: v1.Watch) -> None:
        """From now on this peer hears of changes; the whole twins first."""
        peer.watch = body
        self._site.reply(peer, header, v1.WatchReply())
        if body.notices and body.HasField("notices_after"):
            for event in self._site.recent_notices:
                wanted = not body.robots or event.notice.robot in body.robots
                if wanted and event.notice_count > body.notices_after:
                    self._site.send(peer.identity, event)
        if body.twins:
            for machine in self._site.machines.values():
                if not body.robots or machine.robot in body.robots:
                    self._site.send(peer.identity, v1.Event(twin_delta=machine.twin.snapshot()), held=True)

    def write(self, peer: Peer, header: v1.Header, body: v1.TwinWrite) -> None:
        """A client writes a setting; the same message twice is one write.

        Raises:
            Violation: DENIED, UNKNOWN_ROBOT.
        """
        done = self._replies.get(header.message_id)
        if done is not None:
            self._site.reply(peer, header, done, held=True)
            return
        needed = {"stop": v1.ROLE_OPERATE, "cmd": v1.ROLE_OPERATE}.get(body.name, v1.ROLE_CONFIGURE)
        peer.need(needed, f"writing {body.name} of {body.robot}")
        machine = self._site.machine(body.robot)
        self._site.turn.failed.append(lambda text: self._not_kept(peer, header, text))
        try:
            version = self._write(peer, machine, body)
            reply = v1.TwinWriteReply(version=version)
        except Violation as violation:
            self._site.counters["twin_write_" + cause_name(violation.cause).lower()] += 1
            reply = v1.TwinWriteReply(cause=violation.cause, text=violation.text, version=violation.version)
        self._replies.put(header.message_id, reply)
        self._site.reply(peer, header, reply, held=True)

    def _not_kept(self, peer: Peer, header: v1.Header, text: str) -> None:
        self._replies.drop(header.message_id)
        self._site.reply(peer, header, v1.TwinWriteReply(cause=v1.CAUSE_STORAGE, text=text))

    def _write(self, peer: Peer, machine: Machine, body: v1.TwinWrite) -> int:
        if_version = body.if_version if body.HasField("if_version") else None
        if body.name == "cmd":
            self._decode(machine, body.value)  # Malformed: nothing is written.
        before = self._state(machine, body.name)
        desired = machine.twin.write(body.name, body.value, if_version)
        if before is not None and before.desired == desired:
            return desired.version  # A stop that may not be lowered: nothing was written.
        self._keep(machine, body.name, before)
        if body.name == "cmd":
            self._command(peer, machine, self._decode(machine, body.value))
        elif body.name == "stop":
            self._stop(peer, machine, str(from_value(body.value)))
        elif machine.driver is not None:
            order = v1.SettingOrder(robot=machine.robot, name=body.name, desired=desired)
            self._site.send(machine.driver.identity, order, held=True, destination=machine.robot)
        return desired.version

    @staticmethod
    def _state(machine: Machine, name: str) -> v1.PropertyState | None:
        return next(iter(machine.twin.snapshot((name,)).properties), None)

    def _keep(self, machine: Machine, name: str, before: v1.PropertyState | None) -> None:
        """Journal one property and tell the watchers; what cannot be kept is again as it was `before`."""
        state = machine.twin.snapshot((name,)).properties[0]
        self._site.turn.batch.property(machine.robot, state)
        if before is not None:
            self._site.turn.failed.append(lambda _text: machine.twin.load(before))
        self._delta(machine, [state])

    def _delta(self, machine: Machine, states: list[v1.PropertyState]) -> None:
        for watcher in self._site.watchers(machine.robot):
            if watcher.watch is not None and watcher.watch.twins:
                event = v1.Event(twin_delta=v1.Twin(robot=machine.robot, properties=states))
                self._site.send(watcher.identity, event, held=True)

    # Orders to and reports from drivers.

    def driver_here(self, machine: Machine, *, new_session: bool) -> None:
        """Send the driver what is desired: all of it to a new session, else what it has not observed yet."""
        if machine.driver is None:
            return
        orders = machine.twin.orders_for_new_session() if new_session else machine.twin.pending()
        for name, desired in orders:
            order = v1.SettingOrder(robot=machine.robot, name=name, desired=desired)
            self._site.send(machine.driver.identity, order, held=True, destination=machine.robot)

    def report(self, peer: Peer, body: v1.PropertyReport) -> None:
        """A driver reports settings and readings.

        Raises:
            Violation: DENIED, it does not serve that robot.
        """
        if body.robot not in peer.robots:
            raise Violation(v1.CAUSE_DENIED, f"{peer.name} does not serve {body.robot!r}")
        machine = self._site.machine(body.robot)
        deltas = []
        for state in body.properties:
            before = self._state(machine, state.name) if state.HasField("observed") else None
            delta = machine.twin.report_by_driver(state, self._site.now_ns)
            if delta is None:
                continue
            deltas.append(delta)
            if delta.HasField("observed"):
                # Versions must survive; a reading is measured again.
                self._site.turn.batch.property(
                    machine.robot, machine.twin.snapshot((delta.name,)).properties[0]
                )
                self._site.turn.failed.append(lambda _text, kept=before: self._verdict_lost(machine, kept))  # type: ignore[misc]
        if deltas:
            self._delta(machine, deltas)
            self._show(machine, "setting-errors", machine.twin.setting_errors())

    def _verdict_lost(self, machine: Machine, before: v1.PropertyState | None) -> None:
        """A verdict that could not be kept was told to nobody: it is asked for again."""
        if before is not None:
            machine.twin.load(before)
            self._ask_again[machine.robot] = self._site.now_ns + ASK_AGAIN_NS

    def handle_timer(self) -> None:
        """Order again what has no verdict, where one was lost."""
        for robot in [each for each, at_ns in self._ask_again.items() if at_ns <= self._site.now_ns]:
            del self._ask_again[robot]
            self.driver_here(self._site.machines[robot], new_session=False)

    def driver_away(self, machine: Machine) -> None:
        """What it reported is old now."""
        machine.twin.mark_stale()
        self._delta(machine, list(machine.twin.snapshot().properties))

    def _show(self, machine: Machine, name: str, text: str) -> None:
        before = self._state(machine, name)
        if before is not None and before.HasField("reported") and from_value(before.reported.value) == text:
            return
        machine.twin.set_reading(name, to_value(text), self._site.now_ns)
        self._keep(machine, name, before)

    # Commands and stops through the twin.

    def _decode(self, machine: Machine, value: v1.Value) -> twincmd.TwinCommand | None:
        text = str(from_value(value) or "")
        if not text:
            return None
        try:
            return twincmd.decode(text)
        except ValueError as exc:
            raise Violation(v1.CAUSE_INVALID, f"{machine.robot}: cmd is malformed: {exc}") from exc

    def _command(self, peer: Peer, machine: Machine, order: twincmd.TwinCommand | None) -> None:
        """Admit the command that was written to `cmd`; its verdicts appear in `cmd-status`."""
        site = self._site
        if order is None:
            return
        command_id = twincmd.command_id(machine.robot, order.id)
        if order.id == machine.twin_id or site.table.get(command_id) is not None:
            site.counters["twin_cmd_redelivered"] += 1
            return
        known = machine.twin_id
        site.turn.failed.append(lambda _text: setattr(machine, "twin_id", known))
        machine.twin_id = order.id
        site.turn.batch.twin_id(machine.robot, order.id)
        try:
            self._check_time(machine, order)
            if order.method == "release":
                self._release(peer, machine, order)
            elif order.method == "cancel":
                self._cancel(machine, order)
            else:
                self._admit(peer, machine, order, command_id)
        except Violation as violation:
            state = "EXPIRED" if violation.cause == v1.CAUSE_TOO_LATE else "REJECTED"
            site.counters["twin_cmd_" + cause_name(violation.cause).lower()] += 1
            self._status(machine, order.id, state, cause_name(violation.cause))

    def _check_time(self, machine: Machine, order: twincmd.TwinCommand) -> None:
        if self._site.wall_ms is None:
            raise Violation(
                v1.CAUSE_NO_TIMESYNC, "this hub's wall clock is not synchronised; cloud commands need it"
            )
        ahead_ms = order.issued_ms - self._site.wall_ms
        if ahead_ms > MAX_AHEAD_MS:
            raise Violation(
                v1.CAUSE_NO_TIMESYNC,
                f"{machine.robot}: cmd {order.id} is issued {ahead_ms} ms ahead of this hub",
            )
        late_ms = self._site.wall_ms - (order.issued_ms + order.ttl_ms)
        if late_ms > 0:
            raise Violation(
                v1.CAUSE_TOO_LATE, f"{machine.robot}: cmd {order.id} is {late_ms} ms over its ttl"
            )

    def _admit(self, peer: Peer, machine: Machine, order: twincmd.TwinCommand, command_id: bytes) -> None:
        site = self._site
        method = machine.index.method(order.method)
        if method is None:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{machine.robot} has no method {order.method!r}")
        if method.maintenance:
            raise Violation(
                v1.CAUSE_DENIED, f"{machine.robot}: {order.method} takes a person's lease, not a twin's"
            )
        try:
            args = twincmd.bind(order, method)
        except ValueError as exc:
            raise Violation(v1.CAUSE_INVALID, str(exc)) from exc
        body = v1.Command(
            method=order.method, args=args, on_disconnect=v1.ON_DISCONNECT_CONTINUE, claimed_by=peer.name
        )
        header = v1.Header(
            major=1,
            message_id=command_id,
            destination=machine.robot,
            body_type=v1.BODY_TYPE_COMMAND,
            sent_ns=site.now_ns,
            stop_generation=machine.latch.generation,
        )
        owner = OWNER_PREFIX + machine.robot
        if method.motion:
            header.lease.CopyFrom(self._leases.of_twin(machine, owner))
        data = body.SerializeToString(deterministic=True)
        record = self._commands.admit(
            header,
            data,
            body,
            digest=rules.digest(machine.robot, data),
            owner=owner,
            session_id=site.session_id,
            peer=b"",
        )
        self._twin_ids[command_id] = order.id
        site.audit(owner, "command", machine.robot, f"{order.id}: {order.method}", claimed_by=peer.name)
        self._commands.deliver(record)

    def _cancel(self, machine: Machine, order: twincmd.TwinCommand) -> None:
        other = dict(order.args).get("id", "")
        record = self._site.table.get(twincmd.command_id(machine.robot, other))
        if record is None:
            raise Violation(v1.CAUSE_INVALID, f"{machine.robot}: no command {other!r} of this twin is kept")
        self._commands.cancel_record(record, f"cancelled by {OWNER_PREFIX}{machine.robot}", held=True)
        self._status(machine, order.id, "SUCCEEDED", "")

    def _release(self, peer: Peer, machine: Machine, order: twincmd.TwinCommand) -> None:
        peer.need(v1.ROLE_SAFETY, f"releasing {machine.robot}")
        text = dict(order.args).get("generation", "")
        if not text.isdigit():
            raise Violation(v1.CAUSE_INVALID, "release needs generation:N, the newest stop generation")
        machine.latch.check_release(int(text))
        target = v1.ReleaseTarget(robot=machine.robot, generation=int(text))
        self._site.safety_requests.append(v1.Release(targets=[target]))
        self._status(machine, order.id, "SUCCEEDED", "")

    def _stop(self, peer: Peer, machine: Machine, level: str) -> None:
        if not level:
            return
        stop = v1.Stop(
            robots=[machine.robot],
            level=f"STOP_LEVEL_{level}",
            reason=f"twin write by {peer.name}",
        )
        self._site.safety_requests.append(stop)

    def stop_changed(self, machine: Machine) -> None:
        """The latch has changed: a release clears the twin's `stop`, so that the next write may raise it again."""
        if machine.latch.latched:
            self._report_stop(machine, v1.StopLevel.Name(machine.latch.level).removeprefix("STOP_LEVEL_"))
        else:
            machine.twin.clear_stop()
            self._report_stop(machine, "")

    def _report_stop(self, machine: Machine, level: str) -> None:
        version = machine.twin.snapshot(("stop",)).properties[0].desired.version
        observed = v1.Observed(version=version, verdict=v1.VERDICT_APPLIED)
        reported = v1.Reported(value=to_value(level), time_ns=self._site.now_ns, quality=v1.QUALITY_GOOD)
        state = v1.PropertyState(name="stop", observed=observed, reported=reported)
        if machine.twin.report(state, self._site.now_ns) is not None:
            # The latch stands whether or not the journal took this: nothing to go back to.
            self._keep(machine, "stop", None)

    def on_state(self, record: CommandRecord) -> None:
        """A command has a new state: show it, if it came through a twin."""
        if not record.owner.startswith(OWNER_PREFIX):
            return
        machine = self._site.machines[record.robot]
        twin_id = self._twin_ids.get(record.id) or self._read_back(machine, record.id)
        if twin_id is None:
            self._site.counters["twin_cmd_unnamed"] += 1
            return
        cause = cause_name(record.cause) if record.cause else ""
        self._status(machine, twin_id, state_name(record.state), cause)
        if record.terminal:
            self._twin_ids.pop(record.id, None)

    def _read_back(self, machine: Machine, command_id: bytes) -> str | None:
        """After a restart of the hub: an id cannot be told from its command's, but the last ones stand in the twin."""
        shown = self._state(machine, "cmd-status")
        text = "" if shown is None else str(from_value(shown.reported.value) or "")
        for twin_id in (machine.twin_id, *twincmd.Status.parse(text)):
            if twincmd.command_id(machine.robot, twin_id) == command_id:
                return twin_id
        return None

    def _status(self, machine: Machine, twin_id: str, state: str, cause: str) -> None:
        present = self._state(machine, "cmd-status")
        text = "" if present is None else str(from_value(present.reported.value) or "")
        self._show(machine, "cmd-status", twincmd.Status.push(text, twin_id, state, cause))
        self._observe_cmd(machine)

    def _observe_cmd(self, machine: Machine) -> None:
        """The hub has read `cmd`: observed follows desired, reported echoes it, as DMI wants both halves."""
        before = machine.twin.snapshot(("cmd",)).properties[0]
        desired = before.desired
        state = v1.PropertyState(
            name="cmd",
            observed=v1.Observed(version=desired.version, verdict=v1.VERDICT_APPLIED),
            reported=v1.Reported(value=desired.value, time_ns=self._site.now_ns, quality=v1.QUALITY_GOOD),
        )
        if machine.twin.report(state, self._site.now_ns) is not None:
            self._keep(machine, "cmd", before)
