"""The safety lane's rules: stop, release, check-in. Sans-IO; runs in a process of its own (safety_process.py).

Stopping needs no lease, no clock and no control lane; nothing here is deduplicated or rate-limited. The software stop is
not safety rated.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import (
    MAJOR,
    MAX_HUB_BODY_BYTES,
    MINOR,
    Sender,
    body_type_name,
    decode_body,
    decode_header,
    new_session_id,
)
from robolink.core.sheet import shown
from robolink.core.stop import StopLatch
from robolink.core.violation import MAX_TEXT, Violation, cause_name
from robolink.errors import LocalProtocolError, RemoteProtocolError
from robolink.hub.pages import fitting
from robolink.hub.roles import MAX_NAME, KeyIdentity, ceiling, has_role
from robolink.hub.safety_state import (
    PendingRelease,
    PendingStop,
    SafetyLimits,
    SafetyPeer,
    SafetyTurn,
    believable,
    check_hello,
)

MS: Final = 1_000_000
TICK_NS: Final = 20 * MS
# A tick that comes so late was held up.
STALL_NS: Final = 500 * MS
# How long a release waits for the control lane to hear of it before its issuer does.
NEWS_ACK_NS: Final = 200 * MS


class SafetyDesk:
    """Latches of all robots and the drivers that serve them.

    Args:
        latches: As kept on disk.
        hub_token: The control process proves itself with it in its hello.
        timeouts: The hub's.
        limits: How much one hub holds.
    """

    def __init__(
        self,
        latches: dict[str, StopLatch],
        *,
        hub_token: str,
        timeouts: v1.Timeouts,
        hub_name: str,
        limits: SafetyLimits | None = None,
    ) -> None:
        """No peers yet."""
        self.latches = latches
        self._limits = limits or SafetyLimits()
        self.counters: Counter[str] = Counter()
        self._token, self._timeouts, self._hub_name = hub_token, timeouts, hub_name
        self._session_id = new_session_id()
        self._sender = Sender(self._session_id, limit=MAX_HUB_BODY_BYTES)
        self._peers: dict[bytes, SafetyPeer] = {}
        self._control: bytes | None = None
        self._stops: list[PendingStop] = []
        self._releases: list[PendingRelease] = []
        self._now_ns = self._tick_ns = self._patient_until_ns = 0
        self._turn = SafetyTurn()

    def take_turn(self) -> SafetyTurn:
        """The gathered actions; a new turn begins."""
        turn, self._turn = self._turn, SafetyTurn()
        return turn

    def receive(self, identity: bytes, frames: list[bytes], now_ns: int, key: KeyIdentity | None) -> None:
        """One message. Never raises for what a peer sent."""
        self._now_ns = now_ns
        header = None
        try:
            if len(frames) < 2:
                raise RemoteProtocolError(f"a message has {len(frames)} frames; header and body are needed")
            header = decode_header(frames[0])
            self._dispatch(identity, header, decode_body(header, frames[1]), key)
        except RemoteProtocolError as exc:
            self._refuse(identity, header, exc.cause, str(exc.args[0]), exc.hint)
        except Violation as violation:
            self._refuse(identity, header, violation.cause, violation.text, "")

    def _dispatch(self, identity: bytes, header: v1.Header, body: Any, key: KeyIdentity | None) -> None:
        peer = self._peers.get(identity)
        if isinstance(body, v1.Hello):
            self._hello(identity, header, body, key)
        elif peer is None:
            raise Violation(v1.CAUSE_NO_HELLO, "the safety lane does not know the peer; say HELLO again")
        else:
            peer.seen_ns = self._now_ns
            self._handle(peer, header, body)

    def _handle(self, peer: SafetyPeer, header: v1.Header, body: Any) -> None:
        if isinstance(body, v1.Stop):
            self._stop(peer, header, body)
        elif isinstance(body, v1.StopReport):
            self._report(header.correlation_id, body.result)
        elif isinstance(body, v1.Release):
            self._release(peer, header, body)
        elif isinstance(body, v1.Beat):
            self._send(peer.identity, v1.BeatReply(), header.message_id)
        elif isinstance(body, v1.BeatReply):
            self._acknowledged(header.correlation_id)
        elif isinstance(body, v1.Goodbye):
            self._peers.pop(peer.identity, None)
        else:
            raise RemoteProtocolError(
                f"{body_type_name(header.body_type)} is not for the safety lane", cause=v1.CAUSE_UNSUPPORTED
            )

    def _refuse(self, identity: bytes, header: v1.Header | None, cause: int, text: str, hint: str) -> None:
        self.counters["safety_refused_" + cause_name(cause).lower()] += 1
        error = v1.Error(cause=cause, text=text, hint=hint)  # type: ignore[arg-type]
        self._send(identity, error, header.message_id if header is not None else b"")

    def _send(
        self,
        identity: bytes,
        body: Message,
        correlation_id: bytes = b"",
        *,
        received_ns: int = 0,
        urgent: bool = False,
    ) -> bytes:
        received_ns = received_ns or self._now_ns
        try:
            frames = self._sender.encode(
                body, sent_ns=self._now_ns, correlation_id=correlation_id, received_ns=received_ns
            )
        except LocalProtocolError as exc:
            self.counters["safety_answer_too_long"] += 1
            error = v1.Error(cause=v1.CAUSE_LIMIT, text=str(exc))
            frames = self._sender.encode(error, sent_ns=self._now_ns, correlation_id=correlation_id)
        (self._turn.urgent if urgent else self._turn.later).append((identity, frames))
        return decode_header(frames[0]).message_id

    # Hello.

    def _hello(self, identity: bytes, header: v1.Header, body: v1.Hello, key: KeyIdentity | None) -> None:
        name, roles = ceiling(body, key)
        check_hello(
            body,
            new=identity not in self._peers,
            peers=len(self._peers),
            latches=self.latches,
            limits=self._limits,
        )
        again = False
        if body.kind == v1.PEER_KIND_HUB:
            if body.name != self._token:
                raise Violation(v1.CAUSE_DENIED, "only the hub's own control process says hello as HUB")
            again = self._control == identity
            name, self._control = "twin", identity
            roles = frozenset({v1.ROLE_MAINTAIN, v1.ROLE_SAFETY})
        self._peers[identity] = SafetyPeer(
            identity=identity,
            kind=body.kind,
            name=name,
            roles=roles,
            session_id=header.session_id,
            seen_ns=self._now_ns,
            robots=frozenset(each.robot for each in body.robots if body.kind == v1.PEER_KIND_DRIVER),
        )
        for each in body.robots:
            self._merge(self._peers[identity], each)
        # A driver hears of its robots, the hub's other process of those that it names once it knows the rest.
        some = body.kind == v1.PEER_KIND_DRIVER or again
        known = [each.robot for each in body.robots] if some else sorted(self.latches)
        authorities = [v1.Authority(robot=robot, stop=self.latches[robot].state()) for robot in known]
        count = fitting(authorities)
        # What the reply cannot hold goes before it, so that who has the reply has all.
        for authority in authorities[count:]:
            self._send(identity, authority)
        reply = v1.HelloReply(
            major=MAJOR,
            minor=min(MINOR, body.minor),
            hub_name=self._hub_name,
            name=name,
            roles=sorted(roles),  # type: ignore[arg-type]
            authorities=authorities[:count],
            timeouts=self._timeouts,
            hub_session_id=self._session_id,
        )
        self._send(identity, reply, header.message_id)

    def _merge(self, peer: SafetyPeer, hello: v1.RobotHello) -> None:
        new = hello.robot not in self.latches
        latch = self.latches.setdefault(hello.robot, StopLatch(hello.robot))
        others = [
            each
            for each in self._peers.values()
            if hello.robot in each.robots and each.session_id != peer.session_id
        ]
        if others and hello.stop.generation > latch.generation and not hello.stop.latched:
            # Anybody may stop a robot; to call it released is for who serves it alone.
            self.counters["safety_hello_of_another"] += 1
            return
        if latch.latched and hello.stop.generation > latch.generation and not hello.stop.latched:
            # It was released elsewhere, of another stop. Ours was promised to it: stopped anew, above what it has seen.
            latch.generation = hello.stop.generation
            latch.raise_stop(latch.level, reason=latch.reason, by=latch.stopped_by)
            new = True
        if latch.merge(hello.stop, self._now_ns) or new:
            self._turn.save[hello.robot] = latch.state()
            self._news(hello.robot)

    def _news(self, robot: str) -> bytes | None:
        """Tell the control process, and every client of this lane, of a latch that has changed."""
        message = v1.Authority(robot=robot, stop=self.latches[robot].state())
        for peer in self._peers.values():
            if peer.kind == v1.PEER_KIND_CLIENT:
                self._send(peer.identity, message)
        if self._control is None:
            return None
        return self._send(self._control, message)

    # Stop.

    def _stop(self, peer: SafetyPeer, header: v1.Header, body: v1.Stop) -> None:
        if not has_role(peer.roles, v1.ROLE_OPERATE) and not has_role(peer.roles, v1.ROLE_SAFETY):
            raise Violation(
                v1.CAUSE_DENIED, f"stopping needs role operate or above; {peer.name} only observes"
            )
        level = body.level or v1.STOP_LEVEL_SOFT_HOLD
        pending = PendingStop(
            identity=peer.identity,
            message_id=header.message_id,
            received_ns=self._now_ns,
            deadline_ns=self._now_ns + self._timeouts.stop_answer_ms * MS,
            results={},
        )
        named = list(dict.fromkeys(body.robots))
        for robot in sorted(named, key=lambda each: each not in self.latches)[
            : self._limits.robots
        ] or sorted(self.latches):
            self._stop_one(pending, robot, level, body.reason, peer.name)
        if len(named) > self._limits.robots:
            # The known ones came first: what is left out can only be names of nobody.
            self.counters["stop_of_too_many_names"] += 1
        self._stops.append(pending)
        self._settle()

    def _stop_one(self, pending: PendingStop, robot: str, level: int, reason: str, by: str) -> None:
        latch = self.latches.get(robot)
        if latch is None:
            text = f"no robot {shown(robot)} has ever connected to this hub"
            verdict = v1.STOP_VERDICT_UNREACHABLE
            pending.results[robot] = v1.StopResult(robot=robot[:MAX_NAME], verdict=verdict, text=text)
            return
        latch.raise_stop(level, reason=reason[:128], by=by)
        self._turn.save[robot] = latch.state()
        result = v1.StopResult(robot=robot, verdict=v1.STOP_VERDICT_UNREACHABLE, generation=latch.generation)
        result.text = "its driver is not connected; latched, and told so before anything else when it returns"
        order = v1.StopOrder(robot=robot, stop=latch.state())
        # Every driver that says it serves the robot is told: a wrong second one must stop as well.
        for driver in [each for each in self._peers.values() if robot in each.robots]:
            pending.waiting[self._send(driver.identity, order, urgent=True)] = robot
            result.verdict, result.text = (
                v1.STOP_VERDICT_STOPPING,
                "ordered; its driver has not answered in time",
            )
        pending.results[robot] = result
        self._news(robot)

    def _report(self, order_id: bytes, result: v1.StopResult) -> None:
        for pending in self._stops:
            robot = pending.waiting.pop(order_id, None)
            if robot is not None:
                kept = v1.StopResult()
                kept.CopyFrom(result)
                kept.robot, kept.generation = robot, pending.results[robot].generation
                kept.text = kept.text[:MAX_TEXT]
                believable(kept, self.counters)
                pending.results[robot] = kept
                self._settle()
                return
        # After the answer went out: the robot's state is what counts, so it is only counted.
        self.counters["stop_report_late"] += 1

    def _settle(self) -> None:
        """Answer the stops whose verdicts are all in, or whose time is over."""
        for pending in list(self._stops):
            if pending.waiting and self._now_ns < pending.deadline_ns:
                continue
            self._stops.remove(pending)
            reply = v1.StopReply(results=pending.results.values())
            self._send(pending.identity, reply, pending.message_id, received_ns=pending.received_ns)

    # Release.

    def _release(self, peer: SafetyPeer, header: v1.Header, body: v1.Release) -> None:
        if not has_role(peer.roles, v1.ROLE_SAFETY):
            raise Violation(v1.CAUSE_DENIED, f"a release needs role safety; {peer.name} does not have it")
        reply, news = v1.ReleaseReply(), set()
        if len(body.targets) > self._limits.robots:
            raise Violation(v1.CAUSE_LIMIT, f"a release of {len(body.targets)} robots; limits.robots is less")
        for target in body.targets:
            result = reply.results.add(robot=target.robot[:MAX_NAME])
            latch = self.latches.get(target.robot)
            try:
                if latch is None:
                    raise Violation(
                        v1.CAUSE_UNKNOWN_ROBOT, f"no robot {shown(target.robot)} has ever connected"
                    )
                latch.release(target.generation, peer.name, self._now_ns)
            except Violation as violation:
                result.cause, result.text, result.generation = (
                    violation.cause,
                    violation.text,
                    violation.version,
                )
                continue
            result.generation = latch.generation
            self._turn.save[target.robot] = latch.state()
            order = v1.ReleaseOrder(
                robot=target.robot, generation=latch.generation, released_ns=latch.released_ns
            )
            for driver in [each for each in self._peers.values() if target.robot in each.robots]:
                self._send(driver.identity, order)
            news_id = self._news(target.robot)
            if news_id is not None:
                news.add(news_id)
        # The control lane hears of it first: else the issuer's next command could be refused as LATCHED.
        pending = PendingRelease(
            identity=peer.identity,
            message_id=header.message_id,
            received_ns=self._now_ns,
            deadline_ns=self._now_ns + NEWS_ACK_NS,
            reply=reply,
            waiting=news,
        )
        self._releases.append(pending)
        self._settle_releases()

    def _acknowledged(self, news_id: bytes) -> None:
        for pending in self._releases:
            pending.waiting.discard(news_id)
        self._settle_releases()

    def _settle_releases(self) -> None:
        for pending in list(self._releases):
            if pending.waiting and self._now_ns < pending.deadline_ns:
                continue
            self._releases.remove(pending)
            self._send(pending.identity, pending.reply, pending.message_id, received_ns=pending.received_ns)

    # From the process.

    def unsent(self, identity: bytes, frames: list[bytes]) -> None:
        """The socket refused a message: the peer is gone."""
        header = decode_header(frames[0])
        self.counters[f"safety_unsent_{body_type_name(header.body_type).lower()}"] += 1
        self._peers.pop(identity, None)
        for pending in self._stops:
            robot = pending.waiting.pop(header.message_id, None)
            if robot is not None and robot not in pending.waiting.values():
                pending.results[robot].verdict = v1.STOP_VERDICT_UNREACHABLE
                pending.results[
                    robot
                ].text = "its driver cannot be reached; latched, and told so when it returns"
        self._settle()

    def storage_failed(self, text: str) -> None:
        """The latch could not be kept; the robots are stopped all the same, and the verdict says so."""
        self.counters["safety_storage_failed"] += 1
        for pending in self._stops:
            for result in pending.results.values():
                result.text = f"{result.text}; the latch is not on disk: {text}".lstrip("; ")

    def next_timer_ns(self) -> int:
        """When `handle_timer` wants to be called."""
        return self._tick_ns + TICK_NS

    def handle_timer(self, now_ns: int) -> None:
        """Answers that are due, peers that are silent."""
        lost_ns = self._timeouts.peer_lost_ms * MS
        if self._tick_ns and now_ns - self._tick_ns > STALL_NS:
            # We were held up: what peers said meanwhile may still wait to be read.
            self.counters["safety_stalled"] += 1
            self._patient_until_ns = now_ns + lost_ns // 2
        self._now_ns = self._tick_ns = now_ns
        silent = [each for each in self._peers.values() if now_ns - each.seen_ns > lost_ns]
        for peer in silent if now_ns >= self._patient_until_ns else ():
            # The control process is our parent: if it dies we end with it, it needs no beats.
            if peer.kind != v1.PEER_KIND_HUB:
                del self._peers[peer.identity]
                self.counters["safety_peer_silent"] += 1
        self._settle()
        self._settle_releases()
