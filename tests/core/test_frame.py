"""The serial frame: exact inverses, golden vectors, and garbage that is counted and never an exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.frame import (
    ESCAPED,
    MAX_BODY_BYTES,
    MAX_FRAME_BYTES,
    OVERHEAD_BYTES,
    Frame,
    FrameDecoder,
    Noise,
)
from robolink.errors import FrameTooLongError, LocalProtocolError, RemoteProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "proto" / "vectors" / "serial_frames.json").read_text())
seeds = st.integers(0, 0xFFFFFFFF)
byte = st.integers(0, 255)
frames = st.builds(Frame, kind=byte, seq=byte, ack=byte, body=st.binary(max_size=MAX_BODY_BYTES))


@given(frames, seeds)
def test_round_trip(frame: Frame, seed: int) -> None:
    wire = frame.to_bytes(seed)
    assert Frame.from_stuffed(wire[1:-1], seed) == frame


@given(frames, seeds)
def test_wire_keeps_ctrl_c_and_flow_control_free(frame: Frame, seed: int) -> None:
    wire = frame.to_bytes(seed)
    assert wire[0] == wire[-1] == 0x7E
    assert not set(wire[1:-1]) & (set(ESCAPED) - {0x7D})
    if frame.kind == v1.SERIAL_FRAME_KIND_HELLO:
        assert min(wire) >= 0x20, "a HELLO typed into a REPL does nothing"


@given(frames, seeds, seeds)
def test_frame_of_another_session_fails(frame: Frame, seed: int, other: int) -> None:
    wire = frame.to_bytes(seed)[1:-1]
    if seed == other or frame.kind == v1.SERIAL_FRAME_KIND_HELLO:
        assert Frame.from_stuffed(wire, other) == frame
    else:
        with pytest.raises(RemoteProtocolError):
            Frame.from_stuffed(wire, other)


@given(st.binary(max_size=600), seeds)
def test_any_bytes_are_a_frame_or_the_peers_error(data: bytes, seed: int) -> None:
    try:
        Frame.from_stuffed(data, seed)
    except RemoteProtocolError:
        pass


# Frames, noise and cut frames on one line.
pieces = st.one_of(
    st.binary(max_size=700),
    st.just(b"Traceback (most recent call last):\n"),
    frames.map(lambda frame: frame.to_bytes(7)),
    st.tuples(frames, st.integers(0, 300)).map(lambda cut: cut[0].to_bytes(7)[: cut[1]]),
)
lines = st.lists(pieces, max_size=6).map(b"".join)


@given(lines, st.lists(st.integers(1, 50), max_size=40))
def test_whole_and_in_pieces_are_the_same(data: bytes, cuts: list[int]) -> None:
    whole = FrameDecoder(seed=7)
    expected = whole.receive(data)
    for sizes in ([1] * len(data), cuts):
        decoder, found, at = FrameDecoder(seed=7), [], 0
        for size in [*sizes, len(data)]:
            found += decoder.receive(data[at : at + size])
            at += size
        assert found == expected
        assert decoder.counters == whole.counters
        assert decoder.pending == whole.pending


@given(lines)
def test_memory_is_bounded_and_every_byte_is_accounted_for(data: bytes) -> None:
    decoder = FrameDecoder(seed=7)
    found = decoder.receive(data)
    noise = sum(len(each.data) for each in found if isinstance(each, Noise))
    assert noise == decoder.counters["noise_bytes"]
    assert len(decoder.pending) <= 2 * MAX_FRAME_BYTES
    rest = decoder.flush()
    assert decoder.counters["noise_bytes"] == noise + (len(rest.data) if rest else 0)


@given(st.binary(max_size=300), frames)
def test_a_frame_behind_noise_is_found(noise: bytes, frame: Frame) -> None:
    decoder = FrameDecoder(seed=7)
    assert frame in decoder.receive(noise + b"\x7e" + frame.to_bytes(7))


def test_sizes_are_the_standards() -> None:
    assert OVERHEAD_BYTES <= 12
    assert MAX_BODY_BYTES + OVERHEAD_BYTES == MAX_FRAME_BYTES == 256


def test_senders_faults_are_named() -> None:
    with pytest.raises(FrameTooLongError, match="248 bytes are over the limit of 247"):
        Frame(kind=1, body=bytes(MAX_BODY_BYTES + 1)).to_bytes(0)
    with pytest.raises(LocalProtocolError, match="seq 256"):
        Frame(kind=1, seq=256).to_bytes(0)


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda each: each["name"])
def test_golden_vector(vector: dict[str, object]) -> None:
    seed, wire = int(str(vector["seed"])), bytes.fromhex(str(vector["wire"]))
    frame = Frame(
        kind=int(str(vector["kind"])),
        seq=int(str(vector["seq"])),
        ack=int(str(vector["ack"])),
        body=bytes.fromhex(str(vector["body"])),
    )
    assert frame.to_bytes(seed) == wire
    assert FrameDecoder(seed=seed).receive(wire) == [frame]


@pytest.mark.parametrize("vector", VECTORS["noise"], ids=lambda each: each["name"])
def test_golden_noise(vector: dict[str, object]) -> None:
    found = FrameDecoder(seed=int(str(vector["seed"]))).receive(bytes.fromhex(str(vector["wire"])))
    assert not any(isinstance(each, Frame) for each in found)
