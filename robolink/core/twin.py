"""The twin of one robot: desired, observed, reported, and one meaning of "version" all the way.

Settings converge and may be replayed; motion never is a property. Nothing here is sent or kept: the hub does that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from robolink import v1
from robolink.core.sheet import HUB_PROPERTIES, SheetIndex, check_reading, check_value, shown
from robolink.core.values import to_value
from robolink.core.violation import Violation, cause_name

STOP_ORDER: Final = ("", "SOFT_HOLD", "STOP_THEN_CUT", "CUT")
MAX_TEXT: Final = 512

_HUB_FIELDS: Final = {
    "cmd": v1.Field(name="cmd", type=v1.VALUE_TYPE_STRING, length=MAX_TEXT),
    "stop": v1.Field(name="stop", type=v1.VALUE_TYPE_STRING, choices=STOP_ORDER),
}


class RobotTwin:
    """All properties of one robot, the hub's own among them.

    Attributes:
        counters: What was left out of reports, by reason.
    """

    def __init__(self, robot: str, counters: Counter[str] | None = None) -> None:
        """Only the hub's own properties, unset."""
        self.robot = robot
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._index: SheetIndex | None = None
        self._states = {name: v1.PropertyState(name=name) for name in HUB_PROPERTIES}
        # Settings that the present sheet does not have any more: kept apart, not lost.
        self._apart: dict[str, v1.PropertyState] = {}
        # Settings to be ordered again although their version is observed: the sheet has changed beneath them.
        self._again: set[str] = set()

    def declare(self, index: SheetIndex) -> None:
        """A sheet has come: its properties appear; those it does not have are kept apart.

        Settings that were rejected, or whose property is another or new, will be `pending` again.
        """
        before, self._index = self._index, index
        wanted = index.properties()
        known = self._states | self._apart
        self._states = {
            name: known.get(name, v1.PropertyState(name=name)) for name in (*wanted, *HUB_PROPERTIES)
        }
        self._apart = {name: state for name, state in known.items() if name not in self._states}
        if before is None or before.sheet == index.sheet:
            return
        for name, prop in wanted.items():
            if before.property(name) != prop or self._states[name].observed.verdict == v1.VERDICT_REJECTED:
                self._again.add(name)

    def load(self, state: v1.PropertyState) -> None:
        """Take a kept state as it is, also an older one than the present: for a store that is read or rolled back."""
        kept = v1.PropertyState()
        kept.CopyFrom(state)
        where = self._states if state.name in self._states else self._apart
        where[state.name] = kept

    @property
    def apart(self) -> tuple[str, ...]:
        """Names of what is kept apart."""
        return tuple(self._apart)

    # Desired.

    def _field(self, name: str) -> v1.Field:
        if name in _HUB_FIELDS:
            return _HUB_FIELDS[name]
        found = self._index.property(name) if self._index is not None else None
        if found is None and name not in HUB_PROPERTIES:
            raise Violation(
                v1.CAUSE_UNSUPPORTED, f"{self.robot} has no property {shown(name)}; see its sheet"
            )
        if found is None or found.access != v1.ACCESS_READ_WRITE:
            raise Violation(v1.CAUSE_UNSUPPORTED, f"{self.robot}: {name} is a reading; it cannot be written")
        return found.field

    def write(self, name: str, value: v1.Value, if_version: int | None = None) -> v1.Desired:
        """Write a setting: the next version.

        Not so a `stop` that does not raise the present one: that may be a replay, and leaves all as it is.

        Args:
            name: Of the setting.
            value: An integer is taken for a DOUBLE, and kept as one.
            if_version: The desired version that the writer has seen. It does not hinder a raise of `stop`: stopping
                needs no leave.

        Returns:
            The present desired value, with its version.

        Raises:
            Violation: CONFLICT (`.version` is the present one), INVALID, LIMIT, UNSUPPORTED.
        """
        field = self._field(name)
        value = check_value(f"{self.robot}: {name}", field, value)
        desired = self._states[name].desired
        raised = name == "stop" and _rank(value) > _rank(desired.value)
        if if_version is not None and if_version != desired.version and not raised:
            raise Violation(
                v1.CAUSE_CONFLICT,
                f"{self.robot}: {name} is at version {desired.version}, not {if_version}",
                version=desired.version,
            )
        if name != "stop" or raised:
            desired = self._fresh(name).desired
            desired.CopyFrom(v1.Desired(value=value, version=desired.version + 1))
        return _copy(desired)

    def clear_stop(self) -> bool:
        """A release: `stop` is empty again, so that the next write raises it; True if it was not."""
        desired = self._states["stop"].desired
        if not desired.value.string_value:
            return False
        desired.CopyFrom(v1.Desired(value=to_value(""), version=desired.version + 1))
        return True

    def pending(self) -> list[tuple[str, v1.Desired]]:
        """Settings that the driver should hear of again in the same session.

        Those whose newest version it has not observed, and those whose sheet has changed since. Not a rejected one:
        that waits for a new version, session or sheet.
        """
        return [
            (name, desired)
            for name, desired in self.orders_for_new_session()
            if self._states[name].observed.version < desired.version or name in self._again
        ]

    def orders_for_new_session(self) -> list[tuple[str, v1.Desired]]:
        """Every setting that is desired: a new driver session hears of all of them."""
        states = ((name, self._states[name]) for name in self._settings())
        return [(name, _copy(state.desired)) for name, state in states if state.HasField("desired")]

    def _settings(self) -> list[str]:
        properties = self._index.properties() if self._index is not None else {}
        return [name for name, prop in properties.items() if prop.access == v1.ACCESS_READ_WRITE]

    def _fresh(self, name: str) -> v1.PropertyState:
        """That state as a new message, to be changed: what is overwritten inside one is freed only with the whole of it."""
        fresh = v1.PropertyState()
        fresh.CopyFrom(self._states[name])
        self._states[name] = fresh
        return fresh

    # Observed and reported.

    def report_by_driver(self, state: v1.PropertyState, now_ns: int) -> v1.PropertyState | None:
        """As `report`, for what comes from outside: a driver has no say in the hub's own properties."""
        if state.name in HUB_PROPERTIES:
            self.counters["report_of_hub_property"] += 1
            return None
        return self.report(state, now_ns)

    def report(self, state: v1.PropertyState, now_ns: int) -> v1.PropertyState | None:
        """Merge what is said of one property.

        A verdict counts if it is on the present version or on one between the last observed and that. A value of the
        property's type counts, whatever its limits; no value at all changes quality and time alone.

        Returns:
            What has changed, or None. What is left out is counted.
        """
        kept = self._states.get(state.name)
        if kept is None:
            self.counters["report_of_unknown_property"] += 1
            return None
        delta = v1.PropertyState(name=state.name)
        fresh = self._fresh(state.name)
        if state.HasField("observed"):
            self._merge_observed(fresh, state.observed, delta)
        if state.HasField("reported"):
            self._merge_reported(fresh, state.reported, now_ns, delta)
        return delta if delta.HasField("observed") or delta.HasField("reported") else None

    def _merge_observed(self, kept: v1.PropertyState, new: v1.Observed, delta: v1.PropertyState) -> None:
        if not max(kept.observed.version, 1) <= new.version <= kept.desired.version:
            self.counters[
                "observed_version_" + ("ahead" if new.version > kept.desired.version else "older")
            ] += 1
            return
        if new.version == kept.desired.version:
            self._again.discard(kept.name)
        if kept.observed != new:
            kept.observed.CopyFrom(new)
            delta.observed.CopyFrom(new)

    def _merge_reported(
        self, kept: v1.PropertyState, new: v1.Reported, now_ns: int, delta: v1.PropertyState
    ) -> None:
        value = kept.reported.value
        if new.value.WhichOneof("kind") is not None:
            try:
                value = self._readable(kept.name, new.value)
            except Violation:
                self.counters["reported_wrong_type"] += 1
                return
        elif not kept.HasField("reported"):
            return  # No value yet, and none now: its quality says nothing.
        # Compared as bytes: NaN is itself there, and a broken sensor is no news each time.
        changed = not kept.HasField("reported") or _bytes(value) != _bytes(kept.reported.value)
        reported = v1.Reported(
            value=value,
            version=kept.reported.version + changed,
            time_ns=new.time_ns or now_ns,
            quality=new.quality or v1.QUALITY_GOOD,
        )
        if changed or reported.quality != kept.reported.quality:
            delta.reported.CopyFrom(reported)
        kept.reported.CopyFrom(reported)

    def _readable(self, name: str, value: v1.Value) -> v1.Value:
        prop = self._index.property(name) if self._index is not None else None
        return value if prop is None else check_reading(f"{self.robot}: {name}", prop.field, value)

    def set_reading(self, name: str, value: v1.Value, now_ns: int) -> v1.PropertyState | None:
        """One of the hub's own readings; what has changed, or None.

        Raises:
            ValueError: It is not the hub's.
        """
        if name not in HUB_PROPERTIES:
            raise ValueError(f"{name} is not the hub's own")
        reported = v1.Reported(value=value, time_ns=now_ns, quality=v1.QUALITY_GOOD)
        return self.report(v1.PropertyState(name=name, reported=reported), now_ns)

    def mark_stale(self) -> None:
        """The driver is away: what it reported is its last word, not the present."""
        for name, state in self._states.items():
            if state.HasField("reported") and name not in HUB_PROPERTIES:
                state.reported.quality = v1.QUALITY_STALE

    # Read.

    def setting_errors(self) -> str:
        """The rejected settings as `NAME:VERSION:CAUSE` joined by commas, at most 512 characters.

        Where they do not all fit, `more:N` at the end says how many are left out.
        """
        states = [(name, self._states[name]) for name in self._settings()]
        entries = [
            f"{name}:{state.observed.version}:{cause_name(state.observed.cause)}"
            for name, state in states
            if state.observed.verdict == v1.VERDICT_REJECTED
            and state.observed.version == state.desired.version
        ]
        text = ",".join(entries)
        if len(text) <= MAX_TEXT:
            return text
        length = fitting = 0
        for entry in entries:
            length += len(entry) + 1
            if length + len(f"more:{len(entries)}") > MAX_TEXT:
                break
            fitting += 1
        return ",".join([*entries[:fitting], f"more:{len(entries) - fitting}"])

    def reported(self, name: str) -> v1.Value | None:
        """The newest reported value of one property; None if there is none."""
        state = self._states.get(name)
        return state.reported.value if state is not None and state.HasField("reported") else None

    def snapshot(self, names: Collection[str] = ()) -> v1.Twin:
        """A copy of the present state, whole or of those names (unknown ones are left out)."""
        wanted = (
            [name for name in dict.fromkeys(names) if name in self._states] if names else list(self._states)
        )
        apart = () if names else self._apart.values()
        return v1.Twin(robot=self.robot, properties=[self._states[name] for name in wanted], apart=apart)


def _copy(desired: v1.Desired) -> v1.Desired:
    copied = v1.Desired()
    copied.CopyFrom(desired)
    return copied


def _bytes(value: v1.Value) -> bytes:
    return value.SerializeToString(deterministic=True)


def _rank(value: v1.Value) -> int:
    """How much of a stop; a word that is none (of an odd store) hinders no raise."""
    word = value.string_value
    return STOP_ORDER.index(word) if word in STOP_ORDER else 0
