"""The leases of one client session: acquired for a context, renewed by themselves, taken again after a hub restart.

Whether a lease is granted is the hub's to say; here is only what the session holds.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink.client._requests import HeldLease

if TYPE_CHECKING:
    from robolink.client._session import ClientSession

ANSWER_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a lease is asked for.

    Attributes:
        reason: For its present owner; needed to take.
        request_s: Ask the owner and wait so long for his word, s; None: be answered BUSY at once.
        take: End the owner's lease; needs role maintain, or that he acts for a cloud and we do not. Audited.
    """

    reason: str = ""
    request_s: float | None = None
    take: bool = False

    def body(self, robot: str, component: str) -> v1.LeaseRequest:
        """As the hub is asked."""
        action = v1.LEASE_ACTION_ACQUIRE
        if self.take:
            action = v1.LEASE_ACTION_TAKE
        elif self.request_s is not None:
            action = v1.LEASE_ACTION_REQUEST
        return v1.LeaseRequest(
            action=action,
            robot=robot,
            component=component,
            reason=self.reason,
            timeout_ms=int((self.request_s or 0) * 1000),
        )


PLAIN: Final = Wish()


class LeaseKeeper:
    """All leases of one session, by (robot, component)."""

    def __init__(self, session: ClientSession) -> None:
        """None held."""
        self._session = session
        self._held: dict[tuple[str, str], HeldLease] = {}

    def token(self, robot: str, component: str) -> v1.LeaseToken | None:
        """The newest token that lets this session move that component; None without a lease."""
        tokens = [
            h.token for h in self._held.values() if h.robot == robot and h.covers(component) and h.token
        ]
        return max(tokens, key=lambda token: (token.epoch, token.sequence), default=None)

    def lost(self, robot: str, component: str) -> str:
        """Why the lease of that context is gone; "" while it is held."""
        held = self._held.get((robot, component))
        return held.lost if held is not None else "it was given back"

    def acquire(
        self, robot: str, component: str, *, now: float, timeout_s: float, wish: Wish = PLAIN
    ) -> Future[Any]:
        """Ask for a lease; a second context on the same one shares it."""
        key = (robot, component)
        held = self._held.get(key)
        if held is not None and held.token is not None:
            held.users += 1
            done: Future[Any] = Future()
            done.set_result(v1.LeaseReply(token=held.token))
            return done
        wait_s = timeout_s + (wish.request_s or 0)
        return self._ask(HeldLease(robot=robot, component=component), now=now, timeout_s=wait_s, wish=wish)

    def _ask(self, held: HeldLease, *, now: float, timeout_s: float, wish: Wish = PLAIN) -> Future[Any]:
        body = wish.body(held.robot, held.component)
        future = self._session.request(body, now=now, timeout_s=timeout_s, robot=held.robot)

        def granted(done: Future[Any]) -> None:
            error = done.exception()
            if error is not None:
                held.lost = str(error)
                return
            held.token, held.lost = done.result().token, ""
            held.renew_s = self._session._now + self._session.timeouts.lease_renew_ms / 1000
            self._held[held.robot, held.component] = held

        future.add_done_callback(granted)
        return future

    def release(self, robot: str, component: str, *, now: float, timeout_s: float) -> Future[Any]:
        """Give it back when its last context ends; at once if it was lost anyway."""
        held = self._held.get((robot, component))
        if held is not None and held.users > 1:
            held.users -= 1
            held = None
        if held is None or held.token is None:
            self._held.pop((robot, component), None) if held is not None else None
            done: Future[Any] = Future()
            done.set_result(v1.LeaseReply())
            return done
        del self._held[robot, component]
        body = v1.LeaseRequest(
            action=v1.LEASE_ACTION_RELEASE, robot=robot, component=component, token=held.token
        )
        return self._session.request(body, now=now, timeout_s=timeout_s, robot=robot)

    def taken(self, body: v1.LeaseLost) -> None:
        """The hub says that it is over."""
        held = self._held.get((body.robot, body.component))
        if held is not None and held.token == body.token:
            held.token, held.lost = None, body.reason
            self._session.counters["lease_lost"] += 1

    def wanted(self, body: v1.LeaseWanted, now: float) -> None:
        """Somebody asks for a lease of ours; it is forgotten when his time is over."""
        held = self._held.get((body.robot, body.component))
        if held is not None and held.token == body.token:
            held.wanted, held.wanted_until = body, now + body.timeout_ms / 1000

    def asked_for(self, robot: str, component: str) -> v1.LeaseWanted | None:
        """Who asks for that lease of ours, if anybody does."""
        held = self._held.get((robot, component))
        return held.wanted if held is not None else None

    def decline(self, robot: str, component: str, *, now: float, timeout_s: float) -> Future[Any]:
        """Keep it: whoever asks is told."""
        held = self._held.get((robot, component))
        if held is None or held.token is None:
            done: Future[Any] = Future()
            done.set_result(v1.LeaseReply())
            return done
        held.wanted = None
        body = v1.LeaseRequest(
            action=v1.LEASE_ACTION_DECLINE, robot=robot, component=component, token=held.token
        )
        return self._session.request(body, now=now, timeout_s=timeout_s, robot=robot)

    def welcomed(self, *, restarted: bool) -> None:
        """After a hello: a restarted hub still knows our leases for one stale period, so renew them at once."""
        if not restarted:
            return
        for held in self._held.values():
            if held.token is not None:
                self._renew(held, self._session._now, again=True)
            else:
                self._ask(held, now=self._session._now, timeout_s=ANSWER_S)

    def timers(self) -> list[float]:
        """When the next renewals are due."""
        return [held.renew_s for held in self._held.values() if held.token is not None]

    def handle_timer(self, now: float) -> None:
        """Renew what is due."""
        for held in list(self._held.values()):
            if held.wanted is not None and held.wanted_until <= now:
                held.wanted = None
            if held.token is not None and held.renew_s <= now:
                held.renew_s = now + self._session.timeouts.lease_renew_ms / 1000
                self._renew(held, now)

    def _renew(self, held: HeldLease, now: float, *, again: bool = False) -> None:
        body = v1.LeaseRequest(
            action=v1.LEASE_ACTION_RENEW, robot=held.robot, component=held.component, token=held.token
        )
        future = self._session.request(body, now=now, timeout_s=ANSWER_S, robot=held.robot)
        token = held.token

        def renewed(done: Future[Any]) -> None:
            error = done.exception()
            # No answer is no loss yet: the hub says so if it is one.
            if error is None or isinstance(error, TimeoutError) or held.token != token:
                return
            held.token, held.lost = None, str(error)
            self._session.counters["lease_lost"] += 1
            if again:
                # A hub that forgot it (its store is new): asked for once more, while the context still runs.
                self._ask(held, now=self._session._now, timeout_s=ANSWER_S)

        future.add_done_callback(renewed)
