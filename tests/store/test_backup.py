"""Backup while the store is written, and restore: settings come back; ids, stops and epochs only go forward."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from robolink import v1
from robolink.core.command import CommandRecord
from robolink.core.lease import Lease
from robolink.core.values import to_value
from robolink.errors import ConfigError, StorageError
from robolink.store import Batch, Journal, StopStore, StoreLock, make_backup, restore_backup
from robolink.store.backup import JOURNAL, MANIFEST, STOPS
from robolink.store.restore import EPOCH_STEP, VERSION_STEP

SPEED = "base.max_speed"


class Store:
    """A store folder with both databases open, as a hub has them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.journal, self.stops = Journal(folder / JOURNAL), StopStore(folder / STOPS)

        self.open = True

    def close(self) -> None:
        if self.open:
            self.open = False
            self.journal.close()
            self.stops.close()

    def put(self, change: Callable[[Batch], object]) -> None:
        batch = Batch()
        change(batch)
        self.journal.commit(batch)

    def robot(self, robot: str, *, twin_id: str = "") -> None:
        self.put(lambda batch: batch.sheet(robot, v1.Sheet(vendor="maker")))
        self.put(lambda batch: batch.twin_id(robot, twin_id))

    def desire(self, name: str, value: float | str, version: int) -> None:
        state = v1.PropertyState(name=name, desired=v1.Desired(value=to_value(value), version=version))
        self.put(lambda batch: batch.property("r1", state))

    def stop(self, robot: str, generation: int, *, latched: bool) -> None:
        self.stops.save({robot: v1.StopState(generation=generation, latched=latched)})

    def command(self, number: int) -> None:
        record = CommandRecord(
            id=bytes([number]) * 16,
            robot="r1",
            digest=b"",
            method="base.go",
            owner="anna",
            motion=True,
            goal=True,
            on_disconnect=1,
            lease=(1, 1),
            stop_generation=0,
            header=b"",
            body=b"",
            deadline_ns=0,
        )
        self.put(lambda batch: batch.command(record))

    @property
    def properties(self) -> dict[str, v1.PropertyState]:
        return {state.name: state for _robot, state in self.journal.properties()}

    @property
    def latches(self) -> dict[str, tuple[int, bool]]:
        return {robot: (state.generation, state.latched) for robot, state in self.stops.load()}


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    made: list[Store] = []

    def make(name: str = "store") -> Store:
        made.append(Store(tmp_path / name))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def saved(make_store: Callable[[str], Store], tmp_path: Path) -> Path:
    """A backup of a store: r1 at speed 0.5, stopped and released five times, epoch 7."""
    store = make_store("saved")
    store.robot("r1", twin_id="twin-1")
    store.desire(SPEED, 0.5, 3)
    store.desire("stop", "", 2)
    store.stop("r1", 5, latched=False)
    store.command(1)
    store.put(lambda batch: batch.meta("lease_epoch", 7))
    make_backup(store.folder, tmp_path / "saved.tar", hub="site-1")
    return tmp_path / "saved.tar"


def test_each_backup_is_one_moment_of_a_store_that_is_written(
    make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    store = make_store("live")
    ended, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not ended.is_set():
            written += 1
            batch = Batch()
            batch.meta("left", written)
            for robot in range(50):
                batch.sheet(f"r{robot}", v1.Sheet(vendor=str(written) * 100))
            batch.meta("right", written)
            store.journal.commit(batch)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            make_backup(store.folder, tmp_path / "live.tar")
            with tarfile.open(tmp_path / "live.tar") as tar:
                (tmp_path / str(number)).mkdir()
                tar.extract(JOURNAL, tmp_path / str(number), filter="data")
            with closing(sqlite3.connect(tmp_path / str(number) / JOURNAL)) as db:
                meta = dict(db.execute("SELECT key, value FROM meta"))
                vendors = {
                    v1.Sheet.FromString(row[0]).vendor for row in db.execute("SELECT sheet FROM robots")
                }
            assert meta.get("left") == meta.get("right")
            assert vendors == ({str(meta["left"]) * 100} if meta else set())
    finally:
        ended.set()
        writer.join()
    assert written, "nothing was written meanwhile"
    assert not list(tmp_path.glob(".live*")), "the work is cleared away"
    assert (tmp_path / "live.tar").stat().st_mode & 0o077 == 0


def test_a_restore_over_a_newer_store_undoes_nothing_that_happened(
    saved: Path, make_store: Callable[[str], Store]
) -> None:
    store = make_store("store")
    store.robot("r1", twin_id="twin-9")
    store.robot("r2", twin_id="other-1")
    store.desire(SPEED, 1.5, 8)
    store.desire("stop", "CUT", 4)
    store.stop("r1", 6, latched=True)
    store.stop("r2", 1, latched=False)
    store.command(2)
    store.put(lambda batch: batch.meta("lease_epoch", 11))
    store.close()

    done = restore_backup(saved, store.folder)

    assert (done.robots, done.settings, done.latched) == (("r1", "r2"), 1, ("r1",))
    assert not done.damaged
    store = make_store("store")
    assert store.properties[SPEED].desired.value.double_value == 0.5
    assert store.properties[SPEED].desired.version == 8 + VERSION_STEP, "above all that anybody has seen"
    assert store.properties["stop"].desired == v1.Desired(value=to_value("CUT"), version=4)
    assert store.latches == {"r1": (6, True), "r2": (1, False)}
    assert [each.id[0] for each in store.journal.commands()] == [2], (
        "what has run is known by the newer store"
    )
    assert {robot: twin_id for robot, _, twin_id in store.journal.robots()} == {
        "r1": "twin-9",
        "r2": "other-1",
    }
    assert store.journal.meta("lease_epoch") == done.lease_epoch == 11 + EPOCH_STEP
    assert done.before is not None
    with closing(sqlite3.connect(done.before / JOURNAL)) as db:
        assert db.execute("SELECT value FROM meta").fetchall() == [(11,)], "what was there is kept"


def test_an_equal_setting_is_not_written_again(saved: Path, make_store: Callable[[str], Store]) -> None:
    store = make_store("store")
    store.robot("r1")
    store.desire(SPEED, 0.5, 4)
    store.close()
    assert restore_backup(saved, store.folder).settings == 0
    assert make_store("store").properties[SPEED].desired.version == 4


def test_a_latch_is_never_opened_by_a_restore(make_store: Callable[[str], Store], tmp_path: Path) -> None:
    old = make_store("old")
    old.robot("r1")
    old.stop("r1", 5, latched=True)
    old.stop("r2", 2, latched=False)
    make_backup(old.folder, tmp_path / "old.tar")
    new = make_store("new")
    new.stop("r1", 5, latched=False)
    new.stop("r2", 2, latched=True)
    new.close()
    assert restore_backup(tmp_path / "old.tar", new.folder).latched == ("r1", "r2")


def test_into_a_lost_store_every_robot_comes_back_latched(
    saved: Path, make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    done = restore_backup(saved, tmp_path / "store")
    assert (done.latched, done.before) == (("r1",), None)
    store = make_store("store")
    assert store.latches == {"r1": (6, True)}
    (state,) = (each for _robot, each in store.stops.load())
    assert "later stops are unknown" in state.reason
    assert store.properties[SPEED].desired.version == 3 + VERSION_STEP
    assert [each.id[0] for each in store.journal.commands()] == [1]
    assert store.journal.meta("lease_epoch") == 7 + EPOCH_STEP


def test_a_damaged_store_is_kept_and_taken_for_lost(
    saved: Path, make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    store = make_store("store")
    store.stop("r1", 50, latched=False)
    store.close()
    (store.folder / STOPS).write_bytes(b"no database any more" * 500)
    (store.folder / f"{STOPS}-wal").write_bytes(b"nor this")
    done = restore_backup(saved, store.folder)
    assert (done.damaged, done.latched) == ((STOPS,), ("r1",))
    assert done.before is not None
    assert (done.before / STOPS).read_bytes().startswith(b"no database")
    assert make_store("store").latches == {"r1": (6, True)}


def test_no_restore_beneath_a_running_hub(
    saved: Path, make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    store = make_store("store")
    store.stop("r1", 9, latched=True)
    code = (
        "import sys; from pathlib import Path; from robolink.store import StoreLock\n"
        "with StoreLock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageError, match=rf"in use by process {holder.pid}.*stop it first"):
            restore_backup(saved, store.folder)
        holder.kill()
    # The kernel gave the lock back; but the databases are still open here.
    with pytest.raises(StorageError, match="still open"):
        restore_backup(saved, store.folder)
    assert store.latches == {"r1": (9, True)}
    store.close()
    assert restore_backup(saved, store.folder).latched == ("r1",)


def test_a_lock_waits_for_an_owner_that_is_ending(tmp_path: Path) -> None:
    first = StoreLock(tmp_path)
    first.__enter__()
    ending = threading.Timer(0.1, first.__exit__, (None, None, None))
    ending.start()
    with StoreLock(tmp_path, wait_s=30):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    ending.join()


def rewrite(file: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    """The same backup with one member changed, or left out."""
    with tarfile.open(file) as tar:
        members = {each.name: tar.extractfile(each).read() for each in tar.getmembers()}  # type: ignore[union-attr]
    changed = change(members.pop(name))
    with tarfile.open(file, "w") as tar:
        for each, data in ({name: changed} | members).items():
            if data is not None:
                info = tarfile.TarInfo(each)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize(
    ("name", "change", "error", "words"),
    [
        (JOURNAL, lambda data: data[:-1] + bytes([data[-1] ^ 1]), StorageError, "its hash is another"),
        (JOURNAL, lambda data: data[:-1], StorageError, "cut off"),
        (STOPS, lambda data: None, StorageError, "missing"),
        (MANIFEST, lambda data: None, StorageError, "no backup of a hub"),
        (MANIFEST, lambda data: b"[]", StorageError, "no backup of a hub"),
        (MANIFEST, lambda data: data.replace(b"stops.sqlite", b"../../passwd"), StorageError, "no backup"),
        (MANIFEST, lambda data: data.replace(b'"format": 1', b'"format": 2'), ConfigError, "format 2"),
        (MANIFEST, lambda data: data.replace(b'"schema": 1', b'"schema": 999'), ConfigError, "schema 999"),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(
    saved: Path,
    tmp_path: Path,
    name: str,
    change: Callable[[bytes], bytes | None],
    error: type[Exception],
    words: str,
) -> None:
    rewrite(saved, name, change)
    with pytest.raises(error, match=words):
        restore_backup(saved, tmp_path / "store")
    assert [each.name for each in (tmp_path / "store").iterdir()] == ["lock"]


def test_no_backup_where_there_is_no_store_or_no_tar(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no journal\.sqlite"):
        make_backup(tmp_path, tmp_path / "b.tar")
    with pytest.raises(ConfigError, match="no backup"):
        restore_backup(tmp_path / "b.tar", tmp_path / "store")
    (tmp_path / "b.tar").write_text("words")
    with pytest.raises(StorageError, match="cannot restore"):
        restore_backup(tmp_path / "b.tar", tmp_path / "store")


def test_a_failed_backup_leaves_the_former_one(make_store: Callable[[str], Store], tmp_path: Path) -> None:
    store = make_store("store")
    to = tmp_path / "b.tar"
    make_backup(store.folder, to)
    good = to.read_bytes()
    store.close()
    (store.folder / JOURNAL).write_bytes(b"no database any more" * 500)
    with pytest.raises(StorageError, match="cannot back up"):
        make_backup(store.folder, to)
    assert to.read_bytes() == good


def test_no_lease_outlives_a_restore(saved: Path, make_store: Callable[[str], Store], tmp_path: Path) -> None:
    lease = Lease(robot="r1", component="", owner="anna", session_id=7, token=(7, 1), renewed_ns=0)
    store = make_store("store")
    store.put(lambda batch: batch.lease(lease, twin=False))
    make_backup(store.folder, tmp_path / "leased.tar")
    store.close()
    for file, folder in ((saved, store.folder), (tmp_path / "leased.tar", tmp_path / "lost")):
        restore_backup(file, folder)
        assert not list(make_store(folder.name).journal.leases())


def test_the_audit_of_the_present_store_stays(make_store: Callable[[str], Store], tmp_path: Path) -> None:
    for name, numbers in (("old", (1, 2, 3)), ("new", (1, 2))):
        store = make_store(name)
        for seq in numbers:
            record = v1.AuditRecord(seq=seq, what=name)
            store.put(lambda batch, record=record: batch.audit(record))
        make_backup(store.folder, tmp_path / f"{name}.tar")
        store.close()
    restore_backup(tmp_path / "old.tar", tmp_path / "new")
    audit = list(make_store("new").journal.audit_records())
    assert [(each.seq, each.what) for each in audit] == [(1, "new"), (2, "new")]


def test_a_new_store_after_a_loss_does_not_vouch_for_robots_it_has_not_seen(
    make_store: Callable[[str], Store], tmp_path: Path
) -> None:
    old = make_store("old")
    for robot in ("back", "away", "never"):
        old.robot(robot)
    old.stop("back", 5, latched=False)
    old.stop("away", 5, latched=False)
    make_backup(old.folder, tmp_path / "old.tar")
    new = make_store("new")
    new.robot("back")  # It came back, and its driver told the hub of its newest generation.
    new.stop("back", 7, latched=False)
    new.close()
    assert restore_backup(tmp_path / "old.tar", new.folder).latched == ("away", "never")
    assert make_store("new").latches == {"back": (7, False), "away": (6, True), "never": (1, True)}
