"""The mapper's process: edgecore on one side, the hub's client SDK on the other, the table of devices between them.

It puts the parts together and runs them; each of them says what it does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.edge import EdgeLink
from robolink_kubeedge.hublink import HubLink
from robolink_kubeedge.reports import ReportQueue
from robolink_kubeedge.server import MapperServer
from robolink_kubeedge.sockets import hold_protocol


class Mapper:
    """One mapper: one protocol on one node, any number of robots.

    Args:
        config: Sockets, hub, limits.

    Attributes:
        table: The devices.
        counters: What happened on the wires.
    """

    def __init__(self, config: MapperConfig) -> None:
        """Nothing is opened before `run`."""
        limits = config.limits
        self.config = config
        self.queue = ReportQueue(
            repeat_s=limits.repeat_s, interval_s=limits.interval_s, refresh_s=limits.refresh_s
        )
        self.table = DeviceTable(self.queue)
        self.counters: Counter[str] = Counter()
        self.edge = EdgeLink(config, self.table, self.counters, self._changed)
        self.hub = HubLink(config, self.table, self.counters, self._changed)
        self.server = MapperServer(Path(config.grpc_server.socket_path), self.table, self._changed)

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigError: A socket or port cannot be bound, a file cannot be used, or another mapper serves this protocol here.
        """
        with hold_protocol(Path(self.config.common.edgecore_sock), self.config.common.protocol):
            await self.server.start()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.edge.run())
                    group.create_task(self.hub.run())
                    self._optional(group)
            finally:
                await self.server.close()

    def _optional(self, group: asyncio.TaskGroup) -> None:
        """What the configuration asks for besides; each needs packages of its own."""
        config = self.config
        if config.event_bus.url:
            from robolink_kubeedge.eventbus import EventBus

            group.create_task(EventBus(config.event_bus, self.queue, self.edge, self.counters).run())
        if config.metaserver.url:
            from robolink_kubeedge.metaserver import MetaServer

            group.create_task(MetaServer(config, self.table, self.counters, self._changed).run())
        if config.push.enabled:
            from robolink_kubeedge.push import Pusher

            group.create_task(Pusher(config.push, self.table, self.counters).run())
        if config.rest.token_file:
            from robolink_kubeedge.rest import RestServer
            from robolink_kubeedge.tls import check_pair

            check_pair(config.rest.tls_cert_file, config.rest.tls_key_file)
            group.create_task(RestServer(config, self.table, self.counters, self.hub).run())

    def _changed(self) -> None:
        self.edge.wake.set()
        self.edge.bus_wake.set()
        self.hub.writes_wake.set()
        self.hub.devices_wake.set()
