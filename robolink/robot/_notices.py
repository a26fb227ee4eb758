"""Notices and old reports at the driver: told at once, or kept in order until the hub is back. No property's rule."""

from __future__ import annotations

from collections import Counter
from typing import Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.spool import Rank, Spool
from robolink.robot._wire import Wire

MAX_TEXT: Final = 512
MAX_KIND: Final = 63


class NoticeRules:
    """What the robots of one session have to tell besides their state.

    Args:
        wire: Shared state.
    """

    def __init__(self, wire: Wire) -> None:
        """Nothing to tell."""
        self._wire = wire
        self._seq: Counter[str] = Counter()
        self._spool: Spool[Message] = Spool()
        self.connected = False

    def notice(self, robot: str, kind: str, text: str, severity: v1.Severity, at: float, now: float) -> None:
        """Something happened at `at`, monotonic s."""
        self._seq[robot] += 1
        body = v1.Notice(
            robot=robot,
            severity=severity,
            kind=kind[:MAX_KIND],
            text=text[:MAX_TEXT],
            time_ns=self._wire.site_ns(at),
            seq=self._seq[robot],
        )
        self._tell(Rank.EVENT, body, now)

    def report(self, body: v1.PropertyReport, now: float) -> None:
        """Readings of a time when the hub was away."""
        self._tell(Rank.REPORT, body, now)

    def _tell(self, rank: Rank, body: v1.Notice | v1.PropertyReport, now: float) -> None:
        if self.connected:
            self._wire.send(body, now, destination=body.robot)
            return
        self._spool.put(rank, body)
        self._wire.counters["spooled"] += 1
        for each, count in self._spool.dropped.items():
            self._wire.counters[f"spool_dropped_{each.name.lower()}"] = count

    def hub_back(self, now: float) -> None:
        """Tell all that was kept, in order, before anything newer."""
        for body in self._spool.take_all():
            assert isinstance(body, v1.Notice | v1.PropertyReport)
            self._wire.send(body, now, destination=body.robot)

    def unsent(self, body: v1.Notice, rank: Rank = Rank.EVENT) -> None:
        """The connection broke just now: kept again, behind what is kept already."""
        self._spool.put(rank, body)
