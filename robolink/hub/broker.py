"""The hub's sans-IO front: a message from a peer in, replies and orders out; hellos, beats, lost peers, bad input.

It hands each message to the desk that knows its rule. It opens nothing: the server moves bytes, keeps batches, tells the time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import MAJOR, MINOR, body_type_name, decode_body, decode_header
from robolink.core.lease import MAX_EPOCH
from robolink.core.sheet import validate_robot_id, validate_sheet
from robolink.core.stop import MAX_GENERATION
from robolink.core.violation import Violation, cause_name
from robolink.errors import RemoteProtocolError
from robolink.hub.audit import RECENT_KEPT
from robolink.hub.authority import AuthorityDesk
from robolink.hub.commands import CommandDesk
from robolink.hub.config import HubConfig
from robolink.hub.leases import LeaseDesk
from robolink.hub.pages import fitting
from robolink.hub.roles import KeyIdentity, ceiling, role_name
from robolink.hub.site import MS, Machine, Peer, Site, Turn
from robolink.hub.traces import trace
from robolink.hub.twins import TwinDesk
from robolink.store import Journal

log = logging.getLogger(__name__)

TICK_NS: Final = 50 * MS
PURGE_NS: Final = 5_000 * MS
LIVE_SHOWN: Final = 32
ROBOTS_A_PAGE: Final = 1000

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
        keys = config.curve.peers if config.curve is not None else ()
        self._cloud_keys = frozenset(key.name for key in keys if key.cloud)
        self.commands = CommandDesk(site, lambda record: self.twins.on_state(record))
        self.authority = AuthorityDesk(site, self.commands)
        self.leases = LeaseDesk(site, self.commands, self.authority.push)
        self.twins = TwinDesk(site, self.commands, self.leases)
        self._tick_ns = self._purge_ns = now_ns
        self._handlers: dict[int, Callable[[Peer, v1.Header, Any, list[bytes]], None]] = {
            v1.BODY_TYPE_BEAT: lambda p, h, b, f: self._beat(p, h, b),
            v1.BODY_TYPE_GOODBYE: lambda p, h, b, f: self._goodbye(p),
            v1.BODY_TYPE_ROBOTS_QUERY: lambda p, h, b, f: site.reply(p, h, self._robots(b.after)),
            v1.BODY_TYPE_DESCRIBE: lambda p, h, b, f: self._describe(p, h, b),
            v1.BODY_TYPE_STATUS_QUERY: lambda p, h, b, f: site.reply(p, h, self._status()),
            v1.BODY_TYPE_COMMAND: lambda p, h, b, f: self.commands.command(p, h, f[0], f[1], b),
            v1.BODY_TYPE_AUDIT_QUERY: lambda p, h, b, f: self._audit(p, h, b),
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
            self._hello(identity, header, body, key)
            return
        if peer is None:
            raise Violation(
                v1.CAUSE_NO_HELLO,
                "this hub does not know the peer (it was restarted, or the peer was silent)",
            )
        peer.seen_ns = self.site.now_ns
        if header.body_type == v1.BODY_TYPE_SETPOINT:
            self._setpoint(peer, header, frames)
            return
        if header.body_type == v1.BODY_TYPE_COMMAND_FEEDBACK:
            self.commands.feedback(peer, header, frames)
            return
        if header.body_type == v1.BODY_TYPE_COMMAND and len(frames[1]) == 0:
            raise RemoteProtocolError("the command's body is empty")
        body = decode_body(header, frames[1])
        handler = self._handlers.get(header.body_type)
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

    # Hello and goodbye.

    def _hello(self, identity: bytes, header: v1.Header, body: v1.Hello, key: KeyIdentity | None) -> None:
        site = self.site
        if body.major != MAJOR:
            raise Violation(v1.CAUSE_VERSION, f"the peer speaks major version {body.major}, this hub {MAJOR}")
        if body.kind not in (v1.PEER_KIND_CLIENT, v1.PEER_KIND_DRIVER):
            raise Violation(v1.CAUSE_INVALID, "a hello on the control lane is a client's or a driver's")
        if identity not in site.peers and len(site.peers) >= site.config.limits.peers:
            raise Violation(
                v1.CAUSE_BUSY, f"this hub has its {site.config.limits.peers} peers (limits.peers)"
            )
        peer = self._make_peer(identity, header, body, key)
        self._check_session(peer)
        if body.kind == v1.PEER_KIND_DRIVER:
            self._check_robots(peer, body)
        self._replace(peer)
        changed: list[tuple[Machine, bool]] = []
        if body.kind == v1.PEER_KIND_DRIVER:
            for robot in peer.robots - {each.robot for each in body.robots}:
                self._away(site.machines[robot])
            changed = [self._attach(peer, robot) for robot in body.robots]
            peer.robots = {robot.robot for robot in body.robots}
        self._answer_hello(peer, header, body)
        for machine, new_session in changed:
            self.commands.driver_here(machine, peer, body.live_command_ids)
            self.twins.driver_here(machine, new_session=new_session)
            self._push_robot(machine)
            self.authority.push(machine)

    def _make_peer(self, identity: bytes, header: v1.Header, body: v1.Hello, key: KeyIdentity | None) -> Peer:
        name, roles = ceiling(body, key)
        return Peer(
            identity=identity,
            kind=body.kind,
            name=name,
            roles=roles,
            session_id=header.session_id,
            seen_ns=self.site.now_ns,
            # A key's mark stands whatever its hello claims.
            cloud=body.cloud or name in self._cloud_keys,
        )

    def _check_session(self, peer: Peer) -> None:
        """A session id stands for one peer: leases and robots hang on it."""
        site = self.site
        if peer.session_id in (0, site.session_id):
            raise Violation(v1.CAUSE_INVALID, "a session id is random, not 0 and not the hub's")
        names = {each.name for each in site.peers.values() if each.session_id == peer.session_id}
        names |= site.leases.owners(peer.session_id)
        if names - {peer.name}:
            raise Violation(v1.CAUSE_DENIED, "this session id is another peer's; draw a new one")

    def _check_robots(self, peer: Peer, body: v1.Hello) -> None:
        site = self.site
        new = [robot.robot for robot in body.robots if robot.robot not in site.machines]
        if len(site.machines) + len(new) > site.config.limits.robots:
            raise Violation(
                v1.CAUSE_BUSY, f"this hub has its {site.config.limits.robots} robots (limits.robots)"
            )
        for robot in body.robots:
            validate_robot_id(robot.robot)
            validate_sheet(robot.sheet)
            if robot.stop.generation > MAX_GENERATION or robot.lease_epoch > MAX_EPOCH:
                raise Violation(
                    v1.CAUSE_INVALID,
                    f"{robot.robot}: stop generation {robot.stop.generation} or lease epoch {robot.lease_epoch} is not "
                    "believable",
                )
            machine = site.machines.get(robot.robot)
            if machine is None or machine.driver is None or machine.driver.session_id == peer.session_id:
                continue
            if machine.online:
                # Is that one really there? If not, the socket says so, and the next try of this driver succeeds.
                site.send(machine.driver.identity, v1.BeatReply())
                site.counters["robot_taken"] += 1
                raise Violation(
                    v1.CAUSE_ROBOT_TAKEN, f"{robot.robot} is served by driver {machine.driver_name!r}"
                )

    def _replace(self, peer: Peer) -> None:
        """Put the peer in, in place of what the same session was before a reconnect."""
        site = self.site
        other = site.peers.get(peer.identity)
        if other is not None and (other.session_id, other.kind) != (peer.session_id, peer.kind):
            self._drop(other)  # Another peer than it was, on the same connection.
        for old in [each for each in site.peers.values() if each.session_id == peer.session_id]:
            if old.kind != peer.kind:
                self._drop(old)
                continue
            peer.watch = old.watch if old.identity == peer.identity else None
            peer.robots = old.robots
            del site.peers[old.identity]
            for record in site.table.all_live():
                if record.peer == old.identity:
                    record.peer = peer.identity
        site.peers[peer.identity] = peer

    def _attach(self, peer: Peer, hello: v1.RobotHello) -> tuple[Machine, bool]:
        site = self.site
        machine = site.machines.get(hello.robot)
        if machine is None:
            machine = site.new_machine(hello.robot, hello.sheet)
            site.turn.batch.sheet(hello.robot, hello.sheet)
        elif machine.take_sheet(*site.indexed(hello.sheet)):
            site.turn.batch.sheet(hello.robot, hello.sheet)
            site.counters["sheet_changed"] += 1
            apart = ", ".join(machine.twin.apart)
            text = f"now {machine.sheet.model} {machine.sheet.version}, hash {machine.sheet_hash}"
            site.notice(machine.robot, "sheet-changed", f"{text}; kept apart: {apart}" if apart else text)
        machine.latch.merge(hello.stop)
        if site.leases.raise_epoch(hello.lease_epoch):
            site.turn.batch.meta("lease_epoch", site.leases.epoch)
        new_session = machine.driver_session != peer.session_id
        machine.driver, machine.driver_session, machine.driver_name = peer, peer.session_id, peer.name
        if machine.lost_noticed and not machine.online and machine.lost_ns:
            away_s = (site.now_ns - machine.lost_ns) / 1e9
            site.notice(machine.robot, "link-back", f"its driver is back after {away_s:.1f} s")
        machine.online, machine.waiting, machine.seen_ns = True, False, site.now_ns
        machine.lost_noticed = False
        return machine, new_session

    def _answer_hello(self, peer: Peer, header: v1.Header, body: v1.Hello) -> None:
        site = self.site
        if peer.kind == v1.PEER_KIND_DRIVER:
            machines = [site.machines[robot] for robot in sorted(peer.robots)]
        else:
            machines = list(site.machines.values())
        authorities = [self.authority.message(machine) for machine in machines]
        count = fitting(authorities)
        # What the reply cannot hold goes before it, so that who has the reply has all.
        for authority in authorities[count:]:
            site.send(peer.identity, authority, held=True, destination=authority.robot)
        reply = v1.HelloReply(
            major=MAJOR,
            minor=min(MINOR, body.minor),
            hub_name=site.config.name,
            name=peer.name,
            roles=sorted(peer.roles),  # type: ignore[arg-type]
            safety_endpoint=site.config.safety_url,
            telemetry_publish_endpoint=site.config.telemetry_publish_url,
            telemetry_subscribe_endpoint=site.config.telemetry_subscribe_url,
            lease_epoch=site.leases.epoch,
            authorities=authorities[:count],
            timeouts=site.config.timeouts.message(),
            hub_session_id=site.session_id,
        )
        log.info("%s %r said hello (%s)", "driver" if peer.robots else "client", peer.name, self._what(peer))
        site.reply(peer, header, reply, held=True)

    @staticmethod
    def _what(peer: Peer) -> str:
        if peer.kind == v1.PEER_KIND_DRIVER:
            return ", ".join(sorted(peer.robots)) or "no robots"
        return ", ".join(role_name(role) for role in sorted(peer.roles)) or "no roles"

    def _goodbye(self, peer: Peer) -> None:
        if peer.kind == v1.PEER_KIND_CLIENT:
            self.leases.session_gone(peer.session_id, "its owner said goodbye")
        self._drop(peer)

    def _drop(self, peer: Peer) -> None:
        """The peer is gone; its robots are offline, its leases go stale by themselves."""
        self.site.peers.pop(peer.identity, None)
        self.authority.forget(peer)
        for robot in peer.robots:
            machine = self.site.machines[robot]
            if machine.driver is peer:
                self._away(machine)

    def _away(self, machine: Machine) -> None:
        machine.online, machine.driver = False, None
        machine.lost_ns, machine.waiting = self.site.now_ns, True
        self.commands.driver_away(machine)
        self.twins.driver_away(machine)
        self._push_robot(machine)
        log.warning("robot %s: its driver %r is silent", machine.robot, machine.driver_name)

    # Queries.

    def robot_info(self, machine: Machine) -> v1.RobotInfo:
        """One row of the robots' list."""
        return v1.RobotInfo(
            robot=machine.robot,
            model=machine.sheet.model,
            online=machine.online,
            authority=self.authority.message(machine),
            driver=machine.driver_name,
            sheet_hash=machine.sheet_hash,
            last_seen_ns=machine.driver.seen_ns if machine.driver else machine.seen_ns,
            link=machine.driver.link if machine.driver else None,
            live=[
                v1.LiveCommand(
                    command_id=each.id,
                    method=each.method,
                    owner=each.owner,
                    state=each.state,
                    stale=each.stale,
                )
                for each in self.site.table.live(machine.robot)[:LIVE_SHOWN]
            ],
        )

    def _robots(self, after: str) -> v1.Robots:
        names = [robot for robot in sorted(self.site.machines) if robot > after]
        infos = [self.robot_info(self.site.machines[robot]) for robot in names[:ROBOTS_A_PAGE]]
        count = fitting(infos)
        return v1.Robots(robots=infos[:count], more=count < len(names))

    def _audit(self, peer: Peer, header: v1.Header, body: v1.AuditQuery) -> None:
        peer.need(v1.ROLE_MAINTAIN, "reading the audit")
        records = self.site.chain.recent(body.after_seq, body.limit or RECENT_KEPT)
        self.site.reply(peer, header, v1.Audit(records=records[: fitting(records)]), held=True)

    def _beat(self, peer: Peer, header: v1.Header, body: v1.Beat) -> None:
        if body.HasField("link"):
            peer.link = body.link
        self.site.reply(peer, header, v1.BeatReply())

    def _notice(self, peer: Peer, body: v1.Notice) -> None:
        if body.robot not in peer.robots:
            raise Violation(v1.CAUSE_DENIED, f"{peer.name} does not serve {body.robot!r}")
        self.site.pass_on(body)

    def _describe(self, peer: Peer, header: v1.Header, body: v1.Describe) -> None:
        machine = self.site.machine(body.robot)
        description = v1.Description(
            robot=machine.robot, sheet=machine.sheet, sheet_hash=machine.sheet_hash, online=machine.online
        )
        self.site.reply(peer, header, description)

    def _status(self) -> v1.Status:
        counters = [v1.Counter(name=name, value=value) for name, value in sorted(self.site.counters.items())]
        live = sum(1 for _ in self.site.table.all_live())
        return v1.Status(
            counters=counters, peers=len(self.site.peers), live_commands=live, started_ns=self.site.started_ns
        )

    def _push_robot(self, machine: Machine) -> None:
        for watcher in self.site.watchers(machine.robot):
            self.site.send(watcher.identity, v1.Event(robot=self.robot_info(machine)))

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
            self._drop(peer)

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
        self._push_robot(machine)

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
        site.now_ns = self._tick_ns = now_ns
        lost_ns = site.config.timeouts.peer_lost_ms * MS
        for peer in [each for each in site.peers.values() if now_ns - each.seen_ns > lost_ns]:
            site.counters["peer_silent"] += 1
            self._drop(peer)
        self.leases.expire()
        self.leases.renew_twins()
        return_ns = site.config.timeouts.driver_return_ms * MS
        event_ns = site.config.timeouts.link_event_ms * MS
        for machine in site.machines.values():
            if not machine.online and not machine.lost_noticed and now_ns - machine.lost_ns > event_ns:
                machine.lost_noticed = True
                text = f"its driver {machine.driver_name!r} is silent for {(now_ns - machine.lost_ns) / 1e9:.1f} s"
                site.notice(machine.robot, "link-lost", text, severity=v1.SEVERITY_ERROR)
            if machine.waiting and now_ns - machine.lost_ns > return_ns:
                machine.waiting = False
                self.commands.driver_lost(machine)
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
