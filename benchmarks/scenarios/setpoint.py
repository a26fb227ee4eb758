"""Age of a setpoint when the driver's handler gets it, at a steady rate, beside a bare ZeroMQ hub."""

from __future__ import annotations

from typing import Final

from benchmarks.measure import percentile
from benchmarks.scenario import Bench, Figures, Metric, Scenario
from benchmarks.scenarios.common import loopback, start_hub


def measure(bench: Bench, path: str) -> Figures:
    if path == "raw":
        url = loopback()
        bench.children.start("hub", "ends.raw_pyzmq", ["hub", "--url", url])
        driver, client = "raw-driver", "raw-setpoints"
    else:
        url = start_hub(bench)
        driver, client = "driver", "setpoints"
    bench.children.start("driver", "ends.motion", [driver, "--url", url])
    sizes = [f"--count={bench.size('setpoints')}", f"--rate-hz={bench.size('rate_hz')}"]
    sent = bench.children.result("client", "ends.motion", [client, "--url", url, *sizes], bench.timeout_s)
    ages = bench.children.asked("driver", bench.timeout_s)["ages_us"]
    if not ages:
        raise RuntimeError(f"{path}: no setpoint came\n{bench.children.logs()}")
    return {
        "p50_us": percentile(ages, 50),
        "p99_us": percentile(ages, 99),
        "max_us": max(ages),
        "lost": sent["sent"] - len(ages),
    }


SCENARIO: Final = Scenario(
    name="setpoint",
    title="Setpoint age at the driver",
    peers={"raw": "raw pyzmq hub", "robolink": "Robolink"},
    bases={"raw": "raw"},
    tables=(
        (
            "client's send to driver's handler",
            (
                Metric("p50_us", "p50 us"),
                Metric("p99_us", "p99 us"),
                Metric("max_us", "max us", compared=False),
                Metric("lost", "not delivered", compared=False),
            ),
        ),
    ),
    measure=measure,
    sizes={"setpoints": 500, "rate_hz": 50},
    quick={"setpoints": 100},
    notes="""{setpoints} setpoints at {rate_hz} Hz on an otherwise idle hub; a setpoint carries the time of its sending, of the
one monotonic clock of this machine. Robolink: lease, generation, TTL and limits are checked by hub and driver, and the
handler runs in the robot's own thread; a setpoint that a newer one replaced counts as not delivered. Raw: the hub swaps
frames, the ends build and parse header and body.""",
)
