"""`python -m benchmarks.soak`: a fleet on one hub for a while; memory must stay flat, and samples and twins must not age.

It ends every process on Ctrl-C. A run that was cut short is not written.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import report
from benchmarks.processes import Children, ended_by_signals
from benchmarks.render import origin, table
from benchmarks.scenario import Bench
from benchmarks.scenarios.common import start_hub
from benchmarks.scenarios.memory import rss_kb

NAME: Final = "soak"
TITLE: Final = "Soak"
FIRST_S: Final = 240.0
MARGIN_S: Final = 60.0
AGES: Final = ("telemetry", "twin")


class Verdict(NamedTuple):
    """One bound beside what was measured."""

    what: str
    bound: str
    found: str
    met: bool


def cpu_s(pid: int) -> float:
    """User and system time of a process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def soak(options: argparse.Namespace, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All samples.

    Raises:
        RuntimeError: A process ended early, or said nothing.
    """
    with (
        tempfile.TemporaryDirectory(prefix="robolink-soak-") as folder,
        Children(Path(folder)) as children,
    ):
        url = start_hub(Bench({}, Path(folder), children))
        pid = children.child("hub").pid
        fleet = [f"--count={options.robots}", f"--rate-hz={options.rate_hz:g}", f"--hub={url}"]
        children.program("fleet", [sys.executable, "-m", "robolink_sims.fleet", *fleet])
        probe = [f"--url={url}", f"--count={options.robots}", f"--driving={options.driving}"]
        children.start("probe", "ends.soak_probe", [*probe, f"--period-s={options.sample_s}"], wait=False)
        samples: list[dict[str, Any]] = []
        busy_s, at = cpu_s(pid), time.monotonic()
        begun = 0.0
        while not begun or time.monotonic() - begun < options.minutes * 60:
            sample = children.said("probe", MARGIN_S + options.sample_s if begun else FIRST_S)
            if children.child("fleet").poll() is not None:
                raise RuntimeError(f"the fleet has ended\n{children.logs()}")
            now, before = time.monotonic(), busy_s
            begun = begun or now - options.sample_s
            busy_s, cores = cpu_s(pid), now - at
            at = now
            sample |= {"t_s": now - begun, "rss_kb": rss_kb(pid), "hub_cpu": (busy_s - before) / cores}
            samples.append(sample)
            say(told(sample))
        return samples


def told(sample: Mapping[str, Any]) -> str:
    """One sample, for a person."""
    ages = ", ".join(
        f"{name} p50 {sample[name]['p50_ms']:.1f} p99 {sample[name]['p99_ms']:.1f} ms"
        for name in AGES
        if sample[name]["count"]
    )
    return f"soak {sample['t_s']:.0f} s: hub {sample['rss_kb'] / 1024:.1f} MB, cpu {sample['hub_cpu']:.0%}; {ages}"


# Judging.


def slope_kb_min(samples: Sequence[Mapping[str, Any]]) -> float:
    """Least squares through the hub's memory."""
    return statistics.linear_regression(
        [each["t_s"] / 60 for each in samples], [each["rss_kb"] for each in samples]
    ).slope


def judge(data: Mapping[str, Any]) -> list[Verdict]:
    """Memory after the warm-up, then the ages of the second half beside those of the first."""
    options, samples = data["options"], data["samples"]
    warm = [each for each in samples if each["t_s"] > options["warmup_s"]]
    verdicts = []
    if len(warm) >= 2:
        slope, bound = slope_kb_min(warm), options["max_slope_kb_min"]
        what = f"hub's memory after {options['warmup_s']:g} s"
        verdicts.append(Verdict(what, f"≤ {bound:g} kB/min", f"{slope:+.1f} kB/min", slope <= bound))
    half = len(warm) // 2
    for name in AGES:
        for key, bound in (("p50_ms", options["max_p50_growth"]), ("p99_ms", options["max_p99_growth"])):
            first = [each[name][key] for each in warm[:half] if each[name]["count"]]
            second = [each[name][key] for each in warm[half:] if each[name]["count"]]
            what = f"{name} age, {key.partition('_')[0]}, second half / first half"
            if not first or not second:
                verdicts.append(Verdict(what, f"≤ {bound:g}", "nothing came", False))
                continue
            before, after = statistics.median(first), statistics.median(second)
            found = f"{after / before:.2f} ({before:.1f} → {after:.1f} ms)"
            verdicts.append(Verdict(what, f"≤ {bound:g}", found, after <= before * bound))
    return verdicts


def counted(samples: Sequence[Mapping[str, Any]]) -> str:
    """What was refused, dropped or lost, at the end."""
    parts = [f"telemetry lost on the way {sum(each['lost'] for each in samples)}"]
    parts += [
        f"{side} {name} {value}" for side in ("hub", "client") for name, value in samples[-1][side].items()
    ]
    return ", ".join(parts)


def render(data: Mapping[str, Any]) -> str:
    """The section of RESULTS.md, without its heading."""
    options, samples = data["options"], data["samples"]
    rows = []
    shown = max(1, len(samples) // 12)
    for each in samples[shown - 1 :: shown]:
        ages = [
            f"{each[name][key]:.1f}" if each[name]["count"] else "-"
            for name in AGES
            for key in ("p50_ms", "p99_ms")
        ]
        rows.append([f"{each['t_s']:.0f}", f"{each['rss_kb'] / 1024:.1f}", f"{each['hub_cpu']:.0%}", *ages])
    head = ["s", "hub MB", "hub CPU", "telemetry p50 ms", "p99 ms", "twin p50 ms", "p99 ms"]
    verdicts = [[*each[:3], "met" if each.met else "**not met**"] for each in judge(data)]
    notes = f"""{options["robots"]} simulated robots in one process, telemetry at {options["rate_hz"]:g} Hz each, twins kept for all; {options["driving"]} of them are
driven, so that their readings change, and the ages are theirs: from measuring to arrival at one app. Hub MB: both of its
processes, resident; CPU: its main process, of one core. A sample each {options["sample_s"]:g} s, {len(samples)} in all; the ages judged are medians
of the samples' own percentiles. Counted: {counted(samples)}."""
    verdict = table(["bound on", "bound", "measured", "verdict"], verdicts)
    return "\n\n".join((origin(data["facts"]), table(head, rows), verdict, notes))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--robots", type=int, default=1000)
    parser.add_argument("--rate-hz", type=float, default=10.0, help="telemetry of each")
    parser.add_argument("--driving", type=int, default=50, help="of them, driven and looked at")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sample-s", type=float, default=10.0)
    parser.add_argument("--warmup-s", type=float, default=120.0, help="not judged")
    parser.add_argument("--max-slope-kb-min", type=float, default=100.0, help="bound on the hub's memory")
    parser.add_argument("--max-p50-growth", type=float, default=1.25, help="second half / first half")
    parser.add_argument("--max-p99-growth", type=float, default=1.5, help="second half / first half")
    parser.add_argument(
        "--no-write", action="store_true", help="leave results.json and RESULTS.md as they are"
    )
    options = parser.parse_args(arguments)
    if min(options.robots, options.driving, options.rate_hz, options.minutes, options.sample_s) <= 0:
        parser.error("robots, driving, rate, minutes and sample must be over 0")
    return options


def command_of(options: argparse.Namespace) -> str:
    """What to type to make this section again."""
    words = ["python", "-m", "benchmarks.soak"]
    default = vars(parse([]))
    for name, value in vars(options).items():
        if value != default[name] and name != "no_write":
            words += [f"--{name.replace('_', '-')}", f"{value:g}"]
    return " ".join(words)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    facts = report.facts(command_of(options), ("pyzmq", "protobuf"))
    try:
        with ended_by_signals():
            samples = soak(options, lambda text: print(text, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        print("ended early; nothing was written", file=sys.stderr)
        return 130
    except RuntimeError as exc:
        print(exc, file=sys.stderr)
        return 1
    kept = {name: value for name, value in vars(options).items() if name != "no_write"}
    data = {"facts": facts, "options": kept, "samples": samples}
    if not options.no_write:
        from benchmarks.__main__ import write  # It knows all sections, this one too.

        report.keep(NAME, data)
        write()
    print(render(data))
    return 0 if all(each.met for each in judge(data)) else 2


if __name__ == "__main__":
    raise SystemExit(main())
