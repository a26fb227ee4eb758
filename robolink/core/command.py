"""The life of a command: which state may follow which and who may write it, and the table of all commands.

It decides nothing about authority (lease.py, stop.py) and keeps nothing on disk (the hub's store does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from robolink import v1
from robolink.core.violation import Violation, state_name

MAX_COMMANDS_PER_ROBOT: Final = 10_000
RETENTION_S: Final = 600.0


class Writer(Enum):
    """Who may write a state."""

    HUB = "hub"
    DRIVER = "driver"


RECEIVED = v1.COMMAND_STATE_RECEIVED
ACCEPTED = v1.COMMAND_STATE_ACCEPTED
RUNNING = v1.COMMAND_STATE_RUNNING
CANCELING = v1.COMMAND_STATE_CANCELING
REJECTED = v1.COMMAND_STATE_REJECTED
SUCCEEDED = v1.COMMAND_STATE_SUCCEEDED
FAILED = v1.COMMAND_STATE_FAILED
CANCELED = v1.COMMAND_STATE_CANCELED
PREEMPTED = v1.COMMAND_STATE_PREEMPTED
EXPIRED = v1.COMMAND_STATE_EXPIRED
STOPPED = v1.COMMAND_STATE_STOPPED
LOST = v1.COMMAND_STATE_LOST

_HUB = frozenset({Writer.HUB})
_DRIVER = frozenset({Writer.DRIVER})
_BOTH = frozenset(Writer)

TRANSITIONS: Final[dict[v1.CommandState, dict[v1.CommandState, frozenset[Writer]]]] = {
    RECEIVED: {REJECTED: _HUB, ACCEPTED: _HUB},
    # Before delivery the hub ends it; after delivery only the driver, or the hub with LOST.
    ACCEPTED: {RUNNING: _DRIVER, EXPIRED: _HUB, STOPPED: _BOTH, CANCELED: _BOTH, LOST: _HUB},
    RUNNING: {
        CANCELING: _DRIVER,
        SUCCEEDED: _DRIVER,
        FAILED: _DRIVER,
        CANCELED: _DRIVER,
        PREEMPTED: _DRIVER,
        STOPPED: _DRIVER,
        LOST: _HUB,
    },
    CANCELING: {
        SUCCEEDED: _DRIVER,
        FAILED: _DRIVER,
        CANCELED: _DRIVER,
        PREEMPTED: _DRIVER,
        STOPPED: _DRIVER,
        LOST: _HUB,
    },
    REJECTED: {},
    SUCCEEDED: {},
    FAILED: {},
    CANCELED: {},
    PREEMPTED: {},
    EXPIRED: {},
    STOPPED: {},
    LOST: {},
}

TERMINAL: Final = frozenset(state for state, after in TRANSITIONS.items() if not after)


# Ends that a hub writes without the driver's word: a driver that still runs such a command must be told.
ENDED_BY_HUB: Final = frozenset({LOST, EXPIRED, CANCELED})


def may_follow(present: v1.CommandState, new: v1.CommandState, writer: Writer) -> bool:
    """Whether `writer` may write `new` after `present`.

    A driver's outcome implies RUNNING: a call that ends at once is one message, not two.
    """
    if writer in TRANSITIONS[present].get(new, ()):
        return True
    return present == ACCEPTED and writer is Writer.DRIVER and writer in TRANSITIONS[RUNNING].get(new, ())


def digest(destination: str, body: bytes) -> bytes:
    """Tells a resend (same) from a reused id (other)."""
    return hashlib.blake2b(destination.encode() + b"\0" + body, digest_size=16).digest()


Mark: TypeAlias = tuple[v1.CommandState, int, str, bytes, int, bool, v1.CommandUpdate | None]


@dataclass(slots=True, kw_only=True)
class CommandRecord:
    """One command as the hub knows it. Times are site time, ns."""

    id: bytes
    robot: str
    digest: bytes
    method: str = ""
    owner: str = ""
    # It runs under a lease and ends with it: motion, or maintenance.
    motion: bool = True
    goal: bool = False
    on_disconnect: int = v1.ON_DISCONNECT_CANCEL
    lease: tuple[int, int] = (0, 0)
    stop_generation: int = 0
    header: bytes = b""
    body: bytes = b""
    deadline_ns: int = 0
    state: v1.CommandState = RECEIVED
    cause: int = 0
    text: str = ""
    result: bytes = b""
    time_ns: int = 0
    # The connection it was forwarded on; b"": not since this hub start.
    delivered_to: bytes = b""
    driver_session: int = 0
    stale: bool = False
    late: v1.CommandUpdate | None = None
    # Not kept on disk: where updates go now, and whether this record was read back after a hub restart.
    peer: bytes = b""
    recovered: bool = False
    # A cancel that its absent driver must still hear.
    owed: v1.CommandCancel | None = None
    # Its way so far: where, what, site time.
    hops: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def component(self) -> str:
        """The component that the method belongs to."""
        return self.method.partition(".")[0]

    @property
    def terminal(self) -> bool:
        """Whether it has ended."""
        return self.state in TERMINAL

    def update(self) -> v1.CommandUpdate:
        """Its present state as a message."""
        update = v1.CommandUpdate(
            command_id=self.id, robot=self.robot, state=self.state, time_ns=self.time_ns
        )
        if self.cause:
            update.cause = self.cause  # type: ignore[assignment]
        if self.text:
            update.text = self.text
        if self.result:
            update.result = self.result
        if self.late is not None:
            update.late_outcome.CopyFrom(self.late)
        if self.stale:
            update.stale = True
        return update

    def mark(self) -> Mark:
        """What `CommandTable.advance` may change, as it is."""
        return self.state, self.cause, self.text, self.result, self.time_ns, self.stale, self.late


@dataclass(slots=True)
class CommandTable:
    """All live commands, and the ended ones for `retention_ns` after their end."""

    retention_ns: int = int(RETENTION_S * 1e9)
    limit_per_robot: int = MAX_COMMANDS_PER_ROBOT
    _records: dict[bytes, CommandRecord] = field(default_factory=dict)
    _per_robot: dict[str, int] = field(default_factory=dict)
    _live: dict[str, dict[bytes, CommandRecord]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._records)

    def get(self, command_id: bytes) -> CommandRecord | None:
        """The record of that id, if it is still kept."""
        return self._records.get(command_id)

    def seen(self, command_id: bytes, body_digest: bytes) -> CommandRecord | None:
        """The record of a resend.

        Raises:
            Violation: ID_REUSED, the same id came with another body before.
        """
        record = self._records.get(command_id)
        if record is not None and record.digest != body_digest:
            raise Violation(
                v1.CAUSE_ID_REUSED, f"command id {command_id.hex()} was used with another body; make a new id"
            )
        return record

    def check_room(self, robot: str) -> None:
        """Whether one more command of that robot can be kept.

        Raises:
            Violation: STORAGE, the robot's table is full; nothing is evicted early.
        """
        count = self._per_robot.get(robot, 0)
        if count >= self.limit_per_robot:
            raise Violation(
                v1.CAUSE_STORAGE,
                f"{robot}: {count} commands are kept, the limit; the oldest ended one is forgotten "
                f"{self.retention_ns / 1e9:.0f} s after its end",
            )

    def add(self, record: CommandRecord) -> None:
        """Keep a new record.

        Raises:
            Violation: STORAGE, see `check_room`.
        """
        self.check_room(record.robot)
        count = self._per_robot.get(record.robot, 0)
        self._records[record.id] = record
        self._per_robot[record.robot] = count + 1
        if not record.terminal:
            self._live.setdefault(record.robot, {})[record.id] = record

    def forget(self, command_id: bytes) -> None:
        """Drop a record, known or not."""
        record = self._records.pop(command_id, None)
        if record is not None:
            self._per_robot[record.robot] -= 1
            self._live.get(record.robot, {}).pop(command_id, None)

    def advance(
        self,
        record: CommandRecord,
        state: v1.CommandState,
        writer: Writer,
        *,
        now_ns: int,
        cause: int = 0,
        text: str = "",
        result: bytes = b"",
    ) -> bool:
        """Write the next state; True if it was written.

        The first outcome wins: another one that a driver sends later is kept beside it. A repetition of the present
        state changes nothing.

        Raises:
            Violation: INVALID, that writer may not write that state now.
        """
        if record.terminal:
            if (
                writer is Writer.DRIVER
                and state in TERMINAL
                and state != record.state
                and record.late is None
            ):
                record.late = v1.CommandUpdate(state=state, cause=cause, text=text, time_ns=now_ns)  # type: ignore[arg-type]
                return True
            return False
        if state == record.state:
            return False
        if not may_follow(record.state, state, writer):
            raise Violation(
                v1.CAUSE_INVALID,
                f"{record.robot}: {state_name(state)} may not follow {state_name(record.state)} "
                f"when the {writer.value} writes it",
            )
        record.state, record.cause, record.text, record.time_ns = state, cause, text, now_ns
        record.stale = False
        if record.terminal:
            record.result = result
            self._live.get(record.robot, {}).pop(record.id, None)
        return True

    def restore(self, record: CommandRecord, before: Mark) -> None:
        """Undo an `advance` that could not be kept: the record is again as at that mark."""
        record.state, record.cause, record.text, record.result, record.time_ns, record.stale, record.late = (
            before
        )
        if not record.terminal:
            self._live.setdefault(record.robot, {})[record.id] = record

    def live(self, robot: str) -> list[CommandRecord]:
        """The robot's commands that have not ended."""
        return list(self._live.get(robot, {}).values())

    def all_live(self) -> Iterator[CommandRecord]:
        """Every command that has not ended."""
        for records in list(self._live.values()):
            yield from list(records.values())

    def purge(self, now_ns: int) -> list[bytes]:
        """Forget the ended ones whose time is over; their ids."""
        # Records end in any order, so the whole table is looked at: the hub calls this every few seconds.
        old = [r.id for r in self._records.values() if r.terminal and now_ns - r.time_ns > self.retention_ns]
        for command_id in old:
            self.forget(command_id)
        return old
