"""A faulty network between a hub and its peers, at the level of ZeroMQ messages, in a thread or a process.

`python -m robolink_sims.network --listen URL --hub URL --loss 0.05`: peers then use the listen URL as their hub's. It decides
nothing (`network_faults.py` does) and has no keys: for loopback.
"""

from __future__ import annotations

import errno
import threading
import time
from collections import Counter
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

import zmq
from google.protobuf.message import DecodeError

from robolink import v1
from robolink.errors import ConfigError, TransportError
from robolink_sims.network_faults import LANES, FaultProfile, Faults, Link, Way

__all__ = ["FaultyNetwork"]

# No ZMTP heartbeats here: with a full receive queue libzmq 4.3 may abort the process; peers have beats of their own.
QUEUE: Final = 10_000
DRAIN_LIMIT: Final = 200
MAX_WAIT_S: Final = 0.1
# A peer that was silent for so long has gone: its way to the hub is closed, and made anew when it speaks.
PEER_IDLE_S: Final = 30.0
# On loopback a connection is there at once, or there is no hub.
CONNECT_MS: Final = 50
REQUEST_LANES: Final = ("control", "safety")

Socket = zmq.Socket[bytes]


class _Parcel(NamedTuple):
    """What passes: frames, and the peer whose it is (None: telemetry)."""

    frames: list[bytes]
    peer: _Peer | None = None


class _Peer:
    """One peer of a lane: its identity at our end, its own socket to the hub, so that the hub knows it from others."""

    def __init__(self, lane: str, number: int, identity: bytes, hub: Socket, now: float) -> None:
        self.lane, self.number, self.identity, self.hub = lane, number, identity, hub
        self.heard_s = now


class FaultyNetwork:
    """A hub's four ports once more, with faults between; a context manager.

    The lanes are those of a hub: control, safety, telemetry to publish and to subscribe, on four ports in a row.
    Subscriptions pass unharmed. A peer that has died stays connected at the hub until the hub misses its beats.

    Args:
        listen: Control lane that peers dial instead of the hub's.
        hub: The hub's control lane.
        profile: How bad it is.
        seed: Of the faults.

    Attributes:
        counters: Beside those of the faults: `peers`, `peers_idle`, `unsent`, `peer_gone`, `malformed`.

    Raises:
        ConfigError: An endpoint is none.
        TransportError: A port is taken.
    """

    def __init__(self, *, listen: str, hub: str, profile: FaultProfile | None = None, seed: int = 0) -> None:
        """Bind; nothing passes before `start`."""
        self.url, self._hub = listen, hub
        self._faults: Faults[_Parcel] = Faults(seed, profile)
        self._own: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._peers: dict[tuple[str, bytes], _Peer] = {}
        self._by_socket: dict[Socket, _Peer] = {}
        self._idle_look_s = 0.0
        self._context: zmq.Context[Socket] = zmq.Context()
        self._near: dict[str, Socket] = {}
        try:
            kinds = dict(zip(LANES, (zmq.ROUTER, zmq.ROUTER, zmq.XSUB, zmq.XPUB), strict=True))
            self._near = {lane: self._bound(lane, kind) for lane, kind in kinds.items()}
            self._far = {
                "publish": self._connected("publish", zmq.XPUB),
                "subscribe": self._connected("subscribe", zmq.XSUB),
            }
        except BaseException:
            self._context.destroy(0)
            raise

    def _socket(self, kind: int) -> Socket:
        socket = self._context.socket(kind)
        for option in (zmq.SNDHWM, zmq.RCVHWM):
            socket.setsockopt(option, QUEUE)
        socket.setsockopt(zmq.LINGER, 0)
        return socket

    def _bound(self, lane: str, kind: int) -> Socket:
        socket, url = self._socket(kind), _lane_url(self.url, lane)
        if kind == zmq.ROUTER:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            socket.bind(url)
        except zmq.ZMQError as exc:
            raise TransportError(f"cannot bind the {lane} lane to {url}: {exc.strerror}") from exc
        return socket

    def _connected(self, lane: str, kind: int) -> Socket:
        socket = self._socket(kind)
        socket.connect(_lane_url(self._hub, lane))
        return socket

    # For those who run it; from any thread.

    def start(self) -> None:
        """Let messages pass."""
        self._thread.start()

    def close(self) -> None:
        """End; what is under way is gone."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._context.destroy(0)

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def partition(self, *, up: bool = True, down: bool = True, lanes: tuple[str, ...] = LANES) -> None:
        """Cut lanes, one way or both; see `Faults.partition`."""
        with self._lock:
            self._faults.partition(up=up, down=down, lanes=lanes)

    def heal(self) -> None:
        """No lane is cut any more."""
        with self._lock:
            self._faults.heal()

    @property
    def partitioned(self) -> bool:
        """Whether any lane is cut."""
        return bool(self._faults.cut)

    @property
    def profile(self) -> FaultProfile:
        """How bad it is; may be set."""
        return self._faults.profile

    @profile.setter
    def profile(self, profile: FaultProfile) -> None:
        with self._lock:
            self._faults.profile = profile

    @property
    def counters(self) -> dict[str, int]:
        """What happened to messages, by fault."""
        with self._lock:
            return dict(self._faults.counters) | dict(self._own)

    # The thread.

    def _run(self) -> None:
        poller = zmq.Poller()
        for socket in (*self._near.values(), *self._far.values()):
            poller.register(socket, zmq.POLLIN)
        while not self._ending.is_set():
            with self._lock:
                timer = self._faults.next_timer()
            wait_s = MAX_WAIT_S if timer is None else min(max(timer - time.monotonic(), 0.0), MAX_WAIT_S)
            ready = dict(poller.poll(int(wait_s * 1000 + 0.999)))
            now = time.monotonic()
            with self._lock:
                for socket in ready:
                    self._drain(socket, poller, now)
                arrived = self._faults.due(time.monotonic())
                for link, parcel in arrived:
                    self._deliver(link, parcel)
                self._end_idle(poller, now)

    def _drain(self, socket: Socket, poller: zmq.Poller, now: float) -> None:
        try:
            for _ in range(DRAIN_LIMIT):
                self._take(socket, socket.recv_multipart(zmq.NOBLOCK), poller, now)
        except zmq.Again:
            return

    def _take(self, socket: Socket, frames: list[bytes], poller: zmq.Poller, now: float) -> None:
        peer = self._by_socket.get(socket)
        if peer is not None:
            link = Link(peer.lane, Way.DOWN, peer.number)
            self._faults.submit(link, _Parcel(self._renamed(frames), peer), now)
            return
        for lane in REQUEST_LANES:
            if socket is self._near[lane]:
                peer = self._peer(lane, frames[0], poller, now)
                self._faults.submit(Link(lane, Way.UP, peer.number), _Parcel(frames[1:], peer), now)
                return
        if socket is self._near["publish"]:
            self._faults.submit(Link("publish", Way.UP), _Parcel(frames), now)
        elif socket is self._far["subscribe"]:
            self._faults.submit(Link("subscribe", Way.DOWN), _Parcel(frames), now)
        elif socket is self._near["subscribe"]:
            self._send(self._far["subscribe"], frames)
        else:
            self._send(self._near["publish"], frames)

    def _peer(self, lane: str, identity: bytes, poller: zmq.Poller, now: float) -> _Peer:
        peer = self._peers.get((lane, identity))
        if peer is None:
            socket = self._socket(zmq.DEALER)
            # What is sent while there is no hub is gone, as it is for a peer without us between.
            socket.setsockopt(zmq.IMMEDIATE, 1)
            socket.connect(_lane_url(self._hub, lane))
            socket.poll(CONNECT_MS, zmq.POLLOUT)
            poller.register(socket, zmq.POLLIN)
            self._own["peers"] += 1
            peer = _Peer(lane, self._own["peers"], identity, socket, now)
            self._peers[lane, identity] = self._by_socket[socket] = peer
        peer.heard_s = now
        return peer

    def _end_idle(self, poller: zmq.Poller, now: float) -> None:
        if now < self._idle_look_s:
            return
        self._idle_look_s = now + 1.0
        for peer in [each for each in self._peers.values() if now - each.heard_s > PEER_IDLE_S]:
            self._own["peers_idle"] += 1
            poller.unregister(peer.hub)
            del self._peers[peer.lane, peer.identity], self._by_socket[peer.hub]
            peer.hub.close(0)

    def _renamed(self, frames: list[bytes]) -> list[bytes]:
        """A hub names its lanes in its welcome: ours instead, or its peers would go around us."""
        try:
            header = v1.Header.FromString(frames[0])
            if header.body_type != v1.BODY_TYPE_HELLO_REPLY:
                return frames
            reply = v1.HelloReply.FromString(frames[1])
        except (DecodeError, IndexError):
            self._own["malformed"] += 1
            return frames
        reply.safety_endpoint = _lane_url(self.url, "safety")
        reply.telemetry_publish_endpoint = _lane_url(self.url, "publish")
        reply.telemetry_subscribe_endpoint = _lane_url(self.url, "subscribe")
        return [frames[0], reply.SerializeToString(), *frames[2:]]

    def _deliver(self, link: Link, parcel: _Parcel) -> None:
        peer = parcel.peer
        if peer is None:
            self._send((self._far if link.way is Way.UP else self._near)[link.lane], parcel.frames)
        elif link.way is Way.DOWN:
            self._send(self._near[link.lane], [peer.identity, *parcel.frames])
        elif peer.hub.closed:
            self._own["peer_gone"] += 1
        else:
            self._send(peer.hub, parcel.frames)

    def _send(self, socket: Socket, frames: list[bytes]) -> None:
        try:
            socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError as exc:
            self._own["peer_gone" if exc.errno == errno.EHOSTUNREACH else "unsent"] += 1


def _lane_url(url: str, lane: str) -> str:
    """The endpoint of a lane beside the control lane's."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise ConfigError(f"{url!r} is no endpoint", hint="write tcp://HOST:PORT") from exc
    if parts.scheme != "tcp" or not host or not port:
        raise ConfigError(f"{url!r} is no endpoint", hint="write tcp://HOST:PORT")
    return f"tcp://{host}:{port + LANES.index(lane)}"


if __name__ == "__main__":
    from robolink_sims.network_cli import main

    raise SystemExit(main())
