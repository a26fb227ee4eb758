"""The mapper as a client of the hub: reads robots, sheets and twins into the table, carries the table's writes there.

It decides nothing about a command, a setting or a stop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from robolink import v1
from robolink.client import AsyncHub, connect_async
from robolink.errors import CommandError, RobolinkError, TransportError
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.records import Write
from robolink_kubeedge.wakes import TICK_S, wait

log = logging.getLogger(__name__)

AGAIN_S: Final = 0.5
STORAGE_AGAIN_S: Final = 1.0


class HubLink:
    """One hub.

    Args:
        config: Of the whole mapper.
        table: The devices.
        counters: What happened on the wires.
        changed: Called when edgecore should be told something.

    Attributes:
        hub: The connection, while there is one.
    """

    def __init__(
        self, config: MapperConfig, table: DeviceTable, counters: Counter[str], changed: Callable[[], None]
    ) -> None:
        """Nothing is opened before `run`."""
        self.config, self.table, self.counters, self._changed = config, table, counters, changed
        self.hub: AsyncHub | None = None
        self.writes_wake = asyncio.Event()
        self.devices_wake = asyncio.Event()
        self._writes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Follow the hub until cancelled."""
        while True:
            try:
                hub = connect_async(
                    self.config.hub.url or None,
                    name=self.config.common.name,
                    roles=self.config.hub.role_values(),
                    cloud=True,
                )
                async with hub as connected:
                    self.hub = connected
                    await self._with_hub(connected)
            except TransportError as exc:
                self.counters["hub_away"] += 1
                log.warning("%s", exc)
                self.table.hub_lost(time.monotonic())
                self._changed()
            finally:
                self.hub = None
            await asyncio.sleep(AGAIN_S)

    async def _with_hub(self, hub: AsyncHub) -> None:
        """Follow the hub's twins; the SDK reconnects by itself, and we ask for everything again then."""
        events = hub.watch(twins=True)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(events))
                group.create_task(self._keep_reading(hub, events))
                group.create_task(self._keep_writing(hub))
        finally:
            await events.close()

    async def _keep_writing(self, hub: AsyncHub) -> None:
        """Apart from all reading, so that no slow answer holds up a stop."""
        while True:
            self._write(hub)
            await wait(self.writes_wake, TICK_S)

    async def _keep_reading(self, hub: AsyncHub, events: Any) -> None:
        dropped = 0
        while True:
            if events.dropped != dropped:
                dropped = events.dropped
                self.table.twin_unsure()
            if await self._poll(hub):
                await self._read_twins(hub)
            self.writes_wake.set()
            await wait(self.devices_wake, self.config.limits.poll_s)

    async def _follow(self, events: Any) -> None:
        async for event in events:
            now = time.monotonic()
            if event.HasField("twin_delta"):
                self.table.twin_changed(event.twin_delta, now)
            elif event.HasField("robot"):
                # A stop or a driver's loss shows at once; a new sheet is asked for by the next poll.
                self.table.robot_infos([event.robot], now, whole=False)
            self._changed()
            # Events may come without a pause; edgecore's calls and the writes have their turns between them.
            await asyncio.sleep(0)

    async def _poll(self, hub: AsyncHub) -> bool:
        """How the robots are, and new sheets; False if the hub is away."""
        try:
            for robot in self.table.robot_infos(await hub.robots(), time.monotonic()):
                await self._describe(hub, robot)
        except TransportError as exc:
            self.counters["hub_away"] += 1
            log.warning("%s", exc)
            self.table.hub_lost(time.monotonic())
            return False
        except RobolinkError as exc:
            self.counters["robots_unread"] += 1
            log.warning("%s", exc)
        finally:
            self._changed()
        return True

    async def _describe(self, hub: AsyncHub, robot: str) -> None:
        """A new sheet; one that cannot be had is asked for with the next poll, and holds up no other robot."""
        try:
            self.table.described(await hub.robot(robot).describe(), time.monotonic())
        except TransportError:
            raise
        except RobolinkError as exc:
            self.counters["describe_failed"] += 1
            log.warning("%s", exc)

    async def _read_twins(self, hub: AsyncHub) -> None:
        """Whole twins, at first and after each gap."""
        for robot in self.table.unread:
            try:
                properties = await hub.robot(robot).twin.get()
            except RobolinkError as exc:
                # Not there yet, or the hub is away: asked again with the next poll.
                self.counters["twin_unread"] += 1
                log.debug("%s: %s", robot, exc)
                continue
            twin = v1.Twin(robot=robot, properties=properties.values())
            self.table.twin_changed(twin, time.monotonic(), whole=True)

    def _write(self, hub: AsyncHub) -> None:
        """Tasks start in this order and each sends before it first waits, so the hub hears them in it."""
        for write in self.table.take_writes(time.monotonic()):
            task = asyncio.create_task(self._write_one(hub, write))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)
            self._changed()

    async def _write_one(self, hub: AsyncHub, write: Write) -> None:
        try:
            version = await hub.robot(write.robot).twin.set(write.name, write.value)
        except CommandError as exc:
            log.warning("%s", exc)
            if exc.cause == v1.CAUSE_STORAGE and write.name != "cmd":
                # The hub has kept and done nothing of it. A command's sender is told; a setting or a stop waits for room.
                self.counters["write_again"] += 1
                await asyncio.sleep(STORAGE_AGAIN_S)
                self.table.unwritten(write)
            else:
                self.table.refused(write, v1.Cause.Name(exc.cause), time.monotonic())
        except RobolinkError as exc:
            log.warning("%s", exc)
            self.counters["write_again"] += 1
            self.table.unwritten(write)
        else:
            self.table.written(write, version, time.monotonic())
        self._changed()
