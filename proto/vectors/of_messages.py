"""Vectors of encodings: headers, every body type, every serial body, the audit's chain of hashes."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from filled import Filler, fields_of, members_of_oneofs
from google.protobuf.message import Message

from robolink import v1
from robolink.core._link_table import MESSAGES
from robolink.core.envelope import BODY_OF_TYPE, MAX_BODY_BYTES, MAX_HEADER_BYTES

Vector = dict[str, Any]

ID: Final = bytes(range(16))
# Fields of the schema that the board's tables leave out: it never sends them and skips them where they come.
NOT_ON_BOARDS: Final = frozenset(
    f"robolink.v1.Field.{name}" for name in ("display_unit", "length", "choices")
)


def encoded(message: Message) -> str:
    """Deterministic bytes, in hexadecimal."""
    return message.SerializeToString(deterministic=True).hex()


def vector(name: str, message: Message, **more: Any) -> Vector:
    """Fields and bytes of one message."""
    return {"name": name, "message": message.DESCRIPTOR.name, "fields": fields_of(message), **more} | {
        "bytes": encoded(message)
    }


def envelope() -> dict[str, Any]:
    """Headers, bodies, other encodings, refusals."""
    return {
        "about": "Messages of the ZeroMQ lanes: fields in protobuf's JSON mapping, bytes deterministic. `others`: "
        "bytes that decode to the same message. `refused`: header and body, the cause a receiver answers with; "
        "`repeat` N stands for a frame of N zero bytes.",
        "headers": headers(),
        "bodies": bodies(),
        "others": others(),
        "refused": refused(),
    }


def headers() -> list[Vector]:
    """From a client, from the hub, from a driver, with nothing, with all."""
    command = v1.Header(
        major=1,
        message_id=ID,
        destination="turtle-1",
        body_type=v1.BODY_TYPE_COMMAND,
        seq=7,
        session_id=0x0123456789ABCDEF,
        sent_ns=1_000_000_000,
        ttl_ms=5000,
        lease=v1.LeaseToken(epoch=3, sequence=12),
        stop_generation=2,
    )
    forwarded = v1.Header()
    forwarded.CopyFrom(command)
    forwarded.source, forwarded.session_id = "my-app", 0xFEDCBA9876543210
    reply = v1.Header(
        major=1,
        message_id=bytes(range(16, 32)),
        body_type=v1.BODY_TYPE_BEAT_REPLY,
        seq=300,
        session_id=0xFEDCBA9876543210,
        sent_ns=1_000_020_000,
        correlation_id=ID,
        received_ns=1_000_010_000,
    )
    unsynced = v1.Header(major=1, message_id=ID, body_type=v1.BODY_TYPE_STOP, seq=1, session_id=1)
    return [
        vector("empty", v1.Header()),
        vector("a client's command", command),
        vector("the same as the hub passes it on", forwarded),
        vector("a reply, which is a sample of the clock", reply),
        vector("a stop without a clock", unsynced),
        vector("a token of zeros is not no token", v1.Header(major=1, lease=v1.LeaseToken())),
        vector("every field", Filler().fill(v1.Header()), filled=True),
    ]


def bodies() -> list[Vector]:
    """Each body type empty and full; of a oneof each member."""
    found = []
    for number, kind in BODY_OF_TYPE.items():
        name = kind.DESCRIPTOR.name
        found.append(vector(f"{name}: empty", kind(), body_type=number))
        for chosen in members_of_oneofs(kind.DESCRIPTOR):
            message = Filler().fill(kind(), chosen=chosen)
            if message.ByteSize():
                label = f"{name}: {chosen}" if chosen else f"{name}: full"
                found.append(vector(label, message, body_type=number, filled=True))
    return found + special_bodies()


def special_bodies() -> list[Vector]:
    """Presence, extremes, and what people get wrong."""
    numbers = [0, 1, -1, 2**63 - 1, -(2**63)]
    doubles = [0.0, -0.0, 0.1, 1e-320, float("inf"), float("-inf"), float("nan")]
    args = [v1.NamedValue(name=f"int{at}", value=v1.Value(int_value=n)) for at, n in enumerate(numbers)]
    args += [
        v1.NamedValue(name=f"double{at}", value=v1.Value(double_value=x)) for at, x in enumerate(doubles)
    ]
    args += [
        v1.NamedValue(name="no", value=v1.Value(bool_value=False)),
        v1.NamedValue(name="empty_text", value=v1.Value(string_value="")),
        v1.NamedValue(name="empty_bytes", value=v1.Value(bytes_value=b"")),
        v1.NamedValue(name="empty_vector", value=v1.Value(vector_value=v1.Vector())),
        v1.NamedValue(name="none", value=v1.Value()),
    ]
    return [
        vector("Command: extreme values", v1.Command(method="a.b", args=args), body_type=16),
        vector("CommandFeedback: progress 0 is said", v1.CommandFeedback(progress=0.0), body_type=19),
        vector("TwinWrite: if_version 0 is said", v1.TwinWrite(robot="r", if_version=0), body_type=58),
        vector("Beat: clock error 0 is synced", v1.Beat(link=v1.LinkState(clock_error_us=0)), body_type=3),
        vector("Beat: not synced", v1.Beat(link=v1.LinkState(stoppable=True)), body_type=3),
        vector("Setpoint: repeated zeros are packed", v1.Setpoint(name="v", values=[0.0, 0.0]), body_type=22),
        vector("StopResult: standstill at once", stop_report(0.0), body_type=43),
        vector("StopResult: not measured", stop_report(None), body_type=43),
    ]


def stop_report(standstill_ms: float | None) -> v1.StopReport:
    """A verdict."""
    verdict = v1.STOP_VERDICT_STOPPING if standstill_ms is None else v1.STOP_VERDICT_STOPPED
    result = v1.StopResult(robot="turtle-1", verdict=verdict, generation=5, standstill_ms=standstill_ms)
    return v1.StopReport(result=result)


def others() -> list[Vector]:
    """What a decoder takes though no deterministic writer makes it."""
    token = v1.LeaseToken(epoch=1, sequence=2)
    setpoint = v1.Setpoint(name="v", values=[1.0, 2.0])
    one, two = "000000000000f03f", "0000000000000040"
    update = v1.Event(command=v1.CommandUpdate(robot="r", state=v1.COMMAND_STATE_RUNNING))
    cases = [
        ("fields in another order", v1.Header(lease=token, major=1), "4a0410020801" + "0801"),
        ("the last of a field counts", v1.Header(major=1), "0802" + "0801"),
        ("submessages that stand twice are merged", v1.Header(lease=token), "4a020801" + "4a021002"),
        ("repeated numbers not packed", setpoint, f"0a0176 11{one} 11{two}"),
        ("repeated numbers in two packs", setpoint, f"0a0176 1208{one} 1208{two}"),
        ("a default that is written", v1.Header(major=1), "0801" + "1a00"),
        ("a varint that is longer than it must be", v1.Header(major=1), "0881808000"),
        ("an unknown field", v1.Header(major=1), "0801" + "c0bb0105", True),
        ("the last of a oneof counts", update, "12030a0178" + "1a051201721803"),
        ("a known number with another wire type is unknown", v1.Header(major=1), "0801" + "1801", True),
    ]
    made = []
    for name, message, data, *unknown in cases:
        one_vector = vector(name, message, other="".join(data.split()))
        made.append(one_vector | {"unknown_fields": bool(unknown)})
    return made


def refused() -> list[Vector]:
    """Frames that are answered with a cause, or thrown away where nobody can be answered."""
    good = v1.Header(major=1, message_id=ID, body_type=v1.BODY_TYPE_DESCRIBE, session_id=1)

    def header(**changed: Any) -> str:
        made = v1.Header()
        made.CopyFrom(good)
        for name, value in changed.items():
            setattr(made, name, value)
        return encoded(made)

    ok = header()
    cases: list[tuple[str, Any, Any, str]] = [
        ("header: empty", "", "", "VERSION"),
        ("header: no protobuf", "ff" * 12, "", "INVALID"),
        ("header: cut", ok[:-4], "", "INVALID"),
        ("header: text", b"GET / HTTP/1.1".hex(), "", "INVALID"),
        ("header: too long", {"repeat": MAX_HEADER_BYTES + 1}, "", "INVALID"),
        ("header: major 2", header(major=2), "", "VERSION"),
        ("header: message id of 15 bytes", header(message_id=ID[:15]), "", "INVALID"),
        ("header: message id of 17 bytes", header(message_id=ID + b"x"), "", "INVALID"),
        ("header: no message id", header(message_id=b""), "", "INVALID"),
        ("header: destination is no UTF-8", "0801" + "1210" + ID.hex() + "1a02c328", "", "INVALID"),
        ("header: no body type", header(body_type=0), "", "UNSUPPORTED"),
        ("header: body type 9999", header(body_type=9999), "", "UNSUPPORTED"),
        ("body: no protobuf", ok, "ff", "INVALID"),
        ("body: a length beyond its end", ok, "0a05" + "61", "INVALID"),
        ("body: varint without an end", ok, "08" + "80" * 10, "INVALID"),
        ("body: field 0", ok, "0001", "INVALID"),
        ("body: wire type 7", ok, "0f", "INVALID"),
        ("body: a group without an end", ok, "0b", "INVALID"),
        ("body: text that is no UTF-8", ok, "0a02c328", "INVALID"),
        ("body: too long", ok, {"repeat": MAX_BODY_BYTES + 1}, "INVALID"),
    ]
    return [{"name": name, "header": head, "body": body, "cause": cause} for name, head, body, cause in cases]


def serial() -> dict[str, Any]:
    """Every body of the serial profile."""
    found, whole = [], []
    for number, kind in MESSAGES.items():
        if kind is None:
            continue
        name = kind.DESCRIPTOR.name
        found.append(vector(f"{name}: empty", kind(), kind=number))
        for chosen in members_of_oneofs(kind.DESCRIPTOR):
            label = f"{name}: {chosen}" if chosen else f"{name}: full"
            board = Filler(skip=NOT_ON_BOARDS).fill(kind(), chosen=chosen)
            full = Filler().fill(kind(), chosen=chosen)
            if board.ByteSize():
                found.append(vector(label, board, kind=number, filled=True))
            if encoded(full) != encoded(board):
                whole.append(vector(label, full, kind=number, filled=True))
    refusals = [
        {"name": name, "kind": kind, "bytes": data}
        for name, kind, data in (
            ("varint without an end", v1.SERIAL_FRAME_KIND_FENCE, "0880"),
            ("varint of eleven bytes", v1.SERIAL_FRAME_KIND_FENCE, "08" + "80" * 10 + "01"),
            ("a length beyond its end", v1.SERIAL_FRAME_KIND_COMMAND, "0a0561"),
            ("a fixed number that is cut", v1.SERIAL_FRAME_KIND_HELLO, "1d010203"),
            ("field 0", v1.SERIAL_FRAME_KIND_RELEASE, "0001"),
            ("text that is no UTF-8", v1.SERIAL_FRAME_KIND_UPDATE, "2202c328"),
            ("packed numbers that are cut", v1.SERIAL_FRAME_KIND_SETPOINT, "1207" + "00" * 7),
        )
    ]
    return {
        "about": "Bodies of the serial profile by frame kind, as in envelope.json. `whole`: with fields that a board "
        "may skip. `refused`: bytes that are no body of that kind.",
        "bodies": found,
        "whole": whole,
        "refused": refusals,
    }


def audit() -> dict[str, Any]:
    """A chain of records."""
    records = [
        v1.AuditRecord(
            seq=1, unix_ms=1_700_000_000_000, who="desk", what="lease-take", robot="arm-1", text="jam"
        ),
        v1.AuditRecord(seq=2, who="desk", what="stop", robot="arm-1"),
        v1.AuditRecord(seq=3, who="twin", what="command", robot="arm-1", claimed_by="cloud:anna"),
    ]
    chain, former = [], bytes(32)
    for record in records:
        former = hashlib.sha256(former + record.SerializeToString(deterministic=True)).digest()
        record.hash = former
        chain.append(vector(f"record {record.seq}", record))
    return {
        "about": "hash = SHA-256(hash of the former record, 32 zero bytes for the first | deterministic encoding without hash).",
        "chain": chain,
    }
