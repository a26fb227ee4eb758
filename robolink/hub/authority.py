"""The hub's authority desk: setpoints, and who is told who may move a robot. Stops run in the safety process.

A setpoint is passed on from its header alone; its body stays unread bytes.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.age import MAX_SETPOINT_TTL_MS
from robolink.core.lease import token_of
from robolink.core.violation import Violation
from robolink.hub.commands import CommandDesk
from robolink.hub.site import MS, Machine, Peer, Site

REFUSAL_INTERVAL_NS: Final = 100 * MS


class AuthorityDesk:
    """Setpoints of all robots, and the word on who holds what."""

    def __init__(self, site: Site, commands: CommandDesk) -> None:
        """An empty desk."""
        self._site = site
        self._commands = commands
        self._refused_ns: dict[bytes, int] = {}

    def message(self, machine: Machine) -> v1.Authority:
        """Who may move this robot now."""
        holders = [
            v1.LeaseHolder(component=each.component, owner=each.owner, token=each.message(), cloud=each.cloud)
            for each in self._site.leases.holders(machine.robot)
        ]
        return v1.Authority(robot=machine.robot, stop=machine.latch.state(), leases=holders)

    def push(self, machine: Machine) -> None:
        """Tell every client that authority over this robot has changed."""
        message = self.message(machine)
        for peer in self._site.peers.clients():
            self._site.send(peer.identity, message, destination=machine.robot)

    def setpoint(self, peer: Peer, header: v1.Header, frames: list[bytes]) -> None:
        """Pass a setpoint on, by its header alone; of those of one turn only the newest, per lease and component.

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
        machine.latch.check(header.stop_generation, header.sent_ns)
        token = token_of(header.lease)
        site.leases.check(robot, component, token, session_id=peer.session_id)
        ttl_ms = header.ttl_ms or site.config.timeouts.setpoint_ttl_ms
        site.check_sent(header, ttl_ms, limit_ms=MAX_SETPOINT_TTL_MS)
        if self._commands.goals_on(robot, component):
            raise Violation(
                v1.CAUSE_BUSY, f"{header.destination} runs a goal; cancel it before streaming setpoints"
            )
        # A setpoint is a check-in of the app's own code: it renews the lease as well.
        site.leases.renew(robot, token, session_id=peer.session_id, now_ns=site.now_ns)
        header.source = peer.name
        site.forward_newest(
            (token, component), machine.driver.identity, [header.SerializeToString(), frames[1]]
        )

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
