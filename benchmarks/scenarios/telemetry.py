"""Telemetry fan-out through the hub's proxy, beside a bare `zmq.proxy` with the same sockets and messages."""

from __future__ import annotations

from typing import Final

from benchmarks.processes import free_ports
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios.common import start_hub
from robolink.transports.lanes import beside


def forwarder(bench: Bench, path: str) -> tuple[str, str]:
    """Start what forwards; where to publish and where to subscribe."""
    if path == "robolink":
        url = start_hub(bench)
        return beside(url, 2), beside(url, 3)
    port = free_ports(2)
    urls = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"
    arguments = ["proxy", "--url", urls[0], "--subscribe-url", urls[1], *bench.arguments("queue")]
    bench.children.start("hub", "ends.telemetry", arguments)
    return urls


def measure(bench: Bench, path: str) -> Figures:
    publish, subscribe = forwarder(bench, path)
    go, names = bench.folder / "go", [f"subscriber{number}" for number in range(bench.size("subscribers"))]
    arguments = ["publish", "--url", publish, f"--go={go}", *bench.arguments("paced", "rate_hz", "flood")]
    bench.children.start("publisher", "ends.telemetry", arguments)
    for name in names:
        bench.children.start(name, "ends.telemetry", ["subscribe", "--url", subscribe])
    go.touch()
    found = [bench.children.said(name, bench.timeout_s) for name in names]
    wanted = {phase: bench.size(phase) * len(names) for phase in ("paced", "flood")}
    lost = {phase: 1 - sum(each[phase] for each in found) / wanted[phase] for phase in wanted}
    return {
        "per_s": sum(each["flood"] / each["flood_s"] for each in found if each["flood_s"]),
        "flood_lost": lost["flood"] * 100,
        "paced_lost": lost["paced"] * 100,
    }


SCENARIO: Final = Scenario(
    name="telemetry",
    title="Telemetry fan-out",
    peers={"proxy": "bare zmq.proxy", "robolink": "Robolink's hub"},
    bases={"proxy": "proxy"},
    tables=(
        (
            "through",
            (
                Metric("per_s", "delivered/s, flooded"),
                Metric("flood_lost", "lost %, flooded", digits=2, compared=False),
                Metric("paced_lost", "lost %, paced", digits=3, compared=False),
            ),
        ),
    ),
    measure=measure,
    sizes={"subscribers": 3, "paced": 20_000, "rate_hz": 5000, "flood": 100_000, "queue": 10_000},
    quick={"paced": 4000, "flood": 20_000},
    goals=(
        Goal(text="delivered", path="robolink", metric="per_s", base="proxy", at_least=0.9),
        Goal(text="lost at the paced rate", path="robolink", metric="paced_lost", at_most=0.0, unit="%"),
    ),
    packages=("pyzmq",),
    profiled=("robolink", "hub"),
    notes="""One publisher, {subscribers} subscribers, each in its own process, all with the SDK's sockets; odometry samples. Paced:
{paced} samples at {rate_hz}/s. Flooded: {flood} as fast as the publisher's socket takes them; delivered is the sum over
the subscribers. Both forwarders hold {queue} messages a subscriber and drop beyond.""",
)
