"""What edgecore and the hub say of each robot, held side by side: desired texts down as twin writes, twins up as reports.

Sans-IO, and no rules of its own: versions, limits, replays, whether a command may run are the hub's to decide.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from robolink import v1
from robolink.core import twintext
from robolink.core.values import from_value, to_value
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge import faults
from robolink_kubeedge.dmi import config_kind, config_text, twin
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.manifests import OWN_PROPERTIES
from robolink_kubeedge.records import Desired, Device, Robot, Snapshot, Waiting, Write
from robolink_kubeedge.reports import DeviceKey, ReportQueue
from robolink_kubeedge.rows import Rows
from robolink_kubeedge.texts import OWN_WRITABLE, PRIORITIES

OWN_TYPES: Final = {
    name: v1.VALUE_TYPE_INT if kind == "INT" else v1.VALUE_TYPE_STRING for name, kind, *_ in OWN_PROPERTIES
}
# Of these each text counts, in order; of all others the newest.
ALL_COUNT: Final = frozenset({"cmd", "stop"})
# Of each of them that wait for the hub, by device.
MAX_WAITING: Final = 64
LEVELS: Final = frozenset({"SOFT_HOLD", "STOP_THEN_CUT", "CUT"})
# ID, or ID/NAME,NAME: these settings count as written anew.
_SYNC: Final = re.compile(r"[a-zA-Z0-9\-_.]{1,40}(/[^/]*)?")


class DeviceTable(Rows):
    """All devices of this mapper.

    Args:
        queue: Where reports go.
    """

    def __init__(self, queue: ReportQueue) -> None:
        """No devices, and no hub yet."""
        super().__init__(queue)
        self._numbers = itertools.count(1)
        # Calls of edgecore about each device.
        self._marks: Counter[DeviceKey] = Counter()
        # Devices with something to be written.
        self._busy: dict[DeviceKey, None] = {}

    # From edgecore.

    def snapshot(self) -> Snapshot:
        """What is here now, to be given to `registered` with the answer."""
        return Snapshot(frozenset(self._devices), dict(self._marks))

    def registered(
        self, response: dmi.MapperRegisterResponse, before: Snapshot, now: float, *, again: bool = False
    ) -> None:
        """The answer to MapperRegister: all there is.

        Args:
            response: What edgecore has in its cache.
            before: When the call was made; about what edgecore has called since, the answer is too old.
            now: Monotonic s.
            again: A resync while the connection held: edgecore has called about all that is new in it.
        """
        for model in response.model_list:
            if model.name:
                self._models[model.namespace or "default", model.name] = model
        for device in response.device_list:
            key = _key(device)
            if not self._unmoved(key, before):
                continue
            entry = self._devices.get(key)
            suspect = again and entry is not None and entry.told not in (None, device)
            if again and entry is not None:
                self._elsewhere(entry, suspect)
            self._tell(device, now)
            self._devices[key].suspect = suspect
            self._devices[key].model_known = True
            self._look(key, now)
        for key in before.keys - {_key(each) for each in response.device_list}:
            if self._unmoved(key, before):
                self._remove(key, now)

    def _elsewhere(self, entry: Device, suspect: bool) -> None:
        """At a resync: whether a call went to another mapper. What is new to us may be on the way until the next one."""
        if entry.suspect:
            self.counters["updates_elsewhere"] += 1
            entry.noted.add(Fault("UPDATE_ELSEWHERE"))
        elif not suspect:
            entry.noted.discard(Fault("UPDATE_ELSEWHERE"))

    def _unmoved(self, key: DeviceKey, before: Snapshot) -> bool:
        return self._marks[key] == before.marks.get(key, 0)

    def moved(self, key: DeviceKey) -> int:
        """How often edgecore has called about it."""
        return self._marks[key]

    def put(self, device: dmi.Device, now: float) -> None:
        """RegisterDevice, or the whole device again by UpdateDevice, known or not; only what is new in it is written."""
        key = _key(device)
        self._marks[key] += 1
        if key in self._devices:
            self._devices[key].suspect = False
            self.note(key, Fault("UPDATE_ELSEWHERE"), now, gone=True)
        self._tell(device, now)

    def _tell(self, device: dmi.Device, now: float) -> None:
        """Edgecore's own word; a repetition of it brings no older text back over what its store has shown since."""
        entry = self._devices.get(_key(device))
        if entry is None or entry.told != device:
            self._put(device, now)
        self._devices[_key(device)].told = device

    def stored(self, device: dmi.Device, version: str, now: float) -> bool:
        """Edgecore's store shows this device, settled; True if that is news. A device nobody told of is left alone."""
        entry = self._devices.get(_key(device))
        if entry is None or entry.stored_version == version:
            return False
        entry.stored_version = version
        if _wishes(entry.document) == _wishes(device):
            return False
        self.counters["from_store"] += 1
        self._put(device, now)
        return True

    def model(self, model: dmi.DeviceModel | None, key: DeviceKey, now: float) -> None:
        """CreateDeviceModel, UpdateDeviceModel; None for RemoveDeviceModel."""
        if model is not None and self._models.get(key) == model:
            return  # Edgecore sends it again with each update of a device, and hundreds of devices share one.
        if model is None:
            self._models.pop(key, None)
        else:
            self._models[key] = model
        for device, entry in self._devices.items():
            if (device[0], entry.document.spec.device_model_reference) == key:
                entry.model_known = True
                self._look(device, now)

    def _put(self, device: dmi.Device, now: float) -> None:
        key = _key(device)
        config = device.spec.protocol.config_data
        named = config_kind(config, "robot")
        # A robot named by a number is nobody's: no robot id is empty.
        robot = config_text(config, "robot") if named else device.name
        entry = self._devices.get(key)
        if entry is None or entry.robot != robot:
            before = entry
            entry = Device(robot, device)
            if before is not None:
                entry.model_known, entry.faults = before.model_known, before.faults
            self._add(key, entry)
            if before is not None:
                self._left(before.robot, now)
        entry.document = device
        found = {each.name: each.desired.value for each in reversed(device.spec.properties)}
        entry.names = tuple(dict.fromkeys(each.name for each in device.spec.properties))
        entry.listed = frozenset(entry.names)
        entry.document_faults = tuple(faults.of_document(device))
        self.queue.keep_only(key, entry.names)
        for name, desired in entry.desired.items():
            if not found.get(name):
                # Taken back: written again it is new, and a refusal is history. What is on its way stays.
                desired.text = desired.refused = ""
        sync = found.pop("sync", "")
        for name in entry.names:
            if found.get(name):
                self._want(entry, name, found[name])
        if self._sync(entry, sync, found):
            # Asked because no answer was seen: what this device has said may be lost. With `sync` it goes in one call.
            self.queue.again_of(key, (*PRIORITIES, *sync.partition("/")[2].split(",")), now)
        if entry.waiting:
            self._busy[key] = None
        self._look(key, now)

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
        self._bound(entry, name)

    def _bound(self, entry: Device, name: str) -> None:
        """While the hub is away the oldest goes; of stops one that is no level, or waits once more: the highest is kept."""
        while len(same := [each for each in entry.waiting if each.name == name]) > MAX_WAITING:
            times = Counter(each.text for each in same)
            spare = (
                each for each in same if name != "stop" or each.text not in LEVELS or times[each.text] > 1
            )
            entry.waiting.remove(next(spare))
            self.counters[f"waiting_dropped_{name}"] += 1

    def _sync(self, entry: Device, text: str, found: dict[str, str]) -> bool:
        """A new `sync`: what it names counts as written anew, and all that stands beside it is to have an answer.

        Returns:
            Whether it is new, and well formed.
        """
        desired = entry.desired.setdefault("sync", Desired())
        if not text or desired.text == text:
            return False
        first, desired.text, desired.refused = not desired.text and not desired.observed, text, ""
        names = [each for each in text.partition("/")[2].split(",") if each]
        if not _SYNC.fullmatch(text) or any(name not in found for name in names):
            desired.refused = "INVALID" if not _SYNC.fullmatch(text) else "UNSUPPORTED"
            self.counters[f"refused_{desired.refused.lower()}"] += 1
            return False
        waits = {each.name for each in entry.waiting}
        for name in () if first else names:
            # A command has an id: it is never said again. What is new in this document waits already.
            if name != "cmd" and name not in waits and found[name]:
                wish = entry.desired.setdefault(name, Desired())
                wish.refused, wish.sent = "", True
                self._wait(entry, name, found[name])
        entry.sync_mark = next(self._numbers)
        return True

    def remove(self, key: DeviceKey, now: float = 0.0) -> None:
        """RemoveDevice. The robot itself goes on."""
        self._marks[key] += 1
        self._remove(key, now)

    def _remove(self, key: DeviceKey, now: float) -> None:
        robot = self._devices[key].robot if key in self._devices else ""
        self._busy.pop(key, None)
        self._forget(key)
        self._left(robot, now)

    def _left(self, robot: str, now: float) -> None:
        """A Device stands for this robot no more: another one may be served now."""
        self._ask_again(self._keys.get(robot, ())[:1], "ROBOT_TAKEN")
        self._look_all((robot,), now)

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

    def described(self, description: v1.Description, now: float) -> None:
        """A robot's sheet: from now on its desired texts can be read."""
        robot = self._robots.setdefault(description.robot, Robot())
        if robot.sheet_hash != description.sheet_hash:
            self._ask_again(self._keys.get(description.robot, ()))
        robot.sheet_hash, robot.settings = description.sheet_hash, {}
        readings, setpoints = {}, set()
        for component in description.sheet.components:
            setpoints |= {f"{component.name}.{each.name}" for each in component.setpoints}
            for each in component.properties:
                name = f"{component.name}.{each.field.name}"
                if each.access == v1.ACCESS_READ_WRITE:
                    robot.settings[name] = each.field.type
                else:
                    readings[name] = each.field.type
        robot.readings, robot.setpoints = readings, frozenset(setpoints)
        self._look_all((description.robot,), now)

    def _ask_again(self, keys: Iterable[DeviceKey], cause: str = "") -> None:
        """What was refused, for any cause or for this one, may be right by now; a command is not run late."""
        for key in keys:
            entry = self._devices[key]
            for name, desired in entry.desired.items():
                refused = desired.refused if name not in ALL_COUNT and name != "sync" else ""
                if refused and cause in ("", refused):
                    desired.refused = ""
                    self._wait(entry, name, desired.text)
                    self._busy[key] = None

    # Down.

    def take_writes(self, now: float) -> list[Write]:
        """What the hub should be told now, stops first. Each must come back by `written`, `refused` or `unwritten`."""
        writes: list[Write] = []
        for key in tuple(self._busy):
            entry = self._devices[key]
            robot = self._robots.get(entry.robot)
            if not self._hub_here or robot is None or robot.settings is None:
                continue
            # Before its twin is read nobody knows what is new to the hub. A stop does not wait for that.
            ready = [each for each in entry.waiting if robot.whole or each.name == "stop"]
            entry.waiting = [each for each in entry.waiting if each not in ready]
            if not entry.waiting:
                del self._busy[key]
            for each in ready:
                write = self._write(key, entry, robot, each)
                if write is not None:
                    entry.open.add(write.number)
                    writes.append(write)
            if ready:
                self._show(key, now)
        return sorted(writes, key=lambda each: each.name != "stop")

    def _write(self, key: DeviceKey, entry: Device, robot: Robot, waiting: Waiting) -> Write | None:
        number, name, text = waiting
        desired = entry.desired[name]
        if name != "stop" and not self._serves(key, entry):
            self._refuse(entry, name, text, "ROBOT_TAKEN")
            return None
        kind = OWN_TYPES.get(name) if name in OWN_WRITABLE else (robot.settings or {}).get(name)
        if kind is None:
            self._refuse(entry, name, text, "UNSUPPORTED")
            return None
        try:
            value = twintext.decode(text, kind)
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
        entry = self._entry_of(write)
        if entry is None:
            return
        entry.open.discard(write.number)
        desired = entry.desired.get(write.name, Desired())
        if desired.text == write.text:
            desired.version = version
        self._show(write.device, now)

    def refused(self, write: Write, cause: str, now: float) -> None:
        """The hub has refused it, by the cause's name; it is not written again before the cloud writes another."""
        entry = self._entry_of(write)
        if entry is None:
            return
        if cause == "CAUSE_UNKNOWN_ROBOT":
            # A hub that has lost its store: when the robot is there again, it is described and written to.
            self._robots[write.robot].settings = None
            self.unwritten(write)
            return
        entry.open.discard(write.number)
        self._refuse(entry, write.name, write.text, cause)
        self._show(write.device, now)

    def unwritten(self, write: Write) -> None:
        """The hub did not answer: once more, in its place. A `cmd` never runs twice: its id is kept."""
        entry = self._entry_of(write)
        if entry is None or write.name not in entry.desired:
            return
        entry.open.discard(write.number)
        if write.name not in ALL_COUNT and entry.desired[write.name].text != write.text:
            return  # A newer one is on its way, or was taken.
        entry.waiting = sorted([*entry.waiting, Waiting(write.number, write.name, write.text)])
        self._bound(entry, write.name)
        self._busy[write.device] = None

    def _entry_of(self, write: Write) -> Device | None:
        """None if its Device is gone, or stands for another robot now: that one has nothing to do with the write."""
        entry = self._devices.get(write.device)
        return entry if entry is not None and entry.robot == write.robot else None

    def _refuse(self, entry: Device, name: str, text: str, cause: str) -> None:
        word = cause.removeprefix("CAUSE_")
        self.counters[f"refused_{word.lower()}"] += 1
        desired = entry.desired.get(name, Desired())
        if desired.text == text:
            desired.refused = word


def _key(device: dmi.Device) -> DeviceKey:
    return device.namespace or "default", device.name


def _wishes(device: dmi.Device) -> dict[str, str]:
    return {each.name: each.desired.value for each in device.spec.properties}
