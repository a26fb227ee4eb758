"""What edgecore and the hub say of each robot, held side by side: desired texts down as twin writes, twins up as reports.

Sans-IO, and no rules of its own: versions, limits, replays, whether a command may run are the hub's to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from robolink import v1
from robolink.core.values import from_value
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge import values
from robolink_kubeedge.dmi import config_text, twin
from robolink_kubeedge.manifests import OWN_PROPERTIES
from robolink_kubeedge.reports import DeviceKey, Priority, ReportQueue, TwinText
from robolink_kubeedge.values import Plain

URGENT: Final = frozenset({"cmd", "cmd-status", "stop", "stop-generation", "setting-errors"})
OWN_TYPES: Final = {
    name: v1.VALUE_TYPE_INT if kind == "INT" else v1.VALUE_TYPE_STRING for name, kind, *_ in OWN_PROPERTIES
}
OWN_WRITABLE: Final = frozenset(name for name, _kind, writable, _text in OWN_PROPERTIES if writable)


class Write(NamedTuple):
    """One twin write for the hub."""

    device: DeviceKey
    robot: str
    name: str
    text: str
    value: Plain


@dataclass(slots=True)
class _Desired:
    """What the cloud wants of one property, and how far that got."""

    text: str = ""
    # The hub's version of it; 0: not written (yet).
    version: int = 0
    observed: str = ""
    refused: str = ""


@dataclass(slots=True)
class _Device:
    robot: str
    document: dmi.Device
    desired: dict[str, _Desired] = field(default_factory=dict)
    # Names and texts still to be written; every `cmd` in order, of the others the newest.
    waiting: list[tuple[str, str]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.document.spec.properties]


@dataclass(slots=True)
class _Robot:
    online: bool = False
    stop_generation: int = 0
    sheet_hash: str = ""
    settings: dict[str, v1.ValueType] | None = None
    readings: frozenset[str] = frozenset()
    setpoints: frozenset[str] = frozenset()
    twin: dict[str, v1.PropertyState] = field(default_factory=dict)
    # The whole twin was read since the hub was last lost.
    whole: bool = False


class DeviceTable:
    """All devices of this mapper.

    Args:
        queue: Where reports go.

    Attributes:
        counters: What was refused, left out, taken.
    """

    def __init__(self, queue: ReportQueue) -> None:
        """No devices, and no hub yet."""
        self.queue = queue
        self.counters: Counter[str] = Counter()
        self._devices: dict[DeviceKey, _Device] = {}
        self._models: dict[DeviceKey, dmi.DeviceModel] = {}
        self._robots: dict[str, _Robot] = {}
        self._hub_here = False

    # From edgecore.

    @property
    def keys(self) -> frozenset[DeviceKey]:
        """The devices present."""
        return frozenset(self._devices)

    @property
    def robots(self) -> frozenset[str]:
        """Ids of the robots that they stand for."""
        return frozenset(each.robot for each in self._devices.values())

    def registered(
        self, response: dmi.MapperRegisterResponse, before: frozenset[DeviceKey], now: float
    ) -> None:
        """The answer to MapperRegister: all there is.

        Args:
            response: What edgecore has in its cache.
            before: The devices present when the call was made; those that came meanwhile stay.
            now: Monotonic s.
        """
        for model in response.model_list:
            self.put_model(model)
        for device in response.device_list:
            self.put(device, now)
        for key in before - {_key(each) for each in response.device_list}:
            self.remove(key)

    def put(self, device: dmi.Device, now: float) -> None:
        """RegisterDevice, or the whole device again by UpdateDevice, known or not; only what is new in it is written."""
        key = _key(device)
        robot = config_text(device.spec.protocol.config_data, "robot") or device.name
        entry = self._devices.get(key)
        if entry is None or entry.robot != robot:
            entry = self._devices[key] = _Device(robot, device)
        entry.document = device
        self.queue.keep_only(key, entry.names)
        for each in device.spec.properties:
            if each.desired.value:
                self._want(entry, each.name, each.desired.value)
        self._show(key, now)

    def _want(self, entry: _Device, name: str, text: str) -> None:
        desired = entry.desired.setdefault(name, _Desired())
        if desired.text == text:
            return
        desired.text, desired.version, desired.refused = text, 0, ""
        if name != "cmd":
            entry.waiting = [each for each in entry.waiting if each[0] != name]
        entry.waiting.append((name, text))

    def remove(self, key: DeviceKey) -> None:
        """RemoveDevice. The robot itself goes on."""
        if self._devices.pop(key, None) is not None:
            self.queue.drop(key)

    def put_model(self, model: dmi.DeviceModel) -> None:
        """CreateDeviceModel or UpdateDeviceModel; types come from the sheet, so it is only kept."""
        self._models[model.namespace, model.name] = model

    def remove_model(self, key: DeviceKey) -> None:
        """RemoveDeviceModel; edgecore calls it before RemoveDevice."""
        self._models.pop(key, None)

    def get(self, key: DeviceKey) -> dmi.Device | None:
        """GetDevice: as edgecore wrote it, with present twins."""
        entry = self._devices.get(key)
        if entry is None:
            return None
        found = dmi.Device()
        found.CopyFrom(entry.document)
        found.status.twins.extend(twin(*each) for each in self.queue.texts(key))
        return found

    # From the hub.

    def hub_lost(self, now: float) -> None:
        """Nobody knows how the robots are."""
        self._hub_here = False
        for robot in self._robots.values():
            robot.whole = False
        self._show_all(None, now)

    def robot_infos(self, infos: Iterable[v1.RobotInfo], now: float) -> list[str]:
        """The robots as the hub sees them; those among ours whose sheet is new."""
        self._hub_here, changed = True, []
        for info in infos:
            robot = self._robots.setdefault(info.robot, _Robot())
            robot.online, robot.stop_generation = info.online, info.authority.stop.generation
            if info.robot in self.robots and (robot.settings is None or robot.sheet_hash != info.sheet_hash):
                changed.append(info.robot)
        self._show_all(None, now)
        return changed

    def described(self, description: v1.Description, now: float) -> None:
        """A robot's sheet: from now on its desired texts can be read."""
        robot = self._robots.setdefault(description.robot, _Robot())
        robot.sheet_hash, robot.settings = description.sheet_hash, {}
        readings, setpoints = set(), set()
        for component in description.sheet.components:
            setpoints |= {f"{component.name}.{each.name}" for each in component.setpoints}
            for each in component.properties:
                name = f"{component.name}.{each.field.name}"
                if each.access == v1.ACCESS_READ_WRITE:
                    robot.settings[name] = each.field.type
                else:
                    readings.add(name)
        robot.readings, robot.setpoints = frozenset(readings), frozenset(setpoints)
        self._show_all(description.robot, now)

    @property
    def unread(self) -> frozenset[str]:
        """Our robots whose whole twin is still to be read."""
        return frozenset(each for each in self.robots if not self._robots.get(each, _Robot()).whole)

    def twin_unsure(self) -> None:
        """Some changes were missed: read every twin again."""
        for robot in self._robots.values():
            robot.whole = False

    def twin_changed(self, delta: v1.Twin, now: float, *, whole: bool = False) -> None:
        """Some properties of a twin, or all of it."""
        robot = self._robots.setdefault(delta.robot, _Robot())
        robot.whole = robot.whole or whole
        for each in delta.properties:
            state = robot.twin.setdefault(each.name, v1.PropertyState(name=each.name))
            for half in ("desired", "observed", "reported"):
                if each.HasField(half):
                    getattr(state, half).CopyFrom(getattr(each, half))
        self._show_all(delta.robot, now)

    # Down.

    def take_writes(self, now: float) -> list[Write]:
        """What the hub should be told now, stops first. Each must come back by `written`, `refused` or `unwritten`."""
        writes: list[Write] = []
        for key, entry in self._devices.items():
            robot = self._robots.get(entry.robot)
            if not self._hub_here or robot is None or robot.settings is None or not entry.waiting:
                continue
            # Before its twin is read nobody knows what is new to the hub. A stop does not wait for that.
            waiting = [each for each in entry.waiting if robot.whole or each[0] == "stop"]
            entry.waiting = [each for each in entry.waiting if each not in waiting]
            for name, text in waiting:
                write = self._write(key, entry, robot, name, text)
                if write is not None:
                    writes.append(write)
            self._show(key, now)
        return sorted(writes, key=lambda each: each.name != "stop")

    def _write(self, key: DeviceKey, entry: _Device, robot: _Robot, name: str, text: str) -> Write | None:
        desired = entry.desired[name]
        kind = OWN_TYPES.get(name) if name in OWN_WRITABLE else (robot.settings or {}).get(name)
        if kind is None:
            self._refuse(entry, name, text, "UNSUPPORTED")
            return None
        try:
            value = values.decode(text, kind)
        except ValueError:
            self._refuse(entry, name, text, "INVALID")
            return None
        state = robot.twin.get(name)
        if state is not None and from_value(state.desired.value) == value:
            # Known to the hub already: this mapper or edgecore was restarted.
            self.counters["replays"] += 1
            desired.version = state.desired.version
            return None
        return Write(key, entry.robot, name, text, value)

    def written(self, write: Write, version: int, now: float) -> None:
        """The hub has taken it."""
        self.counters["writes"] += 1
        desired = self._desired_of(write)
        if desired is not None and desired.text == write.text:
            desired.version = version
        self._show(write.device, now)

    def refused(self, write: Write, cause: str, now: float) -> None:
        """The hub has refused it, by the cause's name; it is not written again before the cloud writes another."""
        entry = self._devices.get(write.device)
        if entry is not None:
            self._refuse(entry, write.name, write.text, cause)
            self._show(write.device, now)

    def unwritten(self, write: Write) -> None:
        """The hub did not answer: once more, before what came later. A `cmd` never runs twice: its id is kept."""
        entry = self._devices.get(write.device)
        newer = entry is None or any(name == write.name != "cmd" for name, _ in entry.waiting)
        if entry is not None and not newer:
            entry.waiting.insert(0, (write.name, write.text))

    def _refuse(self, entry: _Device, name: str, text: str, cause: str) -> None:
        word = cause.removeprefix("CAUSE_")
        self.counters[f"refused_{word.lower()}"] += 1
        desired = entry.desired[name]
        if desired.text == text:
            desired.refused = word

    def _desired_of(self, write: Write) -> _Desired | None:
        entry = self._devices.get(write.device)
        return entry.desired.get(write.name) if entry is not None else None

    # Up.

    def _show_all(self, robot: str | None, now: float) -> None:
        for key, entry in self._devices.items():
            if robot in (None, entry.robot):
                self._show(key, now)

    def _show(self, key: DeviceKey, now: float) -> None:
        """Put state and texts of a device into the queue."""
        entry = self._devices.get(key)
        if entry is None:
            return
        robot = self._robots.get(entry.robot, _Robot())
        errors = self._errors(entry, robot)
        if not self._hub_here:
            state = "unknown"
        elif not robot.online:
            state = "offline"
        else:
            state = "unhealthy" if errors else "ok"
        self.queue.put_state(key, state, now)
        if robot.settings is None:
            return  # The hub does not know this robot yet: there is nothing to say of it.
        for name in entry.names:
            text = self._texts(entry, robot, name, errors)
            if text is None:
                continue
            if not (values.fits_name(name) and all(map(values.fits_value, text[1:]))):
                self.counters["unfit"] += 1
                continue
            self.queue.put(key, text, Priority.URGENT if name in URGENT else Priority.CHANGE, now)

    def _texts(self, entry: _Device, robot: _Robot, name: str, errors: str) -> TwinText | None:
        if name == "setting-errors":
            return TwinText(name, "", errors)
        if name == "stop-generation":
            return TwinText(name, "", str(robot.stop_generation))
        known = name in OWN_TYPES or name in robot.readings or name in (robot.settings or {})
        if not known:
            return None  # A property of another sheet, or made up; a desired value of it shows in the errors.
        state = robot.twin.get(name, v1.PropertyState())
        reported = values.encode(state.reported.value).text
        desired = entry.desired.get(name, _Desired())
        if name == "cmd":
            if desired.version:
                desired.observed = desired.text
            return TwinText(name, desired.observed, desired.observed)
        if name in robot.readings or name not in OWN_WRITABLE | (robot.settings or {}).keys():
            return TwinText(name, "", reported)
        observed = state.observed
        if observed.verdict == v1.VERDICT_APPLIED and observed.version == state.desired.version:
            # In the cloud's own words, so that whoever wrote them can compare: "0.50" is 0.5.
            ours = desired.version == observed.version
            desired.observed = desired.text if ours else values.encode(state.desired.value).text
        entry.desired[name] = desired
        return TwinText(name, desired.observed, reported)

    @staticmethod
    def _errors(entry: _Device, robot: _Robot) -> str:
        """What the driver refused, as the hub tells it, and what never got so far."""
        state = robot.twin.get("setting-errors", v1.PropertyState())
        parts = [state.reported.value.string_value]
        for name, desired in entry.desired.items():
            if desired.refused and values.fits_name(name):
                why = "MOTION_IS_NO_PROPERTY" if name in robot.setpoints else desired.refused
                parts.append(f"{name}:{why}")
        text = ",".join(part for part in parts if part)
        return text if len(text) <= values.MAX_VALUE_CHARACTERS else f"more:{text.count(',') + 1}"


def _key(device: dmi.Device) -> DeviceKey:
    return device.namespace, device.name
