"""What goes up next: changes gathered per device, urgent ones first, each property's first report said twice.

Sans-IO: `now` is monotonic seconds, a report is handed out by `next` and given back by `sent` or `failed`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

DeviceKey = tuple[str, str]
"""Namespace and name."""


class Priority(enum.IntEnum):
    """Smaller goes first."""

    STOP = 0
    COMMAND = 1
    """Status of commands, and what was refused."""
    CHANGE = 2
    REFRESH = 3


# Share of the burst that a call of this priority leaves to more urgent ones. The last tokens are left alone: edgecore
# counts when a call arrives, not when it goes, and might see one a moment too early.
RESERVE: Final = {
    Priority.STOP: 0.02,
    Priority.COMMAND: 0.06,
    Priority.CHANGE: 0.2,
    Priority.REFRESH: 0.5,
}


# Devices that were said once and are still to be said again, before others begin.
AT_ONCE: Final = 16


class TwinText(NamedTuple):
    """Both halves of one twin, in KubeEdge's characters."""

    name: str
    observed_desired: str
    reported: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinReport:
    """One ReportDeviceStatus call."""

    device: DeviceKey
    twins: tuple[TwinText, ...]
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """One ReportDeviceStates call."""

    device: DeviceKey
    state: str
    priority: Priority


Report = TwinReport | StateReport


@dataclass(slots=True)
class _Slot:
    """One property, or the device's state (`reported` alone)."""

    observed: str = ""
    reported: str = ""
    sent_at: float | None = None
    times_sent: int = 0
    # Waits to be sent at this priority, not before this time.
    dirty: Priority | None = None
    due: float = 0.0

    def mark(self, priority: Priority, due: float) -> None:
        """Let it wait; what waits already keeps its place."""
        if self.dirty is None:
            self.dirty, self.due = priority, due
        else:
            self.dirty, self.due = min(self.dirty, priority), min(self.due, due)


@dataclass(slots=True)
class _Device:
    slots: dict[str, _Slot] = field(default_factory=dict)
    state: _Slot = field(default_factory=_Slot)
    # Those of `slots` that wait, with the earliest time at which an urgent one, or any, is due. The rest is looked at when
    # the oldest of it is due to be refreshed. So a question of the queue costs a few comparisons a device.
    dirty: dict[str, _Slot] = field(default_factory=dict)
    urgent_at: float = float("inf")
    change_at: float = float("inf")
    last_sent: float = float("-inf")
    oldest: float = float("inf")
    # When what was said once is to be said again: the cloud sees nothing of a robot before that.
    repeat_at: float = float("inf")

    def mark(self, name: str, slot: _Slot, priority: Priority, due: float) -> None:
        """Let one of `slots` wait."""
        slot.mark(priority, due)
        self.dirty[name] = slot
        self._note(slot)

    def _note(self, slot: _Slot) -> None:
        if slot.dirty is not None and slot.dirty <= Priority.COMMAND:
            self.urgent_at = min(self.urgent_at, slot.due)
        self.change_at = min(self.change_at, slot.due)

    def count_anew(self) -> None:
        """After some of `dirty` have gone."""
        self.urgent_at = self.change_at = float("inf")
        for slot in self.dirty.values():
            self._note(slot)


class ReportQueue:
    """Newest value of each property, and which of them wait.

    Args:
        repeat_s: The first report of a property is lost on its way to the cloud; it is said again after this.
        interval_s: Changes of one device are gathered for this long; urgent ones do not wait.
        refresh_s: A property that was not sent for so long goes again; after twice as long also where changes take all calls.
    """

    def __init__(self, *, repeat_s: float = 2.0, interval_s: float = 1.0, refresh_s: float = 120.0) -> None:
        """Nothing waits."""
        self._repeat_s = repeat_s
        self._interval_s = interval_s
        self._refresh_s = refresh_s
        # From then on it is as urgent as a change, and its turn counts from then.
        self._aged_s = 2 * refresh_s
        self._devices: dict[DeviceKey, _Device] = {}

    def put(
        self,
        device: DeviceKey,
        twin: TwinText,
        priority: Priority,
        now: float,
        *,
        first: Priority | None = None,
    ) -> bool:
        """Keep the newest text; True if it is new and waits now.

        Args:
            device: Whose it is.
            twin: Both halves.
            priority: Of a change.
            now: Monotonic s.
            first: Of the first text of a property, which is no change but news all the same.
        """
        entry = self._device(device)
        slot = entry.slots.setdefault(twin.name, _Slot())
        unheard = slot.times_sent == 0 and slot.dirty is None
        if not unheard and (slot.observed, slot.reported) == (twin.observed_desired, twin.reported):
            return False
        slot.observed, slot.reported = twin.observed_desired, twin.reported
        entry.mark(twin.name, slot, priority if first is None or not unheard else first, now)
        return True

    def put_state(self, device: DeviceKey, state: str, now: float) -> None:
        """Keep the newest state."""
        slot = self._device(device).state
        if slot.reported != state:
            slot.reported = state
            slot.mark(Priority.CHANGE, now)

    def keep_only(self, device: DeviceKey, names: Iterable[str]) -> None:
        """The device has these properties and no others any more."""
        entry, names = self._device(device), frozenset(names)
        entry.slots = {name: slot for name, slot in entry.slots.items() if name in names}
        entry.dirty = {name: slot for name, slot in entry.dirty.items() if name in names}
        entry.count_anew()

    def drop(self, device: DeviceKey) -> None:
        """The device is gone."""
        self._devices.pop(device, None)

    def again(self, now: float) -> None:
        """Edgecore was away: what it was told may never have reached the cloud."""
        for key, entry in self._devices.items():
            self.again_of(key, entry.slots, now)

    def again_of(self, device: DeviceKey, names: Iterable[str], now: float) -> None:
        """Of one device: these, as far as they were ever said, and its state."""
        entry = self._device(device)
        for name in names:
            slot = entry.slots.get(name)
            if slot is not None and slot.times_sent:
                entry.mark(name, slot, Priority.CHANGE, now)
        if entry.state.times_sent:
            entry.state.mark(Priority.CHANGE, now)

    def waiting(self) -> int:
        """Properties and states that wait to be sent."""
        return sum(len(entry.dirty) + (entry.state.dirty is not None) for entry in self._devices.values())

    def texts(self, device: DeviceKey) -> list[TwinText]:
        """The newest texts of a device's properties."""
        entry = self._devices.get(device, _Device())
        return [TwinText(name, slot.observed, slot.reported) for name, slot in entry.slots.items()]

    def next(self, now: float, allowed: Priority = Priority.REFRESH) -> Report | None:
        """Take the most urgent report of at least this priority; among equals the longest unheard device."""
        best: _Rank | None = None
        # Robots come one by one: what was said of many once and of none twice, the cloud has of none.
        full = sum(now < each.repeat_at < float("inf") for each in self._devices.values()) >= AT_ONCE
        for key, entry in self._devices.items():
            if entry.urgent_at <= now:
                due = min(
                    each.dirty for each in entry.dirty.values() if each.dirty is not None and each.due <= now
                )
                best = _first(best, (due, True, entry.last_sent, key, True), allowed)
            elif best is not None and best[0] <= Priority.COMMAND:
                continue
            elif allowed >= Priority.CHANGE and not (full and entry.last_sent == float("-inf")):
                for rank in self._ranks(key, entry, now):
                    best = _first(best, rank, allowed)
        if best is None:
            return None
        priority, _, _, key, is_twins = best
        entry = self._devices[key]
        if is_twins:
            return TwinReport(device=key, twins=self._take(entry, now), priority=priority)
        entry.state.dirty = None
        return StateReport(device=key, state=entry.state.reported, priority=priority)

    def sent(self, report: Report, now: float) -> None:
        """Edgecore has taken it."""
        entry = self._devices.get(report.device)
        if entry is None:
            return
        if isinstance(report, TwinReport):
            entry.last_sent = now
        for name, slot in self._slots_of(report, entry):
            slot.sent_at = now
            slot.times_sent += 1
            if slot.times_sent == 1:
                priority, due = min(report.priority, Priority.CHANGE), now + self._repeat_s
                if name:
                    entry.mark(name, slot, priority, due)
                    entry.repeat_at = min(entry.repeat_at, due)
                else:
                    slot.mark(Priority.REFRESH, due)
        entry.oldest = min(
            (slot.sent_at for slot in entry.slots.values() if slot.sent_at is not None), default=float("inf")
        )

    def failed(self, report: Report, now: float, wait_s: float = 0.0) -> None:
        """It did not arrive: what it said waits again, unless newer text already does."""
        entry = self._devices.get(report.device)
        if entry is not None:
            for name, slot in self._slots_of(report, entry):
                if name:
                    entry.mark(name, slot, report.priority, now + wait_s)
                else:
                    slot.mark(report.priority, now + wait_s)

    def _ranks(self, key: DeviceKey, entry: _Device, now: float) -> Iterator[_Rank]:
        """Of what is not urgent: the state, and the twins."""
        state = entry.state
        due = self._due(state, entry, now)
        if due is not None:
            fresh = state.sent_at is None or (state.dirty is not None and state.dirty < Priority.REFRESH)
            since = entry.last_sent if fresh or state.sent_at is None else state.sent_at + self._aged_s
            yield due, True, since, key, False
        if max(entry.change_at, entry.last_sent + self._interval_s) <= now:
            yield Priority.CHANGE, entry.repeat_at > now, entry.last_sent, key, True
        elif now >= entry.oldest + self._refresh_s:
            aged_at = entry.oldest + self._aged_s
            yield (Priority.CHANGE if now >= aged_at else Priority.REFRESH), True, aged_at, key, True

    def _device(self, device: DeviceKey) -> _Device:
        return self._devices.setdefault(device, _Device())

    @staticmethod
    def _slots_of(report: Report, entry: _Device) -> list[tuple[str, _Slot]]:
        """With their names; the state has none."""
        if isinstance(report, StateReport):
            return [("", entry.state)]
        return [(twin.name, entry.slots[twin.name]) for twin in report.twins if twin.name in entry.slots]

    def _due(self, slot: _Slot, entry: _Device, now: float) -> Priority | None:
        """With which priority it is due; None if not yet."""
        sent_at = float("inf") if slot.sent_at is None else slot.sent_at
        # Beside busy neighbours the tokens that a refresh leaves to others never gather.
        oldest = Priority.CHANGE if now >= sent_at + self._aged_s else Priority.REFRESH
        if slot.dirty is None:
            return oldest if now >= sent_at + self._refresh_s else None
        gathered = slot.dirty > Priority.COMMAND and slot is not entry.state
        due = max(slot.due, entry.last_sent + self._interval_s) if gathered else slot.due
        return min(slot.dirty, oldest) if due <= now else None

    def _take(self, entry: _Device, now: float) -> tuple[TwinText, ...]:
        """All that is due, and all that is being gathered: twins inside one call are free."""
        twins = []
        for name, slot in entry.slots.items():
            if self._due(slot, entry, now) is not None or (slot.dirty is not None and slot.due <= now):
                slot.dirty = None
                entry.dirty.pop(name, None)
                twins.append(TwinText(name, slot.observed, slot.reported))
        entry.count_anew()
        if entry.repeat_at <= now:
            entry.repeat_at = float("inf")
        return tuple(twins)


# Priority; whether it is no repetition of a first report; when the device was heard, or what was heard has aged; the
# device; twins, or its state.
_Rank = tuple[Priority, bool, float, DeviceKey, bool]


def _first(best: _Rank | None, rank: _Rank, allowed: Priority) -> _Rank | None:
    return rank if rank[0] <= allowed and (best is None or rank < best) else best
