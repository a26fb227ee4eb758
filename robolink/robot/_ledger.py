"""The driver's memory of commands: each id starts once, ends once, and is told until the hub has it.

It decides no admission (`_commands.py` does) and sends nothing itself; times are monotonic seconds.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.core.command import MAX_COMMANDS_PER_ROBOT, RETENTION_S, TERMINAL

RESEND_S: Final = 0.5
RESEND_BATCH: Final = 64
RESEND_PAUSE_S: Final = 0.02
FEEDBACK_INTERVAL_S: Final = 0.1
# What a hello can carry beside the sheets: 18 bytes each.
MAX_LISTED_IDS: Final = 6_000


@dataclass(slots=True, kw_only=True)
class Entry:
    """One command as the driver knows it. Times are monotonic s of this machine."""

    id: bytes
    robot: str
    method: str
    goal: bool = False
    # Motion, or maintenance.
    motion: bool = True
    on_disconnect: int = v1.ON_DISCONNECT_CANCEL
    ends_at: float = float("inf")
    state: v1.CommandState = v1.COMMAND_STATE_RUNNING
    since: float = 0.0
    cause: int = 0
    text: str = ""
    result: bytes = b""
    # While CANCELING: what it will end as, and by when the handler must have confirmed.
    cancel: v1.CommandState = v1.COMMAND_STATE_UNSPECIFIED
    cancel_cause: int = 0
    cancel_text: str = ""
    confirm_by: float = float("inf")
    feedback: v1.CommandFeedback | None = None
    feedback_at: float = 0.0

    @property
    def component(self) -> str:
        """The component that the method belongs to."""
        return self.method.partition(".")[0]

    @property
    def terminal(self) -> bool:
        """Whether it has ended."""
        return self.state in TERMINAL

    @property
    def due(self) -> float:
        """When something about it is due while it lives."""
        feedback_at = self.feedback_at if self.feedback is not None else float("inf")
        return min(self.ends_at, self.confirm_by, feedback_at)


@dataclass(slots=True)
class Ledger:
    """All commands of one driver session.

    Attributes:
        counters: Shared with the session.
    """

    counters: Counter[str]
    limit_per_robot: int = MAX_COMMANDS_PER_ROBOT
    retention_s: float = RETENTION_S
    _entries: dict[bytes, Entry] = field(default_factory=dict)
    _per_robot: Counter[str] = field(default_factory=Counter)
    _live: dict[bytes, Entry] = field(default_factory=dict)
    _unacked: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    _ended: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    _resend_at: float = 0.0

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._entries)

    def get(self, command_id: bytes) -> Entry | None:
        """What is known of that id."""
        return self._entries.get(command_id)

    def full(self, robot: str) -> bool:
        """Whether no further command of that robot can be remembered; none is forgotten early."""
        return self._per_robot[robot] >= self.limit_per_robot

    def add(self, entry: Entry, now: float) -> None:
        """Remember a new command, live or refused."""
        self._entries[entry.id] = entry
        self._per_robot[entry.robot] += 1
        entry.since = now
        if entry.terminal:
            self._ended_now(entry, now)
        else:
            self._live[entry.id] = entry

    def end(
        self,
        entry: Entry,
        state: v1.CommandState,
        now: float,
        *,
        cause: int = 0,
        text: str = "",
        result: bytes = b"",
    ) -> bool:
        """Write its terminal state; False if it has one already (the first outcome wins; counted)."""
        if entry.terminal:
            self.counters["late_outcome"] += 1
            return False
        entry.state, entry.cause, entry.text, entry.result, entry.since = state, cause, text, result, now
        entry.feedback = None
        del self._live[entry.id]
        self._ended_now(entry, now)
        return True

    def _ended_now(self, entry: Entry, now: float) -> None:
        self._unacked[entry.id] = now + RESEND_S
        self._ended[entry.id] = now

    def acked(self, command_id: bytes) -> None:
        """The hub has journaled the outcome."""
        self._unacked.pop(command_id, None)

    def live(self, robot: str = "") -> list[Entry]:
        """Commands that have not ended; of one robot, or of all."""
        return [each for each in self._live.values() if not robot or each.robot == robot]

    def listed_ids(self) -> list[bytes]:
        """For the hello: live ones, and ended ones that the hub may not have."""
        ids = [*self._live, *self._unacked]
        if len(ids) > MAX_LISTED_IDS:
            self.counters["hello_ids_left_out"] += len(ids) - MAX_LISTED_IDS
        return ids[:MAX_LISTED_IDS]

    def resend_all(self, now: float) -> None:
        """After a hello: every outcome that is not acknowledged goes out again, in order."""
        for command_id in self._unacked:
            self._unacked[command_id] = now

    def take_resends(self, now: float) -> Iterator[Entry]:
        """Outcomes to tell (again) now; a few at a time, so that no queue is flooded."""
        if now < self._resend_at:
            return
        for _ in range(RESEND_BATCH):
            if not self._unacked or self._unacked[next(iter(self._unacked))] > now:
                return
            command_id, _due = self._unacked.popitem(last=False)
            self._unacked[command_id] = now + RESEND_S
            yield self._entries[command_id]
        self._resend_at = now + RESEND_PAUSE_S

    def next_resend(self) -> float | None:
        """When `take_resends` has something."""
        if not self._unacked:
            return None
        return max(self._unacked[next(iter(self._unacked))], self._resend_at)

    def next_due(self) -> float | None:
        """When a live command needs attention."""
        due = min((each.due for each in self._live.values()), default=float("inf"))
        return None if due == float("inf") else due

    def purge(self, now: float) -> None:
        """Forget ended ones whose time is over; not those that the hub has not acknowledged."""
        while self._ended:
            command_id, ended_at = next(iter(self._ended.items()))
            if ended_at + self.retention_s > now:
                return
            if command_id in self._unacked:
                self._ended[command_id] = now  # Kept a full period more.
                self._ended.move_to_end(command_id)
                continue
            del self._ended[command_id]
            self._per_robot[self._entries.pop(command_id).robot] -= 1
