"""The hub's lease desk: acquire, request, take, renew, release; who asked and waits; what a restart must not forget.

Which lease may be granted is core/lease.py's. Stopping never asks here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from robolink import v1
from robolink.core.lease import Lease, token_of
from robolink.core.violation import Violation
from robolink.hub.commands import CommandDesk
from robolink.hub.replies import Replies
from robolink.hub.site import MS, Machine, Peer, Site
from robolink.store import Journal

MAX_ASK_MS: Final = 60_000
MAX_ASKS: Final = 256
MAX_REASON: Final = 128


@dataclass(slots=True, kw_only=True)
class _Ask:
    """One REQUEST that waits for an owner's word."""

    peer: Peer
    header: v1.Header
    robot: str
    component: str
    received_ns: int
    deadline_ns: int


class LeaseDesk:
    """Leases of all robots.

    Args:
        site: Shared state.
        commands: Ends the goals of who loses a lease.
        push: Tells every client of a changed authority.
    """

    def __init__(self, site: Site, commands: CommandDesk, push: Callable[[Machine], None]) -> None:
        """An empty desk."""
        self._site = site
        self._commands = commands
        self._push = push
        self._replies = Replies()
        self._asks: list[_Ask] = []

    def load(self, journal: Journal) -> None:
        """What a former hub granted: each owner has one stale period to renew it."""
        site = self._site
        for lease, of_twin in journal.leases():
            machine = site.machines.get(lease.robot)
            if machine is None:
                continue
            lease.renewed_ns = site.now_ns
            if of_twin:
                # The former hub's own, for the twin's commands: ours now.
                lease.session_id, machine.twin_lease = site.session_id, lease.token
            site.leases.load(lease)

    # Requests.

    def request(self, peer: Peer, header: v1.Header, body: v1.LeaseRequest) -> None:
        """One lease request; the same message twice is one request.

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
        if body.component and machine.index.component(body.component) is None:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{machine.robot} has no component {body.component!r}")
        if body.action == v1.LEASE_ACTION_ACQUIRE:
            self._granted(peer, header, self._acquire(peer, machine, body.component))
        elif body.action == v1.LEASE_ACTION_REQUEST:
            self._ask(peer, header, body, machine)
        elif body.action == v1.LEASE_ACTION_TAKE:
            self._granted(peer, header, self._take(peer, machine, body))
        elif body.action == v1.LEASE_ACTION_RENEW:
            token = token_of(body.token)
            lease = site.leases.renew(body.robot, token, session_id=peer.session_id, now_ns=site.now_ns)
            site.reply(peer, header, v1.LeaseReply(token=lease.message(), owner=lease.owner))
        elif body.action == v1.LEASE_ACTION_RELEASE:
            lease = site.leases.release(body.robot, token_of(body.token), session_id=peer.session_id)
            self._granted(peer, header, lease)
            self.ended(lease, f"{lease.owner} gave the lease back")
        elif body.action == v1.LEASE_ACTION_DECLINE:
            self._decline(peer, header, body)
        else:
            raise Violation(v1.CAUSE_INVALID, f"lease action {body.action} is unknown here")

    def _granted(self, peer: Peer, header: v1.Header, lease: Lease, received_ns: int = 0) -> None:
        reply = v1.LeaseReply(token=lease.message(), owner=lease.owner)
        self._replies.put(header.message_id, reply)
        self._site.send(
            peer.identity,
            reply,
            correlation_id=header.message_id,
            received_ns=received_ns or self._site.now_ns,
        )

    def _acquire(self, peer: Peer, machine: Machine, component: str) -> Lease:
        return self.grant(machine, component, owner=peer.name, session_id=peer.session_id, cloud=peer.cloud)

    def grant(
        self,
        machine: Machine,
        component: str,
        *,
        owner: str,
        session_id: int,
        cloud: bool,
        twin: bool = False,
    ) -> Lease:
        """Grant a lease and keep it over a restart.

        Raises:
            Violation: BUSY, naming the owner.
        """
        site = self._site
        lease = site.leases.acquire(
            machine.robot, component, owner=owner, session_id=session_id, now_ns=site.now_ns, cloud=cloud
        )
        site.turn.batch.lease(lease, twin=twin)
        self._push(machine)
        return lease

    def _take(self, peer: Peer, machine: Machine, body: v1.LeaseRequest) -> Lease:
        if not body.reason:
            raise Violation(
                v1.CAUSE_INVALID, f"taking {machine.robot} needs a reason; it is told to the owner"
            )
        site = self._site
        lease, ended = site.leases.take(
            machine.robot,
            body.component,
            owner=peer.name,
            session_id=peer.session_id,
            now_ns=site.now_ns,
            cloud=peer.cloud,
            maintain=peer.has(v1.ROLE_MAINTAIN),
        )
        reason = f"taken by {peer.name}: {body.reason[:MAX_REASON]}"
        for old in ended:
            self._gone(machine, old)
            self._commands.lease_taken(machine.robot, old.token, f"lease of {old.owner} was {reason}")
            self._tell_lost(old, reason)
            site.counters["lease_taken"] += 1
        site.turn.batch.lease(lease, twin=False)
        names = ", ".join(sorted({each.owner for each in ended})) or "nobody"
        what = f"{machine.robot}/{body.component}" if body.component else machine.robot
        site.audit(peer.name, "lease-take", machine.robot, f"{what} from {names}: {body.reason[:MAX_REASON]}")
        if ended:
            site.notice(
                machine.robot, "lease-taken", f"{what} from {names}, {reason}", severity=v1.SEVERITY_WARNING
            )
        self._push(machine)
        return lease

    # Asking the owner.

    def _ask(self, peer: Peer, header: v1.Header, body: v1.LeaseRequest, machine: Machine) -> None:
        site = self._site
        if any(each.header.message_id == header.message_id for each in self._asks):
            return  # Sent again while the owner thinks.
        owners = site.leases.in_the_way(machine.robot, body.component, peer.session_id)
        if not owners:
            self._granted(peer, header, self._acquire(peer, machine, body.component))
            return
        if len(self._asks) >= MAX_ASKS:
            raise Violation(v1.CAUSE_BUSY, f"{len(self._asks)} lease requests wait already; try again later")
        timeout_ms = min(body.timeout_ms or site.config.timeouts.lease_ask_ms, MAX_ASK_MS)
        self._asks.append(
            _Ask(
                peer=peer,
                header=header,
                robot=machine.robot,
                component=body.component,
                received_ns=site.now_ns,
                deadline_ns=site.now_ns + timeout_ms * MS,
            )
        )
        for lease in owners:
            wanted = v1.LeaseWanted(
                robot=lease.robot,
                component=lease.component,
                token=lease.message(),
                by=peer.name,
                reason=body.reason[:MAX_REASON],
                timeout_ms=timeout_ms,
            )
            self._tell_owner(lease, wanted)

    def _decline(self, peer: Peer, header: v1.Header, body: v1.LeaseRequest) -> None:
        site = self._site
        lease = site.leases.renew(
            body.robot, token_of(body.token), session_id=peer.session_id, now_ns=site.now_ns
        )
        self._granted(peer, header, lease)
        for ask in [each for each in self._asks if each.robot == body.robot]:
            if lease in site.leases.in_the_way(ask.robot, ask.component, ask.peer.session_id):
                self._refuse(ask, f"{lease.owner} declined")

    def _refuse(self, ask: _Ask, why: str) -> None:
        self._asks.remove(ask)
        owners = self._site.leases.in_the_way(ask.robot, ask.component, ask.peer.session_id)
        names = ", ".join(sorted({each.owner for each in owners})) or "nobody any more"
        error = v1.Error(cause=v1.CAUSE_BUSY, text=f"{ask.robot} is leased by {names}: {why}")
        self._site.send(
            ask.peer.identity, error, correlation_id=ask.header.message_id, received_ns=ask.received_ns
        )

    def _serve_asks(self, robot: str) -> None:
        """The robot's leases have changed: whoever can be served now is, first come first."""
        site = self._site
        for ask in [each for each in self._asks if each.robot == robot]:
            if ask.peer.identity not in site.peers:
                self._asks.remove(ask)
            elif not site.leases.in_the_way(robot, ask.component, ask.peer.session_id):
                self._asks.remove(ask)
                lease = self._acquire(ask.peer, site.machines[robot], ask.component)
                self._granted(ask.peer, ask.header, lease, ask.received_ns)

    # Ends.

    def expire(self) -> None:
        """Leases that were not renewed in time, and requests that no owner answered."""
        site = self._site
        for lease in site.leases.expire(site.now_ns):
            site.counters["lease_stale"] += 1
            self._lost(lease, "not renewed in time")
        for ask in [each for each in self._asks if each.deadline_ns <= site.now_ns]:
            self._refuse(ask, "no answer in time")

    def session_gone(self, session_id: int, reason: str) -> None:
        """A client said goodbye: its leases and requests end now."""
        site = self._site
        self._asks = [each for each in self._asks if each.peer.session_id != session_id]
        for machine in site.machines.values():
            for lease in site.leases.holders(machine.robot):
                if lease.session_id == session_id:
                    site.leases.release(machine.robot, lease.token, session_id=session_id)
                    self._lost(lease, reason)

    def _lost(self, lease: Lease, reason: str) -> None:
        self._tell_lost(lease, reason)
        self.ended(lease, f"lease of {lease.owner}: {reason}")

    def ended(self, lease: Lease, reason: str) -> None:
        """A lease is over: its goals end by on_disconnect, and whoever asked for it may have it."""
        machine = self._site.machines[lease.robot]
        self._gone(machine, lease)
        self._commands.lease_ended(lease.robot, lease.token, reason)
        self._push(machine)
        self._serve_asks(lease.robot)

    def _gone(self, machine: Machine, lease: Lease) -> None:
        self._site.turn.batch.lease_gone(lease)
        if machine.twin_lease == lease.token:
            machine.twin_lease = (0, 0)

    def _tell_lost(self, lease: Lease, reason: str) -> None:
        lost = v1.LeaseLost(
            robot=lease.robot, component=lease.component, token=lease.message(), reason=reason
        )
        self._tell_owner(lease, lost)

    def _tell_owner(self, lease: Lease, message: v1.LeaseLost | v1.LeaseWanted) -> None:
        for peer in self._site.peers.of_session(lease.session_id):
            self._site.send(peer.identity, message, destination=lease.robot)

    # The hub's own, for commands through a twin.

    def of_twin(self, machine: Machine, owner: str) -> v1.LeaseToken:
        """The hub's lease for this twin's commands.

        Raises:
            Violation: NO_LEASE, naming a local owner.
        """
        site = self._site
        try:
            if machine.twin_lease != (0, 0):
                lease = site.leases.renew(
                    machine.robot, machine.twin_lease, session_id=site.session_id, now_ns=site.now_ns
                )
            else:
                lease = self.grant(
                    machine, "", owner=owner, session_id=site.session_id, cloud=True, twin=True
                )
        except Violation as violation:
            raise Violation(v1.CAUSE_NO_LEASE, violation.text) from violation
        machine.twin_lease = lease.token
        return lease.message()

    def renew_twins(self) -> None:
        """Keep the twin leases whose commands still run; give the others back."""
        site = self._site
        for machine in site.machines.values():
            if machine.twin_lease == (0, 0):
                continue
            token = machine.twin_lease
            if any(record.lease == token for record in site.table.live(machine.robot)):
                site.leases.renew(machine.robot, token, session_id=site.session_id, now_ns=site.now_ns)
            else:
                lease = site.leases.release(machine.robot, token, session_id=site.session_id)
                self.ended(lease, "the twin's commands have ended")
