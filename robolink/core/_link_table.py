"""The tables of link.py: states and what moves them, messages by frame kind, events, times.

It knows nothing else, so that a picture can be drawn and a board's tables be checked from it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from google.protobuf.message import Message

from robolink import v1
from robolink.v1 import serial_pb2

MAJOR: Final = 1
MINOR: Final = 0
SCHEMA_HASH: Final = int.from_bytes(hashlib.sha256(serial_pb2.DESCRIPTOR.serialized_pb).digest()[:4], "big")

# None: no protobuf body.
MESSAGES: Final[dict[int, type[Message] | None]] = {
    v1.SERIAL_FRAME_KIND_FENCE: v1.SerialFence,
    v1.SERIAL_FRAME_KIND_COMMAND: v1.SerialCommand,
    v1.SERIAL_FRAME_KIND_CANCEL: v1.SerialCancel,
    v1.SERIAL_FRAME_KIND_QUERY: v1.SerialQuery,
    v1.SERIAL_FRAME_KIND_SETTING: v1.SerialSetting,
    v1.SERIAL_FRAME_KIND_RELEASE: v1.SerialRelease,
    v1.SERIAL_FRAME_KIND_SHEET_REQUEST: v1.SerialSheetRequest,
    v1.SERIAL_FRAME_KIND_IMAGE_BEGIN: v1.SerialImageBegin,
    v1.SERIAL_FRAME_KIND_IMAGE_FILE: v1.SerialImageFile,
    v1.SERIAL_FRAME_KIND_IMAGE_ORDER: v1.SerialImageOrder,
    v1.SERIAL_FRAME_KIND_SHEET_PART: v1.SerialSheetPart,
    v1.SERIAL_FRAME_KIND_UPDATE: v1.SerialUpdate,
    v1.SERIAL_FRAME_KIND_SETTING_RESULT: v1.SerialSettingResult,
    v1.SERIAL_FRAME_KIND_STOP_STATE: v1.SerialStopState,
    v1.SERIAL_FRAME_KIND_IMAGE_STATE: v1.SerialImageState,
    v1.SERIAL_FRAME_KIND_FRAGMENT: None,
    v1.SERIAL_FRAME_KIND_CREDIT: v1.SerialCredit,
    v1.SERIAL_FRAME_KIND_HELLO: v1.SerialHello,
    v1.SERIAL_FRAME_KIND_BEAT: None,
    v1.SERIAL_FRAME_KIND_STOP: v1.SerialStop,
    v1.SERIAL_FRAME_KIND_SETPOINT: v1.SerialSetpoint,
    v1.SERIAL_FRAME_KIND_TIME: v1.SerialTime,
    v1.SERIAL_FRAME_KIND_PROBE: v1.SerialProbe,
    v1.SERIAL_FRAME_KIND_BULK_DATA: None,
    v1.SERIAL_FRAME_KIND_READINGS: v1.SerialReadings,
    v1.SERIAL_FRAME_KIND_FEEDBACK: v1.SerialFeedback,
    v1.SERIAL_FRAME_KIND_TIME_QUERY: v1.SerialTimeQuery,
    v1.SERIAL_FRAME_KIND_LINK_REPORT: v1.SerialLinkReport,
    v1.SERIAL_FRAME_KIND_BULK_CREDIT: v1.SerialBulkCredit,
}
KIND_OF: Final = {message: kind for kind, message in MESSAGES.items() if message is not None}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkProgress:
    """At the host: the board has the image up to `next_offset`."""

    transfer: int
    next_offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChunk:
    """At the board: bytes of the image, in order, each once. Taking the event says that they are stored."""

    transfer: int
    offset: int
    data: bytes


LinkEvent = BulkChunk | BulkProgress | Up | Down | Refused | Received | LogLine


class EventQueue:
    """Events that the owner has not taken, each with what to call when it does: what it frees is told to the peer then."""

    def __init__(self) -> None:
        """Empty."""
        self._events = deque[tuple[LinkEvent, Callable[[], None] | None]]()

    def add(self, event: LinkEvent, taken: Callable[[], None] | None = None) -> None:
        """Put one behind the others."""
        self._events.append((event, taken))

    def log(self, lines: list[str]) -> None:
        """Lines of text."""
        for line in lines:
            self.add(LogLine(text=line))

    def next(self) -> LinkEvent | None:
        """Take the oldest."""
        if not self._events:
            return None
        event, taken = self._events.popleft()
        if taken is not None:
            taken()
        return event


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimes:
    """Every time and limit of a link, s and bytes."""

    beat_s: float = 0.05
    silent_s: float = 0.18
    hello_s: float = 0.1
    resend_s: float = 0.1
    stop_resend_s: float = 0.03
    idle_s: float = 0.2
    show_prompt_s: float = 1.0
    probe_s: float = 1.0
    time_query_s: float = 1.0
    bulk_resend_s: float = 0.1
    window: int = 4
    largest_message: int = 4096
    fragment_credit: int = 16384
    bulk_in_flight: int = 1024


def other_major(hello: v1.SerialHello, major: int, minor: int) -> str:
    """The refusal in words, with both versions."""
    return (
        f"the board speaks robolink serial {hello.major}.{hello.minor}, this host speaks "
        f"{major}.{minor}: another major version; update the older side"
    )
