"""Stop and release on a real hub, by raw peers; the bugs that others shipped, each by its name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import zmq

from robolink import v1
from robolink.core.values import to_value
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import RawClient, RawDriver, RawPeer

STOPPED, STOPPING = v1.STOP_VERDICT_STOPPED, v1.STOP_VERDICT_STOPPING
REFUSED, UNREACHABLE = v1.STOP_VERDICT_REFUSED, v1.STOP_VERDICT_UNREACHABLE


def answer_stop(driver: RawDriver, verdict: int = STOPPED, **more: Any) -> v1.StopState:
    """Play the driver's part of one stop; the order's state."""
    header, order = driver.safety.expect(v1.StopOrder)
    result = v1.StopResult(robot=driver.robot, verdict=verdict, **more)  # type: ignore[arg-type]
    driver.safety.send(v1.StopReport(result=result), correlation_id=header.message_id)
    return order.stop


def stop(
    client: RawClient, driver: RawDriver, *robots: str, verdict: int = STOPPED, **more: Any
) -> v1.StopReply:
    """One stop with its answer."""
    message_id = client.safety.send(v1.Stop(robots=robots))
    answer_stop(driver, verdict, **more)
    return client.safety.expect(v1.StopReply, lambda h, _b: h.correlation_id == message_id)[1]


def release(client: RawClient, generation: int) -> v1.ReleaseResult:
    """One release with its answer."""
    target = v1.ReleaseTarget(robot="r1", generation=generation)
    return client.safety.reply(v1.ReleaseReply, v1.Release(targets=[target])).results[0]


def test_verdict_is_the_drivers_and_an_order_needs_no_clock(driver: RawDriver, client: RawClient) -> None:
    message_id = client.safety.send(v1.Stop(robots=["r1"]), sent_ns=0)
    answer_stop(driver, standstill_ms=12.5)
    result = client.safety.expect(v1.StopReply, lambda h, _b: h.correlation_id == message_id)[1].results[0]
    assert (result.verdict, result.generation, result.standstill_ms) == (STOPPED, 1, 12.5)


def test_bug_ok_from_a_robot_that_cannot_stop(driver: RawDriver, client: RawClient) -> None:
    assert stop(client, driver, verdict=REFUSED, text="no brake").results[0].verdict == REFUSED
    client.safety.send(v1.Stop())
    reply = client.safety.expect(v1.StopReply)[1]
    assert reply.results[0].verdict == STOPPING  # It never answered: not "stopped".


def test_bug_second_stop_dropped_as_a_replay(driver: RawDriver, client: RawClient) -> None:
    frames = client.safety.sender.encode(v1.Stop(robots=["r1"]), sent_ns=0, message_id=b"s" * 16)
    generations = []
    for _ in range(2):
        client.safety.socket.send_multipart(frames)
        generations.append(answer_stop(driver).generation)
    assert generations == [1, 2]


def test_bug_release_blocked_by_a_wrong_clock(driver: RawDriver, client: RawClient) -> None:
    stop(client, driver)
    target = v1.ReleaseTarget(robot="r1", generation=1)
    reply = client.safety.reply(v1.ReleaseReply, v1.Release(targets=[target]), sent_ns=2**62)
    assert reply.results[0].cause == 0


def test_bug_the_issuers_own_robot_skipped(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    """A stop of all reaches every driver, whoever issues it."""
    other = RawDriver(context, hub, "r2")
    other.hello()
    message_id = client.safety.send(v1.Stop())
    answer_stop(driver)
    answer_stop(other)
    reply = client.safety.expect(v1.StopReply, lambda h, _b: h.correlation_id == message_id)[1]
    assert {each.robot: each.verdict for each in reply.results} == {"r1": STOPPED, "r2": STOPPED}


def test_an_older_command_does_not_run_after_the_release(driver: RawDriver, client: RawClient) -> None:
    client.acquire()
    old = client.sender.encode(
        v1.Command(method="base.go", args=[v1.NamedValue(name="x", value=to_value(1.0))]),
        sent_ns=time.monotonic_ns(),
        destination="r1",
        ttl_ms=60_000,
        lease=client.lease,
        stop_generation=0,
        message_id=b"o" * 16,
    )
    stop(client, driver)
    latched = client.update(client.command("base.go", x=1.0, generation=1))
    assert latched.cause == v1.CAUSE_LATCHED
    assert release(client, 1).cause == 0
    client.socket.send_multipart(old)
    assert client.update(b"o" * 16).cause == v1.CAUSE_LATCHED
    fresh = client.command("base.go", x=1.0, generation=1)
    assert client.update(fresh).state == v1.COMMAND_STATE_ACCEPTED
    assert driver.expect(v1.Command)[0].message_id == fresh


def test_release_names_the_newest_generation(driver: RawDriver, client: RawClient) -> None:
    stop(client, driver)
    stop(client, driver)
    refused = release(client, 1)
    assert (refused.cause, refused.generation) == (v1.CAUSE_CONFLICT, 2)
    assert release(client, 2).cause == 0
    assert driver.safety.expect(v1.ReleaseOrder)[1].generation == 2


def test_the_latch_survives_a_kill_and_reaches_a_returning_robot_first(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    stop(client, driver)
    hub.kill()
    hub.start()
    back = RawDriver(context, hub)
    welcome = back.hello()
    assert (welcome.authorities[0].stop.latched, welcome.authorities[0].stop.generation) == (True, 1)
    again = RawClient(context, hub)
    again.hello()
    again.acquire()
    assert again.update(again.command("base.go", x=1.0, generation=1)).cause == v1.CAUSE_LATCHED


def test_a_hub_that_lost_its_store_takes_the_drivers_latch(
    context: zmq.Context[Any], hub: HubProcess
) -> None:
    driver = RawDriver(context, hub, generation=7)
    assert driver.hello().authorities[0].stop.generation in (0, 7)
    client = RawClient(context, hub)
    client.hello()
    client.acquire()
    wait_for(lambda: client.reply(v1.Robots, v1.RobotsQuery()).robots[0].authority.stop.generation == 7)
    assert client.update(client.command("base.go", x=1.0)).cause == v1.CAUSE_LATCHED


def test_an_absent_robot_is_unreachable_and_latched_for_its_return(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    driver.socket.close()
    driver.safety.socket.close()
    result = wait_for(
        lambda: next(
            (
                each
                for each in client.safety.reply(v1.StopReply, v1.Stop(robots=["r1"]), sent_ns=0).results
                if each.verdict == UNREACHABLE
            ),
            None,
        ),
        what="UNREACHABLE",
    )
    wait_for(lambda: not client.reply(v1.Robots, v1.RobotsQuery()).robots[0].online, what="offline")
    back = RawDriver(context, hub)
    stop_state = back.hello().authorities[0].stop
    assert stop_state.latched
    assert stop_state.generation >= result.generation


def test_stopping_goes_on_while_the_control_lane_is_flooded(driver: RawDriver, client: RawClient) -> None:
    for _ in range(5000):
        client.socket.send_multipart([b"junk", b"junk"])
    assert stop(client, driver).results[0].verdict == STOPPED


def test_only_the_hubs_own_process_is_the_hub(context: zmq.Context[Any], hub: HubProcess) -> None:
    fake = RawPeer(context, f"tcp://127.0.0.1:{hub.port + 1}")
    error = fake.reply(v1.Error, v1.Hello(kind=v1.PEER_KIND_HUB, major=1, name="guess"))
    assert error.cause == v1.CAUSE_DENIED


def test_a_stop_under_twenty_thousand_samples_a_second_reaches_every_driver(
    driver: RawDriver,
    client: RawClient,
    context: zmq.Context[Any],
    hub: HubProcess,
    flood: Callable[..., Any],
) -> None:
    others = [RawDriver(context, hub, f"r{number}") for number in range(2, 6)]
    for each in others:
        each.hello()
    drivers = [driver, *others]
    with flood(hub, rate=20_000) as received:
        wait_for(lambda: received() > 20_000, what="the flood")
        for round_number in range(1, 6):
            message_id = client.safety.send(v1.Stop())
            assert [answer_stop(each).generation for each in drivers] == [round_number] * 5
            reply = client.safety.expect(v1.StopReply, lambda h, _b, m=message_id: h.correlation_id == m)[1]
            assert [each.verdict for each in reply.results] == [STOPPED] * 5
            for each in drivers:
                each.send(v1.Beat())
