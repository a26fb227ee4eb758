"""A software stop (not safety rated) from the app's call to the driver's handler: hub idle, and hub under load, in pairs."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.measure import percentile
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios.common import start_hub
from robolink.transports.lanes import beside


def load(bench: Bench, url: str) -> None:
    """Calls and telemetry through the same hub, from processes of their own."""
    many = ["--url", url, *bench.arguments("outstanding")]
    bench.children.start("load-driver", "ends.load", ["driver", *many])
    rate = bench.arguments("rate_hz")
    bench.children.start("load-samples", "ends.telemetry", ["background", "--url", beside(url, 2), *rate])
    bench.children.start("load-drain", "ends.telemetry", ["drain", "--url", beside(url, 3)])
    bench.children.start("load-client", "ends.load", ["client", *many])


def measure(bench: Bench, path: str) -> Figures:
    url = start_hub(bench)
    bench.children.start("driver", "ends.motion", ["driver", "--url", url])
    if path == "loaded":
        load(bench, url)
    arguments = ["stops", "--url", url, f"--count={bench.size('stops')}"]
    called = bench.children.result("client", "ends.motion", arguments, bench.timeout_s)["called"]
    under = bench.children.asked("load-client", bench.timeout_s)["per_s"] if path == "loaded" else 0.0
    came = bench.children.asked("driver", bench.timeout_s)["stops"]
    return figures(called, came) | {"load_per_s": under}


def figures(called: list[list[Any]], came: list[list[Any]]) -> Figures:
    """Match calls and orders by their generation; the first order of a generation counts.

    Raises:
        RuntimeError: A stop has not reached the driver.
    """
    first: dict[int, float] = {}
    for generation, at in came:
        first.setdefault(generation, at)
    missing = [generation for generation, _, _ in called if generation not in first]
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(called)} stops did not reach the driver")
    ways = [(first[generation] - begun) * 1e6 for generation, begun, _ in called]
    verdicts = [(told - begun) * 1e6 for _, begun, told in called]
    return {
        "p50_us": percentile(ways, 50),
        "p99_us": percentile(ways, 99),
        "max_us": max(ways),
        "verdict_us": percentile(verdicts, 50),
    }


SCENARIO: Final = Scenario(
    name="stop",
    title="Stop",
    peers={"idle": "idle hub", "loaded": "hub under load"},
    bases={"idle": "idle"},
    tables=(
        (
            "call to driver's handler, one way",
            (
                Metric("p50_us", "p50 us"),
                Metric("p99_us", "p99 us"),
                Metric("max_us", "max us", compared=False),
                Metric("verdict_us", "verdict back, p50 us", compared=False),
                Metric("load_per_s", "calls/s beside", compared=False),
            ),
        ),
    ),
    measure=measure,
    rounds=7,
    sizes={"stops": 200, "outstanding": 64, "rate_hz": 2000},
    quick={"stops": 40},
    goals=(Goal(text="p99", path="loaded", metric="p99_us", base="idle", at_most=3.0),),
    profiled=("loaded", "hub"),
    notes="""What is measured is a software stop, not safety rated: {stops} of them, one after another, each released again. Under load:
{outstanding} calls outstanding without a pause and telemetry at {rate_hz}/s with one subscriber, all through the same hub.
With load, eight processes share the cores named above. The app and the driver of the stop have processes of their own.""",
)
