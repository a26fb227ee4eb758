"""Backup and restore of a hub's store, by the hub's configuration. What they mean stands in the store."""

from __future__ import annotations

from pathlib import Path

from robolink.hub.config import load
from robolink.store import Manifest, Restored, make_backup, restore_backup

__all__ = ["Manifest", "Restored", "back_up", "restore"]


def back_up(config: Path | None, to: Path) -> Manifest:
    """Copy the store of the hub with that configuration into one file; the hub may run.

    Raises:
        ConfigError: The configuration is wrong, or there is no store.
        StorageError: It could not be copied, or a copy is damaged; an older file at `to` is as it was.
    """
    found = load(config)
    return make_backup(found.store.path, to, hub=found.name)


def restore(config: Path | None, file: Path) -> Restored:
    """Put such a file back; no hub may run on the store.

    Raises:
        ConfigError: The configuration is wrong, or the file is of a newer Robolink.
        StorageError: A hub runs, the file is damaged, or the disk refused.
    """
    return restore_backup(file, load(config).store.path)
