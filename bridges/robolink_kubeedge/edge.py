"""The mapper's side of edgecore's socket: registers, again after a loss and periodically, and reports within the limiter.

What is said next is the queue's to decide, when it may be said the limiter's. With an event bus only registrations go here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.limiter import Limiter
from robolink_kubeedge.pacing import due
from robolink_kubeedge.reports import Report, ReportQueue, TwinReport
from robolink_kubeedge.wakes import TICK_S, wait

log = logging.getLogger(__name__)

AGAIN_MIN_S: Final = 0.5
AGAIN_MAX_S: Final = 10.0
# A report that edgecore refuses for a reason of its own is not said again at once: each try costs a token.
REFUSED_WAIT_S: Final = 5.0


class EdgeLink:
    """One edgecore.

    Args:
        config: Sockets and limits.
        table: The devices.
        counters: What happened on the wires.
        changed: Called after each registration.
    """

    def __init__(
        self, config: MapperConfig, table: DeviceTable, counters: Counter[str], changed: Callable[[], None]
    ) -> None:
        """Nothing is opened before `run`."""
        limits = config.limits
        self.config, self.table, self.counters, self._changed = config, table, counters, changed
        self.queue: ReportQueue = table.queue
        self.wake = asyncio.Event()
        self.bus_wake = asyncio.Event()
        # Reports by the event bus: then edgecore's socket is for registrations alone.
        self.by_event_bus = False
        self._limiter = Limiter(rate_per_s=limits.rate_per_s, burst=limits.burst)
        self._registered = False
        self._register_at = 0.0
        self._again_s = AGAIN_MIN_S

    async def run(self) -> None:
        """Register, then report; register again after a loss and as a periodic resync."""
        while True:
            async with grpc.aio.insecure_channel(f"unix:{self.config.common.edgecore_sock}") as channel:
                while await self._edge_turn(channel):
                    await wait(self.wake, TICK_S)
            # A fresh channel: gRPC's own back-off would keep a returned edgecore waiting for minutes.
            await asyncio.sleep(self._again_s)
            self._again_s = min(AGAIN_MAX_S, self._again_s * 2)

    async def _edge_turn(self, channel: grpc.aio.Channel) -> bool:
        """All that may go now; False if edgecore is away."""
        if self._registered and channel.get_state() is not grpc.ChannelConnectivity.READY:
            # Edgecore was restarted while we had nothing to say: it may hold texts that it never sent us.
            self._registered, self._register_at = False, 0.0
        if time.monotonic() >= self._register_at and not await self._register(channel):
            return False
        while not self.by_event_bus:
            report = due(self.queue, self._limiter, time.monotonic())
            if report is None:
                return True
            if not await self._report(channel, report):
                return False
        return True

    @property
    def registered(self) -> bool:
        """Edgecore knows this mapper, as far as the connection shows."""
        return self._registered

    async def _register(self, channel: grpc.aio.Channel) -> bool:
        common, before = self.config.common, self.table.snapshot()
        mapper = pb.MapperInfo(
            name=common.name,
            version=common.version,
            api_version=common.api_version,
            protocol=common.protocol,
            address=str(Path(self.config.grpc_server.socket_path).absolute()).encode(),  # noqa: ASYNC240 -- no I/O
            state="ok",
        )
        # Without the data edgecore returns early and can never call this mapper.
        request = pb.MapperRegisterRequest(with_data=True, mapper=mapper)
        response = await self._call(channel, "MapperRegister", request)
        now = time.monotonic()
        if response is None:
            return self._registered
        held = self._registered
        if not held:
            log.info("registered with edgecore: %d devices", len(response.device_list))
            self.queue.again(now)
        self._registered, self._again_s = True, AGAIN_MIN_S
        self._register_at = now + self.config.limits.resync_s
        self.table.registered(response, before, now, again=held)
        self._changed()
        return True

    async def _report(self, channel: grpc.aio.Channel, report: Report) -> bool:
        namespace, name = report.device
        if isinstance(report, TwinReport):
            status = pb.DeviceStatus(twins=[dmi.twin(*each) for each in report.twins])
            request: Any = pb.ReportDeviceStatusRequest(
                device_name=name, device_namespace=namespace, reported_device=status
            )
            answer = await self._call(channel, "ReportDeviceStatus", request)
        else:
            request = pb.ReportDeviceStatesRequest(
                device_name=name, device_namespace=namespace, state=report.state
            )
            answer = await self._call(channel, "ReportDeviceStates", request)
        now = time.monotonic()
        if answer is None:
            limited = self._limiter.ready_at(now) > now
            self.queue.failed(report, now, 0.0 if limited or not self._registered else REFUSED_WAIT_S)
            return self._registered
        self.queue.sent(report, now)
        return True

    async def _call(self, channel: grpc.aio.Channel, name: str, request: Any) -> Any:
        """One call; None if it failed, counted, with the limiter or the registration told."""
        self._limiter.take(time.monotonic())
        try:
            answer = await dmi.call(channel, dmi.UP, name)(request, timeout=self.config.limits.call_timeout_s)
        except grpc.aio.AioRpcError as exc:
            now, details = time.monotonic(), exc.details() or ""
            if dmi.LIMITER_WORDS in details:
                self.counters["limited"] += 1
                self._limiter.refused(now)
                self._register_at = max(self._register_at, self._limiter.ready_at(now))
            elif exc.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                if self._registered or not self.counters["edgecore_away"]:
                    log.warning(
                        "edgecore does not answer at %s: %s", self.config.common.edgecore_sock, details
                    )
                self.counters["edgecore_away"] += 1
                self._registered, self._register_at = False, 0.0
            else:
                self.counters["call_refused"] += 1
                log.warning("edgecore refused %s: %s", name, details)
                if name == "MapperRegister":
                    self._register_at = now + REFUSED_WAIT_S
            return None
        self.counters["calls"] += 1
        self._limiter.accepted()
        return answer
