"""What one hub knows: peers, robots, commands, leases, and the actions of the present turn.

Sans-IO: the desks (commands, authority, twins) work on it; the server commits and sends what a turn has gathered.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from google.protobuf.message import Message

from robolink import v1
from robolink.core.age import MAX_TTL_MS, check_sent
from robolink.core.command import CommandTable
from robolink.core.envelope import MAX_HUB_BODY_BYTES, Sender, new_session_id
from robolink.core.lease import LeaseTable
from robolink.core.sheet import SheetIndex, sheet_hash
from robolink.core.stop import StopLatch
from robolink.core.twin import RobotTwin
from robolink.core.violation import Violation
from robolink.errors import LocalProtocolError
from robolink.hub.audit import AuditChain
from robolink.hub.config import HubConfig
from robolink.hub.peers import Peer as Peer
from robolink.hub.peers import Peers
from robolink.store import Batch

MS: Final = 1_000_000
MAX_NOTICE: Final = 512
NOTICES_KEPT: Final = 512


class Send(NamedTuple):
    """One message for one peer. `held`: only after what it rests on is kept (and synced, where asked)."""

    identity: bytes
    frames: list[bytes]
    held: bool


@dataclass(slots=True)
class Turn:
    """Everything one loop turn wants done: keep `batch`, then send. If it cannot be kept, `failed` runs instead."""

    sends: list[Send] = field(default_factory=list)
    # Where in `sends` the newest setpoint of a lease and component stands.
    newest: dict[tuple[tuple[int, int], str], int] = field(default_factory=dict)
    batch: Batch = field(default_factory=Batch)
    failed: list[Callable[[str], None]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Machine:
    """One robot as the hub knows it, online or not."""

    robot: str
    sheet: v1.Sheet
    index: SheetIndex
    sheet_hash: str
    twin: RobotTwin
    latch: StopLatch
    driver: Peer | None = None
    driver_session: int = 0
    # The driver's own name, kept after it left, for people.
    driver_name: str = ""
    online: bool = False
    seen_ns: int = 0
    # Since when it waits for its driver to come back, and whether its goals still may.
    lost_ns: int = 0
    waiting: bool = False
    # Its long absence has been told.
    lost_noticed: bool = True
    twin_id: str = ""
    twin_lease: tuple[int, int] = (0, 0)

    def take_sheet(self, index: SheetIndex, new_hash: str) -> bool:
        """Use this sheet; True if it is another one."""
        if new_hash == self.sheet_hash:
            return False
        self.sheet, self.index, self.sheet_hash = index.sheet, index, new_hash
        self.twin.declare(self.index)
        return True


class Site:
    """The state that the desks share.

    Attributes:
        now_ns: Site time of the present turn.
        wall_ms: Unix time of the present turn, ms; None where the wall clock is not to be trusted.
        counters: What was refused, dropped or unsent, by reason.
    """

    def __init__(self, config: HubConfig, *, epoch: int, now_ns: int) -> None:
        """An empty site."""
        self.config = config
        self.now_ns = now_ns
        self.wall_ms: int | None = None
        self.session_id = new_session_id()
        self.started_ns = now_ns
        self.sender = Sender(self.session_id, limit=MAX_HUB_BODY_BYTES)
        self.peers = Peers()
        self.machines: dict[str, Machine] = {}
        self.latches: dict[str, StopLatch] = {}
        self.table = CommandTable(
            retention_ns=int(config.limits.command_retention_s * 1e9),
            limit_per_robot=config.limits.commands_per_robot,
        )
        self.leases = LeaseTable(epoch, stale_ns=config.timeouts.lease_stale_ms * MS)
        self.counters: Counter[str] = Counter()
        self.turn = Turn()
        # Robots that the safety process must know too, so that they can be stopped.
        self.fresh: list[str] = []
        # Stop and release orders for the safety process, from writes to a twin.
        self.safety_requests: list[Message] = []
        self.chain = AuditChain()
        # Weak: the sheets of robots that have another one now go by themselves.
        self._indices: WeakValueDictionary[str, SheetIndex] = WeakValueDictionary()
        self._notices: Counter[str] = Counter()
        self.recent_notices: deque[v1.Event] = deque(maxlen=NOTICES_KEPT)

    def send(
        self,
        identity: bytes,
        body: Message,
        *,
        held: bool = False,
        destination: str = "",
        correlation_id: bytes = b"",
        received_ns: int = 0,
    ) -> None:
        """Queue a message of the hub's own."""
        try:
            frames = self.sender.encode(
                body,
                sent_ns=self.now_ns,
                destination=destination,
                correlation_id=correlation_id,
                received_ns=received_ns,
            )
        except LocalProtocolError as exc:
            self.counters["answer_too_long"] += 1
            frames = self.sender.encode(
                v1.Error(cause=v1.CAUSE_LIMIT, text=str(exc)),
                sent_ns=self.now_ns,
                correlation_id=correlation_id,
            )
        self.turn.sends.append(Send(identity, frames, held))

    def reply(self, peer: Peer, header: v1.Header, body: Message, *, held: bool = False) -> None:
        """Answer a request; the answer is a time-sync sample too."""
        self.send(peer.identity, body, held=held, correlation_id=header.message_id, received_ns=self.now_ns)

    def forward(self, identity: bytes, frames: list[bytes], *, held: bool = False) -> None:
        """Queue frames as they came."""
        self.turn.sends.append(Send(identity, frames, held))

    def forward_newest(self, key: tuple[tuple[int, int], str], identity: bytes, frames: list[bytes]) -> None:
        """Queue a setpoint in place of an older one that has not left yet."""
        place = self.turn.newest.get(key)
        if place is None:
            self.turn.newest[key] = len(self.turn.sends)
            self.forward(identity, frames)
        else:
            self.counters["setpoint_replaced"] += 1
            self.turn.sends[place] = Send(identity, frames, held=False)

    def check_sent(self, header: v1.Header, ttl_ms: int, *, limit_ms: int = MAX_TTL_MS) -> int:
        """Until when it holds, site time. Raises Violation as the core's rule of that name."""
        return check_sent(
            header.destination,
            sent_ns=header.sent_ns,
            ttl_ms=ttl_ms,
            now_ns=self.now_ns,
            started_ns=self.started_ns,
            limit_ms=limit_ms,
        )

    def audit(self, who: str, what: str, robot: str, text: str, *, claimed_by: str = "") -> None:
        """Append to the audit; kept with this turn's batch."""
        before = self.chain.mark()
        record = self.chain.append(
            unix_ms=self.wall_ms or 0, who=who, what=what, robot=robot, text=text, claimed_by=claimed_by
        )
        self.turn.batch.audit(record)
        self.turn.failed.append(lambda _text: self.chain.go_back(before))

    def notice(self, robot: str, kind: str, text: str, *, severity: v1.Severity = v1.SEVERITY_INFO) -> None:
        """Something happened to a robot: tell who watches."""
        self._notices[robot] += 1
        self.pass_on(
            v1.Notice(
                robot=robot,
                severity=severity,
                kind=kind,
                text=text[:MAX_NOTICE],
                time_ns=self.now_ns,
                seq=self._notices[robot],
            )
        )

    def pass_on(self, notice: v1.Notice) -> None:
        """Tell the watchers of a notice, whoever's it is."""
        self.counters["notices"] += 1
        event = v1.Event(notice=notice, notice_count=self.counters["notices"])
        self.recent_notices.append(event)
        for watcher in self.watchers(notice.robot):
            if watcher.watch is not None and watcher.watch.notices:
                self.send(watcher.identity, event)

    def machine(self, robot: str) -> Machine:
        """A robot by its id.

        Raises:
            Violation: UNKNOWN_ROBOT.
        """
        machine = self.machines.get(robot)
        if machine is None:
            raise Violation(v1.CAUSE_UNKNOWN_ROBOT, f"no robot {robot!r} has ever connected to this hub")
        return machine

    def indexed(self, sheet: v1.Sheet) -> tuple[SheetIndex, str]:
        """A sheet's index and hash; robots of one type share one index."""
        found = sheet_hash(sheet)
        index = self._indices.get(found)
        if index is None:
            index = self._indices[found] = SheetIndex(sheet)
        return index, found

    def knows(self, sheet: v1.Sheet) -> bool:
        """Whether a robot with this very sheet is here: it needs no second check."""
        return sheet_hash(sheet) in self._indices

    def new_machine(self, robot: str, sheet: v1.Sheet) -> Machine:
        """A robot not seen before; its latch may be older than we know it (the safety process keeps it)."""
        index, found = self.indexed(sheet)
        self.fresh.append(robot)
        twin = RobotTwin(robot, self.counters)
        twin.declare(index)
        machine = self.machines[robot] = Machine(
            robot=robot, sheet=index.sheet, index=index, sheet_hash=found, twin=twin, latch=self.latch(robot)
        )
        return machine

    def latch(self, robot: str) -> StopLatch:
        """The robot's stop latch, whether or not the robot has said hello yet."""
        return self.latches.setdefault(robot, StopLatch(robot))

    def watchers(self, robot: str) -> Iterable[Peer]:
        """The peers that watch this robot."""
        for peer in self.peers.clients():
            if peer.watch is not None and (not peer.watch.robots or robot in peer.watch.robots):
                yield peer

    def take_turn(self) -> Turn:
        """The gathered actions; a new turn begins."""
        turn, self.turn = self.turn, Turn()
        return turn
