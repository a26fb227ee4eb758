"""The client's protocol state, sans-IO: hello, beats, requests, commands, setpoints on the hub's lanes.

It never sleeps, opens or reads a clock. A command's frames are made once and re-sent as they are.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.channels import settle
from robolink.client._commands import CommandKeeper
from robolink.client._errors import LEASE_BUSY, refusal
from robolink.client._lane import LaneState, add_sample
from robolink.client._leases import LeaseKeeper
from robolink.client._requests import OpenCommand, Request
from robolink.core.clock import ClockSync
from robolink.core.envelope import (
    MAJOR,
    MAX_HUB_BODY_BYTES,
    MINOR,
    Sender,
    decode_body,
    decode_header,
    new_message_id,
    new_session_id,
)
from robolink.core.timeouts import DEFAULTS
from robolink.errors import ConnectionLostError, RemoteProtocolError, TransportTimeoutError
from robolink.transports.lanes import Lane

log = logging.getLogger(__name__)

HELLO_RETRY_S: Final = 0.5
# However often the hub says "no hello", one lane asks no more often than this.
HELLO_MIN_INTERVAL_S: Final = 0.1
UNSENT_RETRY_S: Final = 0.02


class ClientSession:
    """One client on the control and safety lanes.

    Args:
        name: For people, in audits and refusals.
        roles: Claimed roles.
        lanes: Which lanes it has; a stop needs the safety lane alone.
        cloud: It acts for somebody far away, who takes no lease from a person on site.

    Attributes:
        ready: Resolves with the control lane's first HelloReply.
        authorities: Stop state and lease holders by robot, as the hub told them.
    """

    def __init__(
        self, *, name: str, roles: Iterable[v1.Role], lanes: Iterable[Lane] = tuple(Lane), cloud: bool = False
    ) -> None:
        """Say nothing yet."""
        self._cloud = cloud
        self.name = name
        self.ready: Future[v1.HelloReply] = Future()
        self.authorities: dict[str, v1.Authority] = {}
        self.counters: Counter[str] = Counter()
        self.clock = ClockSync()
        self.timeouts = DEFAULTS
        self.hello_reply: v1.HelloReply | None = None
        self.leases = LeaseKeeper(self)
        self.commands = CommandKeeper(self)
        self.on_event: Callable[[v1.Event], None] = lambda _event: None
        self.on_connection: Callable[[bool], None] = lambda _connected: None
        self.setpoint_refusal: Exception | None = None
        self._roles = tuple(roles)
        self._lanes = {lane: LaneState() for lane in lanes}
        session_id = new_session_id()
        self._senders = {lane: Sender(session_id) for lane in Lane}
        self._outbox: list[tuple[Lane, list[bytes]]] = []
        self._requests: dict[bytes, Request] = {}
        self._watch: v1.Watch | None = None
        self._notices_heard = 0
        self._handlers: dict[int, Callable[[v1.Header, Any], None]] = {
            v1.BODY_TYPE_AUTHORITY: lambda _header, body: self._authority(body),
            v1.BODY_TYPE_COMMAND_UPDATE: self._update,
            v1.BODY_TYPE_COMMAND_FEEDBACK: lambda header, body: self.commands.feedback(
                header.correlation_id, body
            ),
            v1.BODY_TYPE_LEASE_LOST: lambda _header, body: self.leases.taken(body),
            v1.BODY_TYPE_LEASE_WANTED: lambda _header, body: self.leases.wanted(body, self._now),
            v1.BODY_TYPE_EVENT: self._event,
        }
        self._now = 0.0

    # Session.

    def start(self, now: float) -> None:
        """Say hello on every lane."""
        self._now = now
        for lane in self._lanes:
            self._hello(lane, now)

    def take_outbox(self) -> list[tuple[Lane, list[bytes]]]:
        """What to send now."""
        box, self._outbox = self._outbox, []
        return box

    def unsent(self, lane: Lane, frames: list[bytes]) -> None:
        """No connection: a request tries again soon, a command by its own timer, the rest is counted."""
        self.counters["unsent"] += 1
        request = self._requests.get(decode_header(frames[0]).message_id)
        if request is not None:
            request.again_s = self._now + UNSENT_RETRY_S

    def closing(self, now: float) -> None:
        """Say goodbye; whoever still waits is told."""
        self._now = now
        for lane, state in self._lanes.items():
            if state.connected:
                self._queue(lane, v1.Goodbye())
        error = ConnectionLostError("this hub connection was closed")
        for request in self._requests.values():
            settle(request.future, error=error)
        self.commands.closing(error)
        if not self.ready.done():
            settle(self.ready, error=error)

    def next_timer(self) -> float | None:
        """The earliest of everything that waits for a time."""
        times = [min(state.hello_s, state.beat_s) for state in self._lanes.values()]
        times += [request.deadline_s for request in self._requests.values()]
        times += [request.again_s for request in self._requests.values() if request.again_s is not None]
        times += self.commands.timers()
        times += self.leases.timers()
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Hellos, beats, resends, timeouts, lease renewals that are due."""
        self._now = now
        for lane, state in self._lanes.items():
            self._handle_lane(lane, state, now)
        for message_id, request in list(self._requests.items()):
            if request.deadline_s <= now:
                del self._requests[message_id]
                text = f"the hub did not answer within {request.timeout_s:g} s"
                settle(
                    request.future, error=TransportTimeoutError(text, hint="is the hub running? robolink hub")
                )
            elif request.again_s is not None and request.again_s <= now:
                request.again_s = None
                self._outbox.append((request.lane, request.frames))
        self.commands.handle_timer(now)
        self.leases.handle_timer(now)

    def _handle_lane(self, lane: Lane, state: LaneState, now: float) -> None:
        if state.connected and state.silent(self.timeouts, now):
            state.connected = False
            self.counters["hub_lost"] += 1
            state.hello_s = now
            if lane is Lane.CONTROL:
                self.on_connection(False)
        if state.hello_s <= now:
            self._hello(lane, now)
        if state.beat_s <= now:
            state.beat_s = now + self.timeouts.beat_ms / 1000
            if state.connected:
                self._ask(lane, v1.Beat(), now)
                state.unanswered_s = now if state.unanswered_s is None else state.unanswered_s

    @property
    def lanes(self) -> dict[str, bool]:
        """Whether the hub answers on each lane."""
        return {lane.name.lower(): state.connected for lane, state in self._lanes.items()}

    # Sending.

    def site_ns(self, now: float) -> int:
        """Site time of a monotonic instant; 0, which says so, while the offset is not measured."""
        return max(0, self.clock.to_site(int(now * 1e9))) if self.clock.synced else 0

    def _queue(self, lane: Lane, body: Message, **header: Any) -> bytes:
        message_id = new_message_id()
        frames = self._senders[lane].encode(
            body, sent_ns=self.site_ns(self._now), message_id=message_id, **header
        )
        self._outbox.append((lane, frames))
        return message_id

    def _ask(self, lane: Lane, body: Message, now: float) -> None:
        self._lanes[lane].asked[self._queue(lane, body)] = now

    def _hello(self, lane: Lane, now: float) -> None:
        state = self._lanes[lane]
        state.hello_s, state.said_s = now + HELLO_RETRY_S, now
        state.asked.clear()
        hello = v1.Hello(
            kind=v1.PEER_KIND_CLIENT,
            major=MAJOR,
            minor=MINOR,
            name=self.name,
            roles=self._roles,
            cloud=self._cloud,
        )
        self._ask(lane, hello, now)

    def check(
        self, robot: str, body: v1.CommandCheck, *, ttl_ms: int, now: float, timeout_s: float
    ) -> Future[Any]:
        """A dry run, with the header that the command itself would have."""
        header: dict[str, Any] = {
            "ttl_ms": ttl_ms,
            "lease": self.leases.token(robot, body.command.method.partition(".")[0]),
            "stop_generation": self.generation(robot),
        }
        return self.request(body, now=now, timeout_s=timeout_s, robot=robot, **header)

    def request(
        self,
        body: Message,
        *,
        now: float,
        timeout_s: float,
        robot: str = "",
        lane: Lane = Lane.CONTROL,
        **header: Any,
    ) -> Future[Any]:
        """Send a request; the future resolves with its answer, or raises what was refused."""
        self._now = now
        future: Future[Any] = Future()
        message_id = self._queue(lane, body, destination=robot, **header)
        self._requests[message_id] = Request(
            lane=lane,
            frames=self._outbox[-1][1],
            future=future,
            robot=robot,
            timeout_s=timeout_s,
            deadline_s=now + timeout_s,
        )
        return future

    def watch(self, body: v1.Watch, *, now: float, timeout_s: float) -> Future[Any]:
        """Ask for events, now and after each reconnect."""
        self._watch = body
        return self.request(body, now=now, timeout_s=timeout_s)

    def submit(self, command: OpenCommand, body: v1.Command, *, ttl_ms: int, now: float) -> None:
        """Send a command and follow it."""
        self._now = now
        component = body.method.partition(".")[0]
        frames = self._senders[Lane.CONTROL].encode(
            body,
            sent_ns=self.site_ns(now),
            message_id=command.id,
            destination=command.robot,
            ttl_ms=ttl_ms,
            lease=self.leases.token(command.robot, component),
            stop_generation=self.generation(command.robot),
        )
        self.commands.submit(command, frames, now)

    def follow(self, robot: str, command_id: bytes, *, now: float) -> Future[OpenCommand]:
        """Follow a command by its id alone."""
        self._now = now
        return self.commands.follow(robot, command_id, now)

    def send_again(self, frames: list[bytes]) -> None:
        """Frames of the control lane as they are."""
        self._outbox.append((Lane.CONTROL, frames))

    def query(self, robot: str, command_id: bytes) -> None:
        """Ask for a command's present state."""
        self._queue(Lane.CONTROL, v1.CommandQuery(command_id=command_id), destination=robot)

    def setpoint(self, robot: str, component: str, body: v1.Setpoint, *, ttl_ms: int, now: float) -> None:
        """Send one setpoint, under the lease that is held now; without one nothing is sent."""
        self._now = now
        token = self.leases.token(robot, component)
        if token is None:
            self.counters["setpoint_without_lease"] += 1
            return
        self._queue(
            Lane.CONTROL,
            body,
            destination=f"{robot}/{component}",
            ttl_ms=ttl_ms,
            lease=token,
            stop_generation=self.generation(robot),
        )

    def generation(self, robot: str) -> int:
        """The newest stop generation of that robot that this session has heard of."""
        authority = self.authorities.get(robot)
        return authority.stop.generation if authority is not None else 0

    # Receiving.

    def receive(self, lane: Lane, frames: list[bytes], now: float) -> None:
        """One message of the hub; a malformed one is counted."""
        self._now = now
        try:
            header = decode_header(frames[0])
            body = decode_body(header, frames[1] if len(frames) > 1 else b"", limit=MAX_HUB_BODY_BYTES)
        except RemoteProtocolError as exc:
            self.counters["malformed"] += 1
            log.warning("the hub sent what this client cannot read: %s", exc)
            return
        state = self._lanes[lane]
        state.unanswered_s = None
        asked_s = state.asked.pop(header.correlation_id, None)
        if asked_s is not None and lane is Lane.CONTROL and not isinstance(body, v1.Error):
            self._sample(header, body, asked_s, now)
        handler = self._handlers.get(header.body_type)
        if isinstance(body, v1.HelloReply):
            self._welcomed(lane, state, body)
        elif isinstance(body, v1.Error):
            self._refused(lane, state, header, body, hello=asked_s is not None)
        elif handler is not None:
            handler(header, body)
        else:
            self._answer(header, body)

    def _event(self, _header: v1.Header, body: v1.Event) -> None:
        if body.notice_count:
            if body.notice_count <= self._notices_heard:
                return  # Told twice: by the watch that was kept, and by the one that was asked for anew.
            self._notices_heard = body.notice_count
        self.on_event(body)

    def _sample(self, header: v1.Header, body: Message, asked_s: float, now: float) -> None:
        if isinstance(body, v1.HelloReply) and body.hub_session_id != self._lanes[Lane.CONTROL].hub_session:
            self.clock.reset()
        add_sample(self.clock, header, asked_s, now)

    def _answer(self, header: v1.Header, body: Message) -> None:
        request = self._requests.pop(header.correlation_id, None)
        if request is None:
            return
        if isinstance(body, v1.LeaseReply) and body.cause:
            hint = LEASE_BUSY if body.cause == v1.CAUSE_BUSY else ""
            settle(request.future, error=refusal(body.cause, body.text, robot=request.robot, hint=hint))
        else:
            settle(request.future, body)

    def _welcomed(self, lane: Lane, state: LaneState, body: v1.HelloReply) -> None:
        known = state.hub_session != 0
        restarted = state.hub_session not in (0, body.hub_session_id)
        first = not state.connected
        state.connected, state.hub_session, state.hello_s = True, body.hub_session_id, float("inf")
        for authority in body.authorities:
            self._authority(authority)
        if lane is Lane.CONTROL:
            self.timeouts = body.timeouts
            self.hello_reply = body
            if not self.ready.done():
                settle(self.ready, body)
            if first:
                self.on_connection(True)
            self.leases.welcomed(restarted=restarted)
            self.commands.welcomed()
            if self._watch is not None and known:
                # What was passed on while we were away is still kept; of a restarted hub, all is news.
                self._notices_heard = 0 if restarted else self._notices_heard
                self._watch.notices_after = self._notices_heard
                self._queue(Lane.CONTROL, self._watch)
        for request in self._requests.values():
            # Behind the very first hello it is on its way already; a stop must not be carried out twice.
            if request.lane is lane and (known or request.refused):
                request.again_s, request.refused = self._now, False

    def _authority(self, body: v1.Authority) -> None:
        known = self.authorities.get(body.robot)
        if known is not None and known.stop.generation > body.stop.generation:
            return  # The other lane was quicker.
        if known is not None and not body.leases and known.leases:
            # The safety lane's news names no leases.
            body = v1.Authority(robot=body.robot, stop=body.stop, leases=known.leases)
        self.authorities[body.robot] = body

    def _refused(
        self, lane: Lane, state: LaneState, header: v1.Header, body: v1.Error, *, hello: bool
    ) -> None:
        if body.cause == v1.CAUSE_NO_HELLO:
            state.connected = False
            state.hello_s = min(state.hello_s, max(self._now, state.said_s + HELLO_MIN_INTERVAL_S))
            request = self._requests.get(header.correlation_id)
            if request is not None:
                request.again_s, request.refused = None, True  # Sent again once the hub knows us.
            return
        error = refusal(body.cause, body.text, hint=body.hint)
        request = self._requests.pop(header.correlation_id, None)
        if request is not None:
            settle(request.future, error=refusal(body.cause, body.text, robot=request.robot, hint=body.hint))
        elif hello:
            if lane is Lane.CONTROL and not self.ready.done():
                settle(self.ready, error=error)
            log.error("the hub refuses this client: %s", error)
        elif not self.commands.refused(header.correlation_id, error):
            self.setpoint_refusal = error
            self.counters["setpoint_refused"] += 1

    def _update(self, header: v1.Header, body: v1.CommandUpdate) -> None:
        self._answer(header, body)
        self.commands.update(body, self._now)
