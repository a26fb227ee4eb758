"""RESULTS.md from the kept data: tables, ratios round by round, goals with their verdicts, profiles. It measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.measure import Ratio, ratio
from benchmarks.scenario import Goal, Metric, Round, Scenario, named

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
HEADING: Final = """# Results

Written by `make bench` and `make soak` from `results.json`; not by hand. Each section names the command that replaces it.

A figure is the median over the rounds [lowest-highest]. A ratio is taken in each round between two paths of that round, and
told as the median of those [lowest-highest]. Rounds are interleaved: A B … B A. Everything runs on loopback of one machine,
whose cores all processes share, without encryption; each path has fresh processes in each round.
"""


class Verdict(NamedTuple):
    """A goal beside what was measured."""

    goal: Goal
    found: Ratio | None
    met: bool


def judge(scenario: Scenario, rounds: Sequence[Round]) -> list[Verdict]:
    """Each goal by the median over the rounds; one whose paths were not measured is left out."""
    verdicts = []
    for goal in scenario.goals:
        values = column(rounds, goal.path, goal.metric)
        base = column(rounds, goal.base, goal.metric) if goal.base else [1.0] * len(values)
        if not values or len(base) != len(values):
            continue
        found = None if 0 in base else ratio(values, base)
        met = found is not None and (
            (goal.at_least is None or found.median >= goal.at_least)
            and (goal.at_most is None or found.median <= goal.at_most)
        )
        verdicts.append(Verdict(goal, found, met))
    return verdicts


def column(rounds: Sequence[Round], path: str, key: str) -> list[float]:
    """One figure of one path, round by round; empty unless every round has it."""
    values = [each[path][key] for each in rounds if key in each.get(path, ())]
    return values if len(values) == len(rounds) else []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column left-aligned."""
    lines = [head, ["-", *["-:"] * (len(head) - 1)], *rows]
    return "\n".join("|" + "|".join(line) + "|" for line in lines)


def spread(values: Sequence[float], digits: int) -> str:
    """Median [lowest-highest]."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} [{low:,.{digits}f}-{high:,.{digits}f}]"


def against(values: Sequence[float], base: Sequence[float]) -> str:
    """The ratio, or a dash where there is none."""
    return str(ratio(values, base)) if len(values) == len(base) and values and 0 not in base else "-"


def figures(
    scenario: Scenario,
    rounds: Sequence[Round],
    heading: str,
    metrics: Sequence[Metric],
    words: Mapping[str, str],
) -> str:
    """One table: a row for each path that has any of these figures. `words`: sizes, for labels."""
    head = [heading.format(**words)]
    for metric in metrics:
        head.append(metric.label.format(**words))
        if metric.compared:
            head += [f"/ {short}" for short in scenario.bases.values()]
    rows = []
    for path, label in scenario.peers.items():
        columns = [column(rounds, path, metric.key) for metric in metrics]
        if not any(columns):
            continue
        cells = [label.format(**words)]
        for metric, values in zip(metrics, columns, strict=True):
            cells.append(spread(values, metric.digits) if values else "-")
            for base in scenario.bases if metric.compared else ():
                same = base == path
                cells.append("-" if same else against(values, column(rounds, base, metric.key)))
        rows.append(cells)
    return table(head, rows)


def goals(scenario: Scenario, rounds: Sequence[Round], words: Mapping[str, str]) -> str:
    """A row for each goal with its verdict; "" without goals."""
    rows = []
    for goal, found, met in judge(scenario, rounds):
        what = f"{scenario.peers[goal.path]}: {goal.text}".format(**words)
        if goal.base:
            what += f" / {scenario.peers[goal.base]}"
        bounds = [f"≥ {goal.at_least:g}"] if goal.at_least is not None else []
        bounds += [f"≤ {goal.at_most:g}"] if goal.at_most is not None else []
        unit = f" {goal.unit}" if goal.unit else ""
        rows.append([what, " and ".join(bounds) + unit, str(found or "-"), "met" if met else "**not met**"])
    return table(["goal", "bound", "measured", "verdict"], rows) if rows else ""


def profile(data: Mapping[str, Any]) -> str:
    """The top functions, or why there are none; "" if nobody asked."""
    if data.get("error"):
        return f"No profile: {data['error']}."
    if data.get("unit") == "ms":
        rows = [
            [f"`{each['function']}`", f"{each['self']:.1f}", f"{each['total']:.1f}"] for each in data["top"]
        ]
        told = f"What {data['of']} imports (one extra run that was timed module by module, which slows it):"
        return f"{told}\n\n{table(['module', 'alone, ms', 'with what it imports, ms'], rows)}"
    if data.get("unit") == "us":
        rows = [[each["function"], f"{each['self']:,.0f}", f"{each['total']:.0%}"] for each in data["top"]]
        told = (
            f"Where the time of one call goes: medians over {data['of']}, one at a time, in an extra run whose processes note\n"
            f"the time at the joints of the path; the whole takes {data['whole']:,.0f} us there."
        )
        return f"{told}\n\n{table(['stage', 'us', 'of the whole'], rows)}"
    rows = [[f"`{each['function']}`", f"{each['self']:.1%}", f"{each['total']:.1%}"] for each in data["top"]]
    told = (
        f"Where {data['of']} spends its time (py-spy in an extra run; share of the samples in which a thread held the\n"
        "interpreter, so waiting, disk and socket calls are not in it; imports left out):"
    )
    return f"{told}\n\n{table(['function', 'alone', 'with what it calls'], rows)}"


def origin(facts: Mapping[str, Any]) -> str:
    """The command, when, on what."""
    machine = "; ".join(f"{name} {value}" for name, value in facts["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items())
    return f"`{facts['command']}`, {facts['date']}, commit {facts['commit'] or 'unknown'}.\nMachine: {machine}. {versions}."


def section(scenario: Scenario, data: Mapping[str, Any]) -> str:
    """The text of one scenario, without its heading."""
    rounds: list[Round] = data["rounds"]
    count = f"{len(rounds)} round{'s' if len(rounds) > 1 else ''}."
    words = named(data["sizes"])
    parts = [origin(data["facts"])]
    parts += [figures(scenario, rounds, heading, metrics, words) for heading, metrics in scenario.tables]
    parts += [goals(scenario, rounds, words), f"{count} {scenario.notes.format(**words)}"]
    if data.get("left_out"):
        reasons = "; ".join(f"{scenario.peers[path]} ({why})" for path, why in data["left_out"].items())
        parts.append(f"Left out on this machine: {reasons}.")
    if data.get("profile"):
        parts.append(profile(data["profile"]))
    return "\n\n".join(part for part in parts if part)


def document(
    scenarios: Mapping[str, Scenario],
    data: Mapping[str, Any],
    others: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]],
) -> str:
    """The whole of RESULTS.md.

    Args:
        scenarios: In order.
        data: By name; a scenario that never ran has no section.
        others: Sections that are no scenario: name to title and renderer. They come last.
    """
    text = [HEADING]
    for name, scenario in scenarios.items():
        if name in data:
            text.append(f"## {scenario.title}\n\n{section(scenario, data[name])}\n")
    for name, (title, render) in others.items():
        if name in data:
            text.append(f"## {title}\n\n{render(data[name])}\n")
    return "\n".join(text)
