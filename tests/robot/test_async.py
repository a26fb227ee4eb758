"""A vendor's coroutines, modes and notices: a robot of `async def`s on a real hub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import robolink
from robolink import v1
from robolink.errors import CommandFailedError, RejectedError, SettingRejectedError
from robolink.robot import AsyncGoal, Base, Driver, Reading, Robot, Setting, command, goal, setpoint
from tests.conftest import HubProcess, wait_for


class Legs(Base):
    limit = Setting(0.5, minimum=0.0, maximum=2.0)
    mode = Reading("auto", choices=("auto", "manual"))
    cleaned = Reading(0)
    speed = 0.0

    def start(self) -> None:
        self.mode = "auto"

    async def on_limit(self, value: float) -> None:
        await asyncio.sleep(0)
        if value == 1.5:
            raise SettingRejectedError("not 1.5", cause=v1.CAUSE_LIMIT)

    @setpoint(ttl_s=0.3)
    async def velocity(self, x: float) -> None:
        await asyncio.sleep(0)
        self.speed = x

    @goal(max_duration_s=60)
    async def walk(self, goal: AsyncGoal, steps: int) -> dict[str, int]:
        try:
            for step in range(steps):
                goal.feedback(progress=(step + 1) / steps)
                await goal.sleep(0.01)
        finally:
            self.cleaned = self.cleaned + 1
        return {"steps": steps}

    @command(motion=False)
    async def add(self, a: int, b: int) -> dict[str, int]:
        await asyncio.sleep(0)
        self.notice("added", kind="sum", severity=v1.SEVERITY_WARNING)
        return {"sum": a + b}

    @command(motion=False)
    async def stumble(self) -> None:
        await asyncio.sleep(0)
        raise ValueError("a stone")

    @command(motion=False, modes=("manual",))
    def jog(self) -> None:
        pass

    @command(motion=False)
    def take_by_hand(self) -> None:
        self.mode = "manual"

    async def stop(self, level: v1.StopLevel) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.speed = 0.0

    async def at_standstill(self) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.speed == 0.0


class Walker(Robot):
    """Of coroutines."""

    mode_property = "legs.mode"
    legs = Legs()


@pytest.fixture
def walker(hub: HubProcess) -> Iterator[Walker]:
    robot = Walker("walker-1")
    with Driver(hub.url, name="walker") as driver:
        driver.add(robot)
        assert driver.wait_connected(10)
        yield robot
    robot.close()


@pytest.fixture
def client(hub: HubProcess, walker: Walker) -> Iterator[robolink.Hub]:
    with robolink.connect(hub.url, roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as found:
        wait_for(lambda: any(each.online for each in found.robots()), what="the robot online")
        yield found


def test_coroutines_answer_fail_and_are_cancelled_where_they_wait(
    client: robolink.Hub, walker: Walker
) -> None:
    robot = client.robot("walker-1")
    assert robot.call("legs.add", a=2, b=3) == {"sum": 5}
    with pytest.raises(CommandFailedError, match="a stone"):
        robot.call("legs.stumble")
    with robot.lease():
        assert robot.goal("legs.walk", steps=3).values(10) == {"steps": 3}
        endless = robot.goal("legs.walk", steps=10_000)
        assert endless.feedback().next(10) is not None
        endless.cancel()
        assert endless.wait(10).state == v1.COMMAND_STATE_CANCELED
        wait_for(lambda: walker.legs.cleaned == 2, what="both goals' cleaning up")


def test_a_stop_waits_for_coroutines_and_measures_by_them(client: robolink.Hub, walker: Walker) -> None:
    robot = client.robot("walker-1")
    with robot.lease():
        endless = robot.goal("legs.walk", steps=10_000)
        assert endless.feedback().next(10) is not None
        walker.legs.speed = 1.0
        result = robot.stop()
        assert result.verdict == v1.STOP_VERDICT_STOPPED and result.standstill_ms > 0
        assert walker.legs.speed == 0.0
        assert endless.wait(10).state == v1.COMMAND_STATE_STOPPED


def test_a_settings_coroutine_may_refuse(client: robolink.Hub, walker: Walker) -> None:
    twin = client.robot("walker-1").twin
    twin.set("legs.limit", 1.0, wait_s=10)
    with pytest.raises(SettingRejectedError, match=r"not 1\.5"):
        twin.set("legs.limit", 1.5, wait_s=10)
    assert walker.legs.limit == 1.0


def test_what_needs_a_mode_is_refused_in_another(client: robolink.Hub, walker: Walker) -> None:
    robot = client.robot("walker-1")
    wait_for(
        lambda: robot.check("legs.jog").cause == v1.CAUSE_MODE and "auto" in robot.check("legs.jog").text,
        what="the mode in the twin",
    )
    with pytest.raises(RejectedError, match="manual"):
        robot.call("legs.jog")
    robot.call("legs.take_by_hand")
    wait_for(lambda: not robot.check("legs.jog").cause, what="the other mode in the twin")
    assert robot.call("legs.jog") == {}


def test_a_notice_reaches_who_watches_and_outlives_an_absent_hub(
    client: robolink.Hub, walker: Walker, hub: HubProcess
) -> None:
    with client.watch(["walker-1"], twins=False, notices=True) as events:
        client.robot("walker-1").call("legs.add", a=1, b=1)
        assert _notices(events, 1) == ["legs: added"]
        hub.kill()
        wait_for(lambda: not client.lanes["control"], what="the loss")
        for count in range(3):
            walker.legs.notice(f"alone {count}", kind="alone")
        hub.start()
        assert _notices(events, 3) == [f"legs: alone {count}" for count in range(3)]


def _notices(events: robolink.client.Iteration[v1.Event], count: int) -> list[str]:
    """The texts of so many notices that are a component's."""
    found: list[str] = []
    while len(found) < count:
        event = events.next(20)
        assert event is not None, f"only {found} came"
        if event.HasField("notice") and event.notice.text.startswith("legs"):
            found.append(event.notice.text)
    return found
