"""The edge latency of a desired value: double of edgecore, a mapper, a driver below it; from UpdateDevice to the report.

`python -m benchmarks.ends.mapper_edge robolink|plain`. The plain mapper has one property and no hub: it serves UpdateDevice,
sets a variable, and reports at once. It stands for the least that any mapper in Python over grpcio must do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import grpc.aio

from benchmarks.measure import percentile
from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.double import EdgecoreDouble

WAIT_S: Final = 30.0
# Edgecore's limiter would be all that is measured: here it lets everything through.
WIDE: Final = 1e9


def measure(double: EdgecoreDouble, device: str, name: str, count: int, warmup: int) -> dict[str, float]:
    """Write one value after the other, each until it is observed."""
    taken = []
    for number in range(warmup + count):
        text = f"0.{number % 800 + 100}{number:05}"
        begun = time.perf_counter_ns()
        double.patch_desired(device, name, text)
        if not double.wait(lambda text=text: double.reported(device, name)[0] == text, WAIT_S):
            raise RuntimeError(f"{text} was not observed; log: {double.log[-3:]}")
        taken.append((time.perf_counter_ns() - begun) / 1000)
    taken = taken[warmup:]
    return {"p50_us": percentile(taken, 50), "p99_us": percentile(taken, 99), "count": float(len(taken))}


def begin(double: EdgecoreDouble, device: str, name: str) -> None:
    """The first report of each property is lost, as in edgecore: it is over before the first value counts."""
    double.patch_desired(device, name, "0")
    double.wait(lambda: name in (each["propertyName"] for each in double.status(device)["twins"]), WAIT_S)


async def plain(folder: Path) -> None:
    """The plain mapper, until it is ended."""
    async with grpc.aio.insecure_channel(f"unix:{folder}/dmi.sock") as channel:
        report = dmi.call(channel, dmi.UP, "ReportDeviceStatus")
        value = ""

        async def update(request: pb.UpdateDeviceRequest, _: Any) -> pb.UpdateDeviceResponse:
            nonlocal value
            device = request.device
            value = device.spec.properties[0].desired.value
            twin = dmi.twin(device.spec.properties[0].name, value, value)
            status = pb.DeviceStatus(twins=[twin])
            up = pb.ReportDeviceStatusRequest(
                device_name=device.name, device_namespace=device.namespace, reported_device=status
            )
            tasks.append(asyncio.create_task(_await(report(up))))
            del tasks[:-8]
            return pb.UpdateDeviceResponse()

        tasks: list[asyncio.Task[None]] = []
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((dmi.handlers(dmi.DOWN, {"UpdateDevice": update}),))
        server.add_insecure_port(f"unix:{folder}/mapper.sock")
        await server.start()
        mapper = pb.MapperInfo(name="plain", protocol="plain", address=f"{folder}/mapper.sock".encode())
        await dmi.call(channel, dmi.UP, "MapperRegister")(
            pb.MapperRegisterRequest(with_data=True, mapper=mapper)
        )
        await server.wait_for_termination()


async def _await(call: Any) -> None:
    await call


def wait_registered(double: EdgecoreDouble) -> None:
    """Until a mapper is there."""
    if not double.wait(lambda: double.counters["registrations"] > 0, WAIT_S):
        raise RuntimeError("no mapper has registered")


def main() -> None:
    """One path; prints one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", choices=["robolink", "plain", "plain-mapper"])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--url", default="")
    parser.add_argument("--robot", default="bench")
    parser.add_argument("--name", default="")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--warmup", type=int, default=30)
    options = parser.parse_args()
    if options.path == "plain-mapper":
        asyncio.run(plain(options.folder))
        return
    import subprocess

    with tempfile.TemporaryDirectory(prefix="robolink-edge-") as made:
        folder = Path(made)
        double = EdgecoreDouble(folder / "dmi.sock", rate_per_s=WIDE, burst=WIDE)
        double.start()
        if options.path == "plain":
            device, name = "plain-1", "value"
            double.apply({"kind": "DeviceModel", "metadata": {"name": "m"},
                          "spec": {"protocol": "plain", "properties": []}})  # fmt: skip
            protocol = {"protocolName": "plain", "configData": {}}
            spec = {"deviceModelRef": {"name": "m"}, "protocol": protocol, "properties": [{"name": name}]}
            double.apply({"kind": "Device", "metadata": {"name": device}, "spec": spec})
            command = ["-m", "benchmarks.ends.mapper_edge", "plain-mapper", "--folder", str(folder)]
        else:
            device, name = options.robot, options.name
            apply_robot(double, options.url, device)
            config = folder / "mapper.yaml"
            config.write_text(
                f"grpc_server: {{socket_path: {folder}/mapper.sock}}\n"
                f"common: {{edgecore_sock: {folder}/dmi.sock}}\nhub: {{url: '{options.url}'}}\n"
                f"limits: {{rate_per_s: {WIDE}, burst: {WIDE}, interval_s: 0.000001}}\n"
            )
            command = ["-m", "robolink.cli", "kubeedge", "mapper", "--config", str(config)]
        mapper = subprocess.Popen([sys.executable, *command])
        try:
            wait_registered(double)
            begin(double, device, name)
            figures = measure(double, device, name, options.count, options.warmup)
        finally:
            mapper.terminate()
            mapper.wait(20)
            double.stop()
    print(json.dumps(figures), flush=True)


def apply_robot(double: EdgecoreDouble, url: str, robot: str) -> None:
    """Model and Device of a robot on a hub, once it is there."""
    import robolink
    from robolink_kubeedge import manifests

    with robolink.connect(url, name="bench-manifest", timeout_s=WAIT_S) as hub:
        until = time.monotonic() + WAIT_S
        while not any(each.robot == robot and each.online for each in hub.robots()):
            if time.monotonic() > until:
                raise RuntimeError(f"{robot} is not on the hub")
            time.sleep(0.05)
        found = hub.robot(robot).describe()
    double.apply(manifests.device_model(found.sheet, found.sheet_hash))
    double.apply(manifests.device(robot, found.sheet, found.sheet_hash))


if __name__ == "__main__":
    main()
