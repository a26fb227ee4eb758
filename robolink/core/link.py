"""One serial link as a state machine: HELLO, beats, sequenced frames, fence, urgent stop, text in between.

It opens nothing, reads no clock and decides nothing about motion: it carries what its owner says, or says
that it cannot. The tables are in _link_table.py, sequence and acknowledgement in _link_window.py.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from robolink import v1
from robolink.core._link_table import (
    KIND_OF,
    MAJOR,
    MESSAGES,
    MINOR,
    SCHEMA_HASH,
    TRANSITIONS,
    Down,
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
from robolink.core._link_text import LineText
from robolink.core._link_window import MAX_QUEUED_FRAMES, Window
from robolink.core.frame import Frame, FrameDecoder, Noise, is_sequenced
from robolink.errors import LocalProtocolError

__all__ = ["Down", "Link", "LinkEvent", "LinkState", "LinkTimes", "LogLine", "Received", "Refused", "Up"]

# To a REPL. Ctrl-C: forget the line that our HELLOs typed. Ctrl-D on an empty line: start the board's main.py.
# Ctrl-B leaves the raw REPL, which echoes nothing; a running program drops it as noise.
CLEAR_LINE: Final = b"\x03"
LEAVE_REPL: Final = b"\x03\x04"
LEAVE_RAW_REPL: Final = b"\x02"
NEVER: Final = float("inf")


class Link:
    """One end of a serial link: the host's, in tests also the board's.

    Attributes:
        state: See TRANSITIONS.
        stop_generation: With `stop_latched` what the next HELLO tells; the owner keeps both true.
        pending_stop: Sent until the board answers it; None ends that.
        counters: What was dropped, sent again, or not understood; never reset.

    Args:
        now: Monotonic s, as everywhere here.
        host: This end wakes a board that sits in its REPL.
        sheet_hash: A board's.
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
        random_u32: Callable[[], int] = lambda: secrets.randbits(32),
    ) -> None:
        self.host, self.major, self.minor, self.sheet_hash = host, major, minor, sheet_hash
        self.times = times or LinkTimes()
        self.stop_generation = 0
        self.stop_latched = False
        self.state = LinkState.GREETING
        self.counters: dict[str, int] = {}
        self._random_u32 = random_u32
        self.session_id = self._random()
        self._decoder = FrameDecoder()
        self._events = deque[LinkEvent]()
        self._text = LineText()
        self._typed = b""
        self._heard_s = self._byte_s = now
        self._peer = v1.SerialHello()
        self._last_peer_session = 0
        self._window = Window(size=self.times.window, resend_s=self.times.resend_s)
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
        self._new_window(now)

    def _new_window(self, now: float) -> None:
        old = self._window
        self._count("resent", old.resent)
        self._count("out_of_sequence", old.out_of_sequence)
        self._count("dropped_with_session", len(old))
        self._window = Window(size=self.times.window, resend_s=self.times.resend_s)
        self._best_effort: deque[Frame] = deque()
        self._setpoints: dict[int, tuple[v1.SerialSetpoint, float]] = {}
        self._fence: tuple[tuple[int, int], int] | None = None
        self._frames_to_fence = 0
        self._ack_due = False
        self._sent_s = now

    # What the owner says.

    @property
    def up(self) -> bool:
        """Whether messages can be sent."""
        return self.state is LinkState.UP

    def send(self, message: Message) -> None:
        """Queue a message; whether it is sequenced or best effort is in its kind.

        Raises:
            LocalProtocolError: Not up, too many queued, or no message of the profile.
            FrameTooLongError: It does not fit a frame.
        """
        kind = KIND_OF.get(type(message))
        if kind is None:
            raise LocalProtocolError(f"{type(message).__name__} is no message of the serial profile")
        if not self.up:
            raise LocalProtocolError("the board does not answer", hint="wait for Up")
        frame = _frame(kind, message)
        frame.to_bytes(0)  # a body that is too long is refused here, at its sender
        if is_sequenced(kind):
            self._window.send(frame)
            return
        if len(self._best_effort) >= MAX_QUEUED_FRAMES:
            self._best_effort.popleft()
            self._count("best_effort_dropped")
        self._best_effort.append(frame)

    def set_fence(self, lease: tuple[int, int], generation: int) -> None:
        """Tell the board under which lease and stop generation the next commands and setpoints come.

        Raises:
            LocalProtocolError: As `send`.
        """
        if self._fence == (lease, generation):
            return
        epoch, sequence = lease
        self.send(v1.SerialFence(lease_epoch=epoch, lease_sequence=sequence, stop_generation=generation))
        self._fence, self._frames_to_fence = (lease, generation), len(self._window)

    def send_setpoint(self, message: v1.SerialSetpoint, expires_s: float) -> None:
        """Newest wins; it waits for the fence and leaves with what is left until monotonic `expires_s`."""
        self._setpoints[message.member] = (message, expires_s)

    def send_stop(self, level: v1.StopLevel, generation: int) -> None:
        """Stop at once, or when the link comes up; sent again until the board names that generation."""
        self.pending_stop = v1.SerialStop(level=level, generation=generation)
        self._stop_due_s = -NEVER
        self._setpoints.clear()

    def lost(self, now: float, text: str) -> None:
        """The mover of the bytes is gone: port vanished or closed."""
        self._decoder.flush()
        self._typed = b""
        self._text.end()
        if self.up:
            self._step(LinkInput.SILENCE)
            self._events.append(Down(text=text))
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
        self._log(self._text.take(noise.data))

    def _log(self, lines: list[str]) -> None:
        self._events += [LogLine(text=line) for line in lines]

    def _take_frame(self, frame: Frame, now: float) -> None:
        self._log(self._text.end())
        if frame.kind == v1.SERIAL_FRAME_KIND_HELLO:
            self._take_hello(frame, now)
            return
        if not self.up:
            self._count("frames_before_hello")
            return
        self._heard_s = now
        self._frames_to_fence = max(self._frames_to_fence - self._window.take_ack(frame.ack, now), 0)
        if is_sequenced(frame.kind):
            self._ack_due = True
            if not self._window.take_seq(frame.seq):
                return
        if frame.kind != v1.SERIAL_FRAME_KIND_BEAT:
            self._take_message(frame)

    def _take_message(self, frame: Frame) -> None:
        kind = MESSAGES.get(frame.kind)
        if kind is None:
            self._count("unknown_kinds")
            return
        try:
            message: Any = kind.FromString(frame.body)
        except DecodeError:
            self._count("bad_bodies")
            return
        stop = self.pending_stop
        if (
            stop is not None
            and isinstance(message, v1.SerialStopState)
            and message.generation >= stop.generation
        ):
            self.pending_stop = None
        self._events.append(Received(message=message))

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
            self._events.append(Down(text="the board began a new session"))
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
        self._new_window(now)
        self._heard_s, self._hello_due_s = now, NEVER
        same = hello.session_id == self._last_peer_session
        self._last_peer_session = hello.session_id
        self._events.append(Up(peer=hello, same_peer=same, minor=min(hello.minor, self.minor)))

    def _refuse(self, hello: v1.SerialHello, now: float) -> None:
        known = self.state is LinkState.REFUSED and hello.nonce == self._peer.nonce
        was_up = self.up
        self._step(LinkInput.OTHER_MAJOR)
        self._peer = hello
        if known:
            return
        text = other_major(hello, self.major, self.minor)
        if was_up:
            self._events.append(Down(text=text))
        # The nonce stays: a new one would be news to the peer, and its answer news to us, for ever.
        self._greet(now, new_nonce=was_up)
        self._events.append(Refused(text=text))

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
        yield self._sent_s + self.times.beat_s
        yield self._heard_s + self.times.silent_s
        yield NEVER if (resend_s := self._window.next_timer()) is None else resend_s
        if self.pending_stop is not None:
            yield self._stop_due_s

    def handle_timer(self, now: float) -> None:
        """Notice a silent board and an idle line."""
        if now >= self._byte_s + self.times.idle_s:
            self._line_idle()
        if self.up and now >= self._heard_s + self.times.silent_s:
            self._step(LinkInput.SILENCE)
            self._events.append(Down(text=f"no frame for {now - self._heard_s:.2f} s"))
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
        self._log(self._text.end())

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
            self._sent_s = now
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
        )
        yield self._text.typed(_frame(v1.SERIAL_FRAME_KIND_HELLO, hello).to_bytes(0))

    def _session_frames(self, now: float) -> Iterator[bytes]:
        if self.pending_stop is not None and now >= self._stop_due_s:
            self._stop_due_s = now + self.times.stop_resend_s
            yield self._wire(_frame(v1.SERIAL_FRAME_KIND_STOP, self.pending_stop))
        yield from map(self._wire, self._window.frames(now))
        if self._fence is not None and not self._frames_to_fence:
            yield from map(self._wire, self._setpoint_frames(now))
        while self._best_effort:
            yield self._wire(self._best_effort.popleft())
        if self._ack_due or now >= self._sent_s + self.times.beat_s:
            yield self._wire(Frame(kind=v1.SERIAL_FRAME_KIND_BEAT))

    def _setpoint_frames(self, now: float) -> Iterator[Frame]:
        for message, expires_s in self._setpoints.values():
            message.ttl_ms = max(int((expires_s - now) * 1e3), 0)
            if message.ttl_ms == 0 and any(message.values):
                self._count("setpoints_too_late")
                continue
            yield _frame(v1.SERIAL_FRAME_KIND_SETPOINT, message)
        self._setpoints.clear()

    def _wire(self, frame: Frame) -> bytes:
        self._ack_due = False
        numbered = Frame(kind=frame.kind, seq=frame.seq, ack=self._window.expected, body=frame.body)
        return numbered.to_bytes(self._decoder.seed)

    def next_event(self) -> LinkEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None


def _frame(kind: int, message: Message) -> Frame:
    return Frame(kind=kind, body=message.SerializeToString(deterministic=True))
