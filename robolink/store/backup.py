"""A backup of the store as one file, taken while the hub runs: a tar with a manifest and one copy of each database.

It changes nothing of the store. Putting a backup back is restore.py's.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from robolink.errors import ConfigError, StorageError
from robolink.store import journal, stops
from robolink.store.schema import Schema, check_version, copy_database, version_of

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 1 << 16
CHUNK_BYTES: Final = 1 << 20
JOURNAL: Final = "journal.sqlite"
STOPS: Final = "stops.sqlite"
# In the order of copying: the latches last, so that no command in a backup is newer than the stops beside it.
DATABASES: Final[dict[str, Schema]] = {JOURNAL: journal.SCHEMA, STOPS: stops.SCHEMA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One database in a backup."""

    name: str
    schema: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds; `created` is UTC, ISO 8601."""

    created: str
    hub: str
    entries: tuple[Entry, ...]

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The inverse.

        Raises:
            ConfigError: It is of a newer format.
            ValueError: It is no manifest.
        """
        document: Any = json.loads(data)
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise ValueError("the manifest names no format")
        if document["format"] > FORMAT:
            raise ConfigError(
                f"the backup is of format {document['format']}, this Robolink knows {FORMAT}",
                hint="restore it with the Robolink that made it or a newer one",
            )
        try:
            entries = tuple(Entry(**each) for each in document["entries"])
            return cls(created=str(document["created"]), hub=str(document["hub"]), entries=entries)
        except (KeyError, TypeError) as exc:
            raise ValueError(f"the manifest is incomplete: {exc}") from exc


def make_backup(folder: Path, to: Path, *, hub: str = "") -> Manifest:
    """Copy every database of a store, each as it was at one moment, check the copies and write them into one file.

    The hub may run and go on writing. An older file at `to` is replaced only by a complete and verified one.

    Args:
        folder: The store's.
        to: The file to write; readable by its owner alone, since twins may hold what is nobody else's business.
        hub: Name of the hub, for people.

    Raises:
        ConfigError: There is no store, or it is of a newer schema.
        StorageError: It could not be copied or written, or a copy is damaged; `to` is as it was.
    """
    for name in DATABASES:
        if not (folder / name).is_file():
            raise ConfigError(
                f"there is no {name} in {folder}", hint="check store.path; a hub that has run once has one"
            )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as work:
            entries = tuple(_copy(folder / name, Path(work) / name) for name in DATABASES)
            manifest = Manifest(
                created=datetime.now(UTC).isoformat(timespec="seconds"), hub=hub, entries=entries
            )
            part = Path(work) / "whole.tar"
            _write(part, manifest, Path(work))
            with tarfile.open(part) as written:
                extract(written, to, read_manifest(written, to), None)
            part.replace(to)
        sync_folder(to.parent)
    except (OSError, sqlite3.Error, tarfile.TarError) as exc:
        raise StorageError(
            f"cannot back up {folder} to {to}: {exc}",
            hint="check the free space and the rights on both folders",
        ) from exc
    return manifest


def _copy(database: Path, to: Path) -> Entry:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        schema = version_of(db)
        check_version(schema, DATABASES[database.name], str(database))
        copy_database(db, to)
    with to.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return Entry(name=database.name, schema=schema, size=to.stat().st_size, sha256=digest)


def _write(part: Path, manifest: Manifest, work: Path) -> None:
    part.touch(0o600)
    with part.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            head = tarfile.TarInfo(MANIFEST)
            data = manifest.to_bytes()
            head.size, head.mode = len(data), 0o600
            tar.addfile(head, io.BytesIO(data))
            for entry in manifest.entries:
                member = tarfile.TarInfo(entry.name)
                member.size, member.mode = entry.size, 0o600
                with (work / entry.name).open("rb") as source:
                    tar.addfile(member, source)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_manifest(tar: tarfile.TarFile, where: Path) -> Manifest:
    """What a backup says it holds; `where` it came from, for people.

    Raises:
        ConfigError: It is of a newer format or schema.
        StorageError: It is no backup of ours, or one of its databases is missing.
    """
    try:
        member = tar.getmember(MANIFEST)
        if not member.isfile() or member.size > MAX_MANIFEST_BYTES:
            raise ValueError("its manifest is no manifest")
        source = tar.extractfile(member)
        assert source is not None
        manifest = Manifest.from_bytes(source.read(MAX_MANIFEST_BYTES))
        if sorted(entry.name for entry in manifest.entries) != sorted(DATABASES):
            raise ValueError(f"it holds {', '.join(entry.name for entry in manifest.entries) or 'nothing'}")
    except (KeyError, ValueError) as exc:
        raise StorageError(f"{where} is no backup of a hub: {exc}") from exc
    for entry in manifest.entries:
        check_version(entry.schema, DATABASES[entry.name], f"{entry.name} in {where}")
    return manifest


def extract(tar: tarfile.TarFile, where: Path, manifest: Manifest, to: Path | None) -> None:
    """Read every database of a backup and check its size and hash; into files in `to`, unless that is None.

    Raises:
        StorageError: One is missing, or is not what the manifest says.
        OSError: It cannot be written.
    """
    for entry in manifest.entries:
        member = next((each for each in tar.getmembers() if each.name == entry.name), None)
        source = tar.extractfile(member) if member is not None and member.isfile() else None
        if source is None or member is None or member.size != entry.size:
            raise StorageError(f"{entry.name} in {where} is missing or cut off")
        digest = hashlib.sha256()
        with (to / entry.name if to else Path(os.devnull)).open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != entry.sha256:
            raise StorageError(f"{entry.name} in {where} is damaged: its hash is another")
