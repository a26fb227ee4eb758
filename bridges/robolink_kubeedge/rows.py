"""The rows of all devices and robots: how the hub sees the robots, what is wrong with a device, what of it waits to be shown.

Sans-IO. Where desired texts come from and go to is devices.py's.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from robolink import v1
from robolink.core import twintext
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge import faults, texts
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.records import Device, Robot
from robolink_kubeedge.reports import DeviceKey, Priority, ReportQueue

log = logging.getLogger(__name__)


class Rows:
    """Devices, robots and models; `DeviceTable` fills the devices.

    Attributes:
        counters: What was refused, left out, taken.
        events: Faults as they come and go, newest last: device, fault, whether it came.
    """

    MAX_EVENTS: Final = 500

    def __init__(self, queue: ReportQueue) -> None:
        """No devices, and no hub yet."""
        self.queue = queue
        self.counters: Counter[str] = Counter()
        self.events: list[tuple[DeviceKey, Fault, bool]] = []
        self._devices: dict[DeviceKey, Device] = {}
        self._robots: dict[str, Robot] = {}
        # Devices by robot, in the order in which they came; the first one counts.
        self._keys: dict[str, list[DeviceKey]] = {}
        self._models: dict[DeviceKey, dmi.DeviceModel] = {}
        self._hub_here = False
        # All its robots were listed since it was last lost.
        self._listed = False

    @property
    def robots(self) -> frozenset[str]:
        """Ids of the robots that the devices stand for."""
        return frozenset(self._keys)

    @property
    def keys(self) -> tuple[DeviceKey, ...]:
        """Namespace and name of each device."""
        return tuple(self._devices)

    def entry(self, key: DeviceKey) -> tuple[Device, Robot] | None:
        """A device's row and its robot's, to be read only."""
        found = self._devices.get(key)
        return (found, self._robots.get(found.robot, Robot())) if found is not None else None

    def model_of(self, key: DeviceKey) -> dmi.DeviceModel | None:
        """The model of a device, as edgecore told it."""
        entry = self._devices.get(key)
        return self._models.get((key[0], entry.document.spec.device_model_reference)) if entry else None

    def _add(self, key: DeviceKey, entry: Device) -> None:
        self._forget(key)
        self._devices[key] = entry
        self._keys.setdefault(entry.robot, []).append(key)

    def _forget(self, key: DeviceKey) -> None:
        entry = self._devices.pop(key, None)
        if entry is None:
            return
        self.queue.drop(key)
        self._keys[entry.robot].remove(key)
        if not self._keys[entry.robot]:
            del self._keys[entry.robot]

    def _serves(self, key: DeviceKey, entry: Device) -> bool:
        """Two Devices for one robot would undo each other's settings: the first one counts."""
        return not entry.robot or self._keys[entry.robot][0] == key

    # Faults.

    def note(self, key: DeviceKey, fault: Fault, now: float, *, gone: bool = False) -> None:
        """Somebody else has found a fault of a device, or found it gone."""
        entry = self._devices.get(key)
        if entry is None or (fault in entry.noted) != gone:
            return
        (entry.noted.discard if gone else entry.noted.add)(fault)
        self._look(key, now)

    def _found(self, key: DeviceKey, entry: Device, robot: Robot) -> frozenset[Fault]:
        found = {*entry.document_faults, *entry.noted}
        if self._listed and not robot.known and entry.robot:
            found.add(Fault("UNKNOWN_ROBOT", twintext.encode_text(entry.robot[:80]).text))
        if not self._serves(key, entry):
            first = self._keys[entry.robot][0]
            found.add(Fault("ROBOT_TAKEN", f"{first[0]}/{first[1]}"))
        if robot.settings is not None:
            known = robot.settings.keys() | robot.readings.keys()
            found |= set(faults.of_properties(entry.names, known, robot.setpoints))
        if entry.model_known:
            model = self.model_of(key)
            sheet_hash = robot.sheet_hash if robot.settings is not None else ""
            types = (robot.settings or {}) | robot.readings
            found |= set(faults.of_model(entry.document, model, sheet_hash, types))
        return frozenset(found)

    def _look(self, key: DeviceKey, now: float) -> None:
        """What is wrong with a device, told once as it comes and goes; then all that there is to show."""
        entry = self._devices[key]
        found = self._found(key, entry, self._robots.get(entry.robot, Robot()))
        for fault in sorted(found - entry.faults):
            self.counters[f"fault_{fault.code.lower()}"] += 1
            log.warning("device %s/%s: %s", *key, fault.words)
            self._event(key, fault, True)
        for fault in sorted(entry.faults - found):
            log.info("device %s/%s: %s is over", *key, fault.code)
            self._event(key, fault, False)
        entry.faults = found
        self._show(key, now)

    def _event(self, key: DeviceKey, fault: Fault, came: bool) -> None:
        self.events.append((key, fault, came))
        if len(self.events) > self.MAX_EVENTS:
            self.counters["events_forgotten"] += 1
            del self.events[0]

    # From the hub.

    def hub_lost(self, now: float) -> None:
        """Nobody knows how the robots are."""
        self._hub_here = self._listed = False
        self.twin_unsure()
        self._look_all(self.robots, now)

    def robot_infos(self, infos: Iterable[v1.RobotInfo], now: float, *, whole: bool = True) -> list[str]:
        """The robots as the hub sees them, all (`whole`) or some; those among ours whose sheet is new."""
        back, self._hub_here = not self._hub_here or (whole and not self._listed), True
        self._listed = self._listed or whole
        changed, looked, listed = [], set(), set()
        for info in infos:
            listed.add(info.robot)
            robot = self._robots.setdefault(info.robot, Robot())
            seen = (True, info.online, info.authority.stop.generation)
            if (robot.known, robot.online, robot.stop_generation) != seen:
                looked.add(info.robot)
            robot.known, robot.online, robot.stop_generation = seen
            if info.robot in self._keys and (robot.settings is None or robot.sheet_hash != info.sheet_hash):
                changed.append(info.robot)
        if whole:
            for name, robot in self._robots.items():
                if robot.known and name not in listed:
                    robot.known = robot.online = False
                    looked.add(name)
        self._look_all(self.robots if back else looked, now)
        return changed

    @property
    def unread(self) -> frozenset[str]:
        """Our robots whose whole twin is still to be read."""
        return frozenset(each for each in self.robots if not self._robots.get(each, Robot()).whole)

    def twin_unsure(self) -> None:
        """Some changes were missed: read every twin again."""
        for robot in self._robots.values():
            robot.whole = False
            robot.ahead.clear()

    def twin_changed(self, delta: v1.Twin, now: float, *, whole: bool = False) -> None:
        """Some properties of a twin, or all of it."""
        robot = self._robots.setdefault(delta.robot, Robot())
        for each in delta.properties:
            state = robot.twin.setdefault(each.name, v1.PropertyState(name=each.name))
            for half in ("desired", "observed", "reported"):
                if not each.HasField(half):
                    continue
                told, known = getattr(each, half), getattr(state, half)
                # The answer that brings the whole twin may be older than what came beside it.
                if whole and (each.name, half) in robot.ahead and told.version < known.version:
                    continue
                known.CopyFrom(told)
                if not (whole or robot.whole):
                    robot.ahead.add((each.name, half))
        if whole:
            robot.whole = True
            robot.ahead.clear()
        names = None if whole else {each.name for each in delta.properties}
        for key in self._keys.get(delta.robot, ()):
            self._show(key, now, names)

    # Up.

    def _look_all(self, robots: Collection[str], now: float) -> None:
        for robot in robots:
            for key in self._keys.get(robot, ()):
                self._look(key, now)

    def _show(self, key: DeviceKey, now: float, names: Collection[str] | None = None) -> None:
        """Put state and texts of a device (all of them, or those names) into the queue."""
        entry = self._devices.get(key)
        if entry is None:
            return
        robot = self._robots.get(entry.robot, Robot())
        errors = texts.errors(entry, robot)
        self.queue.put_state(key, texts.state(entry, robot, errors, hub_here=self._hub_here), now)
        for name in entry.names if names is None else names:
            if names is not None and name not in entry.listed:
                continue
            text = texts.twin(entry, robot, name, errors)
            if text is None:
                continue
            if not (twintext.fits_name(name) and all(map(twintext.fits_value, text[1:]))):
                self.counters["unfit"] += 1
                continue
            priority = texts.PRIORITIES.get(name, Priority.CHANGE)
            # A robot that stands stopped is told of at once; the rest of what is said first is news of no haste.
            hasty = name == "stop" and any(text[1:])
            self.queue.put(key, text, priority, now, first=priority if hasty else Priority.CHANGE)
