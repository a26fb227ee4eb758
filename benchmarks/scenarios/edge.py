"""A cloud's desired value through the KubeEdge mapper until its report is back, beside a mapper that does nothing else."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Bench, Figures, Metric, Scenario
from benchmarks.scenarios.common import start_hub


def measure(bench: Bench, path: str) -> Figures:
    arguments = [path, f"--count={bench.size('writes')}", *bench.arguments("warmup")]
    if path == "robolink":
        url = start_hub(bench)
        bench.children.start("driver", "ends.motion", ["driver", "--url", url])
        arguments += [f"--url={url}", "--robot=bench-motion", "--name=part.level"]
    return bench.children.result("edge", "ends.mapper_edge", arguments, bench.timeout_s)


SCENARIO: Final = Scenario(
    name="edge",
    title="KubeEdge: desired to reported",
    peers={
        "plain": "plain mapper of one property, grpcio alone",
        "robolink": "Robolink: mapper, hub, driver",
    },
    bases={"plain": "plain"},
    tables=(("patch until observed", (Metric("p50_us", "p50 us"), Metric("p99_us", "p99 us"))),),
    measure=measure,
    sizes={"writes": 300, "warmup": 30},
    quick={"writes": 60, "warmup": 10},
    notes="""{writes} desired values, one at a time after {warmup} of warm-up, from the double of edgecore's UpdateDevice to the
ReportDeviceStatus that shows it as observed; edgecore dials the mapper anew for each call, as the real one does. The plain mapper
sets a variable and reports at once. Ours writes it to the hub (synced to disk), the driver applies it, the hub syncs it as
observed. The limiter and the gathering of changes (a second by default) are off for this: they would be all that is measured.""",
)
