"""Both directions of a serial line, decoded by listening: frames with their fields, and the text between them.

Sans-IO. It learns the session's CRC seed from the HELLOs that pass; it sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from robolink import v1
from robolink.core.frame import Frame, FrameDecoder, Noise

MESSAGES: Final[Mapping[int, Any]] = {
    number: getattr(v1, "Serial" + "".join(word.title() for word in name.split("_")[3:]), None)
    for name, number in v1.SerialFrameKind.items()
}
# Numbers that people compare, not count.
HEXADECIMAL: Final = frozenset({"schema_hash", "sheet_hash", "session_id", "nonce", "echo_nonce"})
PREFIX: Final = "SERIAL_FRAME_KIND_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One frame."""

    from_board: bool
    kind: str
    seq: int
    ack: int
    message: Message | None
    # Body that is no message of its kind.
    raw: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line that the board printed."""

    text: str


@dataclass(slots=True)
class Tap:
    """One line, listened to."""

    _decoders: dict[bool, FrameDecoder] = field(
        default_factory=lambda: {True: FrameDecoder(), False: FrameDecoder()}
    )
    _nonces: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    _text: bytearray = field(default_factory=bytearray)

    @property
    def bad_frames(self) -> int:
        """From the board: damaged, or of another session."""
        return self._decoders[True].counters["bad_frames"]

    def heard(self, from_board: bool, data: bytes) -> Iterator[Seen | Text]:
        """What these bytes complete."""
        while data:
            item, data = self._decoders[from_board].receive_one(data)
            if isinstance(item, Noise):
                if from_board:
                    yield from self._lines(item.data)
            elif item is not None:
                yield from self._ended_line()
                yield self._frame(from_board, item)

    def idle(self) -> Iterator[Text]:
        """Nothing has come for a while: what is pending is text."""
        rest = self._decoders[True].flush()
        if rest is not None:
            yield from self._lines(rest.data)
        yield from self._ended_line()

    def _lines(self, data: bytes) -> Iterator[Text]:
        self._text += data
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            if shown := _shown(line):
                yield Text(text=shown)

    def _ended_line(self) -> Iterator[Text]:
        line, self._text = self._text, bytearray()
        if shown := _shown(line):
            yield Text(text=shown)

    def _frame(self, from_board: bool, frame: Frame) -> Seen:
        name = v1.SerialFrameKind.Name(frame.kind) if frame.kind in MESSAGES else str(frame.kind)
        kind, message, raw = MESSAGES.get(frame.kind), None, frame.body
        if kind is not None:
            try:
                message, raw = kind.FromString(frame.body), b""
            except DecodeError:
                message = None
        if isinstance(message, v1.SerialHello):
            self._nonces[from_board] = message.nonce
            if all(self._nonces.values()):
                seed = self._nonces[True] ^ self._nonces[False]
                for decoder in self._decoders.values():
                    decoder.seed = seed
        return Seen(
            from_board=from_board,
            kind=name.removeprefix(PREFIX),
            seq=frame.seq,
            ack=frame.ack,
            message=message,
            raw=raw,
        )


def _shown(line: bytes | bytearray) -> str:
    text = line.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def fields(message: Message | None, names: Mapping[int, str]) -> dict[str, Any]:
    """For people and JSON: members by their names, values as they are."""
    if message is None:
        return {}
    if isinstance(message, v1.SerialReadings):
        return {names.get(each.member, str(each.member)): _value(each.value) for each in message.readings}
    told: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    member = getattr(message, "member", None)
    if isinstance(member, int) and member in names:
        told["member"] = names[member]
    if "command_id" in told:
        told["command_id"] = message.command_id.hex()  # type: ignore[attr-defined]
    for name in HEXADECIMAL.intersection(told):
        told[name] = f"{getattr(message, name):08x}"
    return told


def _value(value: v1.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    if kind == "vector_value":
        return list(value.vector_value.values)
    found = getattr(value, kind)
    return round(found, 6) if isinstance(found, float) else found.hex() if isinstance(found, bytes) else found
