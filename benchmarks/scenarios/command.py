"""A command's path: call to result through Robolink, beside a bare ZeroMQ hub, gRPC, MQTT and Zenoh."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Final

from benchmarks.ends.robolink_stack import MAX_CALLS
from benchmarks.processes import free_ports, mosquitto
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios import stages
from benchmarks.scenarios.common import loopback, start_hub

SIZES: Final = ("calls", "warmup", "throughput_calls", "outstanding")


def raw(bench: Bench) -> Figures:
    url = loopback()
    bench.children.start("hub", "ends.raw_pyzmq", ["hub", "--url", url])
    bench.children.start("driver", "ends.raw_pyzmq", ["driver", "--url", url])
    arguments = ["client", "--url", url, *bench.arguments(*SIZES)]
    return bench.children.result("client", "ends.raw_pyzmq", arguments, bench.timeout_s)


def grpc_direct(bench: Bench) -> Figures:
    return _grpc(bench, through_hub=False)


def grpc_hub(bench: Bench) -> Figures:
    return _grpc(bench, through_hub=True)


def _grpc(bench: Bench, *, through_hub: bool) -> Figures:
    port = free_ports(2)
    behind, address = f"127.0.0.1:{port + 1}", f"127.0.0.1:{port}"
    workers = bench.arguments("workers")
    bench.children.start("driver", "ends.grpc_python", ["driver", "--address", behind, *workers])
    if through_hub:
        served = ["hub", "--address", address, "--driver", behind, *workers]
        bench.children.start("hub", "ends.grpc_python", served)
    asked = ["client", "--address", address if through_hub else behind, *bench.arguments(*SIZES)]
    return bench.children.result("client", "ends.grpc_python", asked, bench.timeout_s)


def mqtt(bench: Bench) -> Figures:
    port = [f"--port={free_ports(1)}", f"--folder={bench.folder}"]
    bench.children.start("hub", "ends.mqtt_mosquitto", ["broker", *port])
    bench.children.start("driver", "ends.mqtt_mosquitto", ["driver", *port])
    arguments = ["client", *port, *bench.arguments(*SIZES)]
    return bench.children.result("client", "ends.mqtt_mosquitto", arguments, bench.timeout_s)


def zenoh(bench: Bench) -> Figures:
    endpoint = f"--endpoint=tcp/127.0.0.1:{free_ports(1)}"
    bench.children.start("hub", "ends.zenoh_python", ["hub", endpoint])
    bench.children.start("driver", "ends.zenoh_python", ["driver", endpoint])
    arguments = ["client", endpoint, *bench.arguments(*SIZES)]
    return bench.children.result("client", "ends.zenoh_python", arguments, bench.timeout_s)


def robolink(bench: Bench, face: str = "blocking", durability: str = "process") -> Figures:
    """The whole of it, as users have it."""
    if bench.size("warmup") + max(bench.size("calls"), bench.size("throughput_calls")) > MAX_CALLS:
        raise RuntimeError(
            f"warm-up and calls may not be over {MAX_CALLS}: a driver keeps no more of a robot"
        )
    url = start_hub(bench, durability=durability)
    bench.children.start("driver", "ends.robolink_stack", ["driver", "--url", url])
    arguments = [face, "--url", url, *bench.arguments(*SIZES)]
    return bench.children.result("client", "ends.robolink_stack", arguments, bench.timeout_s)


def robolink_asyncio(bench: Bench) -> Figures:
    return robolink(bench, "asyncio")


def lacks(*modules: str) -> str:
    """The first of these packages that is not installed."""
    return next(
        (f"{each} is not installed" for each in modules if importlib.util.find_spec(each) is None), ""
    )


MEASURE: Final[dict[str, Callable[[Bench], Figures]]] = {
    "raw": raw,
    "grpc-direct": grpc_direct,
    "grpc-hub": grpc_hub,
    "mqtt": mqtt,
    "zenoh": zenoh,
    "robolink": robolink,
    "robolink-asyncio": robolink_asyncio,
}

SCENARIO: Final = Scenario(
    name="command",
    title="Command path",
    peers={
        "raw": "raw pyzmq hub",
        "grpc-direct": "gRPC Python, no hub",
        "grpc-hub": "gRPC Python, through a hub",
        "mqtt": "MQTT, mosquitto",
        "zenoh": "Zenoh, router",
        "robolink": "Robolink, blocking client",
        "robolink-asyncio": "Robolink, asyncio client",
    },
    bases={"raw": "raw", "grpc-hub": "gRPC hub"},
    tables=(
        ("one call at a time", (Metric("p50_us", "p50 us"), Metric("p99_us", "p99 us"))),
        (
            "many outstanding",
            (Metric("per_s", "results/s"), Metric("resent", "resent by the client", compared=False)),
        ),
    ),
    measure=lambda bench, path: MEASURE[path](bench),
    sizes={"calls": 2000, "warmup": 400, "throughput_calls": 6400, "outstanding": 64, "workers": 64},
    quick={"calls": 300, "warmup": 128, "throughput_calls": 1280},
    goals=(
        Goal(text="median call", path="robolink", metric="p50_us", base="raw", at_most=1.5),
        Goal(text="median call", path="robolink", metric="p50_us", base="grpc-direct", at_most=1.0),
        Goal(text="throughput", path="robolink", metric="per_s", base="raw", at_least=0.6),
        Goal(text="throughput", path="robolink-asyncio", metric="per_s", base="raw", at_least=0.6),
    ),
    packages=("pyzmq", "protobuf", "grpcio", "paho-mqtt", "eclipse-zenoh"),
    explain=stages.explain,
    needs={
        "grpc-direct": lambda: lacks("grpc"),
        "grpc-hub": lambda: lacks("grpc"),
        "mqtt": lambda: lacks("paho") or ("" if mosquitto() else "mosquitto is not installed"),
        "zenoh": lambda: lacks("zenoh"),
    },
    notes="""{calls} calls one at a time after {warmup} of warm-up, then {throughput_calls} with {outstanding} outstanding.

- Robolink: client SDK, hub with all checks and its journal (durability "process"), a driver on the vendor SDK with one
  `@command(motion=False)` that does nothing. Blocking: {outstanding} threads; asyncio: {outstanding} tasks.
- raw pyzmq: DEALER, ROUTER, DEALER; the hub swaps frames, the ends build and parse a protobuf header; one thread keeps
  {outstanding} unanswered. No checks, nothing kept. This is the limit.
- gRPC Python: synchronous, {workers} workers a server, {outstanding} threads; the hub passes bytes on unread.
- MQTT: mosquitto in a process of its own, paho-mqtt at both ends, QoS 1, request and answer topics, nothing persistent.
- Zenoh: a query to a driver's queryable through a router session in a process of its own.

Why a goal is not met: see the stages. The four ways over the wire with their sends take about what the whole raw call takes.
On top come, all in Python: two commits (nothing leaves the hub before what it rests on is kept), checks at the hub and once
more at the robot (which judges last), and four changes of thread: into and out of the I/O thread of each SDK, since a
caller's or a vendor's code that blocks must never hold up a beat or a stop. With many outstanding the two cores are full,
and the sum of that work is the rate.""",
)
