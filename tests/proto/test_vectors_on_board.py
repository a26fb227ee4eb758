"""Golden vectors of serial bodies on the board's codec, on real MicroPython and on this Python; ticks as a board counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from robolink.core._link_table import MESSAGES
from robolink.errors import ConfigError
from robolink_sims.board import micropython_executable
from tests.firmware import FIRMWARE
from tests.proto.vectors import cases, load, message_of

Vector = dict[str, Any]

CHECK = """
import sys, json
sys.path.insert(0, sys.argv[1])
from robolink_board import codec, messages

def plain(value):
    # Bytes travel as {"hex": ...}.
    if isinstance(value, dict):
        if "hex" in value:
            return bytes.fromhex(value["hex"])
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value

vectors = json.load(open(sys.argv[2]))
for each in vectors["bodies"]:
    table, data = messages.TABLES[each["kind"]], bytes.fromhex(each["bytes"])
    assert codec.decode(table, data) == plain(each["board"]), each["name"]
    assert codec.encode(table, plain(each["board"])) == data, each["name"]
for each in vectors["whole"]:
    assert codec.decode(messages.TABLES[each["kind"]], bytes.fromhex(each["bytes"])) == plain(each["board"]), each["name"]
for each in vectors["refused"]:
    try:
        codec.decode(messages.TABLES[each["kind"]], bytes.fromhex(each["bytes"]))
    except ValueError:
        continue
    raise AssertionError(each["name"])
print(sys.implementation.name, *[len(vectors[name]) for name in ("bodies", "whole", "refused")])
"""


def as_board_holds(message: Message, table: Any) -> Vector:
    """The message as the board's codec decodes it: what has no presence is always there, bytes as {"hex": …}."""
    held: Vector = {}
    for row in table:
        name, kind = row[1], row[2]
        field = message.DESCRIPTOR.fields_by_number[row[0]]
        value = getattr(message, name)
        if field.is_repeated:
            held[name] = [plain(field, each, row) for each in value]
        elif not field.has_presence or message.HasField(name):
            held[name] = plain(field, value, row)
        else:
            assert kind[0] == "!" or kind == "m"
    return held


def plain(field: FieldDescriptor, value: Any, row: Any) -> Any:
    if field.message_type is not None:
        return as_board_holds(value, row[3])
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def board_vectors() -> Vector:
    from robolink_board import messages  # type: ignore[import-not-found]

    vectors = load("serial_messages")
    for section in ("bodies", "whole"):
        for each in vectors[section]:
            each["board"] = as_board_holds(message_of(each), messages.TABLES[each["kind"]])
    return vectors


@pytest.mark.parametrize("python", ["micropython", "cpython"])
def test_codec_of_the_board_on(python: str, tmp_path: Path) -> None:
    executable = Path(sys.executable)
    if python == "micropython":
        try:
            executable = micropython_executable()
        except ConfigError as exc:
            pytest.skip(str(exc))
    vectors = board_vectors()
    script, file = tmp_path / "check.py", tmp_path / "vectors.json"
    script.write_text(CHECK)
    file.write_text(json.dumps(vectors))
    shown = subprocess.run(
        [str(executable), str(script), str(FIRMWARE), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr + shown.stdout
    counts = [str(len(vectors[name])) for name in ("bodies", "whole", "refused")]
    assert shown.stdout.split() == [python, *counts]


@cases("serial_messages", "bodies")
def test_body_at_the_host(vector: Vector) -> None:
    message, data = message_of(vector), bytes.fromhex(vector["bytes"])
    kind = MESSAGES[vector["kind"]]
    assert kind is type(message)
    assert message.SerializeToString(deterministic=True) == data
    assert kind.FromString(data) == message


@cases("serial_messages", "refused")
def test_refused_at_the_host(vector: Vector) -> None:
    kind = MESSAGES[vector["kind"]]
    assert kind is not None
    with pytest.raises(Exception, match="Error parsing message"):
        kind.FromString(bytes.fromhex(vector["bytes"]))


def test_every_kind_with_a_body_has_vectors() -> None:
    listed = {each["kind"] for each in load("serial_messages")["bodies"]}
    assert listed == {kind for kind, message in MESSAGES.items() if message is not None}
