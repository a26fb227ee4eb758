"""The hub's authority desk: leases, setpoints, and who is told about both. Stops run in the safety process.

A setpoint is passed on from its header alone; its body stays unread bytes.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.lease import Lease, token_of
from robolink.core.violation import Violation
from robolink.hub.commands import CommandDesk
from robolink.hub.replies import Replies
from robolink.hub.site import MS, Machine, Peer, Site

REFUSAL_INTERVAL_NS: Final = 100 * MS


class AuthorityDesk:
    """Leases and setpoints of all robots."""

    def __init__(self, site: Site, commands: CommandDesk) -> None:
        """An empty desk."""
        self._site = site
        self._commands = commands
        self._replies = Replies()
        self._refused_ns: dict[bytes, int] = {}

    def message(self, machine: Machine) -> v1.Authority:
        """Who may move this robot now."""
        holders = [
            v1.LeaseHolder(component=each.component, owner=each.owner, token=each.message())
            for each in self._site.leases.holders(machine.robot)
        ]
        return v1.Authority(robot=machine.robot, stop=machine.latch.state(), leases=holders)

    def push(self, machine: Machine) -> None:
        """Tell every client that authority over this robot has changed."""
        message = self.message(machine)
        for peer in self._site.peers.values():
            if peer.kind == v1.PEER_KIND_CLIENT:
                self._site.send(peer.identity, message, destination=machine.robot)

    def request(self, peer: Peer, header: v1.Header, body: v1.LeaseRequest) -> None:
        """Acquire, renew or release.

        Raises:
            Violation: DENIED, UNKNOWN_ROBOT, UNSUPPORTED, BUSY, NO_LEASE, OLDER_LEASE, INVALID.
        """
        peer.need(v1.ROLE_OPERATE, f"a lease on {body.robot}")
        site = self._site
        done = self._replies.get(header.message_id)
        if done is not None:
            # Sent again: a second lease to the same session would be the end of the first.
            site.reply(peer, header, done)
            return
        machine = site.machine(body.robot)
        if body.action == v1.LEASE_ACTION_ACQUIRE:
            lease = self._acquire(peer, machine, body.component)
        elif body.action == v1.LEASE_ACTION_RENEW:
            token = token_of(body.token)
            lease = site.leases.renew(body.robot, token, session_id=peer.session_id, now_ns=site.now_ns)
        elif body.action == v1.LEASE_ACTION_RELEASE:
            lease = site.leases.release(body.robot, token_of(body.token), session_id=peer.session_id)
            self._commands.lease_ended(lease.robot, lease.token, f"{lease.owner} gave the lease back")
            self.push(machine)
        else:
            raise Violation(
                v1.CAUSE_INVALID, f"lease action {body.action} is none of ACQUIRE, RENEW, RELEASE"
            )
        reply = v1.LeaseReply(token=lease.message(), owner=lease.owner)
        self._replies.put(header.message_id, reply)
        site.reply(peer, header, reply)

    def _acquire(self, peer: Peer, machine: Machine, component: str) -> Lease:
        site = self._site
        if component and machine.index.component(component) is None:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{machine.robot} has no component {component!r}")
        lease = site.leases.acquire(
            machine.robot, component, owner=peer.name, session_id=peer.session_id, now_ns=site.now_ns
        )
        self.push(machine)
        return lease

    def expire(self) -> None:
        """Leases that were not renewed in time: their goals end by on_disconnect, their owners are told."""
        for lease in self._site.leases.expire(self._site.now_ns):
            self._site.counters["lease_stale"] += 1
            self._lost(lease, "not renewed in time")

    def session_gone(self, session_id: int, reason: str) -> None:
        """A client said goodbye: its leases end now."""
        for machine in self._site.machines.values():
            for lease in self._site.leases.holders(machine.robot):
                if lease.session_id == session_id:
                    self._site.leases.release(machine.robot, lease.token, session_id=session_id)
                    self._lost(lease, reason)

    def _lost(self, lease: Lease, reason: str) -> None:
        site = self._site
        machine = site.machines[lease.robot]
        if machine.twin_lease == lease.token:
            machine.twin_lease = (0, 0)
        self._commands.lease_ended(lease.robot, lease.token, f"lease of {lease.owner}: {reason}")
        lost = v1.LeaseLost(
            robot=lease.robot, component=lease.component, token=lease.message(), reason=reason
        )
        for peer in site.peers.values():
            if peer.session_id == lease.session_id:
                site.send(peer.identity, lost, destination=lease.robot)
        self.push(machine)

    def setpoint(self, peer: Peer, header: v1.Header, frames: list[bytes]) -> None:
        """Pass a setpoint on, by its header alone; newest wins within a turn.

        Raises:
            Violation: Why not; the caller answers at most ten a second to one peer, and counts all.
        """
        site = self._site
        robot, _, component = header.destination.partition("/")
        machine = site.machines.get(robot)
        if machine is None:
            raise Violation(v1.CAUSE_UNKNOWN_ROBOT, f"no robot {robot!r} has ever connected to this hub")
        peer.need(v1.ROLE_OPERATE, f"moving {robot}")
        if not machine.online or machine.driver is None:
            raise Violation(v1.CAUSE_UNREACHABLE, f"{robot} is offline")
        machine.latch.check(header.stop_generation)
        site.leases.check(robot, component, token_of(header.lease), session_id=peer.session_id)
        ttl_ms = header.ttl_ms or site.config.timeouts.setpoint_ttl_ms
        if header.sent_ns + ttl_ms * MS < site.now_ns:
            raise Violation(
                v1.CAUSE_TOO_LATE, f"setpoint for {header.destination} is over its ttl of {ttl_ms} ms"
            )
        if self._commands.goals_on(robot, component):
            raise Violation(
                v1.CAUSE_BUSY, f"{header.destination} runs a goal; cancel it before streaming setpoints"
            )
        # A setpoint is a check-in of the app's own code: it renews the lease as well.
        site.leases.renew(robot, token_of(header.lease), session_id=peer.session_id, now_ns=site.now_ns)
        site.forward(machine.driver.identity, frames)

    def may_answer(self, peer: Peer) -> bool:
        """Whether a refused setpoint is answered: ten a second and peer, so that a flood is not doubled."""
        if (
            self._site.now_ns - self._refused_ns.get(peer.identity, -REFUSAL_INTERVAL_NS)
            < REFUSAL_INTERVAL_NS
        ):
            return False
        self._refused_ns[peer.identity] = self._site.now_ns
        return True

    def forget(self, peer: Peer) -> None:
        """That peer is gone."""
        self._refused_ns.pop(peer.identity, None)
