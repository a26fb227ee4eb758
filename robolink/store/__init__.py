"""What must outlive a process: command journal, twins, stop latches. Rules live in core, never here."""

from robolink.store.journal import Batch, Durability, Journal
from robolink.store.stops import StopStore

__all__ = ["Batch", "Durability", "Journal", "StopStore"]
