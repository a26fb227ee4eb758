"""How good a serial line is: round trips by probes, answers that did not come, what the far end counts.

It changes nothing on the link, and nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from robolink import v1

SMOOTHING: Final = 1 / 8
U32: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuality:
    """What is known of a line.

    Attributes:
        round_trip_s: Of the last answered probe; None before the first.
        round_trip_mean_s: Smoothed, an eighth of each new one.
        round_trip_min_s: Shortest of this link.
        probes: Sent, but the one that may still be answered.
        answered: Of those.
        heard_age_s: Since the last frame of the peer.
        bad_frames: That came here: CRC wrong, too long or cut; text between frames counts too.
        resent: Sequenced frames that left here again.
        report: The board's last one; None before the first.
    """

    round_trip_s: float | None
    round_trip_mean_s: float | None
    round_trip_min_s: float | None
    probes: int
    answered: int
    heard_age_s: float
    bad_frames: int
    resent: int
    report: v1.SerialLinkReport | None

    @property
    def loss_fraction(self) -> float:
        """Probes without an answer, 0..1."""
        return 1 - self.answered / self.probes if self.probes else 0.0


class Prober:
    """The host's side."""

    def __init__(self) -> None:
        """Nothing measured yet."""
        self._number = 0
        self._open_s: float | None = None
        self._ended = self._answered = 0
        self._last: float | None = None
        self._mean = self._shortest = 0.0
        self._report: v1.SerialLinkReport | None = None

    def probe(self, now: float) -> v1.SerialProbe:
        """The next one, which leaves now; one that is still open is lost."""
        self._ended += self._open_s is not None
        self._number = (self._number + 1) & U32
        self._open_s = now
        return v1.SerialProbe(number=self._number)

    def session_over(self) -> None:
        """What is open will not be answered, and that is not the line's doing."""
        self._open_s = None

    def take(self, report: v1.SerialLinkReport, now: float) -> None:
        """The board's answer."""
        self._report = report
        if self._open_s is None or report.number != self._number:
            return
        took, self._open_s = now - self._open_s, None
        self._ended += 1
        self._answered += 1
        self._mean = took if self._last is None else self._mean + (took - self._mean) * SMOOTHING
        self._shortest = took if self._last is None else min(took, self._shortest)
        self._last = took

    def quality(self, heard_age_s: float, counted: Mapping[str, int]) -> LinkQuality:
        """All of it; `counted`: by the link."""
        measured = self._last is not None
        return LinkQuality(
            round_trip_s=self._last,
            round_trip_mean_s=self._mean if measured else None,
            round_trip_min_s=self._shortest if measured else None,
            probes=self._ended,
            answered=self._answered,
            heard_age_s=heard_age_s,
            bad_frames=counted.get("bad_frames", 0),
            resent=counted.get("resent", 0),
            report=self._report,
        )
