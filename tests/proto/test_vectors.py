"""Golden vectors against this implementation: encodings, sheets, values, texts, clocks, and the cause of each bad input."""

from __future__ import annotations

import hashlib
import math
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from robolink import v1
from robolink.core import twincmd
from robolink.core.clock import ClockSync, ticks_diff_ms
from robolink.core.envelope import BODY_OF_TYPE, TYPE_OF_BODY, decode_body, decode_header
from robolink.core.sheet import check_reading, check_value, scale_setpoint, sheet_hash, validate_sheet
from robolink.core.violation import Violation, cause_name
from robolink.errors import RemoteProtocolError
from robolink.hub.audit import first_fault
from tests.proto.vectors import FOLDER, cases, data_of, load, message_of

Vector = dict[str, Any]


def assert_same_bytes(vector: Vector) -> None:
    message, data = message_of(vector), bytes.fromhex(vector["bytes"])
    assert message.SerializeToString(deterministic=True) == data
    # Compared as bytes: NaN is not itself as a value.
    assert type(message).FromString(data).SerializeToString(deterministic=True) == data


class TestEnvelope:
    @cases("envelope", "headers")
    def test_header(self, vector: Vector) -> None:
        assert vector["message"] == "Header"
        assert_same_bytes(vector)

    def test_header_of_a_usual_command_is_small(self) -> None:
        vectors = {each["name"]: each for each in load("envelope")["headers"]}
        for name in ("a client's command", "the same as the hub passes it on"):
            assert len(vectors[name]["bytes"]) // 2 <= 96

    @cases("envelope", "bodies")
    def test_body(self, vector: Vector) -> None:
        assert_same_bytes(vector)
        kind = BODY_OF_TYPE[vector["body_type"]]
        assert kind.DESCRIPTOR.name == vector["message"]
        header = v1.Header(body_type=vector["body_type"])
        body = decode_body(header, bytes.fromhex(vector["bytes"]))
        assert body.SerializeToString(deterministic=True).hex() == vector["bytes"]

    def test_every_body_type_has_vectors(self) -> None:
        listed = {each["body_type"] for each in load("envelope")["bodies"]}
        assert listed == set(TYPE_OF_BODY.values())

    @cases("envelope", "others")
    def test_decoder_takes_it(self, vector: Vector) -> None:
        message = message_of(vector)
        decoded = type(message).FromString(bytes.fromhex(vector["other"]))
        if vector["unknown_fields"]:
            assert decoded.SerializeToString() != message.SerializeToString()
            decoded.DiscardUnknownFields()
        assert decoded == message

    @cases("envelope", "refused")
    def test_refused_with_its_cause(self, vector: Vector) -> None:
        with pytest.raises(RemoteProtocolError) as raised:
            decode_body(decode_header(data_of(vector["header"])), data_of(vector["body"]))
        assert cause_name(raised.value.cause) == vector["cause"]


class TestAudit:
    def test_chain(self) -> None:
        former = bytes(32)
        records = []
        for vector in load("audit")["chain"]:
            assert_same_bytes(vector)
            record = message_of(vector)
            assert isinstance(record, v1.AuditRecord)
            records.append(v1.AuditRecord.FromString(record.SerializeToString()))
            told = record.hash
            record.ClearField("hash")
            former = hashlib.sha256(former + record.SerializeToString(deterministic=True)).digest()
            assert told == former
        assert first_fault(records) is None
        records[1].text = "nothing happened"
        assert first_fault(records) == records[1].seq


def verdict(call: Any, *args: Any) -> str:
    try:
        call(*args)
    except Violation as violation:
        return cause_name(violation.cause)
    return "OK"


class TestSheetsAndValues:
    @cases("sheets", "hashes")
    def test_hash(self, vector: Vector) -> None:
        sheet = ParseDict(vector["fields"], v1.Sheet())
        data = bytes.fromhex(vector["bytes"])
        assert sheet.SerializeToString(deterministic=True) == data
        assert sheet_hash(sheet) == hashlib.sha256(data).hexdigest()[:16] == vector["hash"]

    @cases("sheets", "checks")
    def test_sheet(self, vector: Vector) -> None:
        assert verdict(validate_sheet, ParseDict(vector["fields"], v1.Sheet())) == vector["verdict"]

    @cases("values", "values")
    def test_value(self, vector: Vector) -> None:
        field = ParseDict({"name": "x", **vector["field"]}, v1.Field())
        value = ParseDict(vector["value"], v1.Value())
        assert verdict(check_value, "x", field, value) == vector["order"]
        assert verdict(check_reading, "x", field, value) == vector["reading"]

    @cases("values", "setpoints")
    def test_setpoint(self, vector: Vector) -> None:
        info = v1.SetpointInfo(name="v")
        for name, low, high in vector["fields"]:
            info.fields.append(v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, minimum=low, maximum=high))
        values = [float(each) for each in vector["values"]]
        if "cause" in vector:
            assert verdict(scale_setpoint, info, values) == vector["cause"]
            return
        scaled, changed = scale_setpoint(info, values)
        assert changed == vector["changed"]
        assert scaled == pytest.approx(vector["scaled"], rel=1e-12, abs=0)
        assert not any(math.copysign(1, x) < 0 for x in scaled if x == 0)


class TestTwinCommands:
    @cases("twin_commands", "good")
    def test_good(self, vector: Vector) -> None:
        command = twincmd.decode(vector["text"])
        assert command.args == tuple(map(tuple, vector["args"]))
        for name in ("id", "method", "issued_ms", "ttl_ms"):
            assert getattr(command, name) == vector[name]
        assert twincmd.decode(twincmd.encode(command)) == command

    @cases("twin_commands", "bad")
    def test_bad(self, vector: Vector) -> None:
        with pytest.raises(ValueError):
            twincmd.decode(vector["text"])

    @cases("twin_commands", "bind")
    def test_argument(self, vector: Vector) -> None:
        method = v1.Method(args=[v1.Field(name="x", type=vector["type"])])
        command = twincmd.TwinCommand(id="a", method="a.b", args=(("x", vector["text"]),), issued_ms=0)
        if vector["value"] is None:
            with pytest.raises(ValueError):
                twincmd.bind(command, method)
        else:
            assert twincmd.bind(command, method)[0].value == ParseDict(vector["value"], v1.Value())

    @cases("twin_commands", "ids")
    def test_id(self, vector: Vector) -> None:
        assert twincmd.command_id(vector["robot"], vector["id"]).hex() == vector["bytes"]

    def test_status(self) -> None:
        text = ""
        for step in load("twin_commands")["status"]:
            text = twincmd.Status.push(text, step["id"], step["state"], step["cause"])
            assert text == step["text"]


class TestClock:
    @cases("clock", "offsets")
    def test_offset(self, vector: Vector) -> None:
        sync = ClockSync()
        for sent, received, replied, got in vector["samples"]:
            sync.add(sent_ns=sent, received_ns=received, replied_ns=replied, got_ns=got)
        assert sync.synced == vector["synced"]
        assert (sync.offset_ns, sync.error_ns) == (vector["offset_ns"], vector["error_ns"])

    @cases("clock", "ticks")
    def test_ticks(self, vector: Vector) -> None:
        assert ticks_diff_ms(vector["later"], vector["earlier"]) == vector["ms"]


class TestPins:
    """What was written once stays; what is new in the schema gets vectors."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for path in FOLDER.glob("*.json"):
            shutil.copy(path, tmp_path)
        return tmp_path

    def generate(self, folder: Path) -> subprocess.CompletedProcess[str]:
        script = str(FOLDER / "generate.py")
        return subprocess.run(
            [sys.executable, script, str(folder)], capture_output=True, text=True, check=False
        )

    def test_nothing_is_missing_or_other(self, folder: Path) -> None:
        made = self.generate(folder)
        assert made.returncode == 0, made.stderr
        differing = [
            p.name for p in FOLDER.glob("*.json") if p.read_bytes() != (folder / p.name).read_bytes()
        ]
        assert not differing, "run proto/vectors/generate.py, and commit the vectors that it adds"

    def test_a_message_with_a_new_field_gets_a_second_vector(self, folder: Path) -> None:
        path = folder / "envelope.json"
        # As if the first one had been written before `component` came.
        older = path.read_text("utf-8").replace('"component": ', '"component_": ')
        path.write_text(older, "utf-8")
        made = self.generate(folder)
        assert made.returncode == 0, made.stderr
        names = [line for line in path.read_text("utf-8").splitlines() if '"LeaseRequest: full' in line]
        assert len(names) == 2

    def test_a_pinned_vector_does_not_change(self, folder: Path) -> None:
        path = folder / "clock.json"
        path.write_text(path.read_text("utf-8").replace('"offset_ns": 4500', '"offset_ns": 4501'), "utf-8")
        made = self.generate(folder)
        assert made.returncode != 0
        assert "one sample" in made.stderr

    def test_every_file_is_named_in_the_standard(self) -> None:
        text = (FOLDER.parent / "STANDARD.md").read_text("utf-8")
        files = {path.name for path in FOLDER.glob("*.json")}
        assert {name for name in files if f"`{name}`" not in text} == set()
        made = runpy.run_path(str(FOLDER / "generate.py"))["documents"]()
        assert files - {"serial_frames.json"} == {f"{name}.json" for name in made}
