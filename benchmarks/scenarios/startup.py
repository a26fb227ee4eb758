"""Start-up: imports, the command line's help, and a hub until it answers its first hello, beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import zmq

from benchmarks.ends.thin import hello
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios.common import loopback
from robolink import v1
from robolink.core.envelope import Sender, new_session_id

RECONNECT_MS: Final = 5
IMPORTS: Final = 20


def cli() -> list[str]:
    """The installed command, else its module."""
    script = Path(sys.executable).with_name("robolink")
    return [str(script)] if script.exists() else [sys.executable, "-m", "robolink.cli"]


PROGRAMS: Final = {
    "python": lambda: [sys.executable, "-c", "pass"],
    "libraries": lambda: [sys.executable, "-c", "import zmq, google.protobuf"],
    "import": lambda: [sys.executable, "-c", "import robolink"],
    "help": lambda: [*cli(), "--help"],
}


def hub(bench: Bench, number: int) -> float:
    """From the start of the process to the answer, ms."""
    url, name = loopback(4), f"hub{number}"
    config = bench.folder / f"{name}.toml"
    config.write_text(f'url = "{url}"\n[store]\npath = "{bench.folder / name}-store"\n')
    begun = time.perf_counter()
    child = bench.children.program(name, [sys.executable, "-m", "robolink.hub", "--config", str(config)])
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.connect(url)
        hello(socket, Sender(new_session_id()), v1.Hello(kind=v1.PEER_KIND_CLIENT, name="bench"))
    taken_ms = (time.perf_counter() - begun) * 1000
    child.terminate()
    child.wait(bench.timeout_s)
    return taken_ms


def program(bench: Bench, command: list[str]) -> float:
    """From start to end, ms."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=bench.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begun) * 1000


def measure(bench: Bench, path: str) -> Figures:
    taken = []
    for number in range(bench.size("runs") + 1):
        taken.append(hub(bench, number) if path == "hub" else program(bench, PROGRAMS[path]()))
    taken = taken[1:]  # The first one reads the files from disk.
    return {"ms": statistics.median(taken), "max_ms": max(taken)}


def explain() -> dict[str, Any]:
    """What the help's start imports, by the interpreter's own account: ms by itself, ms with what it imports."""
    command = [sys.executable, "-X", "importtime", "-m", "robolink.cli", "--help"]
    told = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stderr
    found = []
    for line in told.splitlines():
        alone, total, name = (each.strip() for each in line.removeprefix("import time:").split("|"))
        if alone.isdigit():
            found.append({"function": name, "self": int(alone) / 1000, "total": int(total) / 1000})
    top = sorted(found, key=lambda each: -float(each["total"]))[:IMPORTS]
    return {"of": "`robolink --help`", "top": top, "error": "", "unit": "ms"}


SCENARIO: Final = Scenario(
    name="startup",
    title="Start-up",
    peers={
        "python": "`python -c pass`",
        "libraries": "`import zmq, google.protobuf`",
        "import": "`import robolink`",
        "help": "`robolink --help`",
        "hub": "hub, until the first hello is answered",
    },
    bases={"python": "python", "libraries": "libraries"},
    tables=(("whole process", (Metric("ms", "ms"), Metric("max_ms", "slowest, ms", compared=False))),),
    measure=measure,
    sizes={"runs": 7},
    quick={"runs": 2},
    goals=(
        Goal(text="import", path="import", metric="ms", at_most=150.0, unit="ms"),
        Goal(text="help", path="help", metric="ms", at_most=300.0, unit="ms"),
    ),
    explain=explain,
    notes="""A round's figure is the median of {runs} runs, after one that is not counted (files come from the cache). All times contain
the interpreter's own start; the hub's also that of its safety process.""",
)
