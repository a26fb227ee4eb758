"""What edgecore and the hub say of each robot, held side by side: desired texts down as twin writes, twins up as reports.

Sans-IO, and no rules of its own: versions, limits, replays, whether a command may run are the hub's to decide.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from robolink import v1
from robolink.core.values import from_value, to_value
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge import values
from robolink_kubeedge.dmi import config_text, twin
from robolink_kubeedge.manifests import OWN_PROPERTIES
from robolink_kubeedge.records import Desired, Device, Robot, Snapshot, Waiting, Write
from robolink_kubeedge.reports import DeviceKey, Priority, ReportQueue, TwinText

URGENT: Final = frozenset({"cmd", "cmd-status", "stop", "stop-generation", "setting-errors"})
OWN_TYPES: Final = {
    name: v1.VALUE_TYPE_INT if kind == "INT" else v1.VALUE_TYPE_STRING for name, kind, *_ in OWN_PROPERTIES
}
OWN_WRITABLE: Final = frozenset(name for name, _kind, writable, _text in OWN_PROPERTIES if writable)
# Of these each text counts, in order; of all others the newest.
ALL_COUNT: Final = frozenset({"cmd", "stop"})


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
        self._devices: dict[DeviceKey, Device] = {}
        self._robots: dict[str, Robot] = {}
        self._hub_here = False
        self._numbers = itertools.count(1)
        # Calls of edgecore about each device.
        self._marks: Counter[DeviceKey] = Counter()

    # From edgecore.

    @property
    def robots(self) -> frozenset[str]:
        """Ids of the robots that the devices stand for."""
        return frozenset(each.robot for each in self._devices.values())

    def snapshot(self) -> Snapshot:
        """What is here now, to be given to `registered` with the answer."""
        return Snapshot(frozenset(self._devices), dict(self._marks))

    def registered(self, response: dmi.MapperRegisterResponse, before: Snapshot, now: float) -> None:
        """The answer to MapperRegister: all there is.

        Args:
            response: What edgecore has in its cache.
            before: When the call was made; about what edgecore has called since, the answer is too old.
            now: Monotonic s.
        """
        for device in response.device_list:
            if self._unmoved(_key(device), before):
                self._put(device, now)
        for key in before.keys - {_key(each) for each in response.device_list}:
            if self._unmoved(key, before):
                self._remove(key)

    def _unmoved(self, key: DeviceKey, before: Snapshot) -> bool:
        return self._marks[key] == before.marks.get(key, 0)

    def put(self, device: dmi.Device, now: float) -> None:
        """RegisterDevice, or the whole device again by UpdateDevice, known or not; only what is new in it is written."""
        self._marks[_key(device)] += 1
        self._put(device, now)

    def _put(self, device: dmi.Device, now: float) -> None:
        key = _key(device)
        robot = config_text(device.spec.protocol.config_data, "robot") or device.name
        entry = self._devices.get(key)
        if entry is None or entry.robot != robot:
            entry = self._devices[key] = Device(robot, device)
        entry.document = device
        self.queue.keep_only(key, entry.names)
        texts = {each.name: each.desired.value for each in device.spec.properties}
        for name, desired in entry.desired.items():
            if not texts.get(name):
                # Taken back: written again it is new, and a refusal is history. What is on its way stays.
                desired.text = desired.refused = ""
        for name, text in texts.items():
            if text:
                self._want(entry, name, text)
        self._show(key, now)

    def _want(self, entry: Device, name: str, text: str) -> None:
        desired = entry.desired.setdefault(name, Desired())
        if desired.text == text:
            return
        desired.text, desired.version, desired.refused = text, 0, ""
        self._wait(entry, name, text)

    def _wait(self, entry: Device, name: str, text: str) -> None:
        if name not in ALL_COUNT:
            entry.waiting = [each for each in entry.waiting if each.name != name]
        entry.waiting.append(Waiting(next(self._numbers), name, text))

    def remove(self, key: DeviceKey) -> None:
        """RemoveDevice. The robot itself goes on."""
        self._marks[key] += 1
        self._remove(key)

    def _remove(self, key: DeviceKey) -> None:
        if self._devices.pop(key, None) is not None:
            self.queue.drop(key)

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
        self.twin_unsure()
        self._show_all(self.robots, now)

    def robot_infos(self, infos: Iterable[v1.RobotInfo], now: float) -> list[str]:
        """The robots as the hub sees them; those among ours whose sheet is new."""
        back, self._hub_here = not self._hub_here, True
        ours, changed, shown = self.robots, [], set()
        for info in infos:
            robot = self._robots.setdefault(info.robot, Robot())
            seen = (info.online, info.authority.stop.generation)
            if (robot.online, robot.stop_generation) != seen:
                shown.add(info.robot)
            robot.online, robot.stop_generation = seen
            if info.robot in ours and (robot.settings is None or robot.sheet_hash != info.sheet_hash):
                changed.append(info.robot)
        self._show_all(ours if back else shown, now)
        return changed

    def described(self, description: v1.Description, now: float) -> None:
        """A robot's sheet: from now on its desired texts can be read."""
        robot = self._robots.setdefault(description.robot, Robot())
        if robot.sheet_hash != description.sheet_hash:
            self._ask_again(description.robot)
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
        self._show_all({description.robot}, now)

    def _ask_again(self, robot: str) -> None:
        """By another sheet a refused setting may be right."""
        for entry in self._devices.values():
            for name, desired in entry.desired.items() if entry.robot == robot else ():
                if desired.refused and name not in ALL_COUNT:
                    desired.refused = ""
                    self._wait(entry, name, desired.text)

    @property
    def unread(self) -> frozenset[str]:
        """Our robots whose whole twin is still to be read."""
        return frozenset(each for each in self.robots if not self._robots.get(each, Robot()).whole)

    def twin_unsure(self) -> None:
        """Some changes were missed: read every twin again."""
        for robot in self._robots.values():
            robot.whole = False

    def twin_changed(self, delta: v1.Twin, now: float, *, whole: bool = False) -> None:
        """Some properties of a twin, or all of it."""
        robot = self._robots.setdefault(delta.robot, Robot())
        robot.whole = robot.whole or whole
        for each in delta.properties:
            state = robot.twin.setdefault(each.name, v1.PropertyState(name=each.name))
            for half in ("desired", "observed", "reported"):
                if each.HasField(half):
                    getattr(state, half).CopyFrom(getattr(each, half))
        names = None if whole else {each.name for each in delta.properties}
        for key, entry in self._devices.items():
            if entry.robot == delta.robot:
                self._show(key, now, names)

    # Down.

    def take_writes(self, now: float) -> list[Write]:
        """What the hub should be told now, stops first. Each must come back by `written`, `refused` or `unwritten`."""
        writes: list[Write] = []
        for key, entry in self._devices.items():
            robot = self._robots.get(entry.robot)
            if not self._hub_here or robot is None or robot.settings is None or not entry.waiting:
                continue
            # Before its twin is read nobody knows what is new to the hub. A stop does not wait for that.
            ready = [each for each in entry.waiting if robot.whole or each.name == "stop"]
            entry.waiting = [each for each in entry.waiting if each not in ready]
            for each in ready:
                write = self._write(key, entry, robot, each)
                if write is not None:
                    writes.append(write)
            self._show(key, now)
        return sorted(writes, key=lambda each: each.name != "stop")

    def _write(self, key: DeviceKey, entry: Device, robot: Robot, waiting: Waiting) -> Write | None:
        number, name, text = waiting
        desired = entry.desired[name]
        kind = OWN_TYPES.get(name) if name in OWN_WRITABLE else (robot.settings or {}).get(name)
        if kind is None:
            self._refuse(entry, name, text, "UNSUPPORTED")
            return None
        try:
            value = values.decode(text, kind)
            to_value(value)
        except ValueError:
            self._refuse(entry, name, text, "INVALID")
            return None
        state = robot.twin.get(name)
        # A stop is always told: the hub alone knows whether it still stands.
        if (
            name != "stop"
            and not desired.sent
            and state is not None
            and from_value(state.desired.value) == value
        ):
            # Known to the hub already: this mapper or edgecore was restarted.
            self.counters["replays"] += 1
            if desired.text == text:
                desired.version = state.desired.version
            return None
        desired.sent = True
        return Write(key, entry.robot, name, text, value, number)

    def written(self, write: Write, version: int, now: float) -> None:
        """The hub has taken it."""
        self.counters["writes"] += 1
        entry = self._devices.get(write.device)
        if entry is None:
            return
        desired = entry.desired.get(write.name, Desired())
        if desired.text == write.text:
            desired.version = version
        self._show(write.device, now)

    def refused(self, write: Write, cause: str, now: float) -> None:
        """The hub has refused it, by the cause's name; it is not written again before the cloud writes another."""
        entry = self._devices.get(write.device)
        if entry is None:
            return
        if cause == "CAUSE_UNKNOWN_ROBOT":
            # A hub that has lost its store: when the robot is there again, it is described and written to.
            self._robots[write.robot].settings = None
            self.unwritten(write)
            return
        self._refuse(entry, write.name, write.text, cause)
        self._show(write.device, now)

    def unwritten(self, write: Write) -> None:
        """The hub did not answer: once more, in its place. A `cmd` never runs twice: its id is kept."""
        entry = self._devices.get(write.device)
        if entry is None or write.name not in entry.desired:
            return
        if write.name not in ALL_COUNT and entry.desired[write.name].text != write.text:
            return  # A newer one is on its way, or was taken.
        entry.waiting = sorted([*entry.waiting, Waiting(write.number, write.name, write.text)])

    def _refuse(self, entry: Device, name: str, text: str, cause: str) -> None:
        word = cause.removeprefix("CAUSE_")
        self.counters[f"refused_{word.lower()}"] += 1
        desired = entry.desired.get(name, Desired())
        if desired.text == text:
            desired.refused = word

    # Up.

    def _show_all(self, robots: Collection[str], now: float) -> None:
        for key, entry in self._devices.items():
            if entry.robot in robots:
                self._show(key, now)

    def _show(self, key: DeviceKey, now: float, names: Collection[str] | None = None) -> None:
        """Put state and texts of a device (all of them, or those names) into the queue."""
        entry = self._devices.get(key)
        if entry is None:
            return
        robot = self._robots.get(entry.robot, Robot())
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
            text = self._texts(entry, robot, name, errors) if names is None or name in names else None
            if text is None:
                continue
            if not (values.fits_name(name) and all(map(values.fits_value, text[1:]))):
                self.counters["unfit"] += 1
                continue
            self.queue.put(key, text, Priority.URGENT if name in URGENT else Priority.CHANGE, now)

    def _texts(self, entry: Device, robot: Robot, name: str, errors: str) -> TwinText | None:
        if name == "setting-errors":
            return TwinText(name, "", errors)
        if name == "stop-generation":
            return TwinText(name, "", str(robot.stop_generation))
        state = robot.twin.get(name, v1.PropertyState())
        reported = values.encode(state.reported.value).text
        if name == "cmd-status" or name in robot.readings:
            return TwinText(name, "", reported)
        if name not in OWN_WRITABLE | (robot.settings or {}).keys():
            return None  # A property of another sheet, or made up; a desired value of it shows in the errors.
        desired = entry.desired.setdefault(name, Desired())
        if name == "cmd":
            if desired.version and desired.text:
                desired.observed = desired.text
            return TwinText(name, desired.observed, desired.observed)
        observed = state.observed
        if observed.verdict == v1.VERDICT_APPLIED and observed.version == state.desired.version:
            # In the cloud's own words, so that whoever wrote them can compare: "0.50" is 0.5.
            ours = desired.version == observed.version and desired.text
            desired.observed = desired.text if ours else values.encode(state.desired.value).text
        return TwinText(name, desired.observed, reported)

    @staticmethod
    def _errors(entry: Device, robot: Robot) -> str:
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
