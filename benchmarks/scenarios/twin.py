"""A setting written through the twin until the hub shows it as observed, beside a bare round trip."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Bench, Figures, Metric, Scenario
from benchmarks.scenarios.common import loopback, start_hub


def measure(bench: Bench, path: str) -> Figures:
    count = bench.size("writes")
    if path == "raw":
        url = loopback()
        bench.children.start("hub", "ends.raw_pyzmq", ["hub", "--url", url])
        bench.children.start("driver", "ends.raw_pyzmq", ["driver", "--url", url])
        arguments = ["client", "--url", url, f"--calls={count}", *bench.arguments("warmup")]
        return bench.children.result("client", "ends.raw_pyzmq", arguments, bench.timeout_s)
    url = start_hub(bench)
    bench.children.start("driver", "ends.motion", ["driver", "--url", url])
    arguments = [path, "--url", url, f"--count={count}", *bench.arguments("warmup")]
    return bench.children.result("client", "ends.motion", arguments, bench.timeout_s)


SCENARIO: Final = Scenario(
    name="twin",
    title="Twin write",
    peers={
        "raw": "raw pyzmq round trip",
        "twin-watch": "Robolink, write and held watch",
        "twin-set": "Robolink, `twin.set(…, wait_s=…)`",
    },
    bases={"raw": "raw"},
    tables=(("set until observed", (Metric("p50_us", "p50 us"), Metric("p99_us", "p99 us"))),),
    measure=measure,
    sizes={"writes": 300, "warmup": 30},
    quick={"writes": 60, "warmup": 10},
    notes="""{writes} writes of one number, each with another value, one at a time after {warmup} of warm-up. A write is synced to
disk before anybody hears of it, then ordered, applied by the driver, reported, and synced once more as observed; the raw
round trip checks and keeps nothing. `wait_s` opens a watch for each write and reads the twin; the held watch does neither.""",
)
