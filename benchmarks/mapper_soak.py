"""`python -m benchmarks.mapper_soak`: two hundred robots on one KubeEdge mapper, by DMI for ten minutes, then by the event bus.

Real hub, mapper and simulated robots, a real mosquitto, and the double of edgecore with edgecore's own limiter. Exit code 1
if a bound is not met. The same rules in injected time are a test: tests/bridges/kubeedge/test_pacing.py.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

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
# Reports of a mapper that has just started are over by then.
SETTLE_S: Final = 5.0
WRITERS: Final = 16
TOKEN: Final = "of-the-soak-alone"


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


class Edge(Protocol):
    """An edgecore above which we are the cloud: the double, or the real one of the test bed."""

    namespace: str
    node: str
    path: Path

    def apply(self, manifest: dict[str, Any]) -> None:
        """Create a DeviceModel or a Device."""

    def patch_desired(self, name: str, prop: str, value: str) -> None:
        """One desired value."""

    def reported(self, name: str, prop: str) -> tuple[str, str]:
        """Observed desired and reported text, as the cloud has them."""

    def faults(self) -> dict[str, int]:
        """What it refused or dropped, as far as it tells."""

    def close(self) -> None:
        """End."""


class DoubleEdge(EdgecoreDouble):
    """The double, its event bus on a broker's port."""

    namespace, node = "default", ""

    def __init__(self, folder: Path, broker: int) -> None:
        """Serve."""
        super().__init__(folder / "dmi.sock")
        self.start()
        self._bus = BusFace(self, broker) if broker else None

    def faults(self) -> dict[str, int]:
        """Of the charset, and panics."""
        return {each: self.counters[each] for each in ("limited", "charset", "panics")}

    def close(self) -> None:
        """End."""
        if self._bus is not None:
            self._bus.close()
        self.stop()


class Site:
    """Hub and robots, and an edge."""

    def __init__(
        self, folder: Path, children: Children, options: argparse.Namespace, edge: Callable[[Path, int], Edge]
    ) -> None:
        """Start them, and make a Device of each robot."""
        self.folder, self.children = folder, children
        robots, rate_hz = options.robots, options.rate_hz
        self.broker = self._broker()
        self.url = start_hub(Bench({}, folder, children))
        fleet = [f"--count={robots}", f"--rate-hz={rate_hz:g}", f"--hub={self.url}"]
        children.program("fleet", [sys.executable, "-m", "robolink_sims.fleet", *fleet])
        self.hub: Hub = robolink.connect(
            self.url, name="cloud", roles=[v1.ROLE_OBSERVE, v1.ROLE_SAFETY], timeout_s=60
        )
        until(lambda: sum(each.online for each in self.hub.robots()) == robots, START_S, "the fleet", 1.0)
        self.robots = sorted(each.robot for each in self.hub.robots())
        self.edge = edge(folder, self.broker)
        found, namespace = self.hub.robot(self.robots[0]).describe(), self.edge.namespace
        self.edge.apply(manifests.device_model(found.sheet, found.sheet_hash, namespace))
        for robot in self.robots:
            self.edge.apply(
                manifests.device(
                    robot, found.sheet, found.sheet_hash, namespace=namespace, node=self.edge.node
                )
            )

    def _broker(self) -> int:
        found = mosquitto()
        if found is None:
            return 0
        port = free_ports(1)
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self.children.program("broker", [found, "-c", str(config)])
        return port

    def mapper(self, extra: str = "") -> None:
        """Start one, with a REST for its counters."""
        config, token = self.folder / "mapper.yaml", self.folder / "token"
        token.write_text(TOKEN)
        self.rest = free_ports(1)
        config.write_text(
            f"grpc_server: {{socket_path: {self.folder}/mapper.sock}}\n"
            f"common: {{edgecore_sock: {self.edge.path}, http_port: {self.rest}}}\nhub: {{url: '{self.url}'}}\n"
            f"rest: {{token_file: {token}}}\n{extra}"
        )
        command = [sys.executable, "-m", "robolink.cli", "kubeedge", "mapper", "--config", str(config)]
        self.children.program("mapper", command)

    def generation(self, robot: str) -> str:
        """What the cloud knows of a robot's stops; "" before it knows anything."""
        return self.edge.reported(robot, "stop-generation")[1]

    def counters(self) -> dict[str, int]:
        """The mapper's."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rest}/api/v1/counters", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, int] = json.load(answer)["Data"]
        return found

    def close(self) -> None:
        """End what is in this process."""
        self.edge.close()
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
        site.edge.patch_desired(robot, "stop", LEVEL)
        took.append(until(lambda: site.generation(robot) != before, 60, f"the stop of {robot}"))  # noqa: B023 -- awaited here
        heard = sum(bool(site.generation(each)) for each in site.robots)
        say(
            f"stop out in {took[-1]:.3f} s; {site.counters().get('calls', 0)} calls, {heard} robots known to the cloud"
        )
    counters, faults = site.counters(), site.edge.faults()
    refused, worst = counters.get("limited", 0) + faults.pop("limited", 0), max(took, default=float("inf"))
    count = f"{len(took)} stops, median {statistics.median(took or [0]):.3f} s, worst {worst:.3f} s"
    return [
        Verdict(f"DMI, {minutes:g} minutes: calls refused by the limiter", "0", f"{refused} of {counters.get('calls', 0)}",
                not refused),
        Verdict("DMI: values outside the charset, panics", "0", str(sum(faults.values())), not sum(faults.values())),
        Verdict("DMI: status of one stop is out", f"≤ {ONE_STOP_S:g} s", count, worst <= ONE_STOP_S),
    ]  # fmt: skip


class Seen:
    """Who says on the event bus that it is stopped: an app of the site beside edgecore, by the same broker."""

    def __init__(self, port: int, known: dict[str, str]) -> None:
        """Listen from now on; `known` is each robot's last stop."""
        self._waits, self._known, self.out = threading.Event(), known, 0.0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("$hw/events/device/+/+/twin/update", 1)
        self._client.loop_start()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        robot = message.topic.split("/")[4]
        twin = json.loads(message.payload).get("twin", {}).get("stop-generation")
        if twin and twin["actual"]["value"] != self._known.get(robot):
            self._known.pop(robot, None)
            if not self._known:
                self.out = time.perf_counter()
                self._waits.set()

    def wait(self, timeout_s: float) -> float:
        """When the last one was published."""
        if not self._waits.wait(timeout_s):
            raise RuntimeError(f"{len(self._known)} stops were not published within {timeout_s:g} s")
        return self.out

    def close(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()


def by_bus(site: Site, say: Callable[[str], None]) -> list[Verdict]:
    """All robots stopped at once, their status by MQTT."""
    if not site.broker:
        return [Verdict("MQTT", "a broker", "mosquitto is not installed", False)]
    mapper = site.children.child("mapper")
    mapper.terminate()
    mapper.wait(20)
    for robot in site.robots:
        site.edge.patch_desired(robot, "stop", "")
    site.hub.release(site.robots)
    site.mapper(f"event_bus: {{url: 'mqtt://127.0.0.1:{site.broker}'}}\n")
    until(lambda: all(map(site.generation, site.robots)), START_S, "all robots in the cloud", 0.5)
    time.sleep(SETTLE_S)
    say("all robots known to the cloud by MQTT")
    verdicts = []
    for way, bound, stop in (
        # At the site: hub and mapper alone are judged. From the cloud it is also KubeEdge's way down, told without a bound.
        ("at the site", ALL_STOPS_S, lambda: site.hub.stop(site.robots, v1.STOP_LEVEL_SOFT_HOLD)),
        ("by patches in the cloud", None, lambda: patch_all(site)),
    ):
        before = {each: site.generation(each) for each in site.robots}
        seen = Seen(site.broker, dict(before))
        try:
            begun = time.perf_counter()
            stop()
            told = time.perf_counter() - begun
            out = seen.wait(120) - begun
            until(
                lambda old=before: all(site.generation(each) != old[each] for each in old), 120, "the stops"
            )  # type: ignore[misc]
            cloud = time.perf_counter() - begun
        finally:
            seen.close()
        found = f"{out:.3f} s ({told:.3f} s until all were told); {cloud:.3f} s in the cloud's status"
        what = f"MQTT: a stop of all {len(site.robots)} {way}: each is out on the event bus"
        verdicts.append(
            Verdict(what, f"≤ {bound:g} s" if bound else "no bound", found, not bound or out <= bound)
        )
        site.hub.release(site.robots)
        time.sleep(SETTLE_S)
    return verdicts


def patch_all(site: Site) -> None:
    """A cloud app that stops many robots patches side by side."""
    with futures.ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda robot: site.edge.patch_desired(robot, "stop", LEVEL), site.robots))


def run(
    folder: Path,
    children: Children,
    options: argparse.Namespace,
    edge: Callable[[Path, int], Edge],
    say: Callable[[str], None],
) -> int:
    """Both ways, on this edge; the exit code."""
    site = Site(folder, children, options, edge)
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


def main(
    arguments: Sequence[str] | None = None, edge: Callable[[Path, int], Edge] = DoubleEdge, program: str = ""
) -> int:
    """Run both; the exit code."""
    name = program or "benchmarks.mapper_soak"
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=__doc__)
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
        return run(Path(folder), children, options, edge, say)


if __name__ == "__main__":
    sys.exit(main())
