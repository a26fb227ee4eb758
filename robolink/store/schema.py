"""Schema versions of the stores: `PRAGMA user_version`, and the steps that bring an older file up to date.

A new version is one more step at the end of a store's list; a step that was released is never changed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from robolink.errors import ConfigError

log = logging.getLogger(__name__)

# SQL statements, one each, or a function for what SQL cannot say.
Step = tuple[str, ...] | Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Schema:
    """One store's schema as its history.

    Attributes:
        name: Of the store, for people.
        steps: `steps[n]` brings a file from version n to n + 1. The first must also pass over a file that has the tables
            already: before versions were written, such a file said 0.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def version(self) -> int:
        """The newest."""
        return len(self.steps)


def version_of(db: sqlite3.Connection) -> int:
    """The version that a file says it is of; 0 for an empty one."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_version(found: int, schema: Schema, where: str) -> None:
    """Refuse what a newer Robolink has written.

    Raises:
        ConfigError: It is newer than the schema known here.
    """
    if found > schema.version:
        raise ConfigError(
            f"{where} is of {schema.name} schema {found}, this Robolink knows {schema.version}",
            hint="run the Robolink that wrote it or a newer one; an older one cannot read it",
        )


def kept_copy(path: Path, version: int) -> Path:
    """Where a file of that version is kept before it is migrated."""
    return path.with_name(f"{path.name}.schema-{version}")


def bring_up_to_date(db: sqlite3.Connection, path: Path, schema: Schema) -> None:
    """Create or migrate: all missing steps in one transaction, with a copy of an older file kept beside it before.

    Args:
        db: Of `path`, in autocommit mode (`isolation_level=None`).
        path: Of the file.
        schema: To reach.

    Raises:
        ConfigError: The file is of a newer schema, or no copy of it could be kept.
        sqlite3.Error: A step failed; the file is as it was.
    """
    found = version_of(db)
    check_version(found, schema, str(path))
    if found == schema.version:
        return
    if db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        try:
            copy_database(db, kept_copy(path, found))
        except OSError as exc:
            raise ConfigError(
                f"cannot keep a copy of {path} before its migration: {exc.strerror}",
                hint="free disk space, or check the rights on the folder",
            ) from exc
        log.warning(
            "%s: migrating from schema %d to %d; the old file is kept as %s",
            path,
            found,
            schema.version,
            kept_copy(path, found),
        )
    db.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: another process may have been faster.
        found = version_of(db)
        check_version(found, schema, str(path))
        for step in schema.steps[found:]:
            if callable(step):
                step(db)
            else:
                for statement in step:
                    db.execute(statement)
        db.execute(f"PRAGMA user_version={schema.version}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def copy_database(db: sqlite3.Connection, to: Path) -> None:
    """A whole and consistent copy, on the disk when this returns; others may go on writing meanwhile.

    Raises:
        sqlite3.Error: The copy could not be made, or is damaged; then nothing stands at `to`.
        OSError: As above.
    """
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(0o600)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            db.backup(copy)  # all pages in one step: one read transaction, so one moment
            check_integrity(copy, part)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a companion
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(to)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def check_integrity(db: sqlite3.Connection, path: Path) -> None:
    """Ask SQLite whether every page of the file is sound.

    Raises:
        sqlite3.DatabaseError: One is not; the first finding is named.
    """
    verdict = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"{path} is damaged: {verdict}")
