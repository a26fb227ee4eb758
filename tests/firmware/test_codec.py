"""The board's protobuf tables and frames against the schema and the host's: the same bytes, both ways."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core._link_table import MAJOR, MESSAGES, MINOR, SCHEMA_HASH
from robolink.core.frame import Frame, FrameDecoder
from robolink_sims.board import micropython_executable
from tests.core.test_frame import VECTORS, frames, lines, seeds
from tests.firmware import FIRMWARE

from robolink_board import codec, frame, messages  # type: ignore[import-not-found]  # isort: skip

KINDS = {
    "u": {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_ENUM},
    "U": {FieldDescriptor.TYPE_UINT64},
    "?": {FieldDescriptor.TYPE_BOOL},
    "z": {FieldDescriptor.TYPE_SINT64},
    "d": {FieldDescriptor.TYPE_DOUBLE},
    "f": {FieldDescriptor.TYPE_FLOAT},
    "x": {FieldDescriptor.TYPE_FIXED32},
    "s": {FieldDescriptor.TYPE_STRING},
    "b": {FieldDescriptor.TYPE_BYTES},
    "m": {FieldDescriptor.TYPE_MESSAGE},
}
BODIES = {kind: message for kind, message in MESSAGES.items() if message is not None}


def assert_same(table: Any, message: Any, *, whole: bool = True) -> None:
    """Every row is a field of the schema; a message of this profile has all its fields."""
    for row in table:
        field = message.fields_by_number[row[0]]
        kind = row[2]
        assert field.name == row[1]
        assert field.type in KINDS[kind[-1]]
        assert field.is_repeated == (kind[0] == "*")
        if kind[-1] != "m":
            assert (field.has_presence and not field.is_repeated) == (kind[0] == "!"), row
        else:
            serial = field.message_type.name.startswith("Serial")
            assert_same(row[3], field.message_type, whole=serial)
    if whole:
        assert {row[0] for row in table} == set(message.fields_by_number)


@pytest.mark.parametrize("kind", BODIES, ids=v1.SerialFrameKind.Name)
def test_table_is_the_schemas(kind: int) -> None:
    assert_same(messages.TABLES[kind], BODIES[kind].DESCRIPTOR)


def test_versions_and_numbers_are_the_schemas() -> None:
    assert (messages.MAJOR, messages.MINOR, messages.SCHEMA_HASH) == (MAJOR, MINOR, SCHEMA_HASH)
    for name in ("RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "CANCELING", "PREEMPTED", "STOPPED"):
        assert getattr(messages, name) == v1.CommandState.Value(f"COMMAND_STATE_{name}")
    for name in (
        "UNSUPPORTED",
        "INVALID",
        "LIMIT",
        "OLDER_LEASE",
        "BUSY",
        "LATCHED",
        "DISCONNECTED",
        "MAX_DURATION",
    ):
        assert getattr(messages, name) == v1.Cause.Value(f"CAUSE_{name}")
    for name in ("SETTING", "READING", "CALL", "GOAL", "SETPOINT", "ARG", "RESULT"):
        assert getattr(messages, name) == v1.SerialMemberKind.Value(f"SERIAL_MEMBER_KIND_{name}")
    for name, number in vars(messages).items():
        if name.endswith("_KIND"):
            assert v1.SerialFrameKind.Name(number) == f"SERIAL_FRAME_KIND_{name.removesuffix('_KIND')}"


u32 = st.integers(0, 2**32 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats(allow_nan=False)
PLAIN: dict[str, Any] = {
    "u": u32,
    "U": st.integers(0, 2**64 - 1),
    "?": st.booleans(),
    "z": i64,
    "d": doubles,
    "f": st.floats(width=32, allow_nan=False),
    "x": u32,
    "s": st.text(max_size=12),
    "b": st.binary(max_size=20),
}


ENUMS = {
    "action",
    "cause",
    "end_state",
    "kind",
    "level",
    "on_disconnect",
    "on_link_loss",
    "state",
    "stop_levels",
    "type",
    "verdict",
}


def dicts(table: Any) -> Any:
    """Messages of that table as the board holds them."""
    required, optional = {}, {}
    for row in table:
        name, kind = row[1], row[2]
        value = dicts(row[3]) if kind[-1] == "m" else PLAIN[kind[-1]]
        if name in ENUMS:
            value = st.integers(0, 2**31 - 1)
        if kind[0] == "*":
            required[name] = st.lists(value, max_size=3)
        elif kind[0] == "!" or kind == "m":
            optional[name] = value
        else:
            required[name] = value
    return st.fixed_dictionaries(required, optional=optional)


def one_of_each_oneof(message: dict[str, Any]) -> dict[str, Any]:
    """Protobuf keeps the last of a oneof: a Value with two kinds is none."""
    kinds = [name for name in message if name.endswith("_value") and name != "default_value"]
    parts = [name for name in ("board", "component", "member") if isinstance(message.get(name), dict)]
    dropped = {*kinds[1:], *parts[1:]}
    kept: dict[str, Any] = {}
    for name, value in message.items():
        if name in dropped:
            continue
        if isinstance(value, dict):
            value = one_of_each_oneof(value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            value = [one_of_each_oneof(each) for each in value]
        kept[name] = value
    return kept


@pytest.mark.parametrize("kind", BODIES, ids=v1.SerialFrameKind.Name)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_board_and_host_write_and_read_the_same(kind: int, data: Any) -> None:
    table = messages.TABLES[kind]
    message = one_of_each_oneof(data.draw(dicts(table)))
    written = codec.encode(table, message)
    parsed = BODIES[kind].FromString(written)
    assert parsed.SerializeToString(deterministic=True) == written
    assert codec.decode(table, written) == message


@pytest.mark.parametrize("kind", BODIES, ids=v1.SerialFrameKind.Name)
@settings(max_examples=50)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_value_error(kind: int, data: bytes) -> None:
    try:
        message = codec.decode(messages.TABLES[kind], data)
    except ValueError:
        return
    assert isinstance(message, dict)


def test_unknown_fields_are_skipped() -> None:
    table = messages.TABLES[messages.RELEASE_KIND]
    newer = bytes.fromhex("08057a036162638101" + "00" * 8 + "8501" + "00" * 4 + "880107")
    assert codec.decode(table, newer) == {"generation": 5}


@given(frames, seeds)
def test_board_writes_the_hosts_frames(one: Frame, seed: int) -> None:
    assert frame.encode(one.kind, one.seq, one.ack, one.body, seed) == one.to_bytes(seed)


@given(lines, st.integers(1, 40))
def test_board_finds_the_hosts_frames(data: bytes, size: int) -> None:
    expected = [each for each in FrameDecoder(seed=7).receive(data) if isinstance(each, Frame)]
    decoder, found = frame.Decoder(), []
    decoder.seed = 7
    for at in range(0, len(data), size):
        decoder.take(
            data[at : at + size],
            lambda kind, seq, ack, body: found.append(Frame(kind=kind, seq=seq, ack=ack, body=body)),
        )
    assert found == expected


CHECK = """
import sys, json
sys.path.insert(0, sys.argv[1])
from robolink_board import frame
vectors = json.load(open(sys.argv[2]))
for each in vectors["frames"]:
    body, wire = bytes.fromhex(each["body"]), bytes.fromhex(each["wire"])
    assert frame.encode(each["kind"], each["seq"], each["ack"], body, each["seed"]) == wire, each["name"]
    for size in (1, 7, len(wire)):
        decoder, found = frame.Decoder(), []
        decoder.seed = each["seed"]
        for at in range(0, len(wire), size):
            decoder.take(wire[at : at + size], lambda *one: found.append(one))
        assert found == [(each["kind"], each["seq"], each["ack"], body)], each["name"]
for each in vectors["noise"]:
    decoder, found = frame.Decoder(), []
    decoder.seed = each["seed"]
    decoder.take(bytes.fromhex(each["wire"]), lambda *one: found.append(one))
    assert not found, each["name"]
print(sys.implementation.name, len(vectors["frames"]), len(vectors["noise"]))
"""


@pytest.mark.parametrize("python", ["micropython", "cpython"])
def test_golden_vectors_on(python: str, tmp_path: Path) -> None:
    executable = micropython_executable() if python == "micropython" else sys.executable
    script, vectors = tmp_path / "check.py", tmp_path / "vectors.json"
    script.write_text(CHECK)
    vectors.write_text(json.dumps(VECTORS))
    shown = subprocess.run(
        [str(executable), str(script), str(FIRMWARE), str(vectors)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert shown.returncode == 0, shown.stderr + shown.stdout
    assert shown.stdout.split() == [python, str(len(VECTORS["frames"])), str(len(VECTORS["noise"]))]
