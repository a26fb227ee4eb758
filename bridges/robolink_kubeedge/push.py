"""Readings that a Device's pushMethod sends past edgecore: what is due when, and the senders for http, mqtt and otel.

Databases are refused (faults.py tells). A reading that cannot be sent is tried again a bounded number of times, then
dropped, counted and told on its device.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge import push_ways as ways
from robolink_kubeedge.config import PushSection
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.push_ways import Reading, Sender, Way
from robolink_kubeedge.reports import DeviceKey

log = logging.getLogger(__name__)

DEFAULT_CYCLE_MS: Final = 1000
LOOK_S: Final = 0.05
# Targets at most: each has a task and a connection of its own.
MAX_TARGETS: Final = 64


class Asked(NamedTuple):
    """One property that wants to be pushed."""

    device: DeviceKey
    name: str
    way: Way
    cycle_s: float


def asked(device: pb.Device, minimum_ms: int) -> Iterator[Asked | Fault]:
    """What a Device asks for; a fault where it cannot be used."""
    key = (device.namespace or "default", device.name)
    for each in device.spec.properties:
        if not any(each.push_method.HasField(way) for way in ("http", "mqtt", "otel")):
            continue
        try:
            way = ways.way_of(each.push_method)
        except ValueError as exc:
            log.warning("device %s/%s: %s: %s", *key, each.name, exc)
            yield Fault("PUSH_INVALID", each.name)
            continue
        cycle_ms = max(minimum_ms, each.report_cycle or DEFAULT_CYCLE_MS)
        yield Asked(key, each.name, way, cycle_ms / 1000)


class Plan:
    """What is due when; sans-IO.

    Args:
        minimum_ms: No property is pushed more often.

    Attributes:
        targets: Other ends that somebody asks for.
    """

    def __init__(self, minimum_ms: int) -> None:
        """Nobody asks for anything."""
        self._minimum_ms = minimum_ms
        self.targets: frozenset[str] = frozenset()
        self._documents: dict[DeviceKey, pb.Device] = {}
        self._asked: dict[DeviceKey, list[Asked]] = {}
        self._due: dict[tuple[DeviceKey, str], float] = {}

    def update(self, table: DeviceTable, now: float) -> None:
        """Look for devices that came, went or changed."""
        for key in self._documents.keys() - set(table.keys):
            del self._documents[key], self._asked[key]
        for key in table.keys:
            found = table.entry(key)
            if found is None or self._documents.get(key) is found[0].document:
                continue
            self._documents[key] = found[0].document
            faults = set()
            self._asked[key] = []
            for each in asked(found[0].document, self._minimum_ms):
                if isinstance(each, Fault):
                    faults.add(each)
                else:
                    self._asked[key].append(each)
            names = {each.name for each in self._asked[key]}
            for old in tuple(found[0].noted):
                unasked = old.code == "PUSH_FAILED" and old.detail not in names
                if unasked or (old.code == "PUSH_INVALID" and old not in faults):
                    table.note(key, old, now, gone=True)
            for new in faults:
                table.note(key, new, now)
        self._due = {
            (each.device, each.name): self._due.get((each.device, each.name), now)
            for entries in self._asked.values()
            for each in entries
        }
        self.targets = frozenset(each.way.target for entries in self._asked.values() for each in entries)

    def asks(self, reading: Reading) -> bool:
        """Whether it is still wanted there."""
        return any(
            (each.name, each.way) == (reading.name, reading.way)
            for each in self._asked.get(reading.device, ())
        )

    def due(self, now: float) -> list[Asked]:
        """What is to be pushed now; each then waits for its cycle."""
        found = []
        for entries in self._asked.values():
            for each in entries:
                at = self._due[each.device, each.name]
                if at <= now:
                    # No burst after a pause: what was missed is gone, readings are of now.
                    self._due[each.device, each.name] = max(at + each.cycle_s, now)
                    found.append(each)
        return found


class Target:
    """One other end: readings wait here in order, at most so many.

    Args:
        sender: Who sends.
        config: Limits.
        counters: What happened.
    """

    def __init__(self, sender: Sender, config: PushSection, counters: Counter[str]) -> None:
        """Nothing waits."""
        self.sender, self._config, self._counters = sender, config, counters
        self._waiting: deque[Reading] = deque()
        self._sending = False
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Readings that are not sent yet."""
        return len(self._waiting) + self._sending

    def put(self, reading: Reading) -> Reading | None:
        """Let it wait; what had to go for it."""
        gone = self._waiting.popleft() if len(self._waiting) >= self._config.waiting else None
        if gone is not None:
            self._counters["push_overflow"] += 1
        self._waiting.append(reading)
        self._wake.set()
        return gone

    async def run(self, told: Callable[[Reading, bool], None]) -> None:
        """Send until cancelled."""
        async with self.sender:
            while True:
                while not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
                reading, self._sending = self._waiting.popleft(), True
                arrived = await self._send(reading)
                self._sending = False
                told(reading, arrived)

    async def _send(self, reading: Reading) -> bool:
        wait_s = self._config.back_off_s
        for number in range(self._config.tries):
            if number:
                self._counters["push_again"] += 1
                await asyncio.sleep(wait_s)
                wait_s = min(self._config.back_off_max_s, wait_s * 2)
            try:
                async with asyncio.timeout(reading.way.timeout_s or self._config.timeout_s):
                    await self.sender.send(reading)
            except (ways.PushError, TimeoutError) as exc:
                log.info("push of %s to %s: %s", reading.name, self.sender, exc)
                if isinstance(exc, ways.PushRefusedError):
                    break  # What waits behind it may be for another path, and welcome.
                continue
            except Exception:
                # One Device's address must not end the mapper for all others.
                log.exception("push of %s to %s failed in an unforeseen way", reading.name, self.sender)
                self._counters["push_unforeseen"] += 1
                break
            self._counters["pushed"] += 1
            return True
        self._counters["push_failed"] += 1
        return False


class Pusher:
    """Pushes what the table's devices ask for."""

    def __init__(self, config: PushSection, table: DeviceTable, counters: Counter[str]) -> None:
        """Nothing is opened yet."""
        self._config, self._table, self._counters = config, table, counters
        self._plan = Plan(config.minimum_cycle_ms)
        self._targets: dict[str, tuple[Target, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Push until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                now = time.monotonic()
                self._plan.update(self._table, now)
                self._drop_unused()
                for each in self._plan.due(now):
                    self._put(group, each, now)
                await asyncio.sleep(LOOK_S)

    def _put(self, group: asyncio.TaskGroup, each: Asked, now: float) -> None:
        reading = ways.reading(self._table, each.device, each.name, each.way, time.time_ns())
        if reading is None:
            return  # Never reported yet.
        found = self._targets.get(each.way.target)
        if found is None:
            if len(self._targets) >= MAX_TARGETS:
                self._counters["push_targets_refused"] += 1
                self._table.note(each.device, Fault("PUSH_FAILED", each.name), now)
                return
            target = Target(ways.sender(each.way), self._config, self._counters)
            found = target, group.create_task(target.run(self._told))
            self._targets[each.way.target] = found
        gone = found[0].put(reading)
        if gone is not None:
            self._told(gone, False)

    def _drop_unused(self) -> None:
        """Other ends that no Device names any more make room, with what waited for them."""
        for name in self._targets.keys() - self._plan.targets:
            target, task = self._targets.pop(name)
            task.cancel()
            self._counters["push_unasked"] += target.waiting

    def _told(self, reading: Reading, arrived: bool) -> None:
        if not self._plan.asks(reading):
            return  # Its Device was changed meanwhile: how the old way ends is no fault of it.
        self._table.note(reading.device, Fault("PUSH_FAILED", reading.name), time.monotonic(), gone=arrived)
