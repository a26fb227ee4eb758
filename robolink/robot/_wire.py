"""What the parts of one driver session share, and hello, beats and loss of a lane. No rule about robots.

Sans-IO: messages gather in an outbox, `now` is always an argument.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.clock import ClockSync, SiteTime
from robolink.core.envelope import Sender
from robolink.core.timeouts import DEFAULTS
from robolink.robot._actions import Action
from robolink.transports.lanes import Lane

HELLO_RETRY_S: Final = 0.5
HELLO_MAX_RETRY_S: Final = 1.0
# A hello that found no connection: TCP is just being made.
HELLO_UNSENT_RETRY_S: Final = 0.05
# However often the hub says "no hello", one lane asks no more often than this.
HELLO_MIN_INTERVAL_S: Final = 0.1
PENDING_REQUESTS: Final = 32


class Wire:
    """Shared state: clock, counters, timeouts, the messages to send and the actions to do.

    Args:
        session_id: This boot of the driver.
        emit: Gets every action, at once.
    """

    def __init__(self, session_id: int, emit: Callable[[Action], None]) -> None:
        """Nothing sent, nothing known of the hub."""
        self.session_id = session_id
        self.emit = emit
        self.clock = ClockSync()
        self.counters: Counter[str] = Counter()
        self.timeouts = DEFAULTS
        self.hub_session = 0
        self.lease_epoch = 0
        self.round_trip_ns = 0
        # Robots with setpoints in force, and robots with something to report: timers look at those alone.
        self.armed: set[str] = set()
        self.due: set[str] = set()
        self.stoppable = False
        self._senders = {lane: Sender(session_id) for lane in Lane}
        self._outbox: list[tuple[Lane, list[bytes]]] = []

    def site_time(self) -> SiteTime | None:
        """What is known of site time, for a machine behind this one; None while it is not measured."""
        clock = self.clock
        if not clock.synced:
            return None
        clock_id = self.hub_session & 0xFFFFFFFF
        return SiteTime(offset_ns=clock.offset_ns, error_us=clock.error_ns // 1000 + 1, clock_id=clock_id)

    def site_ns(self, at: float) -> int:
        """Monotonic s of this machine to site time; 0, which says so, while the offset is not measured."""
        return max(self.clock.to_site(int(at * 1e9)), 0) if self.clock.synced else 0

    def send(
        self,
        body: Message,
        now: float,
        *,
        lane: Lane = Lane.CONTROL,
        destination: str = "",
        correlation_id: bytes = b"",
        message_id: bytes | None = None,
    ) -> None:
        """Put one message into the outbox."""
        frames = self._senders[lane].encode(
            body,
            sent_ns=self.site_ns(now),
            destination=destination,
            correlation_id=correlation_id,
            message_id=message_id,
        )
        self._outbox.append((lane, frames))

    def link_state(self) -> v1.LinkState:
        """How this end sees its link, for the hub and for people."""
        state = v1.LinkState(
            round_trip_us=self.round_trip_ns // 1000,
            stoppable=self.stoppable,
            dropped=sum(count for name, count in self.counters.items() if name.startswith("spool_dropped")),
        )
        if self.clock.synced:
            state.clock_error_us = self.clock.error_ns // 1000
        return state

    def take_outbox(self) -> list[tuple[Lane, list[bytes]]]:
        """What is to be sent; stops and their reports first."""
        outbox, self._outbox = self._outbox, []
        outbox.sort(key=lambda each: each[0])  # Stable: the order within a lane is kept.
        return outbox


class LaneLink:
    """The link state of one lane: hello until answered, beats while up, lost when nothing is heard.

    Args:
        wire: Shared state.
        lane: Which one.
        new_id: Makes message ids.
    """

    def __init__(self, wire: Wire, lane: Lane, new_id: Callable[[], bytes]) -> None:
        """Silent until `hello`."""
        self._wire = wire
        self._new_id = new_id
        self.lane = lane
        self.up = False
        self.heard_at = 0.0
        # Since when a beat waits for an answer: that is what a loss is known by, not the time alone. A process that was
        # held up has not asked either.
        self._unanswered_at: float | None = None
        self._requests: OrderedDict[bytes, float] = OrderedDict()
        self._hellos: OrderedDict[bytes, frozenset[str]] = OrderedDict()
        self._hello_at: float | None = None
        self._said_at = -HELLO_RETRY_S
        self._retry_s = HELLO_RETRY_S
        self._beat_at = 0.0

    def hello(self, body: v1.Hello, now: float) -> None:
        """Say hello; again by itself until `answered`."""
        message_id = self._request(now)
        self._hellos[message_id] = frozenset(robot.robot for robot in body.robots)
        if len(self._hellos) > PENDING_REQUESTS:
            self._hellos.popitem(last=False)
        self._wire.send(body, now, lane=self.lane, message_id=message_id)
        self._said_at = now
        self._hello_at = now + self._retry_s
        # A hub that does not answer may be busy with a fleet that comes all at once.
        self._retry_s = min(self._retry_s * 2, HELLO_MAX_RETRY_S)

    def want_hello(self, now: float) -> None:
        """Have a hello said at the next timer, soon but not in a loop."""
        self._hello_at = max(now, self._said_at + HELLO_MIN_INTERVAL_S)

    def postpone(self, until: float) -> None:
        """No hello before then."""
        self._hello_at = until

    def hello_unsent(self) -> None:
        """The last hello found no connection."""
        self._hello_at, self._retry_s = self._said_at + HELLO_UNSENT_RETRY_S, HELLO_RETRY_S

    def give_up(self) -> None:
        """The hub refused for good: silence."""
        self.up, self._hello_at = False, None

    def refused(self) -> None:
        """A hello was answered by a refusal: the hub is there, and not too busy to say so."""
        self._retry_s = HELLO_RETRY_S
        self._hello_at = self._said_at + HELLO_RETRY_S

    def is_hello(self, correlation_id: bytes) -> bool:
        """Whether that id is of one of our unanswered hellos."""
        return correlation_id in self._hellos

    def answered(self, header: v1.Header, now: float) -> frozenset[str] | None:
        """A hello's reply came: the robots that it named; None if it answers none of ours."""
        robots = self._hellos.get(header.correlation_id)
        if robots is None:
            return None
        newest = next(reversed(self._hellos)) == header.correlation_id
        while self._hellos and self._hellos.popitem(last=False)[0] != header.correlation_id:
            continue
        if newest:
            self._hello_at, self._retry_s = None, HELLO_RETRY_S
        if not self.up:
            self._beat_at = now + self._wire.timeouts.beat_ms / 1e3
        self.up = True
        return robots

    def heard(self, now: float) -> None:
        """Any message of the hub is a sign of life."""
        self.heard_at, self._unanswered_at = now, None

    def sample(self, header: v1.Header, now: float) -> None:
        """A reply to one of our requests is a sample of the clock offset; from the control lane only."""
        sent_at = self._requests.pop(header.correlation_id, None)
        if sent_at is None or not header.received_ns:
            return
        self._wire.round_trip_ns = int((now - sent_at) * 1e9) - (header.sent_ns - header.received_ns)
        self._wire.clock.add(
            sent_ns=int(sent_at * 1e9),
            received_ns=header.received_ns,
            replied_ns=header.sent_ns,
            got_ns=int(now * 1e9),
        )

    def _request(self, now: float) -> bytes:
        message_id = self._new_id()
        self._requests[message_id] = now
        if len(self._requests) > PENDING_REQUESTS:
            self._requests.popitem(last=False)
        return message_id

    def next_timer(self) -> float | None:
        """When a hello, a beat or the loss of the lane is due."""
        times = [] if self._hello_at is None else [self._hello_at]
        if self.up:
            times.append(self._beat_at)
            if self._unanswered_at is not None:
                times.append(self._lost_at(self._unanswered_at))
        return min(times, default=None)

    def _lost_at(self, asked_at: float) -> float:
        return asked_at + (self._wire.timeouts.peer_lost_ms - self._wire.timeouts.beat_ms) / 1e3

    def handle_timer(self, now: float) -> bool:
        """Beat or notice the loss; True if a hello must be said now (see `hello`)."""
        if self.up and self._unanswered_at is not None and self._lost_at(self._unanswered_at) <= now:
            self.lost(now)
        if self.up and self._beat_at <= now:
            self._beat_at = now + self._wire.timeouts.beat_ms / 1e3
            self._unanswered_at = now if self._unanswered_at is None else self._unanswered_at
            link = self._wire.link_state() if self.lane is Lane.CONTROL else None
            self._wire.send(v1.Beat(link=link), now, lane=self.lane, message_id=self._request(now))
        return self._hello_at is not None and self._hello_at <= now

    def lost(self, now: float) -> None:
        """Nothing is heard any more (or the hub said goodbye)."""
        if self.up:
            self._wire.counters[f"{self.lane.name.lower()}_lane_lost"] += 1
        self.up, self._unanswered_at = False, None
        self.want_hello(now)
