"""The stop latches of all robots on disk, for the hub's safety process: each write is on the disk when it returns.

A store of its own: the safety process shares no lock with the control lane's journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from robolink import v1
from robolink.errors import ConfigError, StorageError
from robolink.store.schema import Schema, bring_up_to_date

_VERSION_1: Final = (
    "CREATE TABLE IF NOT EXISTS stops (robot TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID",
)
SCHEMA: Final = Schema("stop store", (_VERSION_1,))


class StopStore:
    """One small SQLite file, synchronous=FULL.

    Raises:
        ConfigError: It cannot be opened, or is of a newer schema.
    """

    def __init__(self, path: Path) -> None:
        """Open, and make the table if there is none."""
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            bring_up_to_date(self._db, path, SCHEMA)
        except sqlite3.Error as exc:
            raise ConfigError(
                f"cannot open the store {path}: {exc}", hint="check store.path and its rights"
            ) from exc

    def load(self) -> Iterator[tuple[str, v1.StopState]]:
        """Every robot's last state."""
        for robot, state in self._db.execute("SELECT robot, state FROM stops"):
            yield robot, v1.StopState.FromString(state)

    def save(self, states: dict[str, v1.StopState]) -> None:
        """Keep these states, all or none.

        Raises:
            StorageError: The disk refused; the caller still stops the robots.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for robot, state in states.items():
                self._db.execute(
                    "INSERT OR REPLACE INTO stops VALUES (?,?)", (robot, state.SerializeToString())
                )
            self._db.execute("COMMIT")
        except sqlite3.Error as exc:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StorageError(
                f"the store {self.path} refused a write: {exc}", hint="free disk space"
            ) from exc

    def close(self) -> None:
        """Close the file."""
        self._db.close()
