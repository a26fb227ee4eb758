"""A namespace's Devices, DeviceStatuses and DeviceModels as they were last heard of, read as robots and their twins.

Sans-IO. It decides nothing, and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from robolink import v1
from robolink.cloud._watch import Change, Document
from robolink.core import twincmd, twintext
from robolink.core.values import Plain, to_value

DEVICES: Final = "devices"
STATUSES: Final = "devicestatuses"
MODELS: Final = "devicemodels"

CMD, CMD_STATUS, STOP, SYNC = "cmd", "cmd-status", "stop", "sync"
STOP_GENERATION, SETTING_ERRORS = "stop-generation", "setting-errors"

# States of a Device in which the robot is there.
_THERE: Final = frozenset({"ok", "online", "unhealthy"})
_TYPES: Final = {
    "INT": v1.VALUE_TYPE_INT,
    "FLOAT": v1.VALUE_TYPE_DOUBLE,
    "DOUBLE": v1.VALUE_TYPE_DOUBLE,
    "BOOLEAN": v1.VALUE_TYPE_BOOL,
}
# Whatever else there is of a robot is a name of the sheet; these are the hub's and the mapper's.
OWN: Final = frozenset({CMD, CMD_STATUS, STOP, SYNC, STOP_GENERATION, SETTING_ERRORS})


class Reported(NamedTuple):
    """One twin as it was reported: both texts, and when, in ms of wall time (0 where nobody says)."""

    observed: str = ""
    text: str = ""
    time_ms: int = 0


class Property(NamedTuple):
    """One property as its DeviceModel describes it."""

    kind: v1.ValueType
    writable: bool
    minimum: float | None
    maximum: float | None


class FleetView:
    """Objects by name, and what they mean.

    Attributes:
        counters: What could not be read.
        refused: By robot a text of `cmd` that is known to be refused: nobody will read it, and its place is free.
    """

    def __init__(self) -> None:
        """Empty."""
        self.counters: Counter[str] = Counter()
        self.refused: dict[str, str] = {}
        self._objects: dict[str, dict[str, Document]] = {DEVICES: {}, STATUSES: {}, MODELS: {}}
        # Devices that an answer showed newer than any watch or list has yet.
        self._ahead: set[tuple[str, str]] = set()

    # In.

    def apply(self, resource: str, change: Change) -> set[str]:
        """Take a change; the robots that may look different now. What is older than what is known is passed over."""
        known = self._objects[resource]
        before = dict(known)
        if change.everything:
            known.clear()
        put = {str(each["metadata"]["name"]): each for each in change.put}
        for name, each in put.items():
            # A list counts as it is, but for what was answered while it was on its way: a restored etcd begins lower.
            kept = before.get(name) if not change.everything or (resource, name) in self._ahead else None
            late = kept is not None and _older(each, kept)
            known[name] = kept if kept is not None and late else each
            if change.everything or not late:
                self._ahead.discard((resource, name))
        removed = {change.removed} & before.keys() if change.removed else set()
        for name in removed:
            del known[name]
        names = put.keys() | removed | (before.keys() if change.everything else set())
        if resource != MODELS:
            return names
        return {name for name, each in self._objects[DEVICES].items() if _model_of(each) in names}

    def answered(self, device: Document) -> None:
        """Take a Device from the answer to a request; watches tell of new ones, and of those that are gone."""
        name = str(device["metadata"]["name"])
        present = self.device(name)
        if present is not None and not _older(device, present):
            self._objects[DEVICES][name] = device
            self._ahead.add((DEVICES, name))

    # Out.

    @property
    def robots(self) -> list[str]:
        """Names of the Devices."""
        return sorted(self._objects[DEVICES])

    def device(self, robot: str) -> Document | None:
        """The Device as the API server wrote it."""
        return self._objects[DEVICES].get(robot)

    def desired(self, robot: str) -> dict[str, str]:
        """Desired texts by property; "" where none is written."""
        device = self.device(robot) or {}
        return {
            each["name"]: str((each.get("desired") or {}).get("value", ""))
            for each in (device.get("spec") or {}).get("properties") or ()
        }

    def reported(self, robot: str) -> dict[str, Reported]:
        """What was reported, by property: from the DeviceStatus, or from the Device where older releases keep it."""
        newer = (self._objects[STATUSES].get(robot) or {}).get("status") or {}
        older = (self.device(robot) or {}).get("status") or {}
        found = {}
        for status in (older, newer):
            for each in status.get("twins") or ():
                found[str(each.get("propertyName", ""))] = _reported(each)
        return found

    def state(self, robot: str) -> str:
        """The Device's state: "ok", "offline", "unhealthy", "unknown", …; "" before the first report."""
        for document in (self._objects[STATUSES].get(robot), self.device(robot)):
            state = ((document or {}).get("status") or {}).get("state")
            if state:
                return str(state)
        return ""

    def generation(self, robot: str) -> int:
        """How often the Device's spec has changed: the version of all its desired values."""
        return int(((self.device(robot) or {}).get("metadata") or {}).get("generation") or 0)

    def properties(self, robot: str) -> Mapping[str, Property]:
        """Types and limits by its DeviceModel; without one everything is writable text."""
        device = self.device(robot) or {}
        model = self._objects[MODELS].get(_model_of(device)) or {}
        listed = {each["name"]: each for each in (model.get("spec") or {}).get("properties") or ()}
        found = {}
        for each in (device.get("spec") or {}).get("properties") or ():
            config = (each.get("visitors") or {}).get("configData") or {}
            found[each["name"]] = _property(listed.get(each["name"]), str(config.get("type", "")))
        return found

    def methods(self, robot: str) -> dict[str, str]:
        """What it can be told, with a description each."""
        spec = (self.device(robot) or {}).get("spec") or {}
        return {each["name"]: str(each.get("description", "")) for each in spec.get("methods") or ()}

    def errors(self, robot: str) -> dict[str, str]:
        """Settings that were refused: the cause by name, with a version where the robot itself refused it."""
        text = self.reported(robot).get(SETTING_ERRORS, Reported()).text
        return {name: rest for name, _, rest in (each.partition(":") for each in text.split(",") if each)}

    def commands(self, robot: str) -> dict[str, tuple[str, str]]:
        """The last verdicts: state and cause by twin id."""
        return twincmd.Status.parse(self.reported(robot).get(CMD_STATUS, Reported()).text)

    def info(self, robot: str) -> v1.RobotInfo:
        """The robot as `Hub.robots` shows it, as far as a Device tells."""
        info = v1.RobotInfo(robot=robot, online=self.state(robot) in _THERE)
        reported = self.reported(robot)
        stop = info.authority.stop
        generation = reported.get(STOP_GENERATION, Reported()).text
        stop.generation = int(generation) if generation.isdigit() else 0
        level = stop_level(reported.get(STOP, Reported()).text)
        if level:
            stop.latched, stop.level = True, level
        return info

    def twin(self, robot: str) -> dict[str, v1.PropertyState]:
        """Every property, as the edge client shows it."""
        desired, reported = self.desired(robot), self.reported(robot)
        properties, errors = self.properties(robot), self.errors(robot)
        there = self.state(robot) in _THERE
        found = {}
        for name, text in desired.items():
            state = v1.PropertyState(name=name)
            kind = properties[name].kind
            if text:
                state.desired.value.CopyFrom(self._value(text, kind))
                state.desired.version = self.generation(robot)
            if (each := reported.get(name)) is not None:
                state.reported.value.CopyFrom(self._value(each.text, kind))
                state.reported.time_ns = each.time_ms * 1_000_000
                state.reported.quality = v1.QUALITY_GOOD if there else v1.QUALITY_STALE
                if text and each.observed == text:
                    state.observed.version, state.observed.verdict = state.desired.version, v1.VERDICT_APPLIED
            if name in errors:
                state.observed.verdict = v1.VERDICT_REJECTED
                state.observed.cause, state.observed.text = cause_of(errors[name]), errors[name]
            found[name] = state
        return found

    def _value(self, text: str, kind: v1.ValueType) -> v1.Value:
        if not text and kind != v1.VALUE_TYPE_STRING:
            return v1.Value()
        try:
            return to_value(decode(text, kind))
        except ValueError:
            self.counters["undecodable"] += 1
            return v1.Value(string_value=text)


def decode(text: str, kind: v1.ValueType) -> Plain:
    """A twin's text as a value; text that is marked and no text inside is bytes.

    Raises:
        ValueError: It is not of that type.
    """
    if kind == v1.VALUE_TYPE_STRING and text.startswith(twintext.MARK):
        if text.startswith(twintext.TOO_LONG):
            return text  # Only its digest is known here.
        try:
            return twintext.decode(text, kind)
        except ValueError:
            return twintext.decode(text, v1.VALUE_TYPE_BYTES)
    return twintext.decode(text, kind)


def stop_level(text: str) -> v1.StopLevel:
    """By its word; UNSPECIFIED for none or another."""
    found = v1.StopLevel.DESCRIPTOR.values_by_name.get(f"STOP_LEVEL_{text}")
    return cast(v1.StopLevel, found.number if found is not None else 0)


def cause_of(error: str) -> v1.Cause:
    """The cause in an entry of `setting-errors`: `CAUSE` or `VERSION:CAUSE`; INVALID where it is a word of the mapper's own."""
    found = v1.Cause.DESCRIPTOR.values_by_name.get(f"CAUSE_{error.rpartition(':')[2]}")
    return cast(v1.Cause, found.number) if found is not None else v1.CAUSE_INVALID


def changed(
    before: Mapping[str, v1.PropertyState], after: Iterable[v1.PropertyState]
) -> list[v1.PropertyState]:
    """What looks different from before."""
    return [each for each in after if before.get(each.name) != each]


def _older(one: Document, other: Document) -> bool:
    """By the versions of etcd; a server that counts in another way is believed."""
    versions = [str((each.get("metadata") or {}).get("resourceVersion", "")) for each in (one, other)]
    return all(each.isdecimal() for each in versions) and int(versions[0]) < int(versions[1])


def _model_of(device: Document) -> str:
    return str((((device.get("spec") or {}).get("deviceModelRef")) or {}).get("name", ""))


def _reported(twin: Mapping[str, Any]) -> Reported:
    halves = [twin.get(half) or {} for half in ("observedDesired", "reported")]
    stamp = str((halves[1].get("metadata") or {}).get("timestamp", ""))
    return Reported(
        str(halves[0].get("value", "")), str(halves[1].get("value", "")), int(stamp) if stamp.isdigit() else 0
    )


def _property(entry: Mapping[str, Any] | None, marked: str) -> Property:
    if entry is None:
        return Property(v1.VALUE_TYPE_STRING, True, None, None)
    kind = _TYPES.get(str(entry.get("type", "")).upper(), v1.VALUE_TYPE_STRING)
    if (found := v1.ValueType.DESCRIPTOR.values_by_name.get(f"VALUE_TYPE_{marked}")) is not None:
        kind = cast(v1.ValueType, found.number)
    return Property(
        kind, entry.get("accessMode") != "ReadOnly", _limit(entry, "minimum"), _limit(entry, "maximum")
    )


def _limit(entry: Mapping[str, Any], name: str) -> float | None:
    try:
        return float(entry[name])
    except (KeyError, TypeError, ValueError):
        return None
