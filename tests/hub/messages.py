"""Messages to be afraid of, made from the schema's descriptors: a new field is fuzzed without anyone naming it.

All is built on the wire, since much that a peer can send no message object can hold: text that is no UTF-8, a number over
its type's range, a field of another wire type, a field twice. It knows no rule of the hub.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from robolink import v1

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
# Four bytes in its repr, two in its hex; as a whole under the limit of a body, doubled over it.
LONG: Final = 140_000
MANY: Final = 6_000
MAX_DEPTH: Final = 8

# What a valid message of the tests' hub may name: half of all mistakes are a right word in a wrong place.
WORDS: Final = (
    *("r1", "r2", "r3", "base", "base.go", "base.ping", "base.max_speed", "base.distance", "velocity", "x"),
    *(
        "stop",
        "cmd",
        "cmd-status",
        "setting-errors",
        "SOFT_HOLD",
        "CUT",
        "m",
        "Odometry",
        "",
        "driver",
        "anna",
    ),
    *("a1/base.go/x:1/1000/600000", "a2/base.ping//1000/600000", "a3/release/generation:1/1000/600000"),
)
IDS: Final = (b"", b"i" * 16, b"live-of-r1-here!", b"live-of-r2-here!")

_FIXED64: Final = (FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64, FieldDescriptor.TYPE_DOUBLE)
_FIXED32: Final = (FieldDescriptor.TYPE_FIXED32, FieldDescriptor.TYPE_SFIXED32, FieldDescriptor.TYPE_FLOAT)
_LENGTH: Final = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE)

_FLOATS: Final = (0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 3.4e38, -1e9)
_INTS: Final = (0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)
_TEXTS: Final = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe",
    "a surrogate": b"\xed\xa0\x80",
    "zeros": b"\0" * LONG,
    "long": b"x" * LONG,
    "a bit long": b"y" * 300,
    "wide": "\N{SNOWMAN}".encode() * 200,
    "lines": b"a\nb\x1b[2J",
    "format": b"%s%n{0}{}",
    "path": b"../../etc",
    "15 bytes": b"i" * 15,
    "16 bytes": b"i" * 16,
    "17 bytes": b"i" * 17,
}
UNKNOWN_FIELD: Final = b"\xfa\xff\x07\x03abc"
BROKEN: Final = {
    "cut short": b"\x0a\x7f",
    "end of a group": b"\x0c",
    "tag 0": b"\x00\x00",
    "bare": b"\xff" * 11,
}


def varint(number: int) -> bytes:
    """A number modulo 2**64 as protobuf writes it."""
    number &= 2**64 - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def wire_type(field: FieldDescriptor) -> int:
    """How one element of it stands on the wire."""
    if field.type in _LENGTH:
        return LENGTH
    if field.type in _FIXED64:
        return FIXED64
    return FIXED32 if field.type in _FIXED32 else VARINT


def element(field: FieldDescriptor, payload: bytes) -> bytes:
    """One element of a field, with its tag (and length)."""
    kind = wire_type(field)
    return varint(field.number << 3 | kind) + (varint(len(payload)) if kind == LENGTH else b"") + payload


def _payloads(field: FieldDescriptor) -> Iterator[tuple[str, bytes]]:
    """Extreme values of one element."""
    if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
        yield from _TEXTS.items()
        yield from ((repr(word), word.encode()) for word in WORDS)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        yield "empty", b""
        yield "an unknown field", UNKNOWN_FIELD
        yield from BROKEN.items()
        yield "full", filled(field.message_type)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        known = [each.number for each in field.enum_type.values]
        yield from (
            (f"enum {each}", varint(each)) for each in (*known, max(known) + 1, 77, 2**31 - 1, -1, -(2**31))
        )
    elif wire_type(field) == VARINT:
        yield from ((hex(each), varint(each)) for each in _INTS)
    elif field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        code = "<d" if field.type == FieldDescriptor.TYPE_DOUBLE else "<f"
        yield from ((repr(each), struct.pack(code, each)) for each in _FLOATS)
    else:
        size = 8 if wire_type(field) == FIXED64 else 4
        yield from ((hex(each), each.to_bytes(size, "little")) for each in _INTS if each < 2 ** (8 * size))


def extremes(field: FieldDescriptor) -> dict[str, bytes]:
    """What may stand in place of one field, with its tags, by a name for people."""
    found = {name: element(field, payload) for name, payload in _payloads(field)}
    found["absent"] = b""
    first = next(iter(found.values()))
    found["twice"] = first + list(found.values())[1]
    other = FIXED64 if wire_type(field) != FIXED64 else FIXED32
    found["of another wire type"] = varint(field.number << 3 | other) + b"\x07" * (
        8 if other == FIXED64 else 4
    )
    found["as a length"] = varint(field.number << 3 | LENGTH) + b"\x08" + b"\x07" * 8
    if field.is_repeated:
        found["many"] = first * MANY
        full = element(field, filled(field.message_type)) if field.message_type else b""
        found["many full"] = full * min(MANY, LONG // max(1, len(full)))
        if wire_type(field) == LENGTH and not field.message_type:
            found["many others"] = b"".join(element(field, f"{each}".encode()) for each in range(MANY))
    return found


def filled(descriptor: Descriptor, depth: int = MAX_DEPTH) -> bytes:
    """A message with something plausible in each field."""
    parts = []
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth:
                # Of a type that holds itself, one level is enough.
                nested = 0 if field.message_type is descriptor else depth - 1
                parts.append(element(field, filled(field.message_type, nested)))
        elif field.type in _LENGTH:
            parts.append(element(field, b"r1" if field.type == FieldDescriptor.TYPE_STRING else b"i" * 16))
        elif wire_type(field) == VARINT:
            parts.append(element(field, b"\x01"))
        else:
            parts.append(
                element(
                    field, struct.pack("<d", 1.0) if wire_type(field) == FIXED64 else struct.pack("<f", 1)
                )
            )
    return b"".join(parts)


Path = tuple[FieldDescriptor, ...]


def paths(descriptor: Descriptor, before: Path = ()) -> Iterator[Path]:
    """Each field of a message and of the messages in it, as the way to it; a type inside itself is entered once."""
    for field in descriptor.fields:
        here = (*before, field)
        yield here
        entered = [each.message_type for each in before]
        if field.message_type is not None and len(here) < MAX_DEPTH and field.message_type not in entered:
            yield from paths(field.message_type, here)


def mutated(message: Message, path: Path, wire: bytes) -> bytes:
    """The message on the wire with these bytes in place of one field; on the way to it missing messages are added."""
    field, *rest = path
    kept = type(message)()
    kept.CopyFrom(message)
    value = getattr(message, field.name)
    if not rest:
        kept.ClearField(field.name)
        return kept.SerializeToString() + wire
    if field.is_repeated:
        child = value[0] if len(value) else value.add()
        del getattr(kept, field.name)[:1]
    else:
        child = value
        kept.ClearField(field.name)
    return kept.SerializeToString() + element(field, mutated(child, tuple(rest), wire))


# Strategies.


@st.composite
def encoded(draw: st.DrawFn, descriptor: Descriptor, depth: int = 5) -> bytes:
    """Any message of that type, on the wire: each field absent, plausible or extreme."""
    parts = [draw(_field(field, depth)) for field in descriptor.fields]
    if draw(st.integers(0, 9)) == 0:
        parts.append(draw(st.sampled_from([UNKNOWN_FIELD, *BROKEN.values()])))
    return b"".join(parts)


@functools.cache
def _field(field: FieldDescriptor, depth: int) -> st.SearchStrategy[bytes]:
    plausible = _plausible(field, depth).map(lambda payload: element(field, payload))
    if field.is_repeated:
        plausible = st.lists(plausible, max_size=3).map(b"".join)
    # Most fields sane, so that the message comes far: a message with ten faults is refused at the first.
    return st.one_of(
        plausible, plausible, plausible, st.just(b""), st.sampled_from(list(extremes(field).values()))
    )


def _plausible(field: FieldDescriptor, depth: int) -> st.SearchStrategy[bytes]:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return encoded(field.message_type, depth - 1) if depth > 0 else st.just(b"")
    if field.type == FieldDescriptor.TYPE_STRING:
        return st.sampled_from([each.encode() for each in WORDS])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from(IDS)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([varint(each.number) for each in field.enum_type.values])
    if wire_type(field) == VARINT:
        return st.integers(0, 4).map(varint)
    code = {FieldDescriptor.TYPE_DOUBLE: "<d", FieldDescriptor.TYPE_FLOAT: "<f"}.get(field.type)
    if code is None:
        code = "<Q" if wire_type(field) == FIXED64 else "<I"
        return st.integers(0, 4).map(lambda number: struct.pack(code, number))
    return st.floats(-2, 2, width=32).map(lambda number: struct.pack(code, number))


def with_header(header: v1.Header, body: bytes, extra: Sequence[bytes] = ()) -> list[bytes]:
    """The frames of a message."""
    return [header.SerializeToString(), body, *extra]
