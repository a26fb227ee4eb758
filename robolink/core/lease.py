"""The right to move: who holds which robot or component, and which token proves it.

Stopping never asks here. The table is the hub's; drivers only compare tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.core.violation import Violation

LEASE_STALE_S: Final = 3.0
# An epoch counts hub starts: one this high was never reached honestly, and one more must still fit its u32.
MAX_EPOCH: Final = 2**31


@dataclass(slots=True, kw_only=True)
class Lease:
    """One granted lease. `component` empty: the whole robot. Times are site time, ns.

    Attributes:
        cloud: Its owner acts for a cloud: a person on site may take it.
    """

    robot: str
    component: str
    owner: str
    session_id: int
    token: tuple[int, int]
    renewed_ns: int
    cloud: bool = False

    def covers(self, component: str) -> bool:
        """Whether it gives the right to move that component."""
        return self.component in ("", component)

    def message(self) -> v1.LeaseToken:
        """Its token as a message."""
        return v1.LeaseToken(epoch=self.token[0], sequence=self.token[1])


def token_of(message: v1.LeaseToken) -> tuple[int, int]:
    """A token as a pair that compares."""
    return (message.epoch, message.sequence)


@dataclass(slots=True)
class LeaseTable:
    """All leases of one hub.

    Attributes:
        epoch: +1 per hub start, kept on disk by the hub; never goes back.
        stale_ns: A lease that is not renewed for so long is over.
    """

    epoch: int
    stale_ns: int = int(LEASE_STALE_S * 1e9)
    _sequence: int = 0
    _by_robot: dict[str, list[Lease]] = field(default_factory=dict)

    def raise_epoch(self, seen: int) -> bool:
        """A driver has seen a higher epoch (our store was lost): go above it. True if it changed.

        Raises:
            Violation: INVALID, no hub was ever started that often.
        """
        if seen > MAX_EPOCH:
            raise Violation(v1.CAUSE_INVALID, f"lease epoch {seen} is not believable (over {MAX_EPOCH})")
        if seen <= self.epoch:
            return False
        self.epoch = seen + 1
        return True

    def owners(self, session_id: int) -> set[str]:
        """The names under which that session holds leases: one, or none."""
        return {
            each.owner for held in self._by_robot.values() for each in held if each.session_id == session_id
        }

    def holders(self, robot: str) -> list[Lease]:
        """The robot's leases in force."""
        return list(self._by_robot.get(robot, ()))

    def load(self, lease: Lease) -> None:
        """A lease that a former hub granted: its owner has one stale period to renew it."""
        self._by_robot.setdefault(lease.robot, []).append(lease)

    def in_the_way(self, robot: str, component: str, session_id: int) -> list[Lease]:
        """What other sessions hold that overlaps."""
        return [
            lease
            for lease in self._by_robot.get(robot, ())
            if lease.session_id != session_id and (not component or lease.component in ("", component))
        ]

    def acquire(
        self, robot: str, component: str, *, owner: str, session_id: int, now_ns: int, cloud: bool = False
    ) -> Lease:
        """Grant a lease; again to its own session gives a new token, and the old one is dead.

        Raises:
            Violation: BUSY, another session holds an overlapping lease; the text names it.
        """
        for lease in self.in_the_way(robot, component, session_id):
            what = f"{robot}/{lease.component}" if lease.component else robot
            raise Violation(v1.CAUSE_BUSY, f"{what} is leased by {lease.owner}")
        for lease in self.holders(robot):
            if lease.session_id == session_id and lease.component == component:
                self._by_robot[robot].remove(lease)
        self._sequence += 1
        lease = Lease(
            robot=robot,
            component=component,
            owner=owner,
            session_id=session_id,
            token=(self.epoch, self._sequence),
            renewed_ns=now_ns,
            cloud=cloud,
        )
        self._by_robot.setdefault(robot, []).append(lease)
        return lease

    def take(
        self,
        robot: str,
        component: str,
        *,
        owner: str,
        session_id: int,
        now_ns: int,
        cloud: bool,
        maintain: bool,
    ) -> tuple[Lease, list[Lease]]:
        """Grant a lease over the heads of its owners; the new one, and those that ended by it.

        Args:
            cloud: The taker acts for a cloud: it takes nothing from a person on site.
            maintain: The taker has role maintain: needed against an owner of his own kind.

        Raises:
            Violation: DENIED, naming the owner; nothing has changed.
        """
        others = self.in_the_way(robot, component, session_id)
        for lease in others:
            if cloud and not lease.cloud:
                raise Violation(
                    v1.CAUSE_DENIED,
                    f"{robot} is leased by {lease.owner} on site; a cloud never takes from there",
                )
            if lease.cloud == cloud and not maintain:
                raise Violation(
                    v1.CAUSE_DENIED,
                    f"taking {robot} from {lease.owner} needs role maintain; ask for it (REQUEST)",
                )
        for lease in others:
            self._by_robot[robot].remove(lease)
        taken = self.acquire(robot, component, owner=owner, session_id=session_id, now_ns=now_ns, cloud=cloud)
        return taken, others

    def _find(self, robot: str, token: tuple[int, int], session_id: int) -> Lease:
        for lease in self._by_robot.get(robot, ()):
            if lease.token == token and lease.session_id == session_id:
                return lease
        raise self._refusal(robot, "", token)

    def _refusal(self, robot: str, component: str, token: tuple[int, int]) -> Violation:
        holders = [each for each in self._by_robot.get(robot, ()) if not component or each.covers(component)]
        where = f"{robot}/{component}" if component else robot
        if holders:
            names = ", ".join(sorted({each.owner for each in holders}))
            if token != (0, 0) and token < max(each.token for each in holders):
                return Violation(
                    v1.CAUSE_OLDER_LEASE, f"{where}: lease {token} is over; {names} holds a newer one"
                )
            return Violation(v1.CAUSE_NO_LEASE, f"{where} is leased by {names}")
        if token != (0, 0):
            return Violation(v1.CAUSE_OLDER_LEASE, f"{where}: lease {token} is over; acquire a new one")
        return Violation(v1.CAUSE_NO_LEASE, f"{where} needs a lease to be moved; acquire one first")

    def renew(self, robot: str, token: tuple[int, int], *, session_id: int, now_ns: int) -> Lease:
        """Prolong by one stale period.

        Raises:
            Violation: NO_LEASE or OLDER_LEASE.
        """
        lease = self._find(robot, token, session_id)
        lease.renewed_ns = now_ns
        return lease

    def release(self, robot: str, token: tuple[int, int], *, session_id: int) -> Lease:
        """End a lease.

        Raises:
            Violation: NO_LEASE or OLDER_LEASE.
        """
        lease = self._find(robot, token, session_id)
        self._by_robot[robot].remove(lease)
        return lease

    def check(self, robot: str, component: str, token: tuple[int, int], *, session_id: int) -> Lease:
        """The lease in force that lets this session move this component.

        Raises:
            Violation: NO_LEASE (naming the owner) or OLDER_LEASE.
        """
        for lease in self._by_robot.get(robot, ()):
            if lease.token == token and lease.session_id == session_id and lease.covers(component):
                return lease
        raise self._refusal(robot, component, token)

    def expire(self, now_ns: int) -> list[Lease]:
        """End the leases that were not renewed in time, and name them."""
        ended = []
        for robot, leases in self._by_robot.items():
            stale = [each for each in leases if now_ns - each.renewed_ns > self.stale_ns]
            if stale:
                ended += stale
                self._by_robot[robot] = [each for each in leases if each not in stale]
        return ended

    def next_expiry_ns(self) -> int | None:
        """When the next lease goes stale unless renewed."""
        times = [each.renewed_ns + self.stale_ns for leases in self._by_robot.values() for each in leases]
        return min(times, default=None)
