"""Puts a backup back into a store without undoing what must never be undone.

Settings and sheets come back. Command ids, twin command ids, stops and lease epochs only go forward: where the present
store still says something newer about them, it wins; a robot that it does not know is latched. Nothing moves by it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from robolink import v1
from robolink.core.sheet import HUB_PROPERTIES
from robolink.core.stop import StopLatch
from robolink.errors import ConfigError, StorageError
from robolink.store.backup import DATABASES, JOURNAL, STOPS, Manifest, extract, read_manifest, sync_folder
from robolink.store.lock import StoreLock
from robolink.store.schema import bring_up_to_date, check_integrity, copy_database

# Further than a hub has been started, or a setting written, since any backup that is still of use: what was granted or
# ordered after the backup and is known nowhere any more stays older than what comes next.
EPOCH_STEP: Final = 1 << 12
VERSION_STEP: Final = 1 << 20
RESTORED_BY: Final = "restore"
# What a backup may overwrite. Every other table says what has happened, and that is not undone.
RESTORED_TABLES: Final = ("meta", "robots", "properties")
# What nobody holds after a restore, whoever held it in the backup or holds it now.
VOID_TABLES: Final = ("leases",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore has done.

    Attributes:
        manifest: Of the backup.
        robots: Known to the store now.
        settings: Desired values that the backup brought back, each as a new version.
        latched: Robots stopped now (a software stop, not safety rated): a release is needed before they move.
        lease_epoch: As kept now; the hub's next start is one above.
        before: Folder with what was there before; None if nothing was.
        damaged: Databases of the present store that could not be read, and were taken for lost.
    """

    manifest: Manifest
    robots: tuple[str, ...]
    settings: int
    latched: tuple[str, ...]
    lease_epoch: int
    before: Path | None
    damaged: tuple[str, ...]


def restore_backup(file: Path, folder: Path) -> Restored:
    """Put a backup into a store folder on which no hub runs.

    Raises:
        ConfigError: The backup or the present store is of a newer schema, or the file cannot be read.
        StorageError: A hub runs on the store, the backup is damaged, or the disk refused.
    """
    if not file.is_file():
        raise ConfigError(f"there is no backup {file}", hint="check --from")
    with StoreLock(folder), tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as work:
        try:
            return _restore(file, folder, Path(work))
        except (OSError, sqlite3.Error, tarfile.TarError) as exc:
            raise StorageError(
                f"cannot restore {file} to {folder}: {exc}",
                hint="check the disk; what was in the store stands there, or in its newest before-restore folder",
            ) from exc


def _restore(file: Path, folder: Path, work: Path) -> Restored:
    new, old = work / "new", work / "old"
    new.mkdir()
    old.mkdir()
    with tarfile.open(file) as tar:
        manifest = read_manifest(tar, file)
        extract(tar, file, manifest, new)
    for name in DATABASES:
        with _opened(new / name):
            pass
    damaged = [name for name in DATABASES if not _take_present(folder / name, old / name)]
    journal, stops = (old / name if (old / name).exists() else None for name in (JOURNAL, STOPS))
    with _opened(new / JOURNAL) as db:
        settings, epoch = _merge_journal(db, journal)
        robots = tuple(robot for (robot,) in db.execute("SELECT robot FROM robots ORDER BY robot"))
    with _opened(new / STOPS) as db:
        latched = _merge_stops(db, stops, robots, _robots(journal), manifest.created)
    before = _swap(new, folder)
    return Restored(
        manifest=manifest,
        robots=robots,
        settings=settings,
        latched=latched,
        lease_epoch=epoch,
        before=before,
        damaged=tuple(damaged),
    )


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A sound database of the newest schema; the changes made within are one transaction, on the disk at its end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=FULL")
        check_integrity(db, path)
        bring_up_to_date(db, path, DATABASES[path.name])
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


def _take_present(path: Path, to: Path) -> bool:
    """Copy a database of the present store; False if it is there and cannot be read."""
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            copy_database(db, to)
        with _opened(to):
            pass
    except sqlite3.DatabaseError:
        to.unlink(missing_ok=True)
        return False
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        # The last one to close a database empties its log: so somebody still has it open.
        raise StorageError(
            f"{path} is still open in another process", hint="wait for it to end, then restore again"
        )
    return True


# The journal.


def _merge_journal(db: sqlite3.Connection, present: Path | None) -> tuple[int, int]:
    """How many settings the backup changes, and the lease epoch."""
    now = _properties(present)
    epoch = _epoch(db)
    settings = _raise_versions(db, now)
    if present is not None:
        with closing(sqlite3.connect(present)) as other:
            epoch = max(epoch, _epoch(other))
            _keep_what_happened(db, other)
    for table in _tables(db):
        if table in VOID_TABLES:
            db.execute(f"DELETE FROM {table}")
    epoch += EPOCH_STEP
    db.execute("INSERT OR REPLACE INTO meta VALUES ('lease_epoch', ?)", (epoch,))
    return settings, epoch


def _tables(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]


def _epoch(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM meta WHERE key='lease_epoch'").fetchone()
    return int(row[0]) if row else 0


def _properties(path: Path | None) -> dict[tuple[str, str], v1.PropertyState]:
    if path is None:
        return {}
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT robot, name, state FROM properties").fetchall()
    return {(robot, name): v1.PropertyState.FromString(state) for robot, name, state in rows}


def _raise_versions(db: sqlite3.Connection, now: dict[tuple[str, str], v1.PropertyState]) -> int:
    """A setting that comes back is a new write, above every version that anybody may have seen."""
    changed = 0
    for robot, name, data in db.execute("SELECT robot, name, state FROM properties").fetchall():
        present = now.get((robot, name))
        state = v1.PropertyState.FromString(data)
        if present is not None and (
            name in HUB_PROPERTIES
            or not state.HasField("desired")
            or present.desired.value == state.desired.value
        ):
            state = present
        elif state.HasField("desired"):
            seen = max(state.desired.version, present.desired.version if present else 0)
            state.desired.version = seen + VERSION_STEP
            changed += name not in HUB_PROPERTIES
        db.execute(
            "UPDATE properties SET state=? WHERE robot=? AND name=?", (state.SerializeToString(), robot, name)
        )
    return changed


def _keep_what_happened(db: sqlite3.Connection, other: sqlite3.Connection) -> None:
    """Of the present store: commands and the like whole, twin command ids, and whatever the backup does not know."""
    for table in _tables(other):
        rows = other.execute(f"SELECT * FROM {table}")
        if table not in RESTORED_TABLES:
            db.execute(f"DELETE FROM {table}")
        marks = ",".join("?" * len(rows.description))
        db.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
    ids = other.execute("SELECT twin_id, robot FROM robots WHERE twin_id != ''").fetchall()
    db.executemany("UPDATE robots SET twin_id=? WHERE robot=?", ids)


# The stops.


def _merge_stops(
    db: sqlite3.Connection, present: Path | None, robots: Iterable[str], seen: set[str], created: str
) -> tuple[str, ...]:
    """No generation goes down, no latch opens; a robot of which the present store knows nothing is latched anew.

    Args:
        db: The stops of the backup; those in force after it.
        present: The present stops; None if they are lost.
        robots: Known after the restore.
        seen: By the present journal: these had no stop since the backup unless `present` says so.
        created: When the backup was made, for people.
    """
    latches, newer = _latches(db), {}
    if present is not None:
        with closing(sqlite3.connect(present)) as other:
            newer = _latches(other)
    known = set(newer) | (seen if present is not None else set())
    for robot in {*robots, *latches} - known:
        reason = f"restored from a backup of {created}: later stops are unknown"
        latch = latches.setdefault(robot, StopLatch(robot))
        latch.raise_stop(v1.STOP_LEVEL_SOFT_HOLD, reason=reason, by=RESTORED_BY)
    for robot, latch in newer.items():
        kept = latches.setdefault(robot, latch)
        if (latch.generation, latch.latched) > (kept.generation, kept.latched):
            latches[robot] = latch
    rows = [(robot, latch.state().SerializeToString()) for robot, latch in latches.items()]
    db.executemany("INSERT OR REPLACE INTO stops VALUES (?,?)", rows)
    return tuple(sorted(robot for robot, latch in latches.items() if latch.latched))


def _robots(journal: Path | None) -> set[str]:
    if journal is None:
        return set()
    with closing(sqlite3.connect(journal)) as db:
        return {robot for (robot,) in db.execute("SELECT robot FROM robots")}


def _latches(db: sqlite3.Connection) -> dict[str, StopLatch]:
    latches = {}
    for robot, state in db.execute("SELECT robot, state FROM stops").fetchall():
        latches[robot] = StopLatch(robot)
        latches[robot].load(v1.StopState.FromString(state))
    return latches


# Into place.


def _swap(new: Path, folder: Path) -> Path | None:
    """Keep what is there, then put the new files in its place: stops first, since they only go forward."""
    there = [path for name in DATABASES for path in folder.glob(f"{name}*") if path.is_file()]
    before = None
    if there:
        before = folder / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        before.mkdir(mode=0o700)
        for path in there:
            shutil.copy2(path, before / path.name)
        sync_folder(before)
    for name in (STOPS, JOURNAL):
        for companion in ("-wal", "-shm"):
            # Of a sound database they are empty; of a damaged one they must not be read into the new.
            (folder / f"{name}{companion}").unlink(missing_ok=True)
        if os.geteuid() == 0:
            # Restored by root for a hub that is not: it must be able to open what it finds.
            os.chown(new / name, folder.stat().st_uid, folder.stat().st_gid)
        (new / name).replace(folder / name)
        sync_folder(folder)
    return before
