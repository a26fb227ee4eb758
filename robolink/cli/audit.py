"""`robolink audit`: what was commanded, stopped, released and taken, by whom; and whether a record was changed or left out.

It checks the chain by itself, with what the standard says of it, and believes no verdict of the hub's.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from typing import Final

from robolink import v1
from robolink.cli.output import Cell, print_json, print_table
from robolink.cli.session import connected
from robolink.cli.views import View

# Before the first record.
BEGINNING: Final = bytes(32)


def audit(hub: str | None, after: int, as_json: bool) -> int:
    """Print the newest records, oldest first; 1 if their chain is broken."""
    with connected(hub, v1.ROLE_MAINTAIN) as site:
        records = site.audit(after)
    broken = breaks(records)
    if as_json:
        print_json({"records": [view(each) for each in records], "broken_at": broken})
    elif not records:
        sys.stdout.write(f"no record after {after}\n" if after else "no record\n")
    else:
        print_table(("seq", "time", "who", "what", "robot", "about", "claimed by"), map(_row, records))
        if not broken:
            sys.stdout.write(f"{len(records)} records, their chain of hashes is whole\n")
    for seq in broken:
        sys.stderr.write(
            f"robolink: the chain breaks at record {seq}: it, or the one before, was changed or left out\n"
        )
    return int(bool(broken))


def breaks(records: Sequence[v1.AuditRecord]) -> list[int]:
    """Sequence numbers of records that do not follow the one before them here."""
    before = BEGINNING if records and records[0].seq == 1 else None
    seq = records[0].seq - 1 if records else 0
    found = []
    for record in records:
        bare = v1.AuditRecord()
        bare.CopyFrom(record)
        bare.ClearField("hash")
        chained = hashlib.sha256((before or b"") + bare.SerializeToString(deterministic=True)).digest()
        # What came before the first one here is not known, so its own hash cannot be judged.
        if record.seq != seq + 1 or (before is not None and chained != record.hash):
            found.append(record.seq)
        seq, before = record.seq, record.hash
    return found


def view(record: v1.AuditRecord) -> View:
    """With stable keys."""
    return {
        "seq": record.seq,
        "unix_ms": record.unix_ms or None,
        "who": record.who,
        "what": record.what,
        "robot": record.robot,
        "text": record.text,
        "claimed_by": record.claimed_by,
        "hash": record.hash.hex(),
    }


def _row(record: v1.AuditRecord) -> tuple[Cell, ...]:
    when = "-"
    if record.unix_ms:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.unix_ms / 1000))
    claimed = f"{record.claimed_by} (unverified)" if record.claimed_by else ""
    return str(record.seq), when, record.who, record.what, record.robot or "-", record.text, claimed
