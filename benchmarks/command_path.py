"""A call's result (client, hub, driver, hub, client) through Robolink, beside bare pyzmq and gRPC Python, in one run.

Each path has fresh processes on loopback in each round; the rounds are interleaved. Figures come from this run alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import report
from benchmarks.measure import ratio
from benchmarks.processes import Children, ended_by_signals, free_ports, wait_until
from benchmarks.robolink_stack import MAX_CALLS

TITLE: Final = "Command path"
SETTLE_S: Final = 0.5
PACKAGES: Final = ("pyzmq", "protobuf", "grpcio")
FULL: Final = {"rounds": 5, "calls": 2000, "warmup": 400, "throughput_calls": 6400}
QUICK: Final = {"rounds": 5, "calls": 300, "warmup": 128, "throughput_calls": 1280}

Round = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """How much of each, and where files go."""

    options: argparse.Namespace
    folder: Path

    @property
    def client(self) -> list[str]:
        """Arguments of every client."""
        names = ("calls", "warmup", "throughput_calls", "outstanding")
        return [f"--{name.replace('_', '-')}={getattr(self.options, name)}" for name in names]


def raw(run: Run, children: Children) -> Round:
    url = f"tcp://127.0.0.1:{free_ports(1)}"
    children.start("hub", "raw_pyzmq", ["hub", "--url", url])
    children.start("driver", "raw_pyzmq", ["driver", "--url", url])
    arguments = ["client", "--url", url, *run.client]
    return children.result("client", "raw_pyzmq", arguments, run.options.timeout_s)


def grpc(run: Run, children: Children) -> Round:
    port = free_ports(2)
    address, behind = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
    workers = f"--workers={run.options.grpc_workers}"
    children.start("driver", "grpc_python", ["driver", "--address", behind, workers])
    children.start("hub", "grpc_python", ["hub", "--address", address, "--driver", behind, workers])
    arguments = ["client", "--address", address, *run.client]
    return children.result("client", "grpc_python", arguments, run.options.timeout_s)


def robolink(run: Run, children: Children) -> Round:
    url = f"tcp://127.0.0.1:{free_ports(4)}"
    with tempfile.TemporaryDirectory(dir=run.folder) as store:
        config = Path(store) / "hub.toml"
        durability = run.options.durability
        config.write_text(f'url = "{url}"\n[store]\npath = "{store}/store"\ndurability = "{durability}"\n')
        children.start(
            "hub", "robolink_stack", ["hub", "--config", str(config), *profile(run, "hub")], wait=False
        )
        children.start("driver", "robolink_stack", ["driver", "--url", url, *profile(run, "driver")])
        arguments = ["client", "--url", url, *run.client, *profile(run, "client")]
        found = children.result("client", "robolink_stack", arguments, run.options.timeout_s)
        children.end()  # Before its store's folder goes.
    return found


def profile(run: Run, role: str) -> list[str]:
    """Arguments that make this child keep a profile, if asked for."""
    folder = run.options.profile
    return [f"--profile={Path(folder).resolve() / role}.prof"] if folder else []


PATHS: Final[dict[str, Callable[[Run, Children], Round]]] = {"raw": raw, "grpc": grpc, "robolink": robolink}
LABELS: Final = {"raw": "raw pyzmq", "grpc": "gRPC Python", "robolink": "Robolink"}


def measure(run: Run) -> dict[str, list[Round]]:
    """All rounds; each begins with another path, so that none always comes first."""
    names = [name for name in PATHS if name in run.options.paths]
    found: dict[str, list[Round]] = {name: [] for name in names}
    for number in range(run.options.rounds):
        for offset in range(len(names)):
            name = names[(number + offset) % len(names)]
            wait_until(time.monotonic() + SETTLE_S)
            with Children(run.folder) as children:
                found[name].append(PATHS[name](run, children))
            latest = found[name][-1]
            print(
                f"round {number + 1}/{run.options.rounds} {LABELS[name]}: p50 {latest['p50_us']:.0f} us, "
                f"p99 {latest['p99_us']:.0f} us, {latest['per_s']:.0f}/s",
                file=sys.stderr,
            )
    return found


# Telling.


def rows(found: dict[str, list[Round]]) -> list[list[str]]:
    """One row per path: medians over rounds with their ranges, and ratios round by round."""
    lines = []
    for name, rounds in found.items():
        cells = [LABELS[name]]
        for key in ("p50_us", "p99_us", "per_s"):
            values = [each[key] for each in rounds]
            cells.append(f"{statistics.median(values):,.0f} [{min(values):,.0f}-{max(values):,.0f}]")
            for base in ("raw", "grpc"):
                cells.append(against(found, name, key, base))
        lines.append(cells)
    return lines


def against(found: dict[str, list[Round]], name: str, key: str, base: str) -> str:
    """The ratio to another path, or a dash."""
    if base not in found or name == base:
        return "-"
    return str(ratio([each[key] for each in found[name]], [each[key] for each in found[base]]))


def tables(found: dict[str, list[Round]], outstanding: int) -> str:
    """Latency and throughput."""
    lines = rows(found)
    one = report.table(
        ["one call at a time", "p50 us", "/ raw", "/ gRPC", "p99 us", "/ raw", "/ gRPC"],
        [line[:7] for line in lines],
    )
    tasks = {
        "raw": f"{LABELS['raw']}, one thread",
        "grpc": f"{LABELS['grpc']}, {outstanding} threads",
        "robolink": f"{LABELS['robolink']}, blocking face, {outstanding} threads",
    }
    many_rows = [[tasks[name], *line[7:]] for name, line in zip(found, lines, strict=True)]
    if "robolink" in found:
        by_tasks = found | {"robolink": [each | {"per_s": each["tasks_per_s"]} for each in found["robolink"]]}
        label = f"{LABELS['robolink']}, asyncio face, {outstanding} tasks"
        many_rows += [[label, *line[7:]] for line in rows(by_tasks) if line[0] == LABELS["robolink"]]
    many = report.table([f"{outstanding} calls outstanding", "results/s", "/ raw", "/ gRPC"], many_rows)
    return f"{one}\n\n{many}"


def counted(found: dict[str, list[Round]]) -> str:
    """What the Robolink hub and client refused, dropped or re-sent, over all rounds."""
    total: dict[str, int] = {}
    for each in found.get("robolink", ()):
        for side, counters in each["counted"].items():
            for name, value in counters.items():
                total[f"{side} {name}"] = total.get(f"{side} {name}", 0) + value
    return ", ".join(f"{name} {value}" for name, value in sorted(total.items())) or "nothing"


def section(facts: dict[str, Any], found: dict[str, list[Round]], options: argparse.Namespace) -> str:
    """The text for RESULTS.md."""
    machine = "; ".join(f"{name} {value}" for name, value in facts["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items())
    return f"""`{facts["command"]}`, {facts["date"]}, commit {facts["commit"] or "unknown"}.
Machine: {machine}. {versions}.

{tables(found, options.outstanding)}

Median over {options.rounds} interleaved rounds [min-max]; a ratio is the median of the rounds' own ratios. In each round each path has
fresh processes (client, hub, driver; Robolink also its safety process) on loopback, without encryption; {options.warmup} calls of warm-up,
{options.calls} timed one at a time, {options.throughput_calls} with {options.outstanding} outstanding.

- Robolink: client SDK, hub with all checks and its journal (durability "{options.durability}"), a driver on the vendor SDK with one
  `@command(motion=False)` that does nothing. Hub and client counted besides: {counted(found)}.
- raw pyzmq: DEALER, ROUTER, DEALER; the hub swaps frames, the ends build and parse a protobuf header. No checks, nothing kept.
- gRPC Python: the hub's handler calls the driver's server; synchronous, {options.grpc_workers} workers a server. No checks, nothing kept.
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few calls: shows that it works, not how fast")
    for name, meaning in {
        "rounds": "of all paths",
        "calls": "timed one at a time, per round",
        "warmup": "calls before each measurement",
        "throughput_calls": "per round, for the throughput",
    }.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"{meaning} (default {FULL[name]})")
    parser.add_argument("--outstanding", type=int, default=64, help="calls under way for the throughput")
    parser.add_argument("--paths", nargs="+", choices=list(PATHS), default=list(PATHS))
    parser.add_argument("--durability", choices=["process", "power"], default="process", help="of the hub")
    parser.add_argument("--grpc-workers", type=int, default=64, help="threads of each gRPC server")
    parser.add_argument("--timeout-s", type=float, default=300.0, help="for one path in one round")
    parser.add_argument("--json", action="store_true", help="print JSON, with every round")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    parser.add_argument(
        "--profile", metavar="DIR", help="cProfile of Robolink's processes; nothing is written"
    )
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    for name in ("rounds", "calls", "warmup", "throughput_calls", "outstanding", "grpc_workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if options.warmup + options.outstanding + max(options.calls, options.throughput_calls) > MAX_CALLS:
        parser.error(
            f"warm-up and calls together may not be over {MAX_CALLS}: a hub keeps no more of a robot"
        )
    return options


def main() -> int:
    options = parse()
    facts: dict[str, Any] = {
        "command": report.command_line("benchmarks.command_path"),
        "date": report.date(),
        "commit": report.commit(),
        "machine": report.machine(),
        "versions": report.versions(*PACKAGES),
    }
    if options.profile:
        Path(options.profile).mkdir(parents=True, exist_ok=True)
    try:
        with ended_by_signals(), tempfile.TemporaryDirectory(prefix="robolink-bench-") as folder:
            found = measure(Run(options, Path(folder)))
    except KeyboardInterrupt:
        print("ended early; nothing was written", file=sys.stderr)
        return 130
    except RuntimeError as exc:
        print(exc, file=sys.stderr)
        return 1
    text = section(facts, found, options)
    print(json.dumps(facts | {"rounds": found}, indent=1) if options.json else text)
    partial = options.quick or options.profile or set(options.paths) != set(PATHS)
    if not options.no_write and not partial:
        report.replace_section(TITLE, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
