"""The hub's command desk: admission, delivery, outcomes, cancels, and what happens when a driver goes or comes back.

Which state may follow which is core/command.py's; who may move is core/lease.py's and core/stop.py's. No I/O here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from robolink import v1
from robolink.core import command as rules
from robolink.core.command import CommandRecord, Mark, Writer
from robolink.core.envelope import MAX_RESULT_BYTES, MESSAGE_ID_BYTES
from robolink.core.violation import Violation, state_name
from robolink.hub.admission import admit, new_record
from robolink.hub.site import Machine, Peer, Site

REJECTED_KEPT: Final = 10_000
MAX_TEXT: Final = 4096


def check_id(command_id: bytes) -> None:
    """Whether it can be a command's id.

    Raises:
        Violation: INVALID.
    """
    if len(command_id) != MESSAGE_ID_BYTES:
        text = f"a command id has {MESSAGE_ID_BYTES} bytes, this one {len(command_id)}"
        raise Violation(v1.CAUSE_INVALID, text)


class CommandDesk:
    """Commands of all robots.

    Args:
        site: Shared state.
        on_state: Told after each state that a command took; the twin desk shows those of twin commands.
    """

    def __init__(self, site: Site, on_state: Callable[[CommandRecord], None]) -> None:
        """An empty desk."""
        self._site = site
        self._on_state = on_state
        self._rejected: OrderedDict[bytes, tuple[bytes, v1.CommandUpdate]] = OrderedDict()

    # From clients.

    def command(
        self, peer: Peer, header: v1.Header, header_bytes: bytes, body_bytes: bytes, body: v1.Command
    ) -> None:
        """A client's command: admit it, or say why not. A resend gets the present state."""
        digest = rules.digest(header.destination, body_bytes)
        try:
            peer.need(v1.ROLE_OPERATE, f"commanding {header.destination}")
            if self._answer_resend(peer, header.message_id, digest):
                return
            record = self.admit(
                header,
                body_bytes,
                body,
                digest=digest,
                owner=peer.name,
                session_id=peer.session_id,
                peer=peer.identity,
                maintain=peer.has(v1.ROLE_MAINTAIN),
            )
        except Violation as violation:
            self.reject(header.message_id, header.destination, digest, violation, peer.identity)
            return
        self._deliver(record)

    def _answer_resend(self, peer: Peer, command_id: bytes, digest: bytes) -> bool:
        rejected = self._rejected.get(command_id)
        if rejected is not None:
            if rejected[0] != digest:
                raise Violation(
                    v1.CAUSE_ID_REUSED,
                    f"command id {command_id.hex()} was used with another body; make a new id",
                )
            self._tell(peer.identity, rejected[1], held=False)
            return True
        record = self._site.table.seen(command_id, digest)
        if record is None:
            return False
        self._follow(record, peer)
        self._site.counters["command_resent"] += 1
        # Held: the record may have been made in this very turn.
        self._tell(peer.identity, record.update(), held=True)
        return True

    def admit(
        self,
        header: v1.Header,
        body_bytes: bytes,
        body: v1.Command,
        *,
        digest: bytes,
        owner: str,
        session_id: int,
        peer: bytes,
        maintain: bool = False,
    ) -> CommandRecord:
        """Check everything that can be checked before a driver sees it, and journal.

        Raises:
            Violation: Any cause; nothing was kept.
        """
        site = self._site
        admitted = admit(site, header, body, session_id=session_id, maintain=maintain)
        record = new_record(site, admitted, header, body_bytes, body, digest=digest, owner=owner)
        record.peer = peer
        site.table.add(record)
        site.turn.batch.command(record)
        site.turn.failed.append(lambda text: self._storage_failed(record, text))
        if record.motion and body.preempt:
            self._preempt(admitted.machine, record)
        return record

    def check(self, peer: Peer, header: v1.Header, body: v1.CommandCheck) -> None:
        """A dry run: what a command with this header would be answered now."""
        reply = v1.CommandCheckReply()
        try:
            peer.need(v1.ROLE_OPERATE, f"commanding {header.destination}")
            session_id, maintain = peer.session_id, peer.has(v1.ROLE_MAINTAIN)
            admit(self._site, header, body.command, session_id=session_id, maintain=maintain)
        except Violation as violation:
            reply.cause, reply.text = violation.cause, violation.text
        self._site.reply(peer, header, reply)

    def _preempt(self, machine: Machine, new: CommandRecord) -> None:
        for other in self._site.table.live(machine.robot):
            if other.goal and other.motion and other.component == new.component and other.id != new.id:
                self.cancel_record(other, "preempted", end_state=rules.PREEMPTED, held=True)

    def _deliver(self, record: CommandRecord) -> None:
        machine = self._site.machines[record.robot]
        self._tell(record.peer, record.update(), held=True)
        self._on_state(record)
        if machine.driver is not None:
            record.delivered_to = machine.driver.identity
            record.hops.append(("hub", "forwarded", self._site.now_ns))
            self._site.forward(machine.driver.identity, [record.header, record.body], held=True)

    def deliver(self, record: CommandRecord) -> None:
        """Forward an admitted command (of a twin) after the commit."""
        self._deliver(record)

    def reject(self, command_id: bytes, robot: str, digest: bytes, violation: Violation, peer: bytes) -> None:
        """Answer REJECTED; the id stays rejected, so that a duplicate on its way is not admitted later."""
        update = v1.CommandUpdate(
            command_id=command_id,
            robot=robot,
            state=rules.REJECTED,
            cause=violation.cause,
            text=violation.text,
            time_ns=self._site.now_ns,
        )
        keep = violation.cause != v1.CAUSE_ID_REUSED
        if keep:
            self._rejected[command_id] = (digest, update)
            self._site.turn.batch.rejected(digest, update)
            # A full disk must not keep the answer back.
            self._site.turn.failed.append(lambda _text: self._tell(peer, update, held=False))
            if len(self._rejected) > REJECTED_KEPT:
                oldest, _ = self._rejected.popitem(last=False)
                self._site.counters["rejected_forgotten_early"] += 1
                self._site.turn.batch.forget_rejected([oldest])
        self._site.counters["rejected_" + v1.Cause.Name(violation.cause).removeprefix("CAUSE_").lower()] += 1
        self._tell(peer, update, held=keep)

    def _storage_failed(self, record: CommandRecord, text: str) -> None:
        self._site.table.forget(record.id)
        self.reject(record.id, record.robot, record.digest, Violation(v1.CAUSE_STORAGE, text), record.peer)

    def _follow(self, record: CommandRecord, peer: Peer) -> None:
        """Updates go to who sent it: to this peer only if it is that one, come back, or if nobody hears them."""
        if peer.name == record.owner or record.peer not in self._site.peers:
            record.peer = peer.identity

    def kept(self, command_id: bytes) -> CommandRecord:
        """A command by its id.

        Raises:
            Violation: INVALID, none is kept.
        """
        check_id(command_id)
        record = self._site.table.get(command_id)
        if record is None:
            raise Violation(
                v1.CAUSE_INVALID, f"no command {command_id.hex()} is kept; it ended long ago or never came"
            )
        return record

    def query(self, peer: Peer, header: v1.Header, body: v1.CommandQuery) -> None:
        """The present state; state UNSPECIFIED if the hub never had it (or has forgotten it)."""
        check_id(body.command_id)
        record = self._site.table.get(body.command_id)
        rejected = self._rejected.get(body.command_id)
        if record is not None:
            self._follow(record, peer)
            update = record.update()
        elif rejected is not None:
            update = rejected[1]
        else:
            update = v1.CommandUpdate(command_id=body.command_id, robot=header.destination)
        self._site.reply(peer, header, update, held=True)

    def cancel(self, peer: Peer, header: v1.Header, body: v1.CommandCancel) -> None:
        """A client asks to cancel; anybody who may operate, like a stop of one command."""
        peer.need(v1.ROLE_OPERATE, "cancelling a command")
        record = self.kept(body.command_id)
        self.cancel_record(record, body.reason or f"cancelled by {peer.name}")
        self._site.reply(peer, header, record.update(), held=True)

    def cancel_record(
        self,
        record: CommandRecord,
        reason: str,
        *,
        end_state: v1.CommandState = rules.CANCELED,
        cause: int = 0,
        held: bool = False,
    ) -> None:
        """Tell the driver to end it; the driver writes the outcome."""
        machine = self._site.machines[record.robot]
        if record.terminal:
            return
        order = v1.CommandCancel(command_id=record.id, reason=reason, end_state=end_state, cause=cause)  # type: ignore[arg-type]
        if machine.driver is None:
            record.owed = order  # Told to the driver when it is back.
            return
        self._site.send(machine.driver.identity, order, destination=record.robot, held=held)

    # From drivers.

    def update(self, peer: Peer, header: v1.Header, body: v1.CommandUpdate) -> None:
        """A driver's word on a command: journal, acknowledge what is terminal, tell the owner."""
        site = self._site
        check_id(body.command_id)
        record = site.table.get(body.command_id)
        # Its driver's word counts also while the robot is off the driver's list.
        if record is None or not (record.robot in peer.robots or record.driver_session == peer.session_id):
            # Nothing to keep it in (the store was lost, or it is not this driver's): say so, and let the driver forget.
            site.counters["update_unknown_command"] += 1
            self._acknowledge(peer, body.command_id)
            return
        if record.state in rules.ENDED_BY_HUB and body.state not in rules.TERMINAL:
            site.counters["update_after_end"] += 1
            self._end_at_driver(peer, record.id, record.robot)
            return
        before = record.mark()
        result, text = body.result, body.text[:MAX_TEXT]
        if len(result) > MAX_RESULT_BYTES:
            site.counters["result_too_long"] += 1
            result = b""
        try:
            changed = site.table.advance(
                record,
                body.state,
                Writer.DRIVER,
                now_ns=site.now_ns,
                cause=body.cause,
                text=text
                if result == body.result
                else f"{text} (result over {MAX_RESULT_BYTES} bytes: dropped)",
                result=result,
            )
        except Violation:
            site.counters["update_illegal"] += 1
            raise
        if changed:
            if record.late is None:
                record.hops.append(("driver", state_name(body.state), body.time_ns))
                record.hops.append(("hub", f"{state_name(body.state)} kept", site.now_ns))
            else:
                site.notice(
                    record.robot, "late-outcome", f"{record.method}: {state_name(body.state)} after the end"
                )
            self._keep(record, before)
        if body.state in rules.TERMINAL:
            self._acknowledge(peer, body.command_id)

    def _acknowledge(self, peer: Peer, command_id: bytes) -> None:
        self._site.send(peer.identity, v1.CommandUpdateAck(command_id=command_id), held=True)

    def _keep(self, record: CommandRecord, before: Mark) -> None:
        site = self._site
        site.turn.batch.command_state(record)
        site.turn.failed.append(lambda _text: site.table.restore(record, before))
        self._tell(record.peer, record.update(), held=True)
        self._on_state(record)

    def feedback(self, peer: Peer, header: v1.Header, frames: list[bytes]) -> None:
        """Forward to the owner, unread."""
        record = self._site.table.get(header.correlation_id)
        if record is None or record.robot not in peer.robots or record.terminal:
            self._site.counters["feedback_unknown_command"] += 1
            return
        if record.peer in self._site.peers:
            if header.source != peer.name:
                header.source = peer.name
                frames = [header.SerializeToString(), *frames[1:]]
            self._site.forward(record.peer, frames)

    # Drivers that go and come.

    def driver_here(self, machine: Machine, peer: Peer, live_ids: Iterable[bytes]) -> None:
        """A driver said hello: resume what it still runs, re-deliver what never arrived, end the rest.

        Raises nothing; every live command of the robot is settled or resumed.
        """
        listed = set(live_ids)
        for record in self._site.table.live(machine.robot):
            if record.driver_session != peer.session_id:
                self._end(
                    record,
                    rules.LOST,
                    v1.CAUSE_DISCONNECTED,
                    "its driver was restarted; the outcome is unknown",
                )
            elif record.id in listed:
                record.stale = record.recovered = False
                record.delivered_to = peer.identity
                if record.owed is not None:
                    self._site.send(peer.identity, record.owed, destination=record.robot)
                    record.owed = None
            elif record.state != rules.ACCEPTED:
                self._end(record, rules.LOST, v1.CAUSE_DISCONNECTED, "its driver does not know it any more")
            elif record.delivered_to == peer.identity:
                continue  # The same connection as before: it is on its way, behind what this hello could know.
            elif record.recovered or record.deadline_ns < self._site.now_ns:
                self._end(
                    record, rules.EXPIRED, v1.CAUSE_TOO_LATE, "not delivered before the connection broke"
                )
            else:
                record.delivered_to = peer.identity
                self._site.forward(peer.identity, [record.header, record.body], held=True)
        for command_id in listed:
            known = self._site.table.get(command_id)
            if known is None or known.state in rules.ENDED_BY_HUB:
                self._end_at_driver(peer, command_id, machine.robot)

    def _end_at_driver(self, peer: Peer, command_id: bytes, robot: str) -> None:
        """What has ended for everybody must not go on there; of its own outcome a driver knows better."""
        order = v1.CommandCancel(command_id=command_id, reason="ended meanwhile", cause=v1.CAUSE_DISCONNECTED)
        self._site.send(peer.identity, order, destination=robot)

    def driver_away(self, machine: Machine) -> None:
        """Its driver is silent: its commands are shown as stale, and may still come back."""
        for record in self._site.table.live(machine.robot):
            record.stale = True
            self._tell(record.peer, record.update(), held=False)

    def driver_lost(self, machine: Machine) -> None:
        """It did not come back in time: what it ran is LOST."""
        for record in self._site.table.live(machine.robot):
            text = "its driver did not come back in time; the outcome is unknown"
            self._end(record, rules.LOST, v1.CAUSE_DISCONNECTED, text)

    def undelivered(self, command_id: bytes) -> None:
        """The socket refused a command for its driver: it certainly did not run."""
        record = self._site.table.get(command_id)
        if record is not None and record.state == rules.ACCEPTED:
            self._end(
                record, rules.CANCELED, v1.CAUSE_UNREACHABLE, f"{record.robot}: its driver cannot be reached"
            )

    def _end(self, record: CommandRecord, state: v1.CommandState, cause: v1.Cause, text: str) -> None:
        before = record.mark()
        if self._site.table.advance(
            record, state, Writer.HUB, now_ns=self._site.now_ns, cause=cause, text=text
        ):
            record.hops.append(("hub", state_name(state), self._site.now_ns))
            self._keep(record, before)

    # Owners that go.

    def lease_ended(self, robot: str, token: tuple[int, int], reason: str) -> None:
        """The owner of that lease is gone: end its goals, each by its on_disconnect."""
        for record in self._site.table.live(robot):
            if record.lease == token and record.motion and record.on_disconnect != v1.ON_DISCONNECT_CONTINUE:
                self.cancel_record(record, reason, cause=v1.CAUSE_DISCONNECTED)

    def lease_taken(self, robot: str, token: tuple[int, int], reason: str) -> None:
        """Somebody took that lease over: its motion ends PREEMPTED, whatever its on_disconnect says."""
        for record in self._site.table.live(robot):
            if record.lease == token and record.motion:
                self.cancel_record(record, reason, end_state=rules.PREEMPTED)

    def goals_on(self, robot: str, component: str) -> bool:
        """Whether a motion goal runs on that component."""
        return any(r.goal and r.motion and r.component == component for r in self._site.table.live(robot))

    def purge(self) -> None:
        """Forget what has been kept long enough."""
        ids = self._site.table.purge(self._site.now_ns)
        if ids:
            self._site.turn.batch.forget_commands(ids)
        over_ns = self._site.now_ns - self._site.table.retention_ns
        old = [each for each, (_, update) in self._rejected.items() if update.time_ns < over_ns]
        for each in old:
            del self._rejected[each]
        if old:
            self._site.turn.batch.forget_rejected(old)

    def load_rejections(self, rejections: Iterable[tuple[bytes, v1.CommandUpdate]]) -> None:
        """What former hubs have refused; its clock may have been another one: kept a full period more."""
        for digest, update in rejections:
            update.time_ns = self._site.now_ns
            self._rejected[update.command_id] = (digest, update)

    def _tell(self, identity: bytes, update: v1.CommandUpdate, *, held: bool) -> None:
        site = self._site
        if identity in site.peers:
            site.send(identity, update, held=held, correlation_id=update.command_id, destination=update.robot)
        for watcher in site.watchers(update.robot):
            if watcher.watch is not None and watcher.watch.commands and watcher.identity != identity:
                event = v1.Event(command=update)
                record = site.table.get(update.command_id)
                if record is not None:
                    event.method, event.owner = record.method, record.owner
                site.send(watcher.identity, event, held=held)
