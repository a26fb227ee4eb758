"""What must outlive a process: command journal, twins, stop latches. Rules live in core, never here."""

from robolink.store.backup import Manifest, make_backup
from robolink.store.journal import Batch, Durability, Journal
from robolink.store.lock import StoreLock
from robolink.store.restore import Restored, restore_backup
from robolink.store.stops import StopStore

__all__ = [
    "Batch",
    "Durability",
    "Journal",
    "Manifest",
    "Restored",
    "StopStore",
    "StoreLock",
    "make_backup",
    "restore_backup",
]
