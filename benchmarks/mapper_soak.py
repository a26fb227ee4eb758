"""`python -m benchmarks.mapper_soak`: two hundred robots on one KubeEdge mapper, by DMI for ten minutes, then by the event bus.

Real hub, mapper and simulated robots, a real mosquitto, and the double of edgecore with edgecore's own limiter. Exit code 1
if a bound is not met. The same rules in injected time are a test: tests/bridges/kubeedge/test_pacing.py.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import robolink
from benchmarks.processes import Children, ended_by_signals, free_ports, mosquitto
from benchmarks.scenario import Bench
from benchmarks.scenarios.common import start_hub
from robolink import v1
from robolink.client import Hub
from robolink_kubeedge import manifests
from robolink_kubeedge.double import EdgecoreDouble
from robolink_kubeedge.double_faces import BusFace

START_S: Final = 300.0
ONE_STOP_S: Final = 2.0
ALL_STOPS_S: Final = 5.0
STOP_EACH_S: Final = 15.0
LEVEL: Final = "SOFT_HOLD"


class Verdict(NamedTuple):
    """One bound beside what was seen."""

    what: str
    bound: str
    found: str
    met: bool


def until(condition: Callable[[], bool], timeout_s: float, what: str, pause_s: float = 0.01) -> float:
    """Poll; the seconds it took. Raises RuntimeError when it does not come."""
    begun = time.perf_counter()
    while not condition():
        if time.perf_counter() - begun > timeout_s:
            raise RuntimeError(f"{what} did not come within {timeout_s:g} s")
        time.sleep(pause_s)
    return time.perf_counter() - begun


class Site:
    """Hub and robots, and an edgecore above which we are the cloud."""

    def __init__(self, folder: Path, children: Children, robots: int, rate_hz: float) -> None:
        """Start them, and make a Device of each robot."""
        self.folder, self.children = folder, children
        self.url = start_hub(Bench({}, folder, children))
        fleet = [f"--count={robots}", f"--rate-hz={rate_hz:g}", f"--hub={self.url}"]
        children.program("fleet", [sys.executable, "-m", "robolink_sims.fleet", *fleet])
        self.hub: Hub = robolink.connect(
            self.url, name="cloud", roles=[v1.ROLE_OBSERVE, v1.ROLE_SAFETY], timeout_s=60
        )
        until(lambda: sum(each.online for each in self.hub.robots()) == robots, START_S, "the fleet", 1.0)
        self.robots = sorted(each.robot for each in self.hub.robots())
        self.double = EdgecoreDouble(folder / "dmi.sock")
        self.double.start()
        found = self.hub.robot(self.robots[0]).describe()
        self.double.apply(manifests.device_model(found.sheet, found.sheet_hash))
        for robot in self.robots:
            self.double.apply(manifests.device(robot, found.sheet, found.sheet_hash))

    def mapper(self, extra: str = "") -> None:
        """Start one."""
        config = self.folder / "mapper.yaml"
        config.write_text(
            f"grpc_server: {{socket_path: {self.folder}/mapper.sock}}\n"
            f"common: {{edgecore_sock: {self.folder}/dmi.sock}}\nhub: {{url: '{self.url}'}}\n{extra}"
        )
        command = [sys.executable, "-m", "robolink.cli", "kubeedge", "mapper", "--config", str(config)]
        self.children.program("mapper", command)

    def generation(self, robot: str) -> str:
        """What the cloud knows of a robot's stops; "" before it knows anything."""
        return self.double.reported(robot, "stop-generation")[1]

    def close(self) -> None:
        """End what is in this process."""
        self.double.stop()
        self.hub.close()


def by_dmi(site: Site, minutes: float, say: Callable[[str], None]) -> list[Verdict]:
    """Reports below the limiter; now and then one robot is stopped."""
    site.mapper()
    ended, took, stopped = time.monotonic() + minutes * 60, [], set()
    while time.monotonic() < ended:
        time.sleep(min(STOP_EACH_S, max(0.0, ended - time.monotonic())))
        known = [each for each in site.robots if site.generation(each) and each not in stopped]
        if not known:
            continue
        robot = random.choice(known)
        stopped.add(robot)
        before = site.generation(robot)
        site.double.patch_desired(robot, "stop", LEVEL)
        took.append(until(lambda: site.generation(robot) != before, 60, f"the stop of {robot}"))  # noqa: B023 -- awaited here
        calls = site.double.counters["status_reports"] + site.double.counters["state_reports"]
        heard = sum(bool(site.generation(each)) for each in site.robots)
        say(f"stop out in {took[-1]:.3f} s; {calls} calls, {heard} robots known to the cloud")
    counters = site.double.counters
    calls = sum(counters[each] for each in ("status_reports", "state_reports", "registrations"))
    refused, worst = counters["limited"], max(took, default=float("inf"))
    count = f"{len(took)} stops, worst {worst:.3f} s"
    return [
        Verdict(f"DMI, {minutes:g} minutes: calls refused by the limiter", "0", f"{refused} of {calls}", not refused),
        Verdict("DMI: values outside the charset, panics", "0", str(counters["charset"] + counters["panics"]),
                not counters["charset"] + counters["panics"]),
        Verdict("DMI: status of one stop is out", f"≤ {ONE_STOP_S:g} s", count, worst <= ONE_STOP_S),
    ]  # fmt: skip


def by_bus(site: Site, say: Callable[[str], None]) -> list[Verdict]:
    """All robots stopped at once, their status by MQTT."""
    found = mosquitto()
    what = f"MQTT: a stop of all {len(site.robots)} is out"
    if found is None:
        return [Verdict(what, f"≤ {ALL_STOPS_S:g} s", "mosquitto is not installed", False)]
    port = free_ports(1)
    config = site.folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    site.children.program("broker", [found, "-c", str(config)])
    mapper = site.children.child("mapper")
    mapper.terminate()
    mapper.wait(20)
    for robot in site.robots:
        site.double.patch_desired(robot, "stop", "")
    site.hub.release(site.robots)
    bus = BusFace(site.double, port)
    try:
        site.mapper(f"event_bus: {{url: 'mqtt://127.0.0.1:{port}'}}\n")
        until(
            lambda: site.double.counters["bus_reports"] > 2 * len(site.robots), START_S, "the reports by MQTT"
        )
        until(lambda: all(map(site.generation, site.robots)), START_S, "all robots in the cloud")
        say(f"{site.double.counters['bus_reports']} reports by MQTT, all robots known to the cloud")
        before = {each: site.generation(each) for each in site.robots}
        begun = time.perf_counter()
        for robot in site.robots:
            site.double.patch_desired(robot, "stop", LEVEL)
        patched = time.perf_counter() - begun
        until(lambda: all(site.generation(each) != before[each] for each in site.robots), 120, "the stops")
        took = time.perf_counter() - begun
        return [
            Verdict(
                what,
                f"≤ {ALL_STOPS_S:g} s",
                f"{took:.3f} s, {patched:.3f} s of it patching",
                took <= ALL_STOPS_S,
            )
        ]
    finally:
        bus.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapper_soak", description=__doc__)
    parser.add_argument("--robots", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate-hz", type=float, default=1.0, help="samples of each robot")
    options = parser.parse_args(arguments)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {text}", file=sys.stderr, flush=True)

    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="robolink-mapper-") as folder,
        Children(Path(folder)) as children,
    ):
        site = Site(Path(folder), children, options.robots, options.rate_hz)
        try:
            say(f"{options.robots} robots on the hub")
            verdicts = [*by_dmi(site, options.minutes, say), *by_bus(site, say)]
        except RuntimeError as exc:
            print(f"{exc}\n{children.logs()}", file=sys.stderr)
            return 1
        finally:
            site.close()
    for each in verdicts:
        print(f"{'met ' if each.met else 'MISSED'}  {each.what}: {each.bound}; {each.found}")
    return 0 if all(each.met for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
