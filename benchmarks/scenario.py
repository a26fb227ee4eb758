"""What a scenario is: peers measured in one paired run, what is told of each, and the goals that the data must meet.

It knows no transport and prints nothing but progress.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Children, scratch, wait_until
from benchmarks.profiling import Spy

SETTLE_S: Final = 0.5

Figures = dict[str, float]
Round = dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Bench:
    """What one measurement may use.

    Attributes:
        sizes: How much of each; the scenario's, as changed on the command line.
        folder: Logs, stores and configurations; gone afterwards.
        children: Processes, ended after the measurement.
    """

    sizes: Mapping[str, float]
    folder: Path
    children: Children

    def size(self, name: str) -> int:
        """A whole number of something."""
        return int(self.sizes[name])

    def arguments(self, *names: str) -> list[str]:
        """Sizes as options of a child."""
        return [f"--{name.replace('_', '-')}={self.size(name)}" for name in names]

    @property
    def timeout_s(self) -> float:
        """For one child's result."""
        return float(self.sizes.get("timeout_s", 300.0))


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a path.

    Attributes:
        key: In `Figures`.
        label: With its unit; may name sizes as {name}.
        digits: After the point.
        compared: Whether its ratio to the bases is told.
    """

    key: str
    label: str
    digits: int = 0
    compared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bound on a path's figure, or on its ratio to another path's figure of the same round.

    Attributes:
        text: What is promised.
        path: Whose figure.
        metric: Which.
        base: To which path it is set in ratio; "" for the figure itself.
        at_least: Lower bound, or None.
        at_most: Upper bound, or None.
        unit: Of the figure, for people; a ratio has none.
    """

    text: str
    path: str
    metric: str
    base: str = ""
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One section of RESULTS.md.

    Attributes:
        name: On the command line.
        title: Of the section.
        peers: Path to label; the first one is measured first in each even round, last in each odd one.
        bases: Paths that the others are set in ratio to, with the short name of each.
        tables: Heading of the first column, and the figures beside it.
        measure: One path in one round, with fresh processes.
        sizes: Full run. `quick`: what of it is smaller in a quick one.
        packages: Whose versions belong to the figures.
        notes: What was measured, in Markdown; may name sizes as {name}.
        profiled: Path that is profiled, and the name of its child, where a goal is not met.
        explain: In place of `profiled`: tells by itself where the time goes.
        needs: For each path that not every machine can measure: what is missing here, "" if nothing is.
    """

    name: str
    title: str
    peers: Mapping[str, str]
    bases: Mapping[str, str]
    tables: tuple[tuple[str, tuple[Metric, ...]], ...]
    measure: Callable[[Bench, str], Figures]
    sizes: Mapping[str, float]
    quick: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 5
    goals: tuple[Goal, ...] = ()
    packages: tuple[str, ...] = ("pyzmq", "protobuf")
    notes: str = ""
    profiled: tuple[str, str] | None = None
    explain: Callable[[], dict[str, Any]] | None = None
    needs: Mapping[str, Callable[[], str]] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Of all tables."""
        return tuple(metric for _, metrics in self.tables for metric in metrics)

    def left_out(self) -> dict[str, str]:
        """Paths that cannot be measured here, and why."""
        return {path: missing for path, ask in self.needs.items() if (missing := ask())}

    def run(
        self,
        rounds: int,
        sizes: Mapping[str, float],
        *,
        paths: tuple[str, ...] = (),
        progress: Callable[[str], None] = print,
    ) -> list[Round]:
        """All rounds, each path once in each, in the order A B … B A; one row of figures per path and round."""
        missing, words = self.left_out(), named(sizes)
        names = [name for name in self.peers if (not paths or name in paths) and name not in missing]
        found: list[Round] = []
        for number in range(rounds):
            row: Round = {}
            for name in names if number % 2 == 0 else reversed(names):
                wait_until(time.monotonic() + SETTLE_S)
                row[name] = self.once(name, sizes)
                told = ", ".join(
                    f"{metric.label.format(**words)} {row[name][metric.key]:,.{metric.digits}f}"
                    for metric in self.metrics
                    if metric.key in row[name]
                )
                progress(f"{self.name} {number + 1}/{rounds} {self.peers[name].format(**words)}: {told}")
            found.append({name: row[name] for name in names})
        return found

    def once(self, path: str, sizes: Mapping[str, float], spy: Spy | None = None) -> Figures:
        """One path, its processes fresh and ended afterwards."""
        with (
            scratch("robolink-bench-") as folder,
            Children(folder, spy) as children,
        ):
            return self.measure(Bench(sizes, folder, children), path)


def named(sizes: Mapping[str, float]) -> dict[str, str]:
    """Sizes as labels and notes spell them."""
    return {name: f"{value:g}" if value < 1e6 else f"{value:.0f}" for name, value in sizes.items()}


def sizes_of(scenario: Scenario, *, quick: bool, changes: Mapping[str, float]) -> dict[str, float]:
    """The sizes of this run.

    Raises:
        argparse.ArgumentTypeError: A size is not positive.
    """
    sizes: dict[str, Any] = {**scenario.sizes, **(scenario.quick if quick else {})}
    sizes |= {name: value for name, value in changes.items() if name in sizes or name == "timeout_s"}
    for name, value in sizes.items():
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{name} must be over 0")
    return sizes
