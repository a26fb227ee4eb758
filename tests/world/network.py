"""Connections of the world: in-order pipes between the hub and each peer's lanes, with delay, loss and doubles.

What libzmq does is played here: a broken connection loses what is in flight, the next one has another identity, and
a sender without a connection is told so. Times are ns of the world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from robolink.transports.lanes import Lane

MS: Final = 1_000_000
HEARTBEAT_NS: Final = 1_500 * MS
RECONNECT_NS: Final = 100 * MS
DELAY_NS: Final = 1 * MS

Frames = list[bytes]
# A man in the middle: sees what is sent, and says what is sent instead.
Tap = Callable[[Frames], list[Frames]]


class Queue:
    """One direction of a pipe."""

    def __init__(self) -> None:
        self.delay_ns = DELAY_NS
        self.doubles = 0
        self.tap: Tap | None = None
        self._waiting: deque[tuple[int, Frames]] = deque()
        self._last_ns = 0

    def put(self, frames: Frames, now: int) -> None:
        for each in [frames] if self.tap is None else self.tap(frames):
            self.inject(each, now)
            if self.doubles:
                self.doubles -= 1
                self.inject(each, now)

    def inject(self, frames: Frames, now: int) -> None:
        """Put one message in, past the tap."""
        self._last_ns = max(self._last_ns, now + self.delay_ns)
        self._waiting.append((self._last_ns, frames))

    def due(self) -> int | None:
        return self._waiting[0][0] if self._waiting else None

    def take(self, now: int, limit: int = 32) -> list[Frames]:
        taken = []
        while self._waiting and self._waiting[0][0] <= now and len(taken) < limit:
            taken.append(self._waiting.popleft()[1])
        return taken

    def lose(self) -> int:
        lost = len(self._waiting)
        self._waiting.clear()
        return lost


class Pipe:
    """One lane of one peer.

    Attributes:
        identity: As the hub's ROUTER knows the present connection; None: there is none.
        stalled_ns: Since when nothing gets through, although both ends believe in the connection.
    """

    def __init__(self, network: Network, peer: Any, lane: Lane) -> None:
        self.network = network
        self.peer = peer
        self.lane = lane
        self.identity: bytes | None = None
        self.to_hub = Queue()
        self.to_peer = Queue()
        self.stalled_ns: int | None = None
        self.blocked = False
        self.connect_ns: int | None = network.world.now
        self.lost = 0

    def due(self) -> int | None:
        """When something happens here."""
        if self.identity is None:
            return None if self.blocked or not self.network.hub_up else self.connect_ns
        if self.stalled_ns is not None:
            return self.stalled_ns + HEARTBEAT_NS
        dues = [each for each in (self.to_hub.due(), self.to_peer.due()) if each is not None]
        return min(dues, default=None)

    def act(self) -> None:
        """That time has come."""
        now = self.network.world.now
        if self.identity is None:
            self.network.connected(self)
        elif self.stalled_ns is not None:
            self.cut()
        else:
            up, down = self.to_hub.take(now), self.to_peer.take(now)
            if up:
                self.network.world.hub.receive(self.lane, [(self.identity, each) for each in up])
            for frames in down:
                self.peer.receive(self.lane, frames)

    # Faults.

    def stall(self) -> None:
        """A partition: nothing gets through; after the heartbeat's time both ends notice."""
        self.blocked = True
        if self.identity is not None and self.stalled_ns is None:
            self.stalled_ns = self.network.world.now

    def heal(self) -> None:
        """The partition ends; what waited in the cable arrives."""
        self.blocked, self.stalled_ns = False, None
        self.connect_ns = self.network.world.now

    def cut(self, reconnect_ns: int = RECONNECT_NS) -> None:
        """The connection breaks: what is in flight is lost."""
        if self.identity is not None:
            self.network.by_identity.pop(self.identity, None)
            self.identity = None
        self.lost += self.to_hub.lose() + self.to_peer.lose()
        self.stalled_ns = None
        self.connect_ns = self.network.world.now + reconnect_ns

    def send(self, frames: Frames) -> bool:
        """From the peer; False: no connection."""
        if self.identity is None:
            return False
        self.to_hub.put(frames, self.network.world.now)
        return True


class Network:
    """All pipes."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.pipes: list[Pipe] = []
        self.by_identity: dict[bytes, Pipe] = {}
        self.hub_up = False
        self.same_identity = False
        self._count = 0

    def plug(self, peer: Any) -> dict[Lane, Pipe]:
        """Cables for every lane of a peer."""
        pipes = {lane: Pipe(self, peer, lane) for lane in Lane}
        self.pipes += pipes.values()
        return pipes

    def unplug(self, peer: Any) -> None:
        """The peer's process is gone."""
        for pipe in [each for each in self.pipes if each.peer is peer]:
            pipe.cut()
            self.pipes.remove(pipe)

    def connected(self, pipe: Pipe) -> None:
        """A connection was made: the ROUTER gives it a name."""
        if self.same_identity:
            pipe.identity = f"{pipe.peer.name}/{pipe.lane.name}".encode()
        else:
            self._count += 1
            pipe.identity = b"\0" + self._count.to_bytes(4, "big")
        self.by_identity[pipe.identity] = pipe
        pipe.connect_ns = None

    def send(self, identity: bytes, frames: Frames) -> bool:
        """From the hub; False: no such connection."""
        pipe = self.by_identity.get(identity)
        if pipe is None:
            return False
        pipe.to_peer.put(frames, self.world.now)
        return True

    def hub_gone(self) -> None:
        """The hub's process died: every connection breaks."""
        self.hub_up = False
        for pipe in self.pipes:
            pipe.cut()

    def hub_here(self) -> None:
        """The hub listens (again)."""
        self.hub_up = True
        for pipe in self.pipes:
            pipe.connect_ns = self.world.now + RECONNECT_NS
