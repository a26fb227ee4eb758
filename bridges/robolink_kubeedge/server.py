"""The seven calls that edgecore makes to the mapper, served on a unix socket; the table answers them.

It calls nobody itself, and refuses nothing: what is wrong with a device shows on that device.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from robolink.errors import ConfigError
from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.reports import DeviceKey
from robolink_kubeedge.sockets import claim


class MapperServer:
    """Serves DeviceMapperService.

    Args:
        path: Of the socket.
        table: The devices.
        changed: Called after each change.
    """

    def __init__(self, path: Path, table: DeviceTable, changed: Callable[[], None]) -> None:
        """Nothing is bound before `start`."""
        self.path, self.table, self._changed = path, table, changed
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            ConfigError: The socket cannot be bound, or a living mapper serves there.
        """
        claim(self.path, "mapper")
        server = grpc.aio.server()
        calls: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
            name: getattr(self, f"_on_{_snake(name)}") for name in dmi.DOWN_CALLS
        }
        server.add_generic_rpc_handlers((dmi.handlers(dmi.DOWN, calls),))
        try:
            server.add_insecure_port(f"unix:{self.path}")
        except RuntimeError as exc:
            raise ConfigError(
                f"the mapper's socket {self.path} cannot be bound",
                hint="does its folder exist, may you write there? grpc_server.socket_path names it",
            ) from exc
        await server.start()
        # No authentication on these sockets: who may open the file is the guard.
        self.path.chmod(0o600)
        self._server = server

    async def close(self) -> None:
        """End."""
        if self._server is not None:
            await self._server.stop(0.5)
            self.path.unlink(missing_ok=True)

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
        key = _key(request.device_namespace, request.device_name)
        self.table.remove(key, time.monotonic())
        self._changed()
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
        self.table.model(None, _key(request.model_namespace, request.model_name), time.monotonic())
        self._changed()
        return pb.RemoveDeviceModelResponse()

    def _put_model(self, model: pb.DeviceModel) -> None:
        self.table.model(model, _key(model.namespace, model.name), time.monotonic())
        self._changed()

    async def _on_get_device(self, request: pb.GetDeviceRequest, context: Any) -> Any:
        key = _key(request.device_namespace, request.device_name)
        device = self.table.get(key)
        if device is None:
            text = f"no device {key[0]}/{key[1]} here"
            await context.abort(grpc.StatusCode.NOT_FOUND, text)
        return pb.GetDeviceResponse(device=device)


def _key(namespace: str, name: str) -> DeviceKey:
    return namespace or "default", name


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
