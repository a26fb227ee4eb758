"""One serial link as a state machine: HELLO, beats, sequenced frames, fence, urgent stop, bulk, text in between.

It opens nothing, reads no clock and decides nothing about motion: it carries what its owner says, or says
that it cannot. Its tables are in _link_table.py, what one session holds in _link_session.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from robolink import v1
from robolink.core._link_lanes import OWN, Lanes
from robolink.core._link_quality import LinkQuality
from robolink.core._link_session import Session, frame_of
from robolink.core._link_table import (
    MAJOR,
    MESSAGES,
    MINOR,
    SCHEMA_HASH,
    TRANSITIONS,
    BulkChunk,
    BulkProgress,
    Down,
    EventQueue,
    LinkEvent,
    LinkInput,
    LinkState,
    LinkTimes,
    LogLine,
    Received,
    Refused,
    Up,
    other_major,
)
from robolink.core._link_text import CLEAR_LINE, LEAVE_RAW_REPL, LEAVE_REPL, LineText
from robolink.core._link_time import SiteTime
from robolink.core.frame import Frame, FrameDecoder, Noise, is_sequenced, wire_bytes
from robolink.errors import LocalProtocolError

__all__ = [
    "SCHEMA_HASH",
    "BulkChunk",
    "BulkProgress",
    "Down",
    "Link",
    "LinkEvent",
    "LinkQuality",
    "LinkState",
    "LinkTimes",
    "LogLine",
    "Received",
    "Refused",
    "SiteTime",
    "Up",
]

NEVER: Final = float("inf")


class Link:
    """One end of a serial link: the host's, in tests also the board's.

    Attributes:
        state: See TRANSITIONS.
        next_event: Gives the oldest event not yet taken, or None.
        stop_generation: With `stop_latched` what the next HELLO tells; the owner keeps both true.
        pending_stop: Sent until the board answers it; None ends that.
        counters: What was dropped, sent again, or not understood; never reset.
        lanes: Probes, site time and the bulk lane.

    Args:
        now: Monotonic s, as everywhere here.
        host: This end wakes a board that sits in its REPL.
        sheet_hash: A board's.
        slot: That a board's program runs from.
        random_u32: Makes session id and nonces.
    """

    def __init__(
        self,
        *,
        now: float,
        host: bool = True,
        times: LinkTimes | None = None,
        major: int = MAJOR,
        minor: int = MINOR,
        sheet_hash: int = 0,
        slot: str = "",
        random_u32: Callable[[], int] = lambda: secrets.randbits(32),
    ) -> None:
        self.host, self.major, self.minor, self.sheet_hash = host, major, minor, sheet_hash
        self.times = times or LinkTimes()
        self.slot = slot
        self.stop_generation = 0
        self.stop_latched = False
        self.state = LinkState.GREETING
        self.counters: dict[str, int] = {}
        self._random_u32 = random_u32
        self.session_id = self._random()
        self._decoder = FrameDecoder()
        self._events = EventQueue()
        self.next_event = self._events.next
        self._text = LineText()
        self._typed = b""
        self._heard_s = self._byte_s = now
        self._peer = v1.SerialHello()
        self._last_peer_session = 0
        self.lanes = Lanes(host=host, times=self.times, count=self._count, counted=self._counted, now=now)
        self._session = self._new_session(now, None)
        self.pending_stop: v1.SerialStop | None = None
        self._stop_due_s = now
        self._greet(now)

    def _random(self) -> int:
        return self._random_u32() or 1  # 0 means "none" on the wire

    def _count(self, name: str, amount: int = 1) -> None:
        if amount:
            self.counters[name] = self.counters.get(name, 0) + amount

    def _greet(self, now: float, *, new_nonce: bool = True) -> None:
        if new_nonce:
            self._nonce = self._random()
        self._decoder.seed = 0
        self._hello_due_s, self._prompt_due_s = now, now + self.times.show_prompt_s
        self._session.add_counters(self.counters)
        self._count("dropped_with_session", len(self._session.window))
        self._session = self._new_session(now, None)
        self.lanes.down()

    def _new_session(self, now: float, peer: v1.SerialHello | None) -> Session:
        return Session(now=now, times=self.times, count=self._count, peer=peer)

    # What the owner says.

    @property
    def up(self) -> bool:
        """Whether messages can be sent."""
        return self.state is LinkState.UP

    def send(self, message: Message) -> None:
        """Queue a message; whether it is sequenced or best effort is in its kind.

        Raises:
            LocalProtocolError: Not up, too many queued, or no message of the profile.
            FrameTooLongError: It does not fit a frame, nor what the peer takes in fragments.
        """
        frame = frame_of(message)  # the fault that does not pass is named first
        self._must_be_up()
        self._session.send_frame(frame)

    def _must_be_up(self) -> None:
        if not self.up:
            raise LocalProtocolError("the board does not answer", hint="wait for Up")

    def set_fence(self, lease: tuple[int, int], generation: int) -> None:
        """Tell the board under which lease and stop generation the next commands and setpoints come.

        Raises:
            LocalProtocolError: As `send`.
        """
        self._must_be_up()
        self._session.set_fence(lease, generation)

    def send_setpoint(self, message: v1.SerialSetpoint, expires_s: float) -> None:
        """Newest wins; it waits for the fence and leaves with what is left until monotonic `expires_s`.

        Raises:
            FrameTooLongError: Too many values.
        """
        self._session.send_setpoint(message, expires_s)

    def send_stop(self, level: v1.StopLevel, generation: int) -> None:
        """Stop at once, or when the link comes up; sent again until the board names that generation."""
        self.pending_stop = v1.SerialStop(level=level, generation=generation)
        self._stop_due_s = -NEVER
        self._session.drop_setpoints()

    def quality(self, now: float) -> LinkQuality:
        """How good the line is, as a host measures it."""
        return self.lanes.prober.quality(now - self._heard_s, self._counted())

    def _counted(self) -> dict[str, int]:
        told = dict(self.counters)
        self._session.add_counters(told)
        return told | self._decoder.counters

    def lost(self, now: float, text: str) -> None:
        """The mover of the bytes is gone: port vanished or closed."""
        self._decoder.flush()
        self._typed = b""
        self._text.end()
        if self.up:
            self._step(LinkInput.SILENCE)
            self._events.add(Down(text=text))
        self._greet(now)

    # Bytes in.

    def receive(self, data: bytes, now: float) -> None:
        """Take what came from the line. Never raises for it."""
        if data:
            self._byte_s = now
        while data:
            item, data = self._decoder.receive_one(data)
            if isinstance(item, Noise):
                self._take_noise(item)
            elif item is not None:
                self._take_frame(item, now)

    def _take_noise(self, noise: Noise) -> None:
        if self.host and not self.up and self._text.is_echo(noise.data):
            self._typed = CLEAR_LINE
            return
        self._count("noise_bytes", len(noise.data))
        self._events.log(self._text.take(noise.data))

    def _take_frame(self, frame: Frame, now: float) -> None:
        if self._text:
            self._events.log(self._text.end())
        if frame.kind == v1.SERIAL_FRAME_KIND_HELLO:
            self._take_hello(frame, now)
            return
        if not self.up:
            self._count("frames_before_hello")
            return
        self._heard_s = now
        session = self._session
        session.window.take_ack(frame.ack, now)
        if is_sequenced(frame.kind):
            session.ack_due = True
            if not session.window.take_seq(frame.seq):
                return
        if frame.kind == v1.SERIAL_FRAME_KIND_FRAGMENT:
            if (whole := session.take_fragment(frame.body)) is not None:
                size = len(whole.body)
                self._take_message(whole, now, lambda: session.assembler.released(size))
        elif frame.kind == v1.SERIAL_FRAME_KIND_BULK_DATA:
            if (chunk := self.lanes.take_bulk(frame.body, now)) is not None:
                self._events.add(*chunk)
        elif frame.kind != v1.SERIAL_FRAME_KIND_BEAT:
            self._take_message(frame, now)

    def _take_message(self, frame: Frame, now: float, taken: Callable[[], None] | None = None) -> None:
        kind = MESSAGES.get(frame.kind)
        message: Any = None
        if kind is None:
            self._count("unknown_kinds")
        else:
            try:
                message = kind.FromString(frame.body)
            except DecodeError:
                self._count("bad_bodies")
        if message is None:
            if taken is not None:
                taken()  # what nobody gets takes no room
        elif isinstance(message, v1.SerialCredit):
            self._session.window.take_credit(message.fragment_bytes)
        elif isinstance(message, OWN):
            if (event := self.lanes.take(message, self._session, now)) is not None:
                self._events.add(event)
        else:
            self._take_stop_state(message)
            self._events.add(Received(message=message), taken)

    def _take_stop_state(self, message: Message) -> None:
        stop = self.pending_stop
        if stop is not None and isinstance(message, v1.SerialStopState):
            if message.generation >= stop.generation:
                self.pending_stop = None

    # The session.

    def _step(self, what: LinkInput) -> None:
        self.state = TRANSITIONS[self.state][what]

    def _take_hello(self, frame: Frame, now: float) -> None:
        try:
            hello = v1.SerialHello.FromString(frame.body)
        except DecodeError:
            self._count("bad_bodies")
            return
        if hello.nonce == self._nonce:
            self._count("own_hello")  # a loop in the line, or a REPL that echoes
            self._typed = CLEAR_LINE if self.host and not self.up else b""
            return
        if hello.major != self.major:
            self._refuse(hello, now)
            return
        match = hello.echo_nonce == self._nonce
        if self.up and hello.nonce != self._peer.nonce:
            self._step(LinkInput.STRANGER)
            self._events.add(Down(text="the board began a new session"))
            self._greet(now, new_nonce=False)
        self._peer = hello
        if self.up:
            self._heard_s = now if match else self._heard_s
        else:
            self._step(LinkInput.MATCH if match else LinkInput.STRANGER)
            if match:
                self._begin(hello, now)
        if not (match and hello.established):
            self._hello_due_s = now

    def _begin(self, hello: v1.SerialHello, now: float) -> None:
        self._decoder.seed = self._nonce ^ hello.nonce
        self._session = self._new_session(now, hello)
        self._heard_s, self._hello_due_s = now, NEVER
        same = hello.session_id == self._last_peer_session
        self._last_peer_session = hello.session_id
        self.lanes.up(now, same_peer=same)
        self._events.add(Up(peer=hello, same_peer=same, minor=min(hello.minor, self.minor)))

    def _refuse(self, hello: v1.SerialHello, now: float) -> None:
        known = self.state is LinkState.REFUSED and hello.nonce == self._peer.nonce
        was_up = self.up
        self._step(LinkInput.OTHER_MAJOR)
        self._peer = hello
        if known:
            return
        text = other_major(hello, self.major, self.minor)
        if was_up:
            self._events.add(Down(text=text))
        # The nonce stays: a new one would be news to the peer, and its answer news to us, for ever.
        self._greet(now, new_nonce=was_up)
        self._events.add(Refused(text=text))

    # Time.

    def next_timer(self) -> float:
        """When to call `handle_timer` and then `data_to_send` at the latest, monotonic s."""
        return min(self._timers())

    def _timers(self) -> Iterator[float]:
        yield self._hello_due_s
        if self._decoder.pending or self._text:
            yield self._byte_s + self.times.idle_s
        if not self.up:
            return
        yield self._session.sent_s + self.times.beat_s
        yield self._heard_s + self.times.silent_s
        yield self._session.next_timer()
        yield self.lanes.next_timer()
        if self.pending_stop is not None:
            yield self._stop_due_s

    def handle_timer(self, now: float) -> None:
        """Notice a silent board and an idle line."""
        if now >= self._byte_s + self.times.idle_s:
            self._line_idle()
        if self.up and now >= self._heard_s + self.times.silent_s:
            self._step(LinkInput.SILENCE)
            self._events.add(Down(text=f"no frame for {now - self._heard_s:.2f} s"))
            self._greet(now)

    def _at_prompt(self) -> bool:
        return self.host and not self.up and self._text.at_prompt(self._decoder.pending)

    def _line_idle(self) -> None:
        if self._at_prompt():
            self._typed = LEAVE_REPL
            self._count("prompts_left")
        rest = self._decoder.flush()
        if rest is not None:
            self._take_noise(rest)
        self._events.log(self._text.end())

    # Bytes out.

    def data_to_send(self, now: float) -> bytes:
        """What is due now."""
        typed, self._typed = self._typed, b""
        out = [typed] if typed else []
        # At a prompt a HELLO would only be typed into it, and hide that it is idle.
        if now >= self._hello_due_s and not self._at_prompt():
            out += self._hello(now)
        if self.up:
            out += self._session_frames(now)
        if out:
            self._session.sent_s = now
        return b"".join(out)

    def _hello(self, now: float) -> Iterator[bytes]:
        if self.host and not self.up and now >= self._prompt_due_s:
            self._prompt_due_s = now + self.times.show_prompt_s
            yield LEAVE_RAW_REPL
        self._hello_due_s = NEVER if self.up else now + self.times.hello_s
        hello = v1.SerialHello(
            major=self.major,
            minor=self.minor,
            schema_hash=SCHEMA_HASH,
            sheet_hash=self.sheet_hash,
            session_id=self.session_id,
            nonce=self._nonce,
            echo_nonce=self._peer.nonce,
            established=self.up,
            stop_generation=self.stop_generation,
            stop_latched=self.stop_latched,
            largest_message=self.times.largest_message,
            fragment_credit=self.times.fragment_credit,
            slot=self.slot,
        )
        yield self._text.typed(frame_of(hello).to_bytes(0))

    def _session_frames(self, now: float) -> Iterator[bytes]:
        session, stop = self._session, self.pending_stop
        if stop is not None and now >= self._stop_due_s:
            self._stop_due_s = now + self.times.stop_resend_s
            yield self._wire(frame_of(stop))
        yield from map(self._wire, (frames := [*self.lanes.questions(now), *session.frames(now)]))
        # Any frame is a beat, and carries the acknowledgement.
        if session.ack_due or (not frames and now >= session.sent_s + self.times.beat_s):
            yield self._wire(Frame(kind=v1.SERIAL_FRAME_KIND_BEAT))
        yield from map(self._wire, self.lanes.bulk(now))

    def _wire(self, frame: Frame) -> bytes:
        session = self._session
        session.ack_due = False
        return wire_bytes(frame.kind, frame.seq, session.window.expected, frame.body, self._decoder.seed)
