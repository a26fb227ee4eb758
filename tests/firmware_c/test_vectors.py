"""The shared golden vectors on the C library, here under sanitizers and on an emulated Cortex-M3; and its generated tables."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robolink.core._link_table import MESSAGES
from robolink.core.frame import Frame, FrameDecoder
from tests.core.test_frame import frames, lines, seeds
from tests.firmware_c.peer import SOURCE, Peer, Refused
from tests.proto.vectors import load

FRAMES, BODIES = load("serial_frames"), load("serial_messages")
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_frames_of_the_vectors(peer: Peer) -> None:
    for each in FRAMES["frames"]:
        wire = bytes.fromhex(each["wire"])
        frame = Frame(kind=each["kind"], seq=each["seq"], ack=each["ack"], body=bytes.fromhex(each["body"]))
        assert peer.encode_frame(frame, each["seed"]) == wire, each["name"]
        assert peer.decode_frames(wire, each["seed"]) == [frame], each["name"]


def test_noise_of_the_vectors(peer: Peer) -> None:
    for each in FRAMES["noise"]:
        assert peer.decode_frames(bytes.fromhex(each["wire"]), each["seed"]) == [], each["name"]


def test_bodies_of_the_vectors(peer: Peer) -> None:
    for each in BODIES["bodies"]:
        data = bytes.fromhex(each["bytes"])
        if MESSAGES[each["kind"]] is not None:
            assert peer.recode(each["kind"], data) == data, each["name"]


def test_bodies_with_fields_that_a_board_needs_not(peer: Peer) -> None:
    for each in BODIES["whole"]:
        data = bytes.fromhex(each["bytes"])
        assert peer.recode(each["kind"], data) == data, each["name"]


def test_refused_bodies_of_the_vectors(peer: Peer) -> None:
    for each in BODIES["refused"]:
        with pytest.raises(Refused):
            peer.recode(each["kind"], bytes.fromhex(each["bytes"]))


@MANY
@given(one=frames, seed=seeds)
def test_it_writes_the_hosts_frames(host_peer: Peer, one: Frame, seed: int) -> None:
    assert host_peer.encode_frame(one, seed) == one.to_bytes(seed)


@MANY
@given(data=lines)
def test_it_finds_the_hosts_frames(host_peer: Peer, data: bytes) -> None:
    data = data[:2000]  # a request's longest
    expected = [each for each in FrameDecoder(seed=7).receive(data) if isinstance(each, Frame)]
    assert host_peer.decode_frames(data, 7) == expected


@MANY
@given(kind=st.sampled_from([k for k, m in MESSAGES.items() if m is not None]), data=st.binary(max_size=80))
def test_any_bytes_are_the_hosts_message_or_refused(host_peer: Peer, kind: int, data: bytes) -> None:
    message = MESSAGES[kind]
    assert message is not None
    try:
        again = host_peer.recode(kind, data)
    except Refused:
        return
    assert host_peer.recode(kind, again) == again
    try:
        parsed = message.FromString(data)
    except DecodeError:
        return  # groups, or a field number that only a whole parser knows
    parsed.DiscardUnknownFields()
    assert message.FromString(again) == parsed or "nan" in str(parsed)


def test_generated_tables_are_the_schemas(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate_c", SOURCE / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.generate(tmp_path)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 3
    for path in made:
        assert path.read_text() == (SOURCE / path.relative_to(tmp_path)).read_text(), (
            "make proto, then python firmware/c/generate.py"
        )
