"""What keeping each command costs: the hub's durability modes beside a hub that only swaps frames."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios import command
from benchmarks.scenarios.common import PATIENT, start_hub


def measure(bench: Bench, path: str) -> Figures:
    if path == "raw":
        return command.raw(bench)
    ends, durability = path.split("-")
    if ends == "sdk":
        return command.robolink(bench, durability=durability)
    url = start_hub(bench, durability=durability, extra=PATIENT)
    bench.children.start("driver", "ends.thin", ["driver", "--url", url])
    arguments = ["client", "--url", url, *bench.arguments(*command.SIZES)]
    return bench.children.result("client", "ends.thin", arguments, bench.timeout_s)


SCENARIO: Final = Scenario(
    name="journal",
    title="Journal",
    peers={
        "raw": "raw pyzmq hub, nothing kept",
        "thin-process": 'hub, "process", raw ends',
        "thin-power": 'hub, "power", raw ends',
        "sdk-process": 'hub, "process", both SDKs',
        "sdk-power": 'hub, "power", both SDKs',
    },
    bases={"raw": "raw"},
    tables=(
        (
            "{outstanding} outstanding; one at a time",
            (Metric("per_s", "results/s"), Metric("p50_us", "p50 us"), Metric("p99_us", "p99 us")),
        ),
    ),
    measure=measure,
    sizes={"calls": 1000, "warmup": 400, "throughput_calls": 6400, "outstanding": 64},
    quick={"calls": 200, "warmup": 64, "throughput_calls": 1280},
    goals=(Goal(text="journaled throughput", path="thin-process", metric="per_s", base="raw", at_least=0.6),),
    profiled=("thin-process", "hub"),
    notes="""{calls} calls one at a time, then {throughput_calls} with {outstanding} outstanding. The hub checks and journals each command and each
outcome. "process" survives a killed hub; "power" also syncs each batch to disk before anybody hears of it, and depends
on this disk's sync. Raw ends: the raw path's own DEALERs, speaking the hub's protocol, so the difference to raw is the
hub's alone. Both SDKs: blocking client, {outstanding} threads, and vendor SDK.""",
)
