"""Schema versions: an older file is migrated as a whole or not at all, a newer one is refused, nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from robolink import v1
from robolink.errors import ConfigError
from robolink.store import Journal, StopStore, journal, stops
from robolink.store.schema import Schema, bring_up_to_date, kept_copy, version_of

# What version 1 wrote, spelled out once more: a later edit of its step in the code is found by this.
JOURNAL_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE commands (
    id BLOB PRIMARY KEY, robot TEXT NOT NULL, digest BLOB NOT NULL, method TEXT NOT NULL, owner TEXT NOT NULL,
    motion INTEGER NOT NULL, goal INTEGER NOT NULL, on_disconnect INTEGER NOT NULL, lease_epoch INTEGER NOT NULL,
    lease_sequence INTEGER NOT NULL, stop_generation INTEGER NOT NULL, header BLOB NOT NULL, body BLOB NOT NULL,
    deadline_ns INTEGER NOT NULL, driver_session BLOB NOT NULL, state INTEGER NOT NULL, cause INTEGER NOT NULL,
    text TEXT NOT NULL, result BLOB NOT NULL, time_ns INTEGER NOT NULL, late BLOB
) WITHOUT ROWID;
CREATE TABLE robots (robot TEXT PRIMARY KEY, sheet BLOB NOT NULL, twin_id TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE properties (
    robot TEXT NOT NULL, name TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (robot, name)
) WITHOUT ROWID;
PRAGMA user_version=1;
"""
STOPS_0 = "CREATE TABLE stops (robot TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID"


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def columns(path: Path) -> dict[str, list[Any]]:
    with opened(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}


def write_journal_1(path: Path) -> bytes:
    state = v1.PropertyState(name="base.max_speed", desired=v1.Desired(version=7))
    row = (
        b"i" * 16,
        "r1",
        b"d",
        "base.go",
        "anna",
        1,
        1,
        1,
        3,
        4,
        5,
        b"h",
        b"b",
        9,
        bytes(8),
        4,
        0,
        "",
        b"",
        11,
    )
    with opened(path) as db:
        db.executescript(JOURNAL_1)
        db.execute("INSERT INTO meta VALUES ('lease_epoch', 41)")
        db.execute(
            "INSERT INTO robots VALUES ('r1', ?, 'twin-9')", (v1.Sheet(vendor="maker").SerializeToString(),)
        )
        db.execute("INSERT INTO properties VALUES ('r1', ?, ?)", (state.name, state.SerializeToString()))
        db.execute(f"INSERT INTO commands VALUES ({','.join('?' * 20)}, NULL)", row)
    return row[0]


def test_a_journal_of_version_1_is_read_by_today(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    command_id = write_journal_1(path)
    store = Journal(path)
    assert store.meta("lease_epoch") == 41
    assert [(robot, twin_id) for robot, _sheet, twin_id in store.robots()] == [("r1", "twin-9")]
    assert [state.desired.version for _robot, state in store.properties()] == [7]
    (record,) = store.commands()
    assert (record.id, record.robot, record.lease, record.owner) == (command_id, "r1", (3, 4), "anna")
    store.close()
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite"), "migrated and new must be the same"
    with opened(path) as db:
        assert version_of(db) == journal.SCHEMA.version


def test_a_stop_store_from_before_versions_keeps_its_latches(tmp_path: Path) -> None:
    path = tmp_path / "stops.sqlite"
    state = v1.StopState(generation=6, latched=True, level=1, reason="smoke")
    with opened(path) as db:
        db.execute(STOPS_0)
        db.execute("INSERT INTO stops VALUES ('r1', ?)", (state.SerializeToString(),))
    store = StopStore(path)
    assert dict(store.load()) == {"r1": state}
    store.close()
    with opened(path) as db:
        assert version_of(db) == stops.SCHEMA.version
    StopStore(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")
    assert kept_copy(path, 0).exists()


@pytest.mark.parametrize(("open_store", "schema"), [(Journal, journal.SCHEMA), (StopStore, stops.SCHEMA)])
def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path, open_store: Any, schema: Schema) -> None:
    path = tmp_path / "store.sqlite"
    with opened(path) as db:
        db.execute("CREATE TABLE of_tomorrow (id)")
        db.execute(f"PRAGMA user_version={schema.version + 1}")
    with pytest.raises(ConfigError, match=f"schema {schema.version + 1}.*knows {schema.version}.*newer"):
        open_store(path)
    assert list(columns(path)) == ["of_tomorrow"]


FIRST = ("CREATE TABLE IF NOT EXISTS t (a TEXT NOT NULL)",)


def _upper(db: sqlite3.Connection) -> None:
    db.execute("UPDATE t SET a = upper(a)")


def test_steps_run_once_each_in_order_with_a_copy_before(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    third = Schema("t", (FIRST, ("ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 5",), _upper))
    with opened(path) as db:
        bring_up_to_date(db, path, Schema("t", (FIRST,)))
        assert not list(tmp_path.glob("*.schema-*")), "an empty file needs no copy"
        db.execute("INSERT INTO t VALUES ('x')")
        for _again in range(2):
            bring_up_to_date(db, path, third)
            assert db.execute("SELECT a, b FROM t").fetchall() == [("X", 5)]
            assert version_of(db) == 3
    with opened(kept_copy(path, 1)) as old:
        assert version_of(old) == 1
        assert old.execute("SELECT * FROM t").fetchall() == [("x",)]
    assert kept_copy(path, 1).stat().st_mode & 0o077 == 0


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with opened(path) as db:
        bring_up_to_date(db, path, Schema("t", (FIRST,)))
        broken = Schema(
            "t", (FIRST, ("ALTER TABLE t ADD COLUMN b INTEGER",), ("INSERT INTO nowhere VALUES (1)",))
        )
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            bring_up_to_date(db, path, broken)
        assert not db.in_transaction
        assert version_of(db) == 1
    assert [column[1] for column in columns(path)["t"]] == ["a"]


def test_no_copy_no_migration(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with opened(path) as db:
        bring_up_to_date(db, path, Schema("t", (FIRST,)))
        (tmp_path / "t.sqlite.schema-1.part").mkdir()
        with pytest.raises(ConfigError, match="cannot keep a copy"):
            bring_up_to_date(db, path, Schema("t", (FIRST, _upper)))
        assert version_of(db) == 1
