"""The audit: append-only records, each with the hash of the one before, so that none can be changed or left out unseen.

It decides nothing and keeps nothing on disk: the journal does, in the turn's own transaction.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Final

from robolink import v1

RECENT_KEPT: Final = 1000
GENESIS: Final = bytes(32)

Mark = tuple[int, bytes]


def record_hash(before: bytes, record: v1.AuditRecord) -> bytes:
    """SHA-256 over the former hash and the record without its own."""
    bare = v1.AuditRecord()
    bare.CopyFrom(record)
    bare.ClearField("hash")
    return hashlib.sha256(before + bare.SerializeToString(deterministic=True)).digest()


def first_fault(records: Iterable[v1.AuditRecord]) -> int | None:
    """The sequence number at which a chain read from its beginning breaks; None: it is whole."""
    seq, before = 0, GENESIS
    for record in records:
        if record.seq != seq + 1 or record.hash != record_hash(before, record):
            return record.seq
        seq, before = record.seq, record.hash
    return None


class AuditChain:
    """The end of the chain, and its newest records for whoever asks."""

    def __init__(self) -> None:
        """Empty."""
        self._seq, self._hash = 0, GENESIS
        self._recent: deque[v1.AuditRecord] = deque(maxlen=RECENT_KEPT)

    def load(self, records: Iterable[v1.AuditRecord]) -> None:
        """What earlier hubs kept, oldest first."""
        for record in records:
            self._seq, self._hash = record.seq, record.hash
            self._recent.append(record)

    def mark(self) -> Mark:
        """Where the chain stands."""
        return self._seq, self._hash

    def go_back(self, mark: Mark) -> None:
        """The records since then were not kept."""
        self._seq, self._hash = mark
        while self._recent and self._recent[-1].seq > self._seq:
            self._recent.pop()

    def append(
        self, *, unix_ms: int, who: str, what: str, robot: str, text: str, claimed_by: str
    ) -> v1.AuditRecord:
        """The next record."""
        record = v1.AuditRecord(
            seq=self._seq + 1,
            unix_ms=unix_ms,
            who=who,
            what=what,
            robot=robot,
            text=text,
            claimed_by=claimed_by,
        )
        record.hash = record_hash(self._hash, record)
        self._seq, self._hash = record.seq, record.hash
        self._recent.append(record)
        return record

    def recent(self, after: int, limit: int) -> list[v1.AuditRecord]:
        """The newest records after that one, oldest first."""
        found = [record for record in self._recent if record.seq > after]
        return found[:limit] if after else found[-limit:]
