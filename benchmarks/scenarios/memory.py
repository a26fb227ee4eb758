"""Memory of a hub for each robot with its sheet and twin, beside a bare ROUTER's for each idle peer: libzmq's floor."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from benchmarks.processes import wait_until
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios.common import PATIENT, loopback, start_hub

COUNTS: Final = ("small", "middle", "large")
WARM: Final = 10
SETTLE_S: Final = 1.0


def rss_kb(pid: int) -> float:
    """Resident memory of a process and its children, kB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 + sum(rss_kb(int(child)) for child in below)


def open_files(pid: int) -> int:
    """Of a process and its children: a connection is one."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) + sum(open_files(int(child)) for child in below)


def grown(bench: Bench, path: str, count: int) -> tuple[float, float]:
    """Growth for each of `count` robots, kB; a few came before, so that one-time costs are not in it.

    Beside it the share of their connections that were there at that moment, %: hubs close those that do not answer.
    """
    name = f"hub{count}"
    if path == "bare":
        url = loopback()
        bench.children.start(name, "ends.thin", ["router", "--url", url])
    else:
        url = start_hub(bench, extra=PATIENT, name=name)
    role = "bare-peers" if path == "bare" else "robot-peers"
    each = bench.size("robots_each") if path == "shared" else 1
    arguments = [role, "--url", url, *(["--lanes"] if path == "lanes" else [])]
    bench.children.start(f"warm{count}", "ends.thin", [*arguments, f"--count={WARM}", "--prefix=warm-"])
    wait_until(time.monotonic() + SETTLE_S)
    pid = bench.children.child(name).pid
    before, files = rss_kb(pid), open_files(pid)
    arguments += [f"--count={count}", f"--robots-each={min(each, count)}"]
    bench.children.start(f"peers{count}", "ends.thin", arguments, wait=False)
    bench.children.ready(f"peers{count}", timeout_s=bench.timeout_s)
    wait_until(time.monotonic() + SETTLE_S)
    after, connections = rss_kb(pid), open_files(pid) - files
    bench.children.end()
    expected = count // min(each, count) * (3 if path == "lanes" else 1)
    return (after - before) / count, 100 * connections / expected


def measure(bench: Bench, path: str) -> Figures:
    # Three sockets a robot and thousands of robots are more files than one process may open.
    counts = COUNTS[:2] if path == "lanes" else COUNTS
    found = {name: grown(bench, path, bench.size(name)) for name in counts}
    figures = {name: each for name, (each, _held) in found.items()}
    return figures | {"held": min(held for _each, held in found.values())}


def goals() -> tuple[Goal, ...]:
    """For each number of robots, one connection a robot or many."""
    return tuple(
        Goal(text=f"kB a robot at {{{name}}}", path=path, metric=name, at_most=40.0, unit="kB")
        for path in ("own", "shared")
        for name in COUNTS
    )


SCENARIO: Final = Scenario(
    name="memory",
    title="Memory a robot",
    peers={
        "bare": "idle DEALER peers of a bare ROUTER",
        "own": "robots, a connection each",
        "shared": "robots, {robots_each} a connection",
        "lanes": "robots, three connections each, as the SDK opens",
    },
    bases={"bare": "bare"},
    tables=(
        (
            "growth of the hub",
            (
                *(Metric(name, f"kB a robot at {{{name}}}", digits=1) for name in COUNTS),
                Metric("held", "connections there, fewest, %", digits=1, compared=False),
            ),
        ),
    ),
    measure=measure,
    rounds=3,
    sizes={"small": 100, "middle": 1000, "large": 5000, "robots_each": 200, "timeout_s": 900},
    quick={"middle": 300, "large": 500},
    goals=goals(),
    packages=("pyzmq", "protobuf"),
    profiled=None,
    notes="""Resident memory of the hub's processes (with the safety process), after connecting less before, for each robot; the first
ten robots are not counted. Each robot has the sheet of a simulated base and two reported properties. Robots are bare
DEALERs that speak the hub's protocol on the control lane; a driver of the SDK has one connection to each of three lanes
(the last row, measured as far as one process may open files). Beats are slowed, so that their traffic is not measured.
"Connections there": of those made, at the moment of measuring; on busy cores libzmq's heartbeat closes some and they come
again, and then the figure of that row is not to be trusted.""",
)
