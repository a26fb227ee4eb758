"""A mapper that only listens: writes down what edgecore calls, and says upward exactly what a test wants said."""

from __future__ import annotations

import contextlib
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb


class MapperStub:
    """Serves the seven downward calls on a socket of its own.

    Args:
        edge: Edgecore's socket.
        path: Its own.
        namespace: Of the devices that it reports about.

    Attributes:
        calls: Name and request of each call of edgecore's.
    """

    def __init__(self, edge: Path, path: Path, namespace: str, protocol: str) -> None:
        self.edge, self.path, self.namespace, self.protocol = edge, path, namespace, protocol
        self.calls: list[tuple[str, Any]] = []
        self._server: grpc.Server | None = None

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        taken = {name: self._taker(name) for name in dmi.DOWN_CALLS}
        self._server.add_generic_rpc_handlers((dmi.handlers(dmi.DOWN, taken),))
        self._server.add_insecure_port(f"unix:{self.path}")
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None
        self.path.unlink(missing_ok=True)

    def _taker(self, name: str) -> Any:
        def take(request: Any, _context: Any) -> Any:
            self.calls.append((name, request))
            return dmi.DOWN_CALLS[name][1]()

        return take

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def devices(self, call: str) -> list[pb.Device]:
        return [request.device for name, request in self.calls if name == call]

    def _up(self, name: str, request: Any) -> Any:
        with grpc.insecure_channel(f"unix:{self.edge}") as channel:
            return dmi.call(channel, dmi.UP, name)(request, timeout=10)

    def register(self, *, with_data: bool = True, protocol: str | None = None) -> pb.MapperRegisterResponse:
        protocol = self.protocol if protocol is None else protocol
        info = pb.MapperInfo(
            name=f"stub-{self.path.stem}",
            version="v1",
            api_version="v1",
            protocol=protocol,
            address=str(self.path).encode(),
            state="ok",
        )
        response: pb.MapperRegisterResponse = self._up(
            "MapperRegister", pb.MapperRegisterRequest(with_data=with_data, mapper=info)
        )
        return response

    def report(self, device: str, *twins: pb.Twin) -> None:
        request = pb.ReportDeviceStatusRequest(device_name=device, device_namespace=self.namespace)
        request.reported_device.twins.extend(twins)
        self._up("ReportDeviceStatus", request)

    def report_nothing(self, device: str) -> None:
        self._up(
            "ReportDeviceStatus",
            pb.ReportDeviceStatusRequest(device_name=device, device_namespace=self.namespace),
        )

    def state(self, device: str, state: str) -> None:
        self._up(
            "ReportDeviceStates",
            pb.ReportDeviceStatesRequest(device_name=device, device_namespace=self.namespace, state=state),
        )

    def __enter__(self) -> MapperStub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.stop()
