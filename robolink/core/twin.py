"""The twin of one robot: desired, observed, reported, and one meaning of "version" all the way.

Settings converge and may be replayed; motion never is a property. Nothing here is sent or kept: the hub does that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from robolink import v1
from robolink.core.sheet import HUB_PROPERTIES, SheetIndex, check_value
from robolink.core.values import from_value, to_value
from robolink.core.violation import Violation, cause_name

STOP_ORDER: Final = ("", "SOFT_HOLD", "STOP_THEN_CUT", "CUT")
MAX_TEXT: Final = 512

_HUB_FIELDS: Final = {
    "cmd": v1.Field(name="cmd", type=v1.VALUE_TYPE_STRING, length=MAX_TEXT),
    "stop": v1.Field(name="stop", type=v1.VALUE_TYPE_STRING, choices=STOP_ORDER),
}


class RobotTwin:
    """All properties of one robot, the hub's own among them."""

    def __init__(self, robot: str) -> None:
        """Only the hub's own properties, unset."""
        self.robot = robot
        self._index: SheetIndex | None = None
        self._states = {name: v1.PropertyState(name=name) for name in HUB_PROPERTIES}
        # Settings that the present sheet does not have any more: kept apart, not lost.
        self._apart: dict[str, v1.PropertyState] = {}

    def declare(self, index: SheetIndex) -> None:
        """A sheet has come: its properties appear; those it does not have are kept apart."""
        self._index = index
        wanted = index.properties()
        known = self._states | self._apart
        self._states = {
            name: known.get(name, v1.PropertyState(name=name)) for name in (*wanted, *HUB_PROPERTIES)
        }
        self._apart = {name: state for name, state in known.items() if name not in self._states}

    def load(self, state: v1.PropertyState) -> None:
        """Take a kept state as it is."""
        kept = v1.PropertyState()
        kept.CopyFrom(state)
        where = self._states if state.name in self._states else self._apart
        where[state.name] = kept

    def _writable(self, name: str) -> v1.Field:
        if name in _HUB_FIELDS:
            return _HUB_FIELDS[name]
        found = self._index.property(name) if self._index is not None else None
        if found is None:
            if name in self._states:
                raise Violation(
                    v1.CAUSE_UNSUPPORTED,
                    f"{self.robot}: {name} is a reading of the hub; it cannot be written",
                )
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{self.robot} has no property {name!r}; see its sheet")
        if found.access != v1.ACCESS_READ_WRITE:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{self.robot}: {name} is a reading; it cannot be written")
        return found.field

    def write(self, name: str, value: v1.Value, if_version: int | None = None) -> v1.Desired:
        """Write a setting: the next version, unless it is `stop` and would be lowered.

        Args:
            if_version: The desired version that the writer has seen.

        Raises:
            Violation: CONFLICT (`.version` is the present one), INVALID, LIMIT, UNSUPPORTED.
        """
        field = self._writable(name)
        check_value(f"{self.robot}: {name}", field, value)
        state = self._states[name]
        present = state.desired.version
        if if_version is not None and if_version != present:
            raise Violation(
                v1.CAUSE_CONFLICT,
                f"{self.robot}: {name} is at version {present}, not {if_version}",
                version=present,
            )
        if name == "stop" and self._would_lower(state, value):
            return _copy(state.desired)
        state.desired.CopyFrom(v1.Desired(value=value, version=present + 1))
        return _copy(state.desired)

    @staticmethod
    def _would_lower(state: v1.PropertyState, value: v1.Value) -> bool:
        return STOP_ORDER.index(value.string_value) <= STOP_ORDER.index(state.desired.value.string_value)

    def clear_stop(self) -> bool:
        """A release: `stop` is unset again, so that the next write raises it; True if it was set."""
        state = self._states["stop"]
        if not state.desired.value.string_value:
            return False
        version = state.desired.version + 1
        state.desired.CopyFrom(v1.Desired(value=to_value(""), version=version))
        return True

    def report(self, state: v1.PropertyState, now_ns: int) -> v1.PropertyState | None:
        """Merge what a driver says of one property.

        Returns:
            What has changed, or None. A property that the sheet does not have is no change.
        """
        kept = self._states.get(state.name)
        if kept is None:
            return None
        delta = v1.PropertyState(name=state.name)
        if (
            state.HasField("observed")
            and kept.observed.version <= state.observed.version <= kept.desired.version
        ):
            if kept.observed != state.observed:
                kept.observed.CopyFrom(state.observed)
                delta.observed.CopyFrom(state.observed)
        if state.HasField("reported"):
            self._merge_reported(kept, state.reported, now_ns, delta)
        return delta if delta.HasField("observed") or delta.HasField("reported") else None

    @staticmethod
    def _merge_reported(
        kept: v1.PropertyState, new: v1.Reported, now_ns: int, delta: v1.PropertyState
    ) -> None:
        changed = not kept.HasField("reported") or kept.reported.value != new.value
        other_quality = kept.reported.quality != (new.quality or v1.QUALITY_GOOD)
        version = kept.reported.version + (1 if changed else 0)
        kept.reported.CopyFrom(new)
        kept.reported.version = version
        kept.reported.time_ns = new.time_ns or now_ns
        kept.reported.quality = new.quality or v1.QUALITY_GOOD
        if changed or other_quality:
            delta.reported.CopyFrom(kept.reported)

    def set_reading(self, name: str, value: v1.Value, now_ns: int) -> None:
        """One of the hub's own readings."""
        reported = v1.Reported(value=value, time_ns=now_ns, quality=v1.QUALITY_GOOD)
        self.report(v1.PropertyState(name=name, reported=reported), now_ns)

    def pending(self) -> list[tuple[str, v1.Desired]]:
        """Settings whose newest version the driver has not observed; a rejected version is not asked again."""
        return [
            (n, d) for n, d in self.orders_for_new_session() if self._states[n].observed.version < d.version
        ]

    def orders_for_new_session(self) -> list[tuple[str, v1.Desired]]:
        """Every setting that is desired: a new driver session hears of all of them."""
        return [
            (name, _copy(state.desired))
            for name, state in self._states.items()
            if state.HasField("desired") and name not in HUB_PROPERTIES
        ]

    def mark_stale(self) -> None:
        """The driver is away: what it reported is its last word, not the present."""
        for name, state in self._states.items():
            if state.HasField("reported") and name not in HUB_PROPERTIES:
                state.reported.quality = v1.QUALITY_STALE

    def setting_errors(self) -> str:
        """The rejected settings as `NAME:VERSION:CAUSE` joined by commas, at most 512 characters."""
        entries = [
            f"{name}:{state.observed.version}:{cause_name(state.observed.cause)}"
            for name, state in self._states.items()
            if state.observed.verdict == v1.VERDICT_REJECTED
            and state.observed.version == state.desired.version
        ]
        while len(",".join(entries)) > MAX_TEXT:
            entries.pop()
        return ",".join(entries)

    def snapshot(self, names: Iterable[str] = ()) -> v1.Twin:
        """The present state, whole or of those names (unknown ones are left out)."""
        wanted = [name for name in names if name in self._states] if names else list(self._states)
        return v1.Twin(robot=self.robot, properties=[self._states[name] for name in wanted])

    def value(self, name: str) -> object:
        """The reported plain value, or None."""
        state = self._states.get(name)
        return from_value(state.reported.value) if state is not None else None


def _copy(desired: v1.Desired) -> v1.Desired:
    copied = v1.Desired()
    copied.CopyFrom(desired)
    return copied
