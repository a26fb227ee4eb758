"""The hub's bound sockets: ROUTERs of the control and safety lanes, and the telemetry proxy. No rule lives here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Final, NamedTuple

import zmq

from robolink import v1
from robolink.errors import TransportError
from robolink.hub.config import ROLE_NAMES, CurveConfig
from robolink.hub.roles import KeyIdentity
from robolink.transports.curve import load_keys, serve_curve, start_authenticator, user_id
from robolink.transports.lanes import (
    CLOSE_LINGER_MS,
    Keys,
    messages,
    notice_dead_tcp,
    readable,
)

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 1 << 20
BACKLOG: Final = 1024


class Received(NamedTuple):
    """One message with its peer."""

    identity: bytes
    frames: list[bytes]
    key: KeyIdentity | None


class Door:
    """CURVE in one process: the hub's own pair and what each peer's key stands for."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], curve: CurveConfig | None) -> None:
        """Read the keys and start the one authenticator; without configuration everything stays plain."""
        self.keys: Keys | None = None
        self._identities: dict[str, KeyIdentity] = {}
        self._authenticator = None
        if curve is None:
            return
        self.keys = load_keys(curve.secret_key_file)
        for peer in curve.peers:
            kind = v1.PEER_KIND_DRIVER if peer.kind == "driver" else v1.PEER_KIND_CLIENT
            self._identities[peer.public_key] = (
                peer.name,
                kind,
                frozenset(ROLE_NAMES[role] for role in peer.roles),
            )
        # The hub's own processes come in with its own key.
        own: KeyIdentity = ("hub", v1.PEER_KIND_HUB, frozenset())
        self._identities[self.keys.public] = own
        self._authenticator = start_authenticator(context, self._identities)

    def messages(self, socket: zmq.Socket[bytes], limit: int) -> Iterator[Received]:
        """What has come, at most so many."""
        if self.keys is None:
            for identity, *frames in messages(socket, limit):
                yield Received(identity, frames, None)
            return
        for _ in range(limit):
            if not readable(socket):
                return
            first, *rest = socket.recv_multipart(zmq.NOBLOCK, copy=False)
            key = self._identities.get(user_id(rest[0])) if rest else None
            yield Received(first.bytes, [each.bytes for each in rest], key or ("unknown", 0, frozenset()))

    def close(self) -> None:
        """End the authenticator."""
        if self._authenticator is not None:
            self._authenticator.stop()


def bind(socket: zmq.Socket[bytes], url: str, what: str) -> None:
    """Bind, or say what is in the way.

    Raises:
        TransportError: The port is taken, or the address is not this machine's.
    """
    try:
        socket.bind(url)
    except zmq.ZMQError as exc:
        hint = (
            "another hub may run here: stop it, or choose another url" if exc.errno == zmq.EADDRINUSE else ""
        )
        raise TransportError(f"cannot bind the {what} lane to {url}: {exc.strerror}", hint=hint) from exc


def router(context: zmq.Context[zmq.Socket[bytes]], door: Door, *, send_queue: int) -> zmq.Socket[bytes]:
    """A ROUTER that says so when a peer is gone or reads too slowly, instead of dropping in silence."""
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.LINGER, CLOSE_LINGER_MS)
    notice_dead_tcp(socket)
    socket.setsockopt(zmq.SNDHWM, send_queue)
    socket.setsockopt(zmq.RCVHWM, send_queue)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
    socket.setsockopt(zmq.BACKLOG, BACKLOG)
    serve_curve(socket, door.keys)
    return socket


class TelemetryProxy:
    """libzmq's own proxy in a thread: samples never touch Python.

    Raises:
        TransportError: A port is taken.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        door: Door,
        *,
        publish_url: str,
        subscribe_url: str,
        queue: int,
    ) -> None:
        """Bind both ends."""
        self._front = context.socket(zmq.XSUB)
        self._back = context.socket(zmq.XPUB)
        for socket, url in ((self._front, publish_url), (self._back, subscribe_url)):
            socket.setsockopt(zmq.SNDHWM, queue)
            socket.setsockopt(zmq.RCVHWM, queue)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
            notice_dead_tcp(socket)
            serve_curve(socket, door.keys)
            bind(socket, url, "telemetry")
        self._control = context.socket(zmq.PAIR)
        self._control.bind(f"inproc://telemetry-{id(self)}")
        self._steer = context.socket(zmq.PAIR)
        self._steer.connect(f"inproc://telemetry-{id(self)}")
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            zmq.proxy_steerable(self._front, self._back, None, self._control)
        finally:
            for socket in (self._front, self._back, self._control):
                socket.close(0)

    def close(self) -> None:
        """End the thread."""
        self._steer.send(b"TERMINATE")
        self._thread.join(2.0)
        self._steer.close(0)
