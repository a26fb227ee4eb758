"""Who is connected: hellos, goodbyes, silent peers, and which driver serves which robot.

A hello is checked whole before it changes anything. What a driver's coming or going does to commands and twins is those
desks' to say.
"""

from __future__ import annotations

import logging

from robolink import v1
from robolink.core.envelope import MAJOR, MINOR
from robolink.core.lease import MAX_EPOCH
from robolink.core.sheet import validate_robot_id, validate_sheet
from robolink.core.stop import MAX_GENERATION
from robolink.core.violation import Violation
from robolink.hub.authority import AuthorityDesk
from robolink.hub.commands import CommandDesk
from robolink.hub.leases import LeaseDesk
from robolink.hub.pages import fitting
from robolink.hub.queries import QueryDesk
from robolink.hub.roles import KeyIdentity, ceiling, role_name
from robolink.hub.site import MS, Machine, Peer, Site
from robolink.hub.twins import TwinDesk

log = logging.getLogger(__name__)


class HelloDesk:
    """Peers of the control lane and their robots."""

    def __init__(
        self,
        site: Site,
        *,
        commands: CommandDesk,
        twins: TwinDesk,
        leases: LeaseDesk,
        authority: AuthorityDesk,
        queries: QueryDesk,
    ) -> None:
        """Nobody is connected."""
        self._site = site
        self._commands = commands
        self._twins = twins
        self._leases = leases
        self._authority = authority
        self._queries = queries
        keys = site.config.curve.peers if site.config.curve is not None else ()
        self._cloud_keys = frozenset(key.name for key in keys if key.cloud)

    def hello(self, identity: bytes, header: v1.Header, body: v1.Hello, key: KeyIdentity | None) -> None:
        """A peer says who it is; a driver, what it serves and what still runs.

        Raises:
            Violation: VERSION, INVALID, BUSY, DENIED, ROBOT_TAKEN; nothing has changed.
        """
        site = self._site
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
            self._commands.driver_here(machine, peer, body.live_command_ids)
            self._twins.driver_here(machine, new_session=new_session)
            self._queries.push_robot(machine)
            self._authority.push(machine)

    def _make_peer(self, identity: bytes, header: v1.Header, body: v1.Hello, key: KeyIdentity | None) -> Peer:
        name, roles = ceiling(body, key)
        return Peer(
            identity=identity,
            kind=body.kind,
            name=name,
            roles=roles,
            session_id=header.session_id,
            seen_ns=self._site.now_ns,
            # A key's mark stands whatever its hello claims.
            cloud=body.cloud or name in self._cloud_keys,
        )

    def _check_session(self, peer: Peer) -> None:
        """A session id stands for one peer: leases and robots hang on it."""
        site = self._site
        if peer.session_id in (0, site.session_id):
            raise Violation(v1.CAUSE_INVALID, "a session id is random, not 0 and not the hub's")
        names = {each.name for each in site.peers.of_session(peer.session_id)}
        names |= site.leases.owners(peer.session_id)
        if names - {peer.name}:
            raise Violation(v1.CAUSE_DENIED, "this session id is another peer's; draw a new one")

    def _check_robots(self, peer: Peer, body: v1.Hello) -> None:
        site = self._site
        new = [robot.robot for robot in body.robots if robot.robot not in site.machines]
        if len(site.machines) + len(new) > site.config.limits.robots:
            raise Violation(
                v1.CAUSE_BUSY, f"this hub has its {site.config.limits.robots} robots (limits.robots)"
            )
        for robot in body.robots:
            validate_robot_id(robot.robot)
            if not site.knows(robot.sheet):
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
        site = self._site
        other = site.peers.get(peer.identity)
        if other is not None and (other.session_id, other.kind) != (peer.session_id, peer.kind):
            self.drop(other)  # Another peer than it was, on the same connection.
        for old in site.peers.of_session(peer.session_id):
            if old.kind != peer.kind:
                self.drop(old)
                continue
            peer.watch = old.watch if old.identity == peer.identity else None
            peer.robots = old.robots
            site.peers.remove(old.identity)
            for record in site.table.all_live():
                if record.peer == old.identity:
                    record.peer = peer.identity
        site.peers.put(peer)

    def _attach(self, peer: Peer, hello: v1.RobotHello) -> tuple[Machine, bool]:
        site = self._site
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
        machine.latch.merge(hello.stop, site.now_ns)
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
        site = self._site
        if peer.kind == v1.PEER_KIND_DRIVER:
            machines = [site.machines[robot] for robot in sorted(peer.robots)]
        else:
            machines = list(site.machines.values())
        authorities = [self._authority.message(machine) for machine in machines]
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

    def goodbye(self, peer: Peer) -> None:
        """A peer leaves by itself."""
        if peer.kind == v1.PEER_KIND_CLIENT:
            self._leases.session_gone(peer.session_id, "its owner said goodbye")
        self.drop(peer)

    def drop(self, peer: Peer) -> None:
        """The peer is gone; its robots are offline, its leases go stale by themselves."""
        self._site.peers.remove(peer.identity)
        self._authority.forget(peer)
        for robot in peer.robots:
            machine = self._site.machines[robot]
            if machine.driver is peer:
                self._away(machine)

    def _away(self, machine: Machine) -> None:
        machine.online, machine.driver = False, None
        machine.lost_ns, machine.waiting = self._site.now_ns, True
        self._commands.driver_away(machine)
        self._twins.driver_away(machine)
        self._queries.push_robot(machine)
        log.warning("robot %s: its driver %r is silent", machine.robot, machine.driver_name)

    def watch_absences(self, *, patient: bool) -> None:
        """Peers that are silent, and drivers that do not come back: first their goals are lost, then it is told.

        Args:
            patient: Nobody is taken for silent now.
        """
        site = self._site
        timeouts = site.config.timeouts
        lost_ns = timeouts.peer_lost_ms * MS
        silent = [each for each in site.peers.values() if site.now_ns - each.seen_ns > lost_ns]
        for peer in silent if not patient else ():
            site.counters["peer_silent"] += 1
            self.drop(peer)
        for machine in site.machines.values():
            if machine.online:
                continue
            away_ns = site.now_ns - machine.lost_ns
            if machine.waiting and away_ns > timeouts.driver_return_ms * MS:
                machine.waiting = False
                self._commands.driver_lost(machine)
            if not machine.lost_noticed and away_ns > timeouts.link_event_ms * MS:
                machine.lost_noticed = True
                text = f"its driver {machine.driver_name!r} is silent for {away_ns / 1e9:.1f} s"
                site.notice(machine.robot, "link-lost", text, severity=v1.SEVERITY_ERROR)
