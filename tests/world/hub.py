"""The world's hub: the real broker, journal and safety desk, joined as server.py and safety_process.py join them.

A crash forgets all but the journal and the kept latches. No socket, no thread, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header
from robolink.core.stop import StopLatch
from robolink.errors import StorageError
from robolink.hub.broker import Broker
from robolink.hub.config import HubConfig
from robolink.hub.safety import SafetyDesk
from robolink.hub.site import Send, Turn
from robolink.store import Batch, Journal
from robolink.transports.lanes import Lane
from tests.world.network import MS, Frames

CONFIG: Final = HubConfig()
WALL_MS: Final = 1_800_000_000_000
CONTROL: Final = b"control"
NEVER: Final = 1 << 62


class _Disk(Journal):
    """A journal whose disk may be full."""

    full = False

    def commit(self, batch: Batch) -> None:
        if self.full:
            raise StorageError("the disk is full")
        super().commit(batch)


class Hub:
    """One hub of the world; `start` and `crash` as often as wanted.

    Attributes:
        latches: What the safety process has kept.
        sync_ns: How long the disk takes to sync.
        link_ns: How long a message takes between the hub's two processes.
    """

    def __init__(self, world: Any, folder: Path) -> None:
        self.world = world
        self.path = folder / "journal.sqlite"
        self.latches: dict[str, bytes] = {}
        self.offset_ns = 5_000_000 * MS
        self.sync_ns = 1 * MS
        self.link_ns = MS // 5
        self.wall_synced = True
        self.up = False
        self.starts = 0
        self.counters: dict[str, int] = {}
        self.broker: Broker
        self.desk: SafetyDesk
        self.journal: _Disk

    @property
    def now_ns(self) -> int:
        """Site time."""
        return int(self.world.now + self.offset_ns)

    # Life.

    def start(self) -> None:
        """A new process of each kind on what the former ones kept."""
        self.journal = _Disk(self.path)
        self.broker = Broker(CONFIG, self.journal, self.now_ns)
        latches = {robot: StopLatch(robot) for robot in self.latches}
        for robot, state in self.latches.items():
            kept = v1.StopState.FromString(state)
            if kept.released_ns > self.now_ns:
                kept.released_ns = 0  # As SafetyProcess: the machine was booted since.
            latches[robot].load(kept)
        self.desk = SafetyDesk(
            latches, hub_token="token", timeouts=CONFIG.timeouts.message(), hub_name=CONFIG.name
        )
        self._sender = Sender(self.broker.site.session_id)
        self._waiting: dict[bytes, int] = {}
        self._behind: dict[bytes, list[Send]] = {}
        self._syncing: deque[tuple[int, list[Send]]] = deque()
        self._to_desk: deque[tuple[int, Frames]] = deque()
        self._to_broker: deque[tuple[int, Frames]] = deque()
        self.up, self.starts = True, self.starts + 1
        # Latches before peers, as in HubServer.run.
        hello = v1.Hello(kind=v1.PEER_KIND_HUB, major=1, name="token")
        self.desk.receive(CONTROL, self._sender.encode(hello, sent_ns=self.now_ns), self.now_ns, None)
        self._act()
        while self._to_broker:
            self._news(self._to_broker.popleft()[1])
        self.finish_turn()
        self.world.network.hub_here()

    def crash(self) -> None:
        """Kill -9 of both processes."""
        if self.up:
            self.up = False
            for name, count in (self.broker.site.counters + self.desk.counters).items():
                self.counters[name] = self.counters.get(name, 0) + count
            self.journal.close()
            self.world.network.hub_gone()

    def restart(self, offset_ns: int | None = None) -> None:
        """Crash and start; `offset_ns`: the machine was booted, its monotonic clock is another."""
        self.crash()
        self.offset_ns = self.offset_ns if offset_ns is None else offset_ns
        self.start()

    # Time.

    def due(self) -> int | None:
        if not self.up:
            return None
        timer = min(self.broker.next_timer_ns(), self.desk.next_timer_ns()) - self.offset_ns
        queues: list[deque[Any]] = [self._syncing, self._to_desk, self._to_broker]
        return min([timer, *(each[0][0] for each in queues if each)])

    def act(self) -> None:
        now = self.world.now
        while self._to_broker and self._to_broker[0][0] <= now:
            self._news(self._to_broker.popleft()[1])
        while self._syncing and self._syncing[0][0] <= now:
            self._synced(self._syncing.popleft()[1])
        if self.broker.next_timer_ns() <= self.now_ns:
            self.broker.handle_timer(self.now_ns)
        self.finish_turn()
        while self._to_desk and self._to_desk[0][0] <= now:
            self.desk.receive(CONTROL, self._to_desk.popleft()[1], self.now_ns, None)
            self._act()
        if self.desk.next_timer_ns() <= self.now_ns:
            self.desk.handle_timer(self.now_ns)
            self._act()

    # Control lane.

    def receive(self, lane: Lane, messages: list[tuple[bytes, Frames]]) -> None:
        for identity, frames in messages:
            if lane is Lane.SAFETY:
                self.desk.receive(identity, frames, self.now_ns, None)
                self._act()
            else:
                self.world.judge.hub_hears(identity, frames)
                wall_ms = WALL_MS + self.world.now // MS if self.wall_synced else None
                self.broker.receive(identity, frames, self.now_ns, wall_ms=wall_ms, key=None)
        self.finish_turn()

    def finish_turn(self) -> None:
        """Keep, then send: as HubServer._finish_turn."""
        for request in self.broker.take_safety_requests():
            self._put(self._to_desk, self._sender.encode(request, sent_ns=self.now_ns))
        turn: Turn = self.broker.take_turn()
        if not turn.batch and not turn.sends:
            return
        if turn.batch:
            try:
                self.journal.commit(turn.batch)
            except StorageError as exc:
                unheld = [each for each in turn.sends if not each.held]
                self.broker.turn_failed(turn, str(exc))
                undone = self.broker.take_turn()
                for sends in (unheld, undone.sends):
                    self.world.judge.hub_turn(sends, kept=False)
                    self._send(sends)
                return
        self.world.judge.hub_turn(turn.sends, kept=bool(turn.batch))
        if turn.batch.sync:
            self._send([each for each in turn.sends if not each.held])
            held = [each for each in turn.sends if each.held]
            for identity, _, _ in held:
                self._waiting[identity] = self._waiting.get(identity, 0) + 1
            self._syncing.append((self.world.now + self.sync_ns, held))
        else:
            self._send(turn.sends)

    def _synced(self, sends: list[Send]) -> None:
        for send in sends:
            self._waiting[send.identity] -= 1
            self._send_now(send)
        for identity in [each for each, count in self._waiting.items() if count == 0]:
            del self._waiting[identity]
            for send in self._behind.pop(identity, ()):
                self._send_now(send)

    def _send(self, sends: list[Send]) -> None:
        for send in sends:
            if send.identity in self._waiting:
                self._behind.setdefault(send.identity, []).append(send)
            else:
                self._send_now(send)

    def _send_now(self, send: Send) -> None:
        if not self.world.network.send(send.identity, send.frames):
            self.broker.unsent(send.identity, send.frames, gone=True)

    # Between the two processes.

    def _put(self, queue: deque[tuple[int, Frames]], frames: Frames) -> None:
        queue.append((self.world.now + self.link_ns, frames))

    def _news(self, frames: Frames) -> None:
        """As HubServer._drain_safety."""
        header = decode_header(frames[0])
        body = decode_body(header, frames[1])
        self.broker.site.now_ns = self.now_ns
        if isinstance(body, v1.Authority):
            self.broker.safety_news(body)
            reply = self._sender.encode(v1.BeatReply(), sent_ns=self.now_ns, correlation_id=header.message_id)
            self._put(self._to_desk, reply)
        elif isinstance(body, v1.HelloReply):
            for authority in body.authorities:
                self.broker.safety_news(authority)
        assert not isinstance(body, v1.Error), body

    def _act(self) -> None:
        """Orders, then the disk, then answers: as SafetyProcess._act."""
        while True:
            turn = self.desk.take_turn()
            if not (turn.urgent or turn.save or turn.later):
                return
            self._send_safety(turn.urgent)
            for robot, state in turn.save.items():
                self.world.judge.latch_kept(robot, state)
                self.latches[robot] = state.SerializeToString()
            self._send_safety(turn.later)

    def _send_safety(self, messages: list[tuple[bytes, Frames]]) -> None:
        for identity, frames in messages:
            if identity == CONTROL:
                self._put(self._to_broker, frames)
            elif not self.world.network.send(identity, frames):
                self.desk.unsent(identity, frames)
