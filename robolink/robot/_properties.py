"""One robot's properties at the driver: present values, verdicts, and what the hub must hear.

Newest only: a value that changed ten times between two reports is reported once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from robolink import v1

REPORT_INTERVAL_S: Final = 0.1
RETRY_S: Final = 0.5
# Properties in one message.
REPORT_CHUNK: Final = 200


# Value (None: no value could be measured), quality, monotonic s.
Measured: TypeAlias = tuple[v1.Value | None, v1.Quality, float]


@dataclass(slots=True)
class Prop:
    """One property. `at`: monotonic s of the measurement."""

    info: v1.Property
    value: v1.Value | None = None
    at: float = 0.0
    quality: v1.Quality = v1.QUALITY_GOOD
    reports: int = 0
    desired: v1.Desired | None = None
    # Desired version that the handler is busy with; 0: none.
    pending: int = 0
    reports_before: int = 0
    observed: v1.Observed | None = None

    @property
    def writable(self) -> bool:
        """Whether it is a setting."""
        return self.info.access == v1.ACCESS_READ_WRITE


@dataclass(slots=True)
class Properties:
    """All of one robot's, by "component.property"."""

    by_name: dict[str, Prop] = field(default_factory=dict)
    # Name -> whether its verdict must be told too.
    _dirty: dict[str, bool] = field(default_factory=dict)
    # Where this robot is entered while something of it is due: a driver of a thousand robots looks at those alone.
    robot: str = ""
    due: set[str] = field(default_factory=set)
    _flush_at: float | None = None
    _flushed_at: float = -REPORT_INTERVAL_S

    @classmethod
    def of(cls, sheet: v1.Sheet, robot: str, due: set[str]) -> Properties:
        """Those that the sheet names."""
        named = {
            f"{component.name}.{info.field.name}": Prop(info)
            for component in sheet.components
            for info in component.properties
        }
        return cls(named, robot=robot, due=due)

    def report(
        self, name: str, value: v1.Value | None, quality: v1.Quality, now: float, at: float | None = None
    ) -> None:
        """A measured or applied value, of `at` (now if left out). None: the last one stays, with that quality."""
        prop = self.by_name[name]
        prop.value = prop.value if value is None else value
        prop.quality, prop.at = quality, now if at is None else at
        prop.reports += 1
        self.touch(name, now)

    def touch(self, name: str, now: float, *, verdict: bool = False) -> None:
        """Report that property soon; a verdict at once."""
        self._dirty[name] = self._dirty.get(name, False) or verdict
        self.due.add(self.robot)
        due = now if verdict else max(now, self._flushed_at + REPORT_INTERVAL_S)
        self._flush_at = due if self._flush_at is None else min(self._flush_at, due)

    def touch_all(self, now: float) -> None:
        """After a hello: everything that is known."""
        for name, prop in self.by_name.items():
            if prop.value is not None or prop.observed is not None:
                self.touch(name, now, verdict=prop.observed is not None)

    def retry(self) -> None:
        """A report could not be sent: all of it again, a little later."""
        for name, prop in self.by_name.items():
            if prop.value is not None or prop.observed is not None:
                self._dirty[name] = prop.observed is not None
        self._flush_at = self._flushed_at + RETRY_S
        self.due.add(self.robot)

    def mark_stale(self, now: float) -> None:
        """The robot behind a bridge does not answer: what was reported is old."""
        for name, prop in self.by_name.items():
            if prop.value is not None:
                prop.quality = v1.QUALITY_STALE
                self.touch(name, now)
                self._flush_at = now  # The robot is taken off the hub's list next: now or never.

    def forget_versions(self) -> None:
        """A new hub session: versions are compared anew."""
        for prop in self.by_name.values():
            prop.desired, prop.pending = None, 0

    def next_timer(self) -> float | None:
        """When `take` has something."""
        return self._flush_at

    def take(self, now: float) -> list[tuple[str, Prop, bool]]:
        """What is to be reported now, and forget that it was to be."""
        if self._flush_at is None or self._flush_at > now:
            return []
        taken = [(name, self.by_name[name], verdict) for name, verdict in self._dirty.items()]
        self._dirty.clear()
        self.due.discard(self.robot)
        self._flush_at, self._flushed_at = None, now
        return taken
