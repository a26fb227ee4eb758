"""The envelope of every ZeroMQ message: header and body to bytes and back, with the size limits.

It knows no sockets and no rules beyond the shape of a message; what a message may do is decided elsewhere.
"""

from __future__ import annotations

import os
from typing import Final

from google.protobuf.message import DecodeError, Message

from robolink import v1
from robolink.errors import FrameTooLongError, LocalProtocolError, RemoteProtocolError

MAJOR: Final = 1
MINOR: Final = 0
MESSAGE_ID_BYTES: Final = 16
MAX_HEADER_BYTES: Final = 512
MAX_BODY_BYTES: Final = 256 * 1024
# What a hub may send: its answers name whole fleets.
MAX_HUB_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_RESULT_BYTES: Final = 64 * 1024


def _body_types() -> dict[type[Message], int]:
    found: dict[type[Message], int] = {}
    for name, number in v1.BodyType.items():
        if number:
            camel = name.removeprefix("BODY_TYPE_").title().replace("_", "")
            found[getattr(v1, camel)] = number
    return found


TYPE_OF_BODY: Final[dict[type[Message], int]] = _body_types()
BODY_OF_TYPE: Final[dict[int, type[Message]]] = {number: kind for kind, number in TYPE_OF_BODY.items()}


def new_message_id() -> bytes:
    """16 random bytes."""
    return os.urandom(MESSAGE_ID_BYTES)


def new_session_id() -> int:
    """A random u64 that stands for one boot of one peer; never 0."""
    return int.from_bytes(os.urandom(8), "little") or 1


def body_type_name(number: int) -> str:
    """`16` -> "COMMAND"; an unknown number is kept as a number."""
    return BODY_OF_TYPE[number].DESCRIPTOR.name if number in BODY_OF_TYPE else str(number)


def decode_header(data: bytes) -> v1.Header:
    """Parse and check a header.

    Raises:
        RemoteProtocolError: Too long, not a header, another major version (cause VERSION), a message id of a wrong size.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise FrameTooLongError(size=len(data), limit=MAX_HEADER_BYTES)
    try:
        header = v1.Header.FromString(data)
    except DecodeError as exc:
        raise RemoteProtocolError(
            "the first frame is not a Robolink header", hint="is this a Robolink peer?"
        ) from exc
    if header.major != MAJOR:
        raise RemoteProtocolError(
            f"the peer speaks major version {header.major}, this side {MAJOR}",
            cause=v1.CAUSE_VERSION,
            hint="update the older side",
        )
    if len(header.message_id) != MESSAGE_ID_BYTES:
        raise RemoteProtocolError(f"message_id has {len(header.message_id)} bytes, not {MESSAGE_ID_BYTES}")
    return header


def decode_body(header: v1.Header, data: bytes, *, limit: int = MAX_BODY_BYTES) -> Message:
    """Parse the body that the header names; peers read what a hub sends under `MAX_HUB_BODY_BYTES`.

    Raises:
        RemoteProtocolError: Too long, an unknown body type (cause UNSUPPORTED), or not that message.
    """
    if len(data) > limit:
        raise FrameTooLongError(size=len(data), limit=limit)
    kind = BODY_OF_TYPE.get(header.body_type)
    if kind is None:
        raise RemoteProtocolError(
            f"body type {header.body_type} is unknown here",
            cause=v1.CAUSE_UNSUPPORTED,
            hint="update this side",
        )
    try:
        return kind.FromString(data)
    except DecodeError as exc:
        raise RemoteProtocolError(f"the body is not a {kind.DESCRIPTOR.name}") from exc


class Sender:
    """Builds the messages of one peer: its session id and its sequence per lane.

    Args:
        session_id: This boot of the peer, see `new_session_id`.
        limit: Of a body.
    """

    def __init__(self, session_id: int, *, limit: int = MAX_BODY_BYTES) -> None:
        """Start the sequence at 0."""
        self.session_id = session_id
        self._limit = limit
        self._seq = 0

    def encode(
        self,
        body: Message,
        *,
        sent_ns: int,
        destination: str = "",
        ttl_ms: int = 0,
        lease: v1.LeaseToken | None = None,
        stop_generation: int = 0,
        correlation_id: bytes = b"",
        received_ns: int = 0,
        message_id: bytes | None = None,
        source: str = "",
    ) -> list[bytes]:
        """Header and body of one message, as frames.

        Args:
            body: One of the messages that `BodyType` names.
            sent_ns: Site time.

        Raises:
            LocalProtocolError: The body is no message of a lane, or too long.
        """
        body_type = TYPE_OF_BODY.get(type(body))
        if body_type is None:
            raise LocalProtocolError(f"{type(body).__name__} is not sent on a lane")
        data = body.SerializeToString()
        if len(data) > self._limit:
            raise LocalProtocolError(
                f"{len(data)} bytes of {type(body).__name__} are over the limit of {self._limit}"
            )
        self._seq += 1
        # Only what is set: this is the hottest constructor of all.
        header = v1.Header(
            major=MAJOR,
            message_id=message_id or new_message_id(),
            body_type=body_type,  # type: ignore[arg-type]
            seq=self._seq,
            session_id=self.session_id,
            sent_ns=sent_ns,
        )
        if destination:
            header.destination = destination
        if correlation_id:
            header.correlation_id = correlation_id
        if received_ns:
            header.received_ns = received_ns
        if ttl_ms:
            header.ttl_ms = ttl_ms
        if lease is not None:
            header.lease.CopyFrom(lease)
        if stop_generation:
            header.stop_generation = stop_generation
        if source:
            header.source = source
        return [header.SerializeToString(), data]
