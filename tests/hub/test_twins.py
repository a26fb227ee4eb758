"""Twins on a real hub, by raw peers: versions, orders, watches, commands and stops through the twin."""

from __future__ import annotations

import time
from typing import Any

import zmq

from robolink import v1
from robolink.core import twincmd
from robolink.core.values import from_value, to_value
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import RawClient, RawDriver
from tests.hub.test_safety import answer_stop


def write(client: RawClient, name: str, value: Any, **more: Any) -> v1.TwinWriteReply:
    body = v1.TwinWrite(robot="r1", name=name, value=to_value(value), **more)
    return client.reply(v1.TwinWriteReply, body)


def state(client: RawClient, name: str) -> v1.PropertyState:
    return client.reply(v1.Twin, v1.TwinGet(robot="r1", names=[name])).properties[0]


def text(client: RawClient, name: str) -> str:
    return str(from_value(state(client, name).reported.value) or "")


def cmd(
    twin_id: str, method: str = "base.ping", *, age_ms: int = 0, ttl_ms: int = 30_000, **args: Any
) -> str:
    issued_ms = time.time_ns() // 1_000_000 - age_ms
    return twincmd.make(twin_id, method, args, issued_ms=issued_ms, ttl_ms=ttl_ms)


def test_a_setting_goes_down_with_its_version_and_comes_back_observed(
    driver: RawDriver, client: RawClient
) -> None:
    assert write(client, "base.max_speed", 1.5).version == 1
    order = driver.expect(v1.SettingOrder)[1]
    assert (order.name, order.desired.version, from_value(order.desired.value)) == ("base.max_speed", 1, 1.5)
    client.reply(v1.WatchReply, v1.Watch(twins=True))
    observed = v1.Observed(version=1, verdict=v1.VERDICT_APPLIED)
    reported = v1.Reported(value=to_value(1.5))
    done = v1.PropertyState(name="base.max_speed", observed=observed, reported=reported)
    driver.send(v1.PropertyReport(robot="r1", properties=[done]))
    client.expect(v1.Event, lambda _h, e: any(p.observed.version == 1 for p in e.twin_delta.properties))
    assert state(client, "base.max_speed").reported.quality == v1.QUALITY_GOOD


def test_a_stale_write_gets_conflict_with_the_present_version(driver: RawDriver, client: RawClient) -> None:
    write(client, "base.max_speed", 1.0)
    write(client, "base.max_speed", 1.2)
    conflict = write(client, "base.max_speed", 0.5, if_version=1)
    assert (conflict.cause, conflict.version) == (v1.CAUSE_CONFLICT, 2)
    assert write(client, "base.max_speed", 0.5, if_version=2).version == 3


def test_bad_writes_are_refused(client: RawClient) -> None:
    causes = {
        "limit": write(client, "base.max_speed", 9.0).cause,
        "type": write(client, "base.max_speed", "fast").cause,
        "reading": write(client, "base.distance", 1.0).cause,
        "unknown": write(client, "base.nothing", 1.0).cause,
        "cmd": write(client, "cmd", "not a command").cause,
        "stop": write(client, "stop", "MAYBE").cause,
    }
    assert causes == {
        "limit": v1.CAUSE_LIMIT,
        "type": v1.CAUSE_INVALID,
        "reading": v1.CAUSE_UNSUPPORTED,
        "unknown": v1.CAUSE_UNSUPPORTED,
        "cmd": v1.CAUSE_INVALID,
        "stop": v1.CAUSE_INVALID,
    }


def test_versions_survive_a_kill_and_a_new_driver_hears_of_all(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    write(client, "base.max_speed", 1.0)
    write(client, "base.max_speed", 1.1)
    hub.kill()
    hub.start()
    back = RawDriver(context, hub)
    back.hello()
    order = back.expect(v1.SettingOrder)[1]
    assert (order.desired.version, from_value(order.desired.value)) == (2, 1.1)


def test_a_rejected_setting_is_shown_and_not_asked_again(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    write(client, "base.max_speed", 1.5)
    driver.expect(v1.SettingOrder)
    observed = v1.Observed(version=1, verdict=v1.VERDICT_REJECTED, cause=v1.CAUSE_MODE, text="not now")
    driver.send(
        v1.PropertyReport(robot="r1", properties=[v1.PropertyState(name="base.max_speed", observed=observed)])
    )
    wait_for(lambda: text(client, "setting-errors") == "base.max_speed:1:MODE")
    again = RawDriver(context, hub, session_id=driver.sender.session_id)
    again.hello()
    again.reply(v1.BeatReply, v1.Beat())
    assert not [body for _, body in again.got if isinstance(body, v1.SettingOrder)]


def test_a_command_through_the_twin_runs_once_however_often_it_is_delivered(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    order = cmd("a1")
    for _ in range(3):
        assert write(client, "cmd", order).cause == 0
    header, body = driver.expect(v1.Command)
    assert (header.source, body.claimed_by) == ("twin:r1", "anna")
    driver.outcome(header.message_id, v1.COMMAND_STATE_SUCCEEDED)
    wait_for(lambda: text(client, "cmd-status") == "a1:SUCCEEDED")
    hub.kill()
    hub.start()
    back, later = RawDriver(context, hub), RawClient(context, hub)
    back.hello()
    later.hello()
    assert write(later, "cmd", order).cause == 0
    assert text(later, "cmd-status") == "a1:SUCCEEDED"
    assert write(later, "cmd", cmd("a2")).cause == 0
    assert back.expect(v1.Command)[0].message_id == twincmd.command_id("r1", "a2")


def test_every_command_that_was_open_at_a_kill_gets_its_verdict_not_only_the_last(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    ids = []
    for twin_id in ("a1", "a2", "a3"):
        assert write(client, "cmd", cmd(twin_id)).cause == 0
        ids.append(driver.expect(v1.Command)[0].message_id)
        driver.outcome(ids[-1], v1.COMMAND_STATE_RUNNING)
    wait_for(lambda: text(client, "cmd-status") == "a1:RUNNING,a2:RUNNING,a3:RUNNING")
    hub.kill()
    hub.start()
    back, later = RawDriver(context, hub), RawClient(context, hub)
    back.hello(live=tuple(ids))
    later.hello()
    for each in ids:
        back.outcome(each, v1.COMMAND_STATE_SUCCEEDED)

    # SUCCEEDED, or LOST where the hub had given the driver up before: each has a verdict, none stays RUNNING.
    def ended() -> bool:
        shown = twincmd.Status.parse(text(later, "cmd-status"))
        return list(shown) == ["a1", "a2", "a3"] and {each for each, _ in shown.values()} <= {
            "SUCCEEDED",
            "LOST",
        }

    wait_for(ended, what="all three verdicts")


def test_an_expired_and_a_refused_one_say_so_in_the_status(driver: RawDriver, client: RawClient) -> None:
    write(client, "cmd", cmd("old", age_ms=60_000))
    write(client, "cmd", cmd("bad", "base.go", x=77.0))
    write(client, "cmd", cmd("none", "base.fly"))
    assert text(client, "cmd-status") == "old:EXPIRED:TOO_LATE,bad:REJECTED:LIMIT,none:REJECTED:UNSUPPORTED"


def test_motion_through_the_twin_yields_to_a_local_owner(driver: RawDriver, client: RawClient) -> None:
    client.acquire()
    write(client, "cmd", cmd("m1", "base.go", x=1.0))
    assert text(client, "cmd-status") == "m1:REJECTED:NO_LEASE"
    client.send(v1.LeaseRequest(action=v1.LEASE_ACTION_RELEASE, robot="r1", token=client.lease))
    write(client, "cmd", cmd("m2", "base.go", x=1.0))
    goal = driver.expect(v1.Command)[0].message_id
    assert text(client, "cmd-status").endswith("m2:ACCEPTED")
    write(client, "cmd", cmd("c2", "cancel", id="m2"))
    assert driver.expect(v1.CommandCancel)[1].command_id == goal
    driver.outcome(goal, v1.COMMAND_STATE_CANCELED)
    wait_for(lambda: "m2:CANCELED" in text(client, "cmd-status"))
    # The twin's own lease is given back when nothing of it runs any more.
    wait_for(
        lambda: not client.reply(v1.Robots, v1.RobotsQuery()).robots[0].authority.leases, what="a free robot"
    )


def test_a_stop_through_the_twin_is_never_lowered_by_a_replay(driver: RawDriver, client: RawClient) -> None:
    assert write(client, "stop", "STOP_THEN_CUT").version == 1
    assert answer_stop(driver).level == v1.STOP_LEVEL_STOP_THEN_CUT
    for word in ("", "SOFT_HOLD", "STOP_THEN_CUT"):
        assert write(client, "stop", word).version == 1
    wait_for(lambda: text(client, "stop") == "STOP_THEN_CUT")
    write(client, "cmd", cmd("rel", "release", generation=1))
    wait_for(lambda: text(client, "stop") == "", what="the release")
    assert "rel:SUCCEEDED" in text(client, "cmd-status")
    assert write(client, "stop", "SOFT_HOLD").version == 3
    assert answer_stop(driver).generation == 2


def test_readings_of_an_absent_driver_are_stale(driver: RawDriver, client: RawClient) -> None:
    reading = v1.PropertyState(name="base.distance", reported=v1.Reported(value=to_value(2.0)))
    driver.send(v1.PropertyReport(robot="r1", properties=[reading]))
    wait_for(lambda: state(client, "base.distance").reported.quality == v1.QUALITY_GOOD)
    driver.socket.close()
    wait_for(lambda: state(client, "base.distance").reported.quality == v1.QUALITY_STALE)
    assert from_value(state(client, "base.distance").reported.value) == 2.0
