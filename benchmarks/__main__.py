"""`python -m benchmarks`: runs scenarios, keeps their data, writes RESULTS.md. Ctrl-C ends every process and writes nothing more."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import render, report, soak
from benchmarks.processes import ended_by_signals
from benchmarks.profiling import Spy
from benchmarks.scenario import Scenario, sizes_of
from benchmarks.scenarios import ALL

OTHERS = {soak.NAME: (soak.TITLE, soak.render)}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def change(text: str) -> tuple[str, float]:
    """NAME=NUMBER."""
    name, _, number = text.partition("=")
    return name, float(number)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help=f"comma-separated, of: {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, help="of all paths (default: the scenario's own)")
    parser.add_argument("--paths", default="", help="comma-separated paths; nothing is written")
    parser.add_argument(
        "--quick", action="store_true", help="few calls: shows that it works; nothing is written"
    )
    parser.add_argument(
        "--set", type=change, action="append", default=[], metavar="SIZE=N", help="see --list"
    )
    parser.add_argument("--no-profile", action="store_true", help="no extra run where a goal is not met")
    parser.add_argument(
        "--no-write", action="store_true", help="leave results.json and RESULTS.md as they are"
    )
    parser.add_argument("--json", action="store_true", help="print the data of every round")
    parser.add_argument("--list", action="store_true", help="scenarios with their paths and sizes")
    parser.add_argument(
        "--render", action="store_true", help="write RESULTS.md anew from results.json, no more"
    )
    options = parser.parse_args(arguments)
    options.names = [name for name in options.only.split(",") if name] or list(ALL)
    if unknown := [name for name in options.names if name not in ALL]:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(ALL)}")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.paths = tuple(name for name in options.paths.split(",") if name)
    options.write = not (options.no_write or options.quick or options.paths)
    return options


def command_of(scenario: Scenario, options: argparse.Namespace) -> str:
    """What to type to make this section again."""
    words = ["python", "-m", "benchmarks", "--only", scenario.name]
    words += ["--rounds", str(options.rounds)] if options.rounds else []
    for name, value in options.set:
        words += ["--set", f"{name}={value:g}"] if name in scenario.sizes or name == "timeout_s" else []
    return " ".join(words)


def profiled(scenario: Scenario, sizes: dict[str, float]) -> dict[str, Any] | None:
    """One more run of the path that missed its goal, looked at by py-spy; its figures are thrown away."""
    if scenario.explain is not None:
        return scenario.explain()
    if scenario.profiled is None:
        return None
    path, child = scenario.profiled
    say(f"{scenario.name}: a goal is not met; one more run of {scenario.peers[path]} under py-spy")
    with tempfile.TemporaryDirectory(prefix="robolink-spy-") as folder:
        spy = Spy(child, Path(folder))
        scenario.once(path, sizes, spy)
        return {"of": f'the {child} in "{scenario.peers[path]}"', "top": spy.top(), "error": spy.error}


def run(scenario: Scenario, options: argparse.Namespace) -> dict[str, Any]:
    """One scenario's data."""
    sizes = sizes_of(scenario, quick=options.quick, changes=dict(options.set))
    data: dict[str, Any] = {
        "facts": report.facts(command_of(scenario, options), scenario.packages),
        "sizes": sizes,
    }
    rounds = options.rounds or (1 if options.quick else scenario.rounds)
    data["rounds"] = scenario.run(rounds, sizes, paths=options.paths, progress=say)
    data["left_out"] = scenario.left_out()
    missed = not all(each.met for each in render.judge(scenario, data["rounds"]))
    if missed and not options.no_profile:
        data["profile"] = profiled(scenario, sizes)
    return data


def write() -> None:
    """RESULTS.md from what is kept."""
    render.RESULTS.write_text(render.document(ALL, report.load(), OTHERS), "utf-8")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.list:
        for scenario in ALL.values():
            sizes = " ".join(f"{name}={value:g}" for name, value in scenario.sizes.items())
            print(f"{scenario.name}: {scenario.title}\n  paths {' '.join(scenario.peers)}\n  sizes {sizes}")
        return 0
    if options.render:
        write()
        return 0
    failed = []
    try:
        with ended_by_signals():
            for name in options.names:
                try:
                    data = run(ALL[name], options)
                except RuntimeError as exc:
                    say(f"{name} failed: {exc}")
                    failed.append(name)
                    continue
                if options.write:
                    report.keep(name, data)
                    write()
                print(json.dumps(data, indent=1) if options.json else render.section(ALL[name], data))
    except KeyboardInterrupt:
        say("ended early; what was running is not written")
        return 130
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
