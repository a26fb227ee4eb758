"""Both faces of the client SDK with a real hub and robot: what a caller gets, and what is raised at him."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import robolink
from robolink import v1
from robolink.client import Hub, Options
from robolink.errors import (
    CommandFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    LeaseError,
    RejectedError,
    SettingRejectedError,
    TwinConflictError,
)
from tests.client.conftest import ROBOT
from tests.conftest import HubProcess, free_ports, wait_for

SUCCEEDED = v1.COMMAND_STATE_SUCCEEDED


def test_describe_call_and_what_is_raised(client: Hub) -> None:
    robot = client.robot(ROBOT)
    assert robot.describe().sheet.model == "walker"
    assert robot.call("legs.echo", text="hallo") == {"text": "hallo"}
    with pytest.raises(CommandFailedError, match="a stone") as failed:
        robot.call("legs.stumble")
    assert failed.value.update.cause == v1.CAUSE_DRIVER_ERROR
    for method, arguments, cause in (
        ("legs.fly", {}, v1.CAUSE_UNSUPPORTED),
        ("legs.echo", {}, v1.CAUSE_INVALID),
        ("legs.echo", {"text": 1}, v1.CAUSE_INVALID),
    ):
        with pytest.raises(RejectedError) as refused:
            robot.call(method, **arguments)  # type: ignore[arg-type]
        assert (refused.value.cause, refused.value.robot) == (cause, ROBOT)
    with pytest.raises(RejectedError) as nobody:
        client.robot("nobody").call("legs.echo", text="x")
    assert nobody.value.cause == v1.CAUSE_UNKNOWN_ROBOT


def test_a_goal_feeds_back_returns_and_is_cancelled(client: Hub) -> None:
    robot = client.robot(ROBOT)
    with pytest.raises((LeaseError, RejectedError)):
        robot.goal("legs.walk")
    with robot.lease():
        goal = robot.goal("legs.walk", steps=4)
        progress = [each.progress for each in goal.feedback()]
        assert progress == sorted(progress), "newest only: some may be left out"
        assert progress
        assert goal.values(5) == {"steps": 4}
        goal = robot.goal("legs.walk", steps=2000)
        with pytest.raises(DeadlineExceededError):
            goal.wait(0.05)
        with robolink.connect(client._core.url, name="berta") as elsewhere:
            followed = elsewhere.robot(ROBOT).follow(goal.id)
            assert followed.state == v1.COMMAND_STATE_RUNNING
            assert robot.follow(goal.id).id == goal.id
            goal.cancel()
            assert followed.wait(10).state == v1.COMMAND_STATE_CANCELED
            assert followed.state in robolink.client.TERMINAL
            with pytest.raises(RejectedError, match="keeps no command") as unknown:
                elsewhere.robot(ROBOT).follow(bytes(16))
            assert unknown.value.cause == v1.CAUSE_INVALID
        assert goal.wait(5).state == v1.COMMAND_STATE_CANCELED
        with pytest.raises(CommandFailedError, match="CANCELED"):
            goal.result()
        assert robot.query(goal.id).state == v1.COMMAND_STATE_CANCELED
        assert robot.query(bytes(16)).state == v1.COMMAND_STATE_UNSPECIFIED


def test_the_same_id_is_the_same_command(client: Hub) -> None:
    robot = client.robot(ROBOT)
    mine = Options(command_id=bytes(range(16)))
    with robot.lease():
        first = robot.goal("legs.walk", mine, steps=2).result(5)
        again = robot.goal("legs.walk", mine, steps=2).result(5)
        assert first.time_ns == again.time_ns, "the outcome of the first run"
        with pytest.raises(RejectedError) as reused:
            robot.goal("legs.walk", mine, steps=3)
        assert reused.value.cause == v1.CAUSE_ID_REUSED


def test_a_lease_names_its_owner_and_setpoints_need_one(client: Hub, site: HubProcess) -> None:
    robot = client.robot(ROBOT)
    with pytest.raises(LeaseError):
        robot.setpoint("legs.velocity", x=0.1)
    with robolink.connect(site.url, name="bert") as other, other.robot(ROBOT).lease("legs"):
        mine = robot.lease()
        with pytest.raises(RejectedError, match="bert"):
            mine.acquire()
    with robot.lease(), robot.stream("legs.pace") as pace:
        heard = None
        for _ in range(100):
            robot.setpoint("legs.velocity", x=5.0)
            heard = pace.next(0.1)
            if heard is not None and heard.payload.values[0].value.double_value:
                break
        assert heard is not None
        assert heard.payload.values[0].value.double_value == 1.0, "scaled into its limits"
        assert heard.age_s < 1.0


def test_twin_versions_conflicts_and_verdicts(client: Hub) -> None:
    twin = client.robot(ROBOT).twin
    version = twin.set("legs.limit", 1.0, wait_s=5)
    assert twin.get("legs.limit")["legs.limit"].observed.version == version
    with pytest.raises(TwinConflictError) as conflict:
        twin.set("legs.limit", 0.9, if_version=version - 1)
    assert conflict.value.version == version
    with pytest.raises(SettingRejectedError, match=r"not 1\.5"):
        twin.set("legs.limit", 1.5, wait_s=5)
    with pytest.raises(RejectedError):
        twin.set("legs.steps", 3)
    with twin.watch() as changes:
        first = changes.next(5)
        assert first is not None
        assert {each.name for each in first.twin_delta.properties} >= {"legs.limit", "cmd-status"}
        twin.set("legs.limit", 0.7)
        for _ in range(20):
            event = changes.next(5)
            assert event is not None
            if any(each.reported.value.double_value == 0.7 for each in event.twin_delta.properties):
                break
        else:
            pytest.fail("the reported value never came")


def test_a_stop_ends_the_goal_and_a_release_moves_nothing(client: Hub) -> None:
    robot = client.robot(ROBOT)
    with robot.lease():
        goal = robot.goal("legs.walk", steps=2000)
        assert robot.stop(reason="test").verdict == v1.STOP_VERDICT_STOPPED
        assert goal.wait(5).state == v1.COMMAND_STATE_STOPPED
        with pytest.raises(RejectedError) as latched:
            robot.goal("legs.walk")
        assert latched.value.cause == v1.CAUSE_LATCHED
        assert "release" in str(latched.value)
        assert robot.release().cause == 0
        assert robot.query(goal.id).state == v1.COMMAND_STATE_STOPPED
        assert robot.goal("legs.walk").wait(5).state == SUCCEEDED
    assert [each.verdict for each in client.stop()] == [v1.STOP_VERDICT_STOPPED]
    assert robolink.stop_all(client._core.url)[0].verdict == v1.STOP_VERDICT_STOPPED
    assert [each.cause for each in client.release()] == [0]


def test_a_goal_outlives_the_hub_and_its_result_is_asked_again(client: Hub, site: HubProcess) -> None:
    robot = client.robot(ROBOT)
    with robot.lease() as lease:
        goal = robot.goal("legs.walk", Options(on_disconnect=v1.ON_DISCONNECT_CONTINUE), steps=100)
        assert goal.feedback().next(10) is not None, "it runs: one that was not delivered would be EXPIRED"
        site.kill()
        site.start()
        assert goal.wait(30).state == SUCCEEDED
        wait_for(lambda: not lease.lost, what=f"the lease, taken again from the new hub ({lease.lost})")
        assert robot.goal("legs.walk", steps=1).wait(10).state == SUCCEEDED


def test_nobody_there_and_a_closed_connection() -> None:
    url = f"tcp://127.0.0.1:{free_ports(4)}"
    with pytest.raises(ConnectionLostError, match=r"robolink hub"):
        robolink.connect(url, timeout_s=0.3)
    with pytest.raises(ConnectionLostError):
        robolink.stop_all(url, timeout_s=0.3)


def test_closing_ends_what_waits(site: HubProcess) -> None:
    hub = robolink.connect(site.url)
    robot = hub.robot(ROBOT)
    lease = robot.lease()
    lease.acquire()
    goal = robot.goal("legs.walk", steps=2000)
    told: list[BaseException] = []

    def wait() -> None:
        try:
            goal.wait(20)
        except ConnectionLostError as exc:
            told.append(exc)

    waiter = threading.Thread(target=wait)
    waiter.start()
    hub.close()
    waiter.join(10)
    assert len(told) == 1
    with robolink.connect(site.url) as again:
        wait_for(
            lambda: again.robot(ROBOT).query(goal.id).state == v1.COMMAND_STATE_CANCELED,
            what="the end of a goal whose client has gone",
        )


def test_several_threads_may_close_the_same_thing(site: HubProcess) -> None:
    # Seen in `robolink ros2 expose`: its reader and its main thread ended one stream at once, and both hung.
    def all_at_once(calls: list[Callable[[], None]]) -> None:
        together = threading.Barrier(len(calls))
        threads = [
            threading.Thread(target=lambda close=each: (together.wait(), close()), daemon=True)
            for each in calls
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
            assert not each.is_alive(), "a close that hangs"

    for _ in range(10):
        hub = robolink.connect(site.url, name="two-threads")
        streams = [hub.robot(ROBOT).stream("legs.steps") for _ in range(4)]
        all_at_once([each.close for each in streams] * 2)
        all_at_once([hub.close, hub.close, hub.robot(ROBOT).stream("legs.steps").close])


async def test_the_asyncio_face_does_the_same(site: HubProcess) -> None:
    async with robolink.connect_async(site.url, name="aio", roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as hub:
        assert [each.robot for each in await hub.robots()] == [ROBOT]
        robot = hub.robot(ROBOT)
        assert (await robot.describe()).sheet.model == "walker"
        assert await robot.call("legs.echo", text="hallo") == {"text": "hallo"}
        async with robot.lease():
            goal = await robot.goal("legs.walk", steps=5)
            progress = [each.progress async for each in goal.feedback()]
            assert progress
            assert await goal.values(5) == {"steps": 5}
            goal = await robot.goal("legs.walk", steps=2000)
            with pytest.raises(DeadlineExceededError):
                await goal.wait(0.05)
            # Who gave up waiting has not taken the outcome from those who ask later.
            await goal.cancel()
            assert (await goal.wait(5)).state == v1.COMMAND_STATE_CANCELED
        version = await robot.twin.set("legs.limit", 1.1, wait_s=5)
        assert (await robot.twin.get("legs.limit"))["legs.limit"].observed.version == version
        with pytest.raises(SettingRejectedError):
            await robot.twin.set("legs.limit", 1.5, wait_s=5)
        assert (await robot.stop()).verdict == v1.STOP_VERDICT_STOPPED
        assert (await robot.release()).cause == 0
        async with robot.stream("legs.pace") as pace, robot.lease():
            await robot.setpoint("legs.velocity", x=0.5)
            async for sample in pace:
                assert sample.payload.values[0].name == "x"
                break
    with pytest.raises(ConnectionLostError):
        await robolink.connect_async(f"tcp://127.0.0.1:{free_ports(4)}", timeout_s=0.3)
