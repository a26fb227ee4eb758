"""The mapper's process: edgecore's gRPC on one side, the hub's client SDK on the other, `devices.py` between them.

It moves messages and keeps trying; it decides nothing about a command, a setting or a stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from robolink import v1
from robolink.client import AsyncHub, connect_async
from robolink.errors import CommandError, ConfigError, RobolinkError, TransportError
from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.limiter import Limiter
from robolink_kubeedge.records import Write
from robolink_kubeedge.reports import RESERVE, Priority, Report, ReportQueue, TwinReport
from robolink_kubeedge.sockets import claim

log = logging.getLogger(__name__)

TICK_S: Final = 0.1
AGAIN_MIN_S: Final = 0.5
AGAIN_MAX_S: Final = 10.0
# A report that edgecore refuses for a reason of its own is not said again at once: each try costs a token.
REFUSED_WAIT_S: Final = 5.0


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
        self._limiter = Limiter(rate_per_s=limits.rate_per_s, burst=limits.burst)
        self._edge_wake = asyncio.Event()
        self._hub_wake = asyncio.Event()
        self._devices_wake = asyncio.Event()
        self._registered = False
        self._register_at = 0.0
        self._again_s = AGAIN_MIN_S
        self._writes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigError: The mapper's socket cannot be bound.
        """
        server = await self._serve()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._edge())
                group.create_task(self._hub())
        finally:
            await server.stop(0.5)
            _remove(self.config.grpc_server.socket_path)

    def _changed(self) -> None:
        for wake in (self._edge_wake, self._hub_wake, self._devices_wake):
            wake.set()

    # Edgecore calls us.

    async def _serve(self) -> grpc.aio.Server:
        path = Path(self.config.grpc_server.socket_path)
        claim(path, "mapper")
        server = grpc.aio.server()
        calls: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
            name: getattr(self, f"_on_{_snake(name)}") for name in dmi.DOWN_CALLS
        }
        server.add_generic_rpc_handlers((dmi.handlers(dmi.DOWN, calls),))
        try:
            server.add_insecure_port(f"unix:{path}")
        except RuntimeError as exc:
            raise ConfigError(
                f"the mapper's socket {path} cannot be bound",
                hint="does its folder exist, may you write there? grpc_server.socket_path names it",
            ) from exc
        await server.start()
        _guard(path)
        return server

    async def _on_register_device(self, request: pb.RegisterDeviceRequest, _context: Any) -> Any:
        self.table.put(request.device, time.monotonic())
        self._changed()
        return pb.RegisterDeviceResponse(
            device_name=request.device.name, device_namespace=request.device.namespace
        )

    async def _on_update_device(self, request: pb.UpdateDeviceRequest, _context: Any) -> Any:
        self.table.put(request.device, time.monotonic())
        self._changed()
        return pb.UpdateDeviceResponse()

    async def _on_remove_device(self, request: pb.RemoveDeviceRequest, _context: Any) -> Any:
        self.table.remove((request.device_namespace, request.device_name), time.monotonic())
        return pb.RemoveDeviceResponse()

    # Types come from the robots' sheets; models are kept to be compared with them, and to be shown.

    async def _on_create_device_model(self, request: pb.CreateDeviceModelRequest, _context: Any) -> Any:
        self._put_model(request.model)
        return pb.CreateDeviceModelResponse(
            device_model_name=request.model.name, device_model_namespace=request.model.namespace
        )

    async def _on_update_device_model(self, request: pb.UpdateDeviceModelRequest, _context: Any) -> Any:
        self._put_model(request.model)
        return pb.UpdateDeviceModelResponse()

    async def _on_remove_device_model(self, request: pb.RemoveDeviceModelRequest, _context: Any) -> Any:
        key = (request.model_namespace or "default", request.model_name)
        self.table.model(None, key, time.monotonic())
        self._changed()
        return pb.RemoveDeviceModelResponse()

    def _put_model(self, model: pb.DeviceModel) -> None:
        self.table.model(model, (model.namespace or "default", model.name), time.monotonic())
        self._changed()

    async def _on_get_device(self, request: pb.GetDeviceRequest, context: Any) -> Any:
        device = self.table.get((request.device_namespace, request.device_name))
        if device is None:
            text = f"no device {request.device_namespace}/{request.device_name} here"
            await context.abort(grpc.StatusCode.NOT_FOUND, text)
        return pb.GetDeviceResponse(device=device)

    # We call edgecore.

    async def _edge(self) -> None:
        """Register, then report; register again after a loss and as a periodic resync."""
        while True:
            async with grpc.aio.insecure_channel(f"unix:{self.config.common.edgecore_sock}") as channel:
                while await self._edge_turn(channel):
                    await _wait(self._edge_wake, TICK_S)
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
        while True:
            now = time.monotonic()
            allowed = [each for each in Priority if self._limiter.ready_at(now, RESERVE[each]) <= now]
            report = self.queue.next(now, allowed[-1]) if allowed else None
            if report is None:
                return True
            if not await self._report(channel, report):
                return False

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

    # The hub.

    async def _hub(self) -> None:
        while True:
            try:
                hub = connect_async(
                    self.config.hub.url or None,
                    name=self.config.common.name,
                    roles=self.config.hub.role_values(),
                    cloud=True,
                )
                async with hub as connected:
                    await self._with_hub(connected)
            except TransportError as exc:
                self.counters["hub_away"] += 1
                log.warning("%s", exc)
                self.table.hub_lost(time.monotonic())
                self._changed()
            await asyncio.sleep(AGAIN_MIN_S)

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
            await _wait(self._hub_wake, TICK_S)

    async def _keep_reading(self, hub: AsyncHub, events: Any) -> None:
        dropped = 0
        while True:
            if events.dropped != dropped:
                dropped = events.dropped
                self.table.twin_unsure()
            if await self._poll(hub):
                await self._read_twins(hub)
            self._hub_wake.set()
            await _wait(self._devices_wake, self.config.limits.poll_s)

    async def _follow(self, events: Any) -> None:
        async for event in events:
            now = time.monotonic()
            if event.HasField("twin_delta"):
                self.table.twin_changed(event.twin_delta, now)
            elif event.HasField("robot"):
                # A stop or a driver's loss shows at once; a new sheet is asked for by the next poll.
                self.table.robot_infos([event.robot], now, whole=False)
            self._edge_wake.set()
            # Events may come without a pause; edgecore's calls and the writes have their turns between them.
            await asyncio.sleep(0)

    async def _poll(self, hub: AsyncHub) -> bool:
        """How the robots are, and new sheets; False if the hub is away."""
        try:
            for robot in self.table.robot_infos(await hub.robots(), time.monotonic()):
                self.table.described(await hub.robot(robot).describe(), time.monotonic())
        except TransportError as exc:
            self.counters["hub_away"] += 1
            log.warning("%s", exc)
            self.table.hub_lost(time.monotonic())
            return False
        except RobolinkError as exc:
            self.counters["describe_failed"] += 1
            log.warning("%s", exc)
        finally:
            self._edge_wake.set()
        return True

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
            self._edge_wake.set()

    async def _write_one(self, hub: AsyncHub, write: Write) -> None:
        try:
            version = await hub.robot(write.robot).twin.set(write.name, write.value)
        except CommandError as exc:
            log.warning("%s", exc)
            self.table.refused(write, v1.Cause.Name(exc.cause), time.monotonic())
        except RobolinkError as exc:
            log.warning("%s", exc)
            self.counters["write_again"] += 1
            self.table.unwritten(write)
        else:
            self.table.written(write, version, time.monotonic())
        self._edge_wake.set()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until it is set, or so long; then it is clear again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _guard(path: Path) -> None:
    # No authentication on these sockets: who may open the file is the guard.
    path.chmod(0o600)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
