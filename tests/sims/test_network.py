"""The faulty network: fates of messages in stepped time, and a real hub's peers that live behind one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

import robolink
from robolink import v1
from robolink.cli.ports import free_ports
from robolink.errors import ConfigError, TransportTimeoutError
from robolink.robot import Driver
from robolink_sims.base import SimBase
from robolink_sims.network import FaultyNetwork
from robolink_sims.network_cli import answer
from robolink_sims.network_faults import FaultProfile, Faults, Link, Way
from tests.conftest import HubProcess, wait_for

UP, DOWN = Link("control", Way.UP, 1), Link("control", Way.DOWN, 1)
FRACTION = st.floats(0.0, 1.0)
TIME = st.floats(0.0, 0.5)
PROFILES = st.builds(
    FaultProfile,
    loss=FRACTION,
    delay_s=TIME,
    jitter_s=TIME,
    duplicate=FRACTION,
    reorder=FRACTION,
    reorder_s=TIME,
)
GAPS = st.lists(st.floats(0.0, 0.2), max_size=40)


def run(faults: Faults[int], link: Link, gaps: list[float]) -> list[tuple[float, int]]:
    """Message n after the n-th gap; when each arrived, all of them in the end."""
    now, arrived = 0.0, []
    for number, gap in enumerate(gaps):
        now += gap
        arrived += [(now, each) for _, each in faults.due(now)]
        faults.submit(link, number, now)
    while (timer := faults.next_timer()) is not None:
        arrived += [(timer, each) for _, each in faults.due(timer)]
    return arrived


@settings(deadline=None, max_examples=50)
@given(st.integers(), PROFILES, GAPS)
def test_same_seed_same_fate(seed: int, profile: FaultProfile, gaps: list[float]) -> None:
    first, again = Faults[int](seed, profile), Faults[int](seed, profile)
    assert run(first, UP, gaps) == run(again, UP, gaps)
    assert first.counters == again.counters


@settings(deadline=None, max_examples=50)
@given(st.integers(), PROFILES, GAPS, st.lists(st.booleans(), max_size=40))
def test_what_other_links_carry_changes_no_fate(
    seed: int, profile: FaultProfile, gaps: list[float], others: list[bool]
) -> None:
    alone, busy = Faults[int](seed, profile), Faults[int](seed, profile)
    now, seen = 0.0, list[int]()
    for number, gap in enumerate(gaps):
        now += gap
        for _ in filter(None, others):
            busy.submit(DOWN, -1, now)
        busy.submit(UP, number, now)
    while (timer := busy.next_timer()) is not None:
        seen += [each for link, each in busy.due(timer) if link == UP]
    assert seen == [each for _, each in run(alone, UP, gaps)]


@settings(deadline=None, max_examples=50)
@given(st.integers(), PROFILES, GAPS)
def test_every_message_is_accounted_for(seed: int, profile: FaultProfile, gaps: list[float]) -> None:
    faults = Faults[int](seed, profile)
    arrived = Counter(each for _, each in run(faults, UP, gaps))
    counts = faults.counters
    assert counts["taken"] == len(gaps)
    assert counts["given"] == arrived.total() == len(gaps) - counts["lost"] + counts["duplicated"]
    assert max(arrived.values(), default=0) <= 2
    assert len(arrived) == len(gaps) - counts["lost"]


@settings(deadline=None, max_examples=50)
@given(st.integers(), TIME, TIME, FRACTION, GAPS)
def test_jitter_and_loss_keep_the_order_and_the_delay(
    seed: int, delay_s: float, jitter_s: float, loss: float, gaps: list[float]
) -> None:
    profile = FaultProfile(loss=loss, delay_s=delay_s, jitter_s=jitter_s)
    arrived = run(Faults[int](seed, profile), UP, gaps)
    numbers = [each for _, each in arrived]
    assert numbers == sorted(numbers)
    begun = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    # One that waits behind a slower one is no later than that one.
    assert all(at >= begun[n] + delay_s - 1e-9 for at, n in arrived)
    assert all(at <= begun[n] + delay_s + jitter_s + 0.2 + 1e-9 for at, n in arrived)


def test_a_reordered_message_is_overtaken() -> None:
    faults = Faults[int](3, FaultProfile(reorder=0.2, reorder_s=0.05))
    order = [each for _, each in run(faults, UP, [0.001] * 200)]
    assert order != sorted(order) and sorted(order) == list(range(200))
    assert 15 < faults.counters["reordered"] < 75


def test_a_partition_takes_what_is_under_way_one_way_or_both() -> None:
    faults = Faults[int](0, FaultProfile(delay_s=0.1))
    faults.submit(UP, 1, 0.0)
    faults.submit(DOWN, 2, 0.0)
    faults.partition(down=False)
    faults.submit(UP, 3, 0.0)
    assert faults.due(0.1) == [(DOWN, 2)]
    assert faults.counters["partitioned"] == 2
    faults.heal()
    faults.submit(UP, 4, 0.2)
    assert faults.due(1.0) == [(UP, 4)]
    faults.partition(lanes=["safety"])
    faults.submit(UP, 5, 1.0)
    assert faults.due(2.0) == [(UP, 5)], "another lane is cut"
    with pytest.raises(ConfigError, match="bulk"):
        faults.partition(lanes=["bulk"])


def test_the_box_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robolink_sims.network_faults.MAX_UNDER_WAY", 3)
    faults = Faults[int](0, FaultProfile(delay_s=1.0))
    for number in range(5):
        faults.submit(UP, number, 0.0)
    assert faults.counters["overflow"] == 2
    assert [each for _, each in faults.due(1.0)] == [0, 1, 2]


@pytest.mark.parametrize(
    "wrong", [{"loss": 1.1}, {"duplicate": -0.1}, {"delay_s": -1.0}, {"jitter_s": float("nan")}]
)
def test_a_profile_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        FaultProfile(**wrong)


# A real hub, and its peers behind the network.


@pytest.fixture
def network(hub: HubProcess) -> Iterator[FaultyNetwork]:
    listen = f"tcp://127.0.0.1:{free_ports(4)}"
    with FaultyNetwork(listen=listen, hub=hub.url, seed=7) as network:
        yield network


@pytest.fixture
def base(network: FaultyNetwork) -> Iterator[Driver]:
    with Driver(network.url, name="behind") as driver:
        driver.add(SimBase("base-1"))
        wait_for(lambda: driver.connected, what="the driver through the network")
        yield driver


def test_peers_keep_going_through_it(network: FaultyNetwork, base: Driver) -> None:
    network.profile = FaultProfile(delay_s=0.005, jitter_s=0.01, duplicate=0.1, reorder=0.1, reorder_s=0.02)
    with robolink.connect(network.url, timeout_s=20, roles=(v1.ROLE_CONFIGURE,)) as client:
        robot = client.robot("base-1")
        with robot.lease(), robot.stream("base.odometry", max_age_s=30) as odometry:
            there = robot.goal("base.navigate_to", x=0.3, y=0.0).values(60)
            assert there["x"] == pytest.approx(0.3, abs=0.06)
            wait_for(lambda: odometry.next(1), what="telemetry through the network")
        assert robot.stop().verdict == v1.STOP_VERDICT_STOPPED
        network.profile = FaultProfile(loss=0.3)
        wait_for(lambda: network.counters.get("lost"), what="a loss")
        reply = client._core.session.hello_reply
        assert reply is not None and reply.telemetry_subscribe_endpoint.endswith(
            str(int(network.url[-5:]) + 3)
        )
    counts = network.counters
    assert all(counts[name] for name in ("lost", "delayed", "duplicated", "reordered"))
    assert counts["peers"] == 4, "two peers of two lanes"


def test_a_driver_that_is_cut_off_stands_still_and_comes_back(
    hub: HubProcess, network: FaultyNetwork, base: Driver
) -> None:
    with robolink.connect(hub.url) as client:
        robot = client.robot("base-1")
        with robot.lease():
            goal = robot.goal("base.navigate_to", x=40.0, y=0.0)
            assert next(iter(goal.feedback())).phase == "driving"
            network.partition()
            wait_for(lambda: not client.robots()[0].online, what="the hub to miss it")
            wait_for(lambda: not base.connected, what="the driver to miss the hub")
            drive = base._runners["base-1"].handler.base.drive
            wait_for(lambda: drive.still, what="standstill without a hub")
            network.heal()
            wait_for(lambda: base.connected and client.robots()[0].online, what="the reunion")
            assert goal.wait(15).state != v1.COMMAND_STATE_SUCCEEDED
    assert network.counters["partitioned"]


def test_one_way_only(network: FaultyNetwork, base: Driver) -> None:
    with robolink.connect(network.url, timeout_s=1.0) as client:
        network.partition(up=False)
        with pytest.raises(TransportTimeoutError):
            client.robots()
        network.heal()
        assert wait_for(client.robots)[0].robot == "base-1"


def test_orders_of_the_control_socket() -> None:
    listen = f"tcp://127.0.0.1:{free_ports(4)}"
    network = FaultyNetwork(listen=listen, hub="tcp://127.0.0.1:5570")
    try:
        assert answer(network, "partition up control safety")["partitioned"] is True
        assert network._faults.cut == {("control", Way.UP), ("safety", Way.UP)}
        assert answer(network, "heal")["partitioned"] is False
        answer(network, "set loss=0.25 delay-ms=20")
        assert network.profile == FaultProfile(loss=0.25, delay_s=0.02)
        for wrong in ("", "explode", "set loss", "set loss=2", "set mood=1", "partition sideways"):
            with pytest.raises(ConfigError):
                answer(network, wrong)
    finally:
        network.close()


def test_the_process(hub: HubProcess) -> None:
    port = free_ports(5)
    listen, control = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 4}"
    command = [sys.executable, "-m", "robolink_sims.network", "--listen", listen, "--hub", hub.url]
    command += ["--delay-ms", "1", "--control", control]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    context = zmq.Context()
    try:
        with robolink.connect(listen, timeout_s=20) as client:
            assert client.robots() == []
        socket = context.socket(zmq.REQ)
        socket.connect(control)

        def ask(line: str) -> dict:
            socket.send(line.encode())
            assert socket.poll(10_000)
            return json.loads(socket.recv())

        assert ask("counters")["counters"]["given"] > 0
        assert "no order" in ask("explode")["error"]
        process.send_signal(signal.SIGUSR1)
        wait_for(lambda: ask("counters")["partitioned"], what="the cut by a signal")
    finally:
        context.destroy(0)
        process.terminate()
        last = process.communicate(timeout=10)[0]
    assert json.loads(last)["taken"] > 0
    assert process.returncode == 0
