"""The envelope: exact inverses, small headers, and any bytes give a message or a RemoteProtocolError."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core import envelope
from robolink.errors import LocalProtocolError, RemoteProtocolError


def test_every_body_type_has_its_message() -> None:
    assert set(envelope.BODY_OF_TYPE) == set(v1.BodyType.values()) - {0}


def test_a_usual_commands_header_is_at_most_96_bytes() -> None:
    sender = envelope.Sender(2**64 - 1)
    frames = sender.encode(
        v1.Command(method="base.navigate_to"),
        destination="warehouse-carrier-12",
        sent_ns=2**63,
        ttl_ms=5000,
        lease=v1.LeaseToken(epoch=1000, sequence=100_000),
        stop_generation=1000,
    )
    assert len(frames[0]) <= 96


def test_round_trip_and_sequence() -> None:
    sender = envelope.Sender(7)
    body = v1.Setpoint(name="velocity", values=[1.0, 2.0])
    for seq in (1, 2):
        header_bytes, body_bytes = sender.encode(body, destination="r/base", sent_ns=5)
        header = envelope.decode_header(header_bytes)
        assert (header.seq, header.session_id, header.destination) == (seq, 7, "r/base")
        assert envelope.decode_body(header, body_bytes) == body


@given(st.binary(max_size=600))
def test_any_header_bytes(data: bytes) -> None:
    try:
        header = envelope.decode_header(data)
    except RemoteProtocolError:
        return
    assert header.major == envelope.MAJOR
    assert len(header.message_id) == envelope.MESSAGE_ID_BYTES


@given(st.integers(0, 200), st.binary(max_size=300))
def test_any_body_bytes(body_type: int, data: bytes) -> None:
    header = v1.Header(body_type=body_type)
    try:
        body = envelope.decode_body(header, data)
    except RemoteProtocolError:
        return
    assert type(body) is envelope.BODY_OF_TYPE[body_type]


def test_limits_and_versions() -> None:
    with pytest.raises(RemoteProtocolError, match="over the limit"):
        envelope.decode_header(b"\0" * (envelope.MAX_HEADER_BYTES + 1))
    with pytest.raises(RemoteProtocolError, match="over the limit"):
        envelope.decode_body(v1.Header(body_type=16), b"\0" * (envelope.MAX_BODY_BYTES + 1))
    with pytest.raises(RemoteProtocolError) as caught:
        envelope.decode_header(v1.Header(major=2, message_id=b"x" * 16).SerializeToString())
    assert caught.value.cause == v1.CAUSE_VERSION
    with pytest.raises(LocalProtocolError):
        envelope.Sender(1).encode(v1.Sheet(), sent_ns=0)
    with pytest.raises(LocalProtocolError):
        envelope.Sender(1).encode(v1.CommandUpdate(result=b"x" * envelope.MAX_BODY_BYTES), sent_ns=0)
