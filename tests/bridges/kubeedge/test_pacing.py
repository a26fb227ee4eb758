"""Two hundred robots on one mapper for ten minutes of injected time, below edgecore's limiter as it counts by itself.

`make mappersoak` is the same with real processes, a real mosquitto, and the clock on the wall.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from robolink import v1
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.limiter import Limiter, TokenBucket
from robolink_kubeedge.pacing import due
from robolink_kubeedge.reports import Priority, ReportQueue, StateReport, TwinReport, TwinText
from tests.bridges.kubeedge.test_devices import description, device, state

ROBOTS = [f"base-{number}" for number in range(200)]
STEP_S = 0.1
MINUTES = 10
STOP_WITHIN_S = 2.0


class Site:
    """The mapper's rules above, edgecore's limiter below; a call takes a while to get there, now more, now less."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.queue = ReportQueue()
        self.table = DeviceTable(self.queue)
        self.limiter = Limiter()
        self.edgecore = TokenBucket()
        self.now = 0.0
        self.refused = self.sent = 0
        # When a stop came, by device; how long each took.
        self.stops: dict[str, float] = {}
        self.took: list[float] = []
        # Reports of twins by device: the cloud sees the second.
        self.heard: Counter[str] = Counter()
        for robot in ROBOTS:
            made = description()
            made.robot = robot
            self.table.put(device(robot), 0.0)
            self.table.described(made, 0.0)
        self.infos(0)
        for robot in ROBOTS:
            self.table.twin_changed(v1.Twin(robot=robot), 0.0, whole=True)
        # As in the mapper: a registration goes first.
        self.call(1.0)

    def infos(self, generation: int, *robots: str) -> None:
        infos = [v1.RobotInfo(robot=each, online=True, sheet_hash="h1") for each in robots or ROBOTS]
        for each in infos:
            each.authority.stop.generation = generation
        self.table.robot_infos(infos, self.now, whole=not robots)

    def call(self, slowest_s: float = 0.3) -> None:
        self.limiter.take(self.now)
        self.sent += 1
        self.refused += not self.edgecore.take(self.now + self.random.uniform(0.001, slowest_s))

    def stop(self, robot: str, generation: int) -> None:
        text = ("SOFT_HOLD", "CUT")[generation % 2]
        twin = state("stop", desired=text, version=generation, observed=generation, reported=text)
        self.table.twin_changed(v1.Twin(robot=robot, properties=[twin]), self.now)
        self.infos(generation, robot)
        self.stops[robot] = self.now

    def step(self) -> None:
        self.now += STEP_S
        while (report := due(self.queue, self.limiter, self.now)) is not None:
            self.call()
            self.queue.sent(report, self.now)
            if isinstance(report, TwinReport):
                self.heard[report.device[1]] += 1
            if isinstance(report, TwinReport) and report.device[1] in self.stops:
                if {"stop", "stop-generation"} & {each.name for each in report.twins}:
                    self.took.append(self.now - self.stops.pop(report.device[1]))


@pytest.mark.parametrize("seed", [1])
def test_reports_of_200_robots_stay_inside_the_limiter_and_a_stop_is_out_at_once(seed: int) -> None:
    site = Site(seed)
    steps = round(MINUTES * 60 / STEP_S)
    for number in range(1, steps + 1):
        # Readings of each robot change every few seconds: far more than the limiter lets through.
        for robot in site.random.sample(ROBOTS, 4):
            value = site.random.uniform(0, 100)
            changed = state("base.distance", reported=value)
            site.table.twin_changed(v1.Twin(robot=robot, properties=[changed]), site.now)
        if number == 100:
            seen = sum(count >= 2 for count in site.heard.values())
            assert seen >= 20, "robots come one by one: the first report of each property is lost"
        if number % 150 == 0:
            site.stop(site.random.choice(ROBOTS), number // 150)
        if number % 600 == 0:
            site.call()  # The resync.
        site.step()
    assert site.refused == 0
    assert site.sent <= 100 + MINUTES * 60 + 1
    assert site.sent >= MINUTES * 60, "and the allowance is used"
    assert len(site.heard) == len(ROBOTS), "nobody is forgotten"
    assert min(site.heard.values()) >= 2, "and the cloud sees each of them"
    assert len(site.took) >= 35
    assert not site.stops
    assert max(site.took) <= STOP_WITHIN_S


def test_in_a_storm_of_verdicts_a_stop_still_goes_first() -> None:
    site = Site(3)
    for _ in range(3000):
        site.step()
    for robot in ROBOTS:
        twin = state("cmd-status", reported="a1:SUCCEEDED")
        site.table.twin_changed(v1.Twin(robot=robot, properties=[twin]), site.now)
    for _ in range(50):
        site.step()
    site.stop(ROBOTS[-1], 1)
    while site.stops:
        site.step()
    assert max(site.took) <= STOP_WITHIN_S
    assert site.refused == 0


def test_beside_busy_robots_an_idle_one_is_still_said_again() -> None:
    queue, limiter, refresh_s = ReportQueue(refresh_s=120.0), Limiter(), 120.0
    idle, busy = ("default", "idle"), [("default", f"busy-{number}") for number in range(8)]
    heard: dict[type, list[float]] = {TwinReport: [], StateReport: []}
    changes: list[float] = []
    for key in (idle, *busy):
        queue.put_state(key, "ok", 0.0)
    queue.put(idle, TwinText("cmd-status", "", "a1:SUCCEEDED"), Priority.COMMAND, 0.0)
    for step in range(1, 9000):
        now = step * STEP_S
        for key in busy:
            queue.put(key, TwinText("distance", "", str(step)), Priority.CHANGE, now)
        while (report := due(queue, limiter, now)) is not None:
            limiter.take(now)
            queue.sent(report, now)
            if report.device == idle:
                heard[type(report)].append(now)
            elif isinstance(report, TwinReport):
                changes.append(now)
    for times in heard.values():
        assert len(times) >= 4, "lost once behind edgecore, it would be lost for ever"
        assert max(b - a for a, b in itertools.pairwise(times)) <= 2 * refresh_s + 30.0
    assert len(changes) >= 800, "and changes go on"
