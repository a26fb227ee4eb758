"""The hub's sans-IO front: a message from a peer in, replies and orders out; hellos, beats, lost peers, bad input.

It hands each message to the desk that knows its rule. It opens nothing: the server moves bytes, keeps batches, tells the time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import MAX_BODY_BYTES, body_type_name, decode_body, decode_header
from robolink.core.sheet import is_label, shown
from robolink.core.violation import Violation, cause_name
from robolink.errors import FrameTooLongError, RemoteProtocolError
from robolink.hub.audit import RECENT_KEPT
from robolink.hub.authority import AuthorityDesk
from robolink.hub.commands import CommandDesk
from robolink.hub.config import HubConfig
from robolink.hub.hellos import HelloDesk
from robolink.hub.leases import LeaseDesk
from robolink.hub.queries import QueryDesk
from robolink.hub.roles import KeyIdentity
from robolink.hub.site import MAX_NOTICE, MS, Peer, Site, Turn
from robolink.hub.traces import trace
from robolink.hub.twins import TwinDesk
from robolink.store import Journal

log = logging.getLogger(__name__)

TICK_NS: Final = 50 * MS
# A tick that comes so late was held up.
STALL_NS: Final = 500 * MS
PURGE_NS: Final = 5_000 * MS

READS: Final = frozenset(
    {
        v1.BODY_TYPE_ROBOTS_QUERY,
        v1.BODY_TYPE_DESCRIBE,
        v1.BODY_TYPE_STATUS_QUERY,
        v1.BODY_TYPE_COMMAND_QUERY,
        v1.BODY_TYPE_TRACE_QUERY,
        v1.BODY_TYPE_TWIN_GET,
        v1.BODY_TYPE_WATCH,
    }
)

HINTS: Final[dict[int, str]] = {
    v1.CAUSE_NO_HELLO: "say HELLO first",
    v1.CAUSE_ROBOT_TAKEN: "stop the other driver, or give this robot another id",
    v1.CAUSE_DENIED: "ask for the role, or use a key that has it",
    v1.CAUSE_VERSION: "update the older side",
    v1.CAUSE_UNKNOWN_ROBOT: "list the robots: robolink robots",
}


class Broker:
    """The rules of one hub, over all its peers.

    Args:
        config: Checked configuration.
        journal: Read once, at the start; later changes leave in `take_turn().batch`.
        now_ns: Site time of the start.
    """

    def __init__(self, config: HubConfig, journal: Journal, now_ns: int) -> None:
        """Load what earlier hubs kept."""
        epoch = journal.meta("lease_epoch") + 1
        self.site = site = Site(config, epoch=epoch, now_ns=now_ns)
        site.turn.batch.meta("lease_epoch", epoch)
        self.commands = CommandDesk(site, lambda record: self.twins.on_state(record))
        self.authority = AuthorityDesk(site, self.commands)
        self.leases = LeaseDesk(site, self.commands, self.authority.push)
        self.twins = TwinDesk(site, self.commands, self.leases)
        self.queries = QueryDesk(site, self.authority)
        self.hellos = HelloDesk(
            site,
            commands=self.commands,
            twins=self.twins,
            leases=self.leases,
            authority=self.authority,
            queries=self.queries,
        )
        self._tick_ns = self._purge_ns = now_ns
        self._patient_until_ns = 0
        self._handlers: dict[int, Callable[[Peer, v1.Header, Any, list[bytes]], None]] = {
            v1.BODY_TYPE_BEAT: lambda p, h, b, f: self._beat(p, h, b),
            v1.BODY_TYPE_GOODBYE: lambda p, h, b, f: self.hellos.goodbye(p),
            v1.BODY_TYPE_ROBOTS_QUERY: lambda p, h, b, f: site.reply(p, h, self.queries.robots(b.after)),
            v1.BODY_TYPE_DESCRIBE: lambda p, h, b, f: self.queries.describe(p, h, b),
            v1.BODY_TYPE_STATUS_QUERY: lambda p, h, b, f: site.reply(p, h, self.queries.status()),
            v1.BODY_TYPE_COMMAND: lambda p, h, b, f: self.commands.command(p, h, f[0], f[1], b),
            v1.BODY_TYPE_AUDIT_QUERY: lambda p, h, b, f: self.queries.audit(p, h, b),
            v1.BODY_TYPE_COMMAND_CHECK: lambda p, h, b, f: self.commands.check(p, h, b),
            v1.BODY_TYPE_TRACE_QUERY: lambda p, h, b, f: trace(site, self.commands, p, h, b),
            v1.BODY_TYPE_NOTICE: lambda p, h, b, f: self._notice(p, b),
            v1.BODY_TYPE_COMMAND_QUERY: lambda p, h, b, f: self.commands.query(p, h, b),
            v1.BODY_TYPE_COMMAND_CANCEL: lambda p, h, b, f: self.commands.cancel(p, h, b),
            v1.BODY_TYPE_COMMAND_UPDATE: lambda p, h, b, f: self.commands.update(p, h, b),
            v1.BODY_TYPE_LEASE_REQUEST: lambda p, h, b, f: self.leases.request(p, h, b),
            v1.BODY_TYPE_TWIN_GET: lambda p, h, b, f: self.twins.get(p, h, b),
            v1.BODY_TYPE_TWIN_WRITE: lambda p, h, b, f: self.twins.write(p, h, b),
            v1.BODY_TYPE_PROPERTY_REPORT: lambda p, h, b, f: self.twins.report(p, b),
            v1.BODY_TYPE_WATCH: lambda p, h, b, f: self.twins.watch(p, h, b),
        }
        self._load(journal)

    def _load(self, journal: Journal) -> None:
        site = self.site
        for robot, sheet, twin_id in journal.robots():
            machine = site.new_machine(robot, sheet)
            machine.twin_id = twin_id
            machine.lost_ns, machine.waiting = site.now_ns, True
        for robot, state in journal.properties():
            if robot in site.machines:
                site.machines[robot].twin.load(state)
        for record in journal.commands():
            record.recovered = record.stale = True
            if record.terminal:
                record.time_ns = (
                    site.now_ns
                )  # Its clock may have been another one: keep it a full period more.
                record.stale = False
            site.table.add(record)
        for machine in site.machines.values():
            machine.twin.mark_stale()
        self.commands.load_rejections(journal.rejections())
        self.leases.load(journal)
        site.chain.load(journal.audit_records(RECENT_KEPT))

    # Messages.

    def receive(
        self,
        identity: bytes,
        frames: list[bytes],
        now_ns: int,
        *,
        wall_ms: int | None,
        key: KeyIdentity | None,
    ) -> None:
        """One message of the control lane.

        Args:
            identity: The peer's, by the ROUTER.
            frames: Header, body, attachments.
            now_ns: Site time.
            wall_ms: Unix time, ms; None where it is not to be trusted.
            key: Name, kind and roles of the peer's CURVE key; None on loopback without keys.
        """
        site = self.site
        site.now_ns, site.wall_ms = now_ns, wall_ms
        header = None
        try:
            if len(frames) < 2:
                raise RemoteProtocolError(f"a message has {len(frames)} frames; header and body are needed")
            header = decode_header(frames[0])
            self._dispatch(identity, header, frames, key)
        except RemoteProtocolError as exc:
            self._refuse(identity, header, exc.cause, str(exc.args[0]), exc.hint)
        except Violation as violation:
            self._refuse(identity, header, violation.cause, violation.text, "")

    def _dispatch(
        self, identity: bytes, header: v1.Header, frames: list[bytes], key: KeyIdentity | None
    ) -> None:
        peer = self.site.peers.get(identity)
        if header.body_type == v1.BODY_TYPE_HELLO:
            body = decode_body(header, frames[1])
            assert isinstance(body, v1.Hello)
            self.hellos.hello(identity, header, body, key)
            return
        if peer is None:
            raise Violation(
                v1.CAUSE_NO_HELLO,
                "this hub does not know the peer (it was restarted, or the peer was silent)",
            )
        peer.seen_ns = self.site.now_ns
        if len(frames[1]) > MAX_BODY_BYTES:
            # Also of what is passed on unread: a slow reader's queue is counted in messages.
            raise FrameTooLongError(size=len(frames[1]), limit=MAX_BODY_BYTES)
        if header.body_type == v1.BODY_TYPE_SETPOINT:
            self._setpoint(peer, header, frames)
            return
        if header.body_type == v1.BODY_TYPE_COMMAND_FEEDBACK:
            self.commands.feedback(peer, header, frames[:2])
            return
        if header.body_type == v1.BODY_TYPE_COMMAND and len(frames[1]) == 0:
            raise RemoteProtocolError("the command's body is empty")
        body = decode_body(header, frames[1])
        handler = self._handlers.get(header.body_type)
        if header.body_type in READS:
            peer.need(v1.ROLE_OBSERVE, f"{body_type_name(header.body_type)}")
        if handler is None:
            raise RemoteProtocolError(
                f"{body_type_name(header.body_type)} is not for the hub's control lane",
                cause=v1.CAUSE_UNSUPPORTED,
            )
        handler(peer, header, body, frames)

    def _setpoint(self, peer: Peer, header: v1.Header, frames: list[bytes]) -> None:
        try:
            self.authority.setpoint(peer, header, frames)
        except Violation as violation:
            self.site.counters["setpoint_" + cause_name(violation.cause).lower()] += 1
            if self.authority.may_answer(peer):
                error = v1.Error(cause=violation.cause, text=violation.text)
                self.site.reply(peer, header, error)

    def _refuse(self, identity: bytes, header: v1.Header | None, cause: int, text: str, hint: str) -> None:
        self.site.counters["refused_" + cause_name(cause).lower()] += 1
        error = v1.Error(cause=cause, text=text, hint=hint or HINTS.get(cause, ""))  # type: ignore[arg-type]
        correlation = header.message_id if header is not None else b""
        self.site.send(identity, error, correlation_id=correlation, received_ns=self.site.now_ns)

    def _beat(self, peer: Peer, header: v1.Header, body: v1.Beat) -> None:
        if body.HasField("link"):
            peer.link = body.link
        self.site.reply(peer, header, v1.BeatReply())

    def _notice(self, peer: Peer, body: v1.Notice) -> None:
        if body.robot not in peer.robots:
            raise Violation(v1.CAUSE_DENIED, f"{peer.name} does not serve {body.robot!r}")
        if not is_label(body.kind):
            raise Violation(v1.CAUSE_INVALID, f"{shown(body.kind)} is no kind of notice: a DNS-1123 label is")
        body.text = body.text[:MAX_NOTICE]
        self.site.pass_on(body)

    # From the server.

    def unsent(self, identity: bytes, frames: list[bytes], *, gone: bool) -> None:
        """The socket refused a message: the peer is gone, or reads too slowly. Counted; a command is settled."""
        try:
            header = decode_header(frames[0])
        except RemoteProtocolError:  # What a peer sent to be passed on as it is.
            self.site.counters["unsent_unreadable"] += 1
            return
        self.site.counters[f"unsent_{body_type_name(header.body_type).lower()}"] += 1
        peer = self.site.peers.get(identity)
        if header.body_type == v1.BODY_TYPE_COMMAND:
            self.commands.undelivered(header.message_id)
        if gone and peer is not None:
            self.hellos.drop(peer)

    def safety_news(self, authority: v1.Authority, *, kept: bool = False) -> None:
        """The safety process tells of a latch that has changed; `kept`: of one that it has read back."""
        latch = self.site.latch(authority.robot)
        before = latch.state()
        latch.load(authority.stop)
        if not kept:
            self._audit_stop(authority.robot, before, authority.stop)
        machine = self.site.machines.get(authority.robot)
        if machine is None:
            return
        self.twins.stop_changed(machine)
        self.authority.push(machine)
        self.queries.push_robot(machine)

    def _audit_stop(self, robot: str, before: v1.StopState, now: v1.StopState) -> None:
        if now.generation > before.generation:
            level = v1.StopLevel.Name(now.level).removeprefix("STOP_LEVEL_")
            text = f"generation {now.generation}, {level}: {now.reason}"
            self.site.audit(now.stopped_by, "stop", robot, text)
        if before.latched and not now.latched:
            self.site.audit(now.released_by, "release", robot, f"generation {now.generation}")

    def take_safety_requests(self) -> list[Message]:
        """Stops and releases that twins asked for."""
        requests, self.site.safety_requests = self.site.safety_requests, []
        return requests

    def next_timer_ns(self) -> int:
        """When `handle_timer` wants to be called."""
        return self._tick_ns + TICK_NS

    def handle_timer(self, now_ns: int) -> None:
        """Silent peers, stale leases, drivers that did not come back, old commands."""
        site = self.site
        if now_ns - self._tick_ns > STALL_NS:
            # We were held up: what peers said meanwhile may still wait to be read.
            site.counters["hub_stalled"] += 1
            self._patient_until_ns = now_ns + site.config.timeouts.peer_lost_ms * MS // 2
        site.now_ns = self._tick_ns = now_ns
        self.hellos.watch_absences(patient=now_ns < self._patient_until_ns)
        self.leases.expire()
        self.leases.renew_twins()
        self.twins.handle_timer()
        if now_ns - self._purge_ns > PURGE_NS:
            self._purge_ns = now_ns
            self.commands.purge()

    def take_turn(self) -> Turn:
        """What this turn wants kept and sent."""
        return self.site.take_turn()

    def turn_failed(self, turn: Turn, text: str) -> None:
        """Nothing of the turn's batch was kept: undo it and answer STORAGE; then take the next turn and send it."""
        self.site.counters["storage_failed"] += 1
        for undo in reversed(turn.failed):
            undo(text)
