"""ZeroMQ sockets of the lanes, with the options that matter, and nothing else.

Small high-water marks: the default would queue 1,000 messages for a silent peer and flood it after a reconnect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from urllib.parse import urlsplit

import zmq

from robolink.errors import ConfigError

DEFAULT_URL: Final = "tcp://127.0.0.1:5570"
CONTROL_HWM: Final = 256
TELEMETRY_HWM: Final = 1000
# Dead TCP is the kernel's to notice: ZMTP's own heartbeats make libzmq 4.3.5 abort the process when they time out over a
# full receive queue. Our lanes have beats of their own above it.
KEEPALIVE_IDLE_S: Final = 2
KEEPALIVE_INTERVAL_S: Final = 1
KEEPALIVE_COUNT: Final = 3
UNACKNOWLEDGED_MS: Final = 5000
CLOSE_LINGER_MS: Final = 200


class Lane(IntEnum):
    """Lanes in order of urgency: what a lane carries is read before the next one's."""

    SAFETY = 0
    CONTROL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """CURVE keys of one peer (Z85 text): its own pair, and the hub's public key."""

    public: str
    secret: str
    hub_public: str = ""


# Plain numbers: pyzmq's flags are enums, and their `|` costs more than the call that it is for.
_NOBLOCK: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.SNDMORE) | _NOBLOCK
_EVENTS: Final = zmq.EVENTS
_READABLE: Final = int(zmq.POLLIN)


def send_frames(socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> None:
    """Send one message without waiting.

    Raises:
        zmq.ZMQError: Again, nothing can leave now; or the peer is unknown.
    """
    for frame in frames[:-1]:
        socket.send(frame, _MORE)
    socket.send(frames[-1], _NOBLOCK)


def readable(socket: zmq.Socket[bytes]) -> bool:
    """Whether a message is there."""
    events: Any = socket.getsockopt(_EVENTS)
    return bool(events & _READABLE)


def messages(socket: zmq.Socket[bytes], limit: int) -> Iterator[list[bytes]]:
    """What has come, at most so many; asks whether there is more instead of being told by an exception."""
    for _ in range(limit):
        if not readable(socket):
            return
        yield socket.recv_multipart(_NOBLOCK)


def split_endpoint(url: str) -> tuple[str, int]:
    """Host and port of a `tcp://host:port`.

    Raises:
        ConfigError: Another shape.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ConfigError(f"{url!r} is no endpoint", hint="write tcp://HOST:PORT") from exc
    if parts.scheme != "tcp" or not parts.hostname or not port:
        raise ConfigError(f"{url!r} is no endpoint", hint="write tcp://HOST:PORT")
    return parts.hostname, port


def beside(url: str, offset: int) -> str:
    """The endpoint `offset` ports after that one: safety is +1, telemetry +2 (publish) and +3 (subscribe)."""
    host, port = split_endpoint(url)
    return f"tcp://{host}:{port + offset}"


def seen_from(url: str, via: str) -> str:
    """An endpoint that a hub names, as the peer must dial it: a wildcard address means the host of `via`."""
    host, port = split_endpoint(url)
    return f"tcp://{split_endpoint(via)[0]}:{port}" if host in ("0.0.0.0", "::", "*") else url


def is_loopback(url: str) -> bool:
    """Whether an endpoint can only be reached from this machine."""
    host, _ = split_endpoint(url)
    return host in ("localhost", "::1") or host.startswith("127.")


def notice_dead_tcp(socket: zmq.Socket[bytes]) -> None:
    """A connection whose other end does not answer is closed by the kernel, idle or not."""
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT)
    socket.setsockopt(zmq.TCP_MAXRT, UNACKNOWLEDGED_MS)


def _common(socket: zmq.Socket[bytes], keys: Keys | None) -> None:
    notice_dead_tcp(socket)
    socket.setsockopt(zmq.LINGER, CLOSE_LINGER_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 250)
    if keys is not None:
        socket.curve_publickey = keys.public.encode()
        socket.curve_secretkey = keys.secret.encode()
        socket.curve_serverkey = keys.hub_public.encode()


def dealer(context: zmq.Context[zmq.Socket[bytes]], url: str, keys: Keys | None = None) -> zmq.Socket[bytes]:
    """A client's or driver's end of the control or safety lane."""
    socket = context.socket(zmq.DEALER)
    _common(socket, keys)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.SNDHWM, CONTROL_HWM)
    socket.setsockopt(zmq.RCVHWM, CONTROL_HWM)
    socket.connect(url)
    return socket


def publisher(
    context: zmq.Context[zmq.Socket[bytes]], url: str, keys: Keys | None = None
) -> zmq.Socket[bytes]:
    """A driver's end of the telemetry lane."""
    socket = context.socket(zmq.PUB)
    _common(socket, keys)
    socket.setsockopt(zmq.SNDHWM, TELEMETRY_HWM)
    socket.connect(url)
    return socket


def subscriber(
    context: zmq.Context[zmq.Socket[bytes]], url: str, keys: Keys | None = None
) -> zmq.Socket[bytes]:
    """A client's end of the telemetry lane; subscribe to topics on it."""
    socket = context.socket(zmq.SUB)
    _common(socket, keys)
    socket.setsockopt(zmq.RCVHWM, TELEMETRY_HWM)
    socket.connect(url)
    return socket
