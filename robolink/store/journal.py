"""The hub's SQLite journal: commands, twins, sheets and counters that survive kill -9.

A batch is one transaction (grouped commit). With WAL and synchronous=NORMAL a commit survives a process crash, not a
power cut; `sync` adds the fsync that does. This file knows no rule: it keeps what the hub gives it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from robolink import v1
from robolink.core.command import CommandRecord
from robolink.core.lease import Lease
from robolink.errors import ConfigError, StorageError
from robolink.store.schema import Schema, bring_up_to_date

PAGE_BYTES: Final = 4096

_VERSION_1: Final = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS commands (
    id BLOB PRIMARY KEY, robot TEXT NOT NULL, digest BLOB NOT NULL, method TEXT NOT NULL, owner TEXT NOT NULL,
    motion INTEGER NOT NULL, goal INTEGER NOT NULL, on_disconnect INTEGER NOT NULL, lease_epoch INTEGER NOT NULL,
    lease_sequence INTEGER NOT NULL, stop_generation INTEGER NOT NULL, header BLOB NOT NULL, body BLOB NOT NULL,
    deadline_ns INTEGER NOT NULL, driver_session BLOB NOT NULL, state INTEGER NOT NULL, cause INTEGER NOT NULL,
    text TEXT NOT NULL, result BLOB NOT NULL, time_ns INTEGER NOT NULL, late BLOB
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS robots (
    robot TEXT PRIMARY KEY, sheet BLOB NOT NULL, twin_id TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS properties (
    robot TEXT NOT NULL, name TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (robot, name)
) WITHOUT ROWID""",
)
_VERSION_2: Final = (
    """CREATE TABLE leases (
    robot TEXT NOT NULL, component TEXT NOT NULL, owner TEXT NOT NULL, session BLOB NOT NULL, epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL, cloud INTEGER NOT NULL, twin INTEGER NOT NULL, PRIMARY KEY (robot, epoch, sequence)
) WITHOUT ROWID""",
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY, record BLOB NOT NULL)",
)
# A change of the schema is one more step here (see schema.py); what is released stays as it is.
_VERSION_3: Final = (
    "CREATE TABLE rejected (id BLOB PRIMARY KEY, digest BLOB NOT NULL, verdict BLOB NOT NULL) WITHOUT ROWID",
)
SCHEMA: Final = Schema("journal", (_VERSION_1, _VERSION_2, _VERSION_3))

_PUT_COMMAND: Final = "INSERT OR REPLACE INTO commands VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_PUT_STATE: Final = (
    "UPDATE commands SET state=?, cause=?, text=?, result=?, time_ns=?, driver_session=?, late=? WHERE id=?"
)
_PUT_SHEET: Final = (
    "INSERT INTO robots (robot, sheet) VALUES (?, ?) ON CONFLICT (robot) DO UPDATE SET sheet = excluded.sheet"
)
_PUT_TWIN_ID: Final = (
    "INSERT INTO robots (robot, sheet, twin_id) VALUES (?, x'', ?) "
    "ON CONFLICT (robot) DO UPDATE SET twin_id = excluded.twin_id"
)


class Durability(StrEnum):
    """What an ACCEPTED command survives: a killed process, or a power cut too (each batch is fsynced)."""

    PROCESS = "process"
    POWER = "power"


class Batch:
    """Changes of one loop turn, as they were when they were added; kept by `Journal.commit`.

    Attributes:
        sync: These must survive a power cut before anybody hears of them.
    """

    def __init__(self) -> None:
        """Empty."""
        self._statements: list[tuple[str, tuple[object, ...]]] = []
        self.sync = False

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self._statements)

    def __iter__(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        """The statements, in order."""
        return iter(self._statements)

    def command(self, record: CommandRecord) -> None:
        """A new command, whole."""
        row = (
            record.id,
            record.robot,
            record.digest,
            record.method,
            record.owner,
            record.motion,
            record.goal,
            record.on_disconnect,
            *record.lease,
            record.stop_generation,
            record.header,
            record.body,
            record.deadline_ns,
            record.driver_session.to_bytes(8, "little"),
            record.state,
            record.cause,
            record.text,
            record.result,
            record.time_ns,
            record.late.SerializeToString() if record.late else None,
        )
        self._statements.append((_PUT_COMMAND, row))

    def command_state(self, record: CommandRecord) -> None:
        """The present state of a command that is kept already."""
        row = (
            record.state,
            record.cause,
            record.text,
            record.result,
            record.time_ns,
            record.driver_session.to_bytes(8, "little"),
            record.late.SerializeToString() if record.late else None,
            record.id,
        )
        self._statements.append((_PUT_STATE, row))

    def rejected(self, digest: bytes, update: v1.CommandUpdate) -> None:
        """A command that was refused: its id stays refused, for the next hub too."""
        row = (update.command_id, digest, update.SerializeToString())
        self._statements.append(("INSERT OR REPLACE INTO rejected VALUES (?,?,?)", row))

    def forget_rejected(self, ids: list[bytes]) -> None:
        """Refusals whose retention is over."""
        self._statements += [("DELETE FROM rejected WHERE id=?", (each,)) for each in ids]

    def forget_commands(self, ids: list[bytes]) -> None:
        """Ended commands whose retention is over."""
        self._statements += [("DELETE FROM commands WHERE id=?", (each,)) for each in ids]

    def sheet(self, robot: str, sheet: v1.Sheet) -> None:
        """A robot's newest sheet."""
        self._statements.append((_PUT_SHEET, (robot, sheet.SerializeToString())))

    def twin_id(self, robot: str, twin_id: str) -> None:
        """The newest id of a command through the robot's twin; kept for ever."""
        self._statements.append((_PUT_TWIN_ID, (robot, twin_id)))
        self.sync = True

    def property(self, robot: str, state: v1.PropertyState) -> None:
        """One property of a twin; versions are always synced."""
        row = (robot, state.name, state.SerializeToString())
        self._statements.append(("INSERT OR REPLACE INTO properties VALUES (?,?,?)", row))
        self.sync = True

    def lease(self, lease: Lease, *, twin: bool) -> None:
        """A granted lease; `twin`: the hub's own, for commands through the twin. A renewal is not kept."""
        row = (
            lease.robot,
            lease.component,
            lease.owner,
            lease.session_id.to_bytes(8, "little"),
            *lease.token,
            lease.cloud,
            twin,
        )
        self._statements.append(("INSERT OR REPLACE INTO leases VALUES (?,?,?,?,?,?,?,?)", row))

    def lease_gone(self, lease: Lease) -> None:
        """A lease that has ended."""
        self._statements.append(
            ("DELETE FROM leases WHERE robot=? AND epoch=? AND sequence=?", (lease.robot, *lease.token))
        )

    def audit(self, record: v1.AuditRecord) -> None:
        """The next record of the audit; never written again."""
        row = (record.seq, record.SerializeToString())
        self._statements.append(("INSERT INTO audit VALUES (?,?)", row))

    def meta(self, key: str, value: int) -> None:
        """A counter (epoch); always synced."""
        self._statements.append(("INSERT OR REPLACE INTO meta VALUES (?,?)", (key, value)))
        self.sync = True


class Journal:
    """One SQLite file.

    Args:
        path: Of the file; its folder exists.
        max_bytes: The file may not grow beyond it (a full store is met by STORAGE, not by a full disk); 0: no limit.

    Raises:
        ConfigError: It cannot be opened, or is of a newer schema.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0) -> None:
        """Open, and make the tables if there are none."""
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            bring_up_to_date(self._db, path, SCHEMA)
            self._db.execute(f"PRAGMA max_page_count={max_bytes // PAGE_BYTES if max_bytes else 2**32 - 2}")
        except sqlite3.Error as exc:
            raise ConfigError(
                f"cannot open the store {path}: {exc}", hint="check store.path and its rights"
            ) from exc
        self._wal_fd = os.open(f"{path}-wal", os.O_RDWR | os.O_CREAT, 0o600)

    def commit(self, batch: Batch) -> None:
        """Keep a batch as one transaction; survives a process crash from here on.

        Raises:
            StorageError: Nothing of the batch was kept.
        """
        statements = list(batch)
        try:
            if len(statements) == 1:
                self._db.execute(*statements[0])  # A transaction by itself, in one call instead of three.
                return
            self._db.execute("BEGIN IMMEDIATE")
            for sql, row in statements:
                self._db.execute(sql, row)
            self._db.execute("COMMIT")
        except sqlite3.Error as exc:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StorageError(
                f"the store {self.path} refused a write: {exc}", hint="free disk space"
            ) from exc

    def sync(self) -> None:
        """Make every commit before this call survive a power cut. May run in another thread than `commit`.

        Raises:
            StorageError: The disk refused.
        """
        try:
            os.fdatasync(self._wal_fd)
        except OSError as exc:
            raise StorageError(
                f"the store {self.path} cannot be synced: {exc}", hint="check the disk"
            ) from exc

    def meta(self, key: str) -> int:
        """A counter; 0 if never kept."""
        row = self._db.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def commands(self) -> Iterator[CommandRecord]:
        """Every command kept."""
        for row in self._db.execute("SELECT * FROM commands"):
            yield CommandRecord(
                id=row[0],
                robot=row[1],
                digest=row[2],
                method=row[3],
                owner=row[4],
                motion=bool(row[5]),
                goal=bool(row[6]),
                on_disconnect=row[7],
                lease=(row[8], row[9]),
                stop_generation=row[10],
                header=row[11],
                body=row[12],
                deadline_ns=row[13],
                driver_session=int.from_bytes(row[14], "little"),
                state=row[15],
                cause=row[16],
                text=row[17],
                result=row[18],
                time_ns=row[19],
                late=v1.CommandUpdate.FromString(row[20]) if row[20] is not None else None,
            )

    def rejections(self) -> Iterator[tuple[bytes, v1.CommandUpdate]]:
        """Every refusal kept, with the digest of what was refused."""
        for digest, verdict in self._db.execute("SELECT digest, verdict FROM rejected"):
            yield digest, v1.CommandUpdate.FromString(verdict)

    def robots(self) -> Iterator[tuple[str, v1.Sheet, str]]:
        """Every robot ever seen: id, newest sheet, newest twin command id."""
        for robot, sheet, twin_id in self._db.execute("SELECT robot, sheet, twin_id FROM robots"):
            yield robot, v1.Sheet.FromString(sheet), twin_id

    def properties(self) -> Iterator[tuple[str, v1.PropertyState]]:
        """Every kept property with its robot."""
        for robot, state in self._db.execute("SELECT robot, state FROM properties"):
            yield robot, v1.PropertyState.FromString(state)

    def leases(self) -> Iterator[tuple[Lease, bool]]:
        """Every lease in force when the hub ended, and whether it was the hub's own for a twin; never renewed since."""
        for robot, component, owner, session, epoch, sequence, cloud, twin in self._db.execute(
            "SELECT robot, component, owner, session, epoch, sequence, cloud, twin FROM leases"
        ):
            lease = Lease(
                robot=robot,
                component=component,
                owner=owner,
                session_id=int.from_bytes(session, "little"),
                token=(epoch, sequence),
                renewed_ns=0,
                cloud=bool(cloud),
            )
            yield lease, bool(twin)

    def audit_records(self, newest: int | None = None) -> Iterator[v1.AuditRecord]:
        """The audit, oldest first; only the newest so many."""
        sql = "SELECT record FROM (SELECT seq, record FROM audit ORDER BY seq DESC LIMIT ?) ORDER BY seq"
        for (record,) in self._db.execute(sql, (-1 if newest is None else newest,)):
            yield v1.AuditRecord.FromString(record)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        os.close(self._wal_fd)
