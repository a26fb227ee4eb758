"""One serial link as a state machine: HELLO, beats, sequenced frames, the fence, the urgent stop, text between frames.

It opens nothing, reads no clock and decides nothing about motion: it carries what its owner says, or says that it cannot.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from robolink import v1
from robolink.core.frame import Frame, FrameDecoder, Noise, is_sequenced
from robolink.errors import LocalProtocolError
from robolink.v1 import serial_pb2

MAJOR: Final = 1
MINOR: Final = 0
SCHEMA_HASH: Final = int.from_bytes(hashlib.sha256(serial_pb2.DESCRIPTOR.serialized_pb).digest()[:4], "big")
MAX_QUEUED_FRAMES: Final = 64
PROMPT: Final = b">>> "
# Ctrl-C clears what our own HELLOs typed into the prompt; Ctrl-D on the empty line starts the board's main.py.
LEAVE_REPL: Final = b"\x03\x04"
# A new line and Ctrl-B: either REPL answers with its prompt, a running program drops two bytes between frames.
SHOW_PROMPT: Final = b"\r\x02"

MESSAGES: Final[dict[int, type[Message] | None]] = {
    v1.SERIAL_FRAME_KIND_FENCE: v1.SerialFence,
    v1.SERIAL_FRAME_KIND_COMMAND: v1.SerialCommand,
    v1.SERIAL_FRAME_KIND_CANCEL: v1.SerialCancel,
    v1.SERIAL_FRAME_KIND_QUERY: v1.SerialQuery,
    v1.SERIAL_FRAME_KIND_SETTING: v1.SerialSetting,
    v1.SERIAL_FRAME_KIND_RELEASE: v1.SerialRelease,
    v1.SERIAL_FRAME_KIND_SHEET_REQUEST: v1.SerialSheetRequest,
    v1.SERIAL_FRAME_KIND_SHEET_PART: v1.SerialSheetPart,
    v1.SERIAL_FRAME_KIND_UPDATE: v1.SerialUpdate,
    v1.SERIAL_FRAME_KIND_SETTING_RESULT: v1.SerialSettingResult,
    v1.SERIAL_FRAME_KIND_STOP_STATE: v1.SerialStopState,
    v1.SERIAL_FRAME_KIND_HELLO: v1.SerialHello,
    v1.SERIAL_FRAME_KIND_BEAT: None,
    v1.SERIAL_FRAME_KIND_STOP: v1.SerialStop,
    v1.SERIAL_FRAME_KIND_SETPOINT: v1.SerialSetpoint,
    v1.SERIAL_FRAME_KIND_READINGS: v1.SerialReadings,
    v1.SERIAL_FRAME_KIND_FEEDBACK: v1.SerialFeedback,
}
_KIND_OF: Final = {message: kind for kind, message in MESSAGES.items() if message is not None}


class LinkState(Enum):
    """Where the session stands."""

    GREETING = "greeting"
    UP = "up"
    REFUSED = "refused"


class LinkInput(Enum):
    """What moves it."""

    STRANGER = "a HELLO that does not know our nonce, or comes with a new one"
    MATCH = "a HELLO that echoes our nonce"
    OTHER_MAJOR = "a HELLO of another major version"
    SILENCE = "three beats missed"


TRANSITIONS: Final[dict[LinkState, dict[LinkInput, LinkState]]] = {
    LinkState.GREETING: {
        LinkInput.STRANGER: LinkState.GREETING,
        LinkInput.MATCH: LinkState.UP,
        LinkInput.OTHER_MAJOR: LinkState.REFUSED,
    },
    LinkState.UP: {
        LinkInput.STRANGER: LinkState.GREETING,
        LinkInput.OTHER_MAJOR: LinkState.REFUSED,
        LinkInput.SILENCE: LinkState.GREETING,
    },
    LinkState.REFUSED: {
        LinkInput.STRANGER: LinkState.GREETING,
        LinkInput.MATCH: LinkState.UP,
        LinkInput.OTHER_MAJOR: LinkState.REFUSED,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """The session stands: `peer` is its HELLO; `same_peer`: it has not booted since the last session."""

    peer: v1.SerialHello
    same_peer: bool
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The session is over; frames that were not acknowledged are dropped and may or may not have arrived."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The peer speaks another major version."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message of the peer."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """Text between frames: what the board printed, or line noise."""

    text: str


LinkEvent = Up | Down | Refused | Received | LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimes:
    """Every time and limit of a link, s."""

    beat_s: float = 0.05
    silent_s: float = 0.18
    hello_s: float = 0.1
    resend_s: float = 0.1
    stop_resend_s: float = 0.03
    idle_s: float = 0.2
    show_prompt_s: float = 1.0
    window: int = 4


@dataclass(slots=True)
class _Stop:
    message: v1.SerialStop
    due_s: float


@dataclass(slots=True, kw_only=True)
class Link:
    """One end of a serial link (the host's; two of them also talk to each other).

    Attributes:
        stop_generation, stop_latched: What the next HELLO tells; the owner keeps them true.
        host: This end wakes a board that sits in its REPL.
    """

    now: float
    host: bool = True
    times: LinkTimes = field(default_factory=LinkTimes)
    major: int = MAJOR
    minor: int = MINOR
    sheet_hash: int = 0
    stop_generation: int = 0
    stop_latched: bool = False
    random_u32: Callable[[], int] = lambda: secrets.randbits(32)
    state: LinkState = LinkState.GREETING
    counters: dict[str, int] = field(default_factory=dict)
    session_id: int = 0

    def __post_init__(self) -> None:
        """Begin to greet."""
        self.session_id = self.session_id or self._random()
        self._decoder = FrameDecoder()
        self._events: deque[LinkEvent] = deque()
        self._text = bytearray()
        self._heard_s = self._byte_s = self.now
        self._raw = b""
        self._stop: _Stop | None = None
        self._peer = v1.SerialHello()
        self._last_session = 0
        self._greet(self.now)

    # Set by __post_init__ and _greet; slots want them named.
    _decoder: FrameDecoder = field(init=False)
    _events: deque[LinkEvent] = field(init=False)
    _text: bytearray = field(init=False)
    _raw: bytes = field(init=False)
    _stop: _Stop | None = field(init=False)
    _peer: v1.SerialHello = field(init=False)
    _last_session: int = field(init=False)
    _nonce: int = field(init=False)
    _heard_s: float = field(init=False)
    _byte_s: float = field(init=False)
    _sent_s: float = field(init=False)
    _hello_due_s: float = field(init=False)
    _prompt_due_s: float = field(init=False)
    _resend_due_s: float = field(init=False)
    _ack_due: bool = field(init=False)
    _queue: deque[Frame] = field(init=False)
    _unacked: deque[Frame] = field(init=False)
    _best_effort: deque[Frame] = field(init=False)
    _setpoints: dict[int, tuple[v1.SerialSetpoint, float]] = field(init=False)
    _next_seq: int = field(init=False)
    _expected: int = field(init=False)
    _fence: tuple[tuple[int, int], int] | None = field(init=False)
    _fence_frames_ahead: int = field(init=False)

    def _random(self) -> int:
        return self.random_u32() or 1

    def _count(self, name: str, amount: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + amount

    def _greet(self, now: float, *, new_nonce: bool = True) -> None:
        if new_nonce:
            self._nonce = self._random()
        self._decoder.seed = 0
        self._hello_due_s, self._prompt_due_s = now, now + self.times.show_prompt_s
        self._begin_sequence(now)

    def _begin_sequence(self, now: float) -> None:
        self._queue, self._unacked, self._best_effort = deque(), deque(), deque()
        self._setpoints = {}
        self._next_seq = self._expected = 0
        self._ack_due = False
        self._fence, self._fence_frames_ahead = None, 0
        self._sent_s, self._resend_due_s = now, now

    # --- what the owner says -----------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether messages can be sent."""
        return self.state is LinkState.UP

    @property
    def fenced(self) -> bool:
        """Whether the newest fence is acknowledged."""
        return self._fence is not None and self._fence_frames_ahead == 0

    def send(self, message: Message) -> None:
        """Queue a message; whether it is sequenced or best effort is its kind's nature.

        Raises:
            LocalProtocolError: Not up, too many queued, or no message of the profile.
        """
        kind = _KIND_OF.get(type(message))
        if kind is None:
            raise LocalProtocolError(f"{type(message).__name__} is no message of the serial profile")
        if not self.up:
            raise LocalProtocolError("the board does not answer", hint="wait for Up")
        frame = Frame(kind=kind, body=message.SerializeToString(deterministic=True))
        frame.to_bytes(0)  # refuses a body that is too long here, at its sender
        if is_sequenced(kind):
            if len(self._queue) + len(self._unacked) >= MAX_QUEUED_FRAMES:
                raise LocalProtocolError(f"{MAX_QUEUED_FRAMES} frames wait for the board", hint="send less")
            self._queue.append(frame)
        else:
            if len(self._best_effort) >= MAX_QUEUED_FRAMES:
                self._best_effort.popleft()
                self._count("best_effort_dropped")
            self._best_effort.append(frame)

    def set_fence(self, lease: tuple[int, int], generation: int) -> None:
        """Tell the board under which lease and stop generation the next commands and setpoints come."""
        if self._fence == (lease, generation):
            return
        self.send(v1.SerialFence(lease_epoch=lease[0], lease_sequence=lease[1], stop_generation=generation))
        self._fence = (lease, generation)
        self._fence_frames_ahead = len(self._queue) + len(self._unacked)

    def send_setpoint(self, message: v1.SerialSetpoint, expires_s: float) -> None:
        """Newest wins; it waits for the fence, and leaves with what is left of its time (monotonic `expires_s`)."""
        self._setpoints[message.member] = (message, expires_s)

    def send_stop(self, level: v1.StopLevel, generation: int) -> None:
        """Stop now, also when a link that is down comes up; sent again until the board names that generation."""
        self._stop = _Stop(v1.SerialStop(level=level, generation=generation), due_s=self._heard_s)
        self._setpoints.clear()

    def drop_stop(self) -> None:
        """A stop that the board has not yet answered is not sent any more (it was released)."""
        self._stop = None

    def lost(self, now: float, text: str) -> None:
        """The bytes' mover is gone (port vanished, or was closed)."""
        self._decoder.flush()
        self._raw = b""
        self._text.clear()
        if self.up:
            self._step(LinkInput.SILENCE)
            self._events.append(Down(text=text))
        self._greet(now)

    # --- bytes in ----------------------------------------------------------------------------------------------

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
        self._text += noise.data
        *lines, rest = self._text.split(b"\n")
        self._text = rest
        for line in lines:
            self._log(line)

    def _log(self, line: bytes | bytearray) -> None:
        text = line.decode("utf-8", "replace").strip()
        if text:
            self._events.append(LogLine(text="".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)))

    def _take_frame(self, frame: Frame, now: float) -> None:
        if self._text:
            self._log(self._text)
            self._text.clear()
        if frame.kind == v1.SERIAL_FRAME_KIND_HELLO:
            self._take_hello(frame, now)
            return
        if not self.up:
            self._count("frames_before_hello")
            return
        self._heard_s = now
        self._take_ack(frame.ack, now)
        if is_sequenced(frame.kind):
            self._ack_due = True
            if frame.seq != self._expected:
                self._count("out_of_sequence")
                return
            self._expected = (self._expected + 1) & 0xFF
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
        if isinstance(message, v1.SerialStopState) and self._stop is not None:
            if message.generation >= self._stop.message.generation:
                self._stop = None
        self._events.append(Received(message=message))

    def _take_ack(self, ack: int, now: float) -> None:
        if not self._unacked:
            return
        done = (ack - self._unacked[0].seq) & 0xFF
        if not 0 < done <= len(self._unacked):
            return
        for _ in range(done):
            self._unacked.popleft()
        self._fence_frames_ahead = max(self._fence_frames_ahead - done, 0)
        self._resend_due_s = now + self.times.resend_s

    # --- session -----------------------------------------------------------------------------------------------

    def _step(self, what: LinkInput) -> None:
        self.state = TRANSITIONS[self.state][what]

    def _take_hello(self, frame: Frame, now: float) -> None:
        try:
            hello = v1.SerialHello.FromString(frame.body)
        except DecodeError:
            self._count("bad_bodies")
            return
        if hello.major != self.major:
            self._refuse(hello, now)
            return
        known = hello.nonce == self._peer.nonce
        match = hello.echo_nonce == self._nonce
        if self.up and not known:
            self._step(LinkInput.STRANGER)
            self._events.append(Down(text="the board began a new session"))
            self._greet(now, new_nonce=False)
        self._peer = hello
        if not self.up:
            self._step(LinkInput.MATCH if match else LinkInput.STRANGER)
            if match:
                self._begin(hello, now)
        elif match:
            self._heard_s = now
        if not (hello.established and match):
            self._hello_due_s = now

    def _begin(self, hello: v1.SerialHello, now: float) -> None:
        self._decoder.seed = self._nonce ^ hello.nonce
        self._begin_sequence(now)
        self._heard_s = now
        self._hello_due_s = float("inf")
        same = hello.session_id == self._last_session
        self._last_session = hello.session_id
        self._events.append(Up(peer=hello, same_peer=same, minor=min(hello.minor, self.minor)))

    def _refuse(self, hello: v1.SerialHello, now: float) -> None:
        first = self.state is not LinkState.REFUSED or hello.nonce != self._peer.nonce
        was_up = self.up
        self._step(LinkInput.OTHER_MAJOR)
        self._peer = hello
        if not first:
            return
        text = (
            f"the board speaks robolink serial {hello.major}.{hello.minor}, this host speaks "
            f"{self.major}.{self.minor}: another major version; update the older side"
        )
        if was_up:
            self._events.append(Down(text=text))
        self._greet(now)
        self._events.append(Refused(text=text))

    # --- time --------------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and `data_to_send` at the latest, monotonic s."""
        return min(self._timers())

    def _timers(self) -> Iterator[float]:
        yield self._hello_due_s
        if self._decoder.pending or self._text:
            yield self._byte_s + self.times.idle_s
        if not self.up:
            return
        yield self._sent_s + self.times.beat_s
        yield self._heard_s + self.times.silent_s
        if self._unacked:
            yield self._resend_due_s
        if self._stop is not None:
            yield self._stop.due_s

    def handle_timer(self, now: float) -> None:
        """Notice a silent board and an idle line."""
        if now >= self._byte_s + self.times.idle_s:
            self._line_idle()
        if self.up and now >= self._heard_s + self.times.silent_s:
            self._step(LinkInput.SILENCE)
            self._events.append(Down(text=f"no frame for {now - self._heard_s:.2f} s"))
            self._greet(now)

    def _at_prompt(self) -> bool:
        return (self._text + self._decoder.pending).endswith(PROMPT)

    def _line_idle(self) -> None:
        prompt = self.host and not self.up and self._at_prompt()
        rest = self._decoder.flush()
        if rest is not None:
            self._take_noise(rest)
        self._log(self._text)
        self._text.clear()
        if prompt:
            self._raw = LEAVE_REPL
            self._count("prompts_left")

    # --- bytes out ---------------------------------------------------------------------------------------------

    def data_to_send(self, now: float) -> bytes:
        """What is due now."""
        raw, self._raw = self._raw, b""
        out = [raw] if raw else []
        if now >= self._hello_due_s and not (self.host and not self.up and self._at_prompt()):
            out += self._hello(now)
        if self.up:
            out += self._session_frames(now)
        if out:
            self._sent_s = now
        return b"".join(out)

    def _hello(self, now: float) -> Iterator[bytes]:
        if self.host and not self.up and now >= self._prompt_due_s:
            self._prompt_due_s = now + self.times.show_prompt_s
            yield SHOW_PROMPT
        self._hello_due_s = float("inf") if self.up else now + self.times.hello_s
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
        yield Frame(kind=v1.SERIAL_FRAME_KIND_HELLO, body=hello.SerializeToString(deterministic=True)).to_bytes(0)

    def _session_frames(self, now: float) -> Iterator[bytes]:
        if self._stop is not None and now >= self._stop.due_s:
            self._stop.due_s = now + self.times.stop_resend_s
            yield self._wire(Frame(kind=v1.SERIAL_FRAME_KIND_STOP, body=self._stop.message.SerializeToString()))
        if self._unacked and now >= self._resend_due_s:
            self._resend_due_s = now + self.times.resend_s
            self._count("resent", len(self._unacked))
            yield from map(self._wire, self._unacked)
        while self._queue and len(self._unacked) < self.times.window:
            if not self._unacked:
                self._resend_due_s = now + self.times.resend_s
            waiting = self._queue.popleft()
            frame = Frame(kind=waiting.kind, seq=self._next_seq, body=waiting.body)
            self._next_seq = (self._next_seq + 1) & 0xFF
            self._unacked.append(frame)
            yield self._wire(frame)
        yield from self._setpoint_frames(now)
        while self._best_effort:
            yield self._wire(self._best_effort.popleft())
        if self._ack_due or now >= self._sent_s + self.times.beat_s:
            yield self._wire(Frame(kind=v1.SERIAL_FRAME_KIND_BEAT))

    def _setpoint_frames(self, now: float) -> Iterator[bytes]:
        if not self.fenced or self._fence is None:
            return
        for message, expires_s in self._setpoints.values():
            ttl_ms = int((expires_s - now) * 1e3)
            if ttl_ms <= 0 and any(message.values):
                self._count("setpoints_too_late")
                continue
            message.ttl_ms = max(ttl_ms, 0)
            yield self._wire(
                Frame(kind=v1.SERIAL_FRAME_KIND_SETPOINT, body=message.SerializeToString(deterministic=True))
            )
        self._setpoints.clear()

    def _wire(self, frame: Frame) -> bytes:
        self._ack_due = False
        return Frame(kind=frame.kind, seq=frame.seq, ack=self._expected, body=frame.body).to_bytes(self._decoder.seed)

    # --- events ------------------------------------------------------------------------------------------------

    def next_event(self) -> LinkEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None
