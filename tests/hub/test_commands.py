"""Commands on a real hub, by raw peers: admission, idempotency, one outcome, drivers that go and come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import zmq

from robolink import v1
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import RawClient, RawDriver

ACCEPTED, RUNNING = v1.COMMAND_STATE_ACCEPTED, v1.COMMAND_STATE_RUNNING
REJECTED, SUCCEEDED, CANCELED = (
    v1.COMMAND_STATE_REJECTED,
    v1.COMMAND_STATE_SUCCEEDED,
    v1.COMMAND_STATE_CANCELED,
)


def test_a_goal_goes_through_its_states_and_feedback_passes_unread(
    driver: RawDriver, client: RawClient
) -> None:
    client.acquire()
    goal = client.command("base.go", x=1.0)
    assert client.update(goal, ACCEPTED)
    header, body = driver.expect(v1.Command)
    assert (header.message_id, header.source, body.method) == (goal, "anna", "base.go")
    driver.outcome(goal, RUNNING)
    assert client.update(goal, RUNNING)
    driver.send(v1.CommandFeedback(phase="driving", progress=0.5), correlation_id=goal, destination="r1")
    assert client.expect(v1.CommandFeedback)[1].phase == "driving"
    driver.outcome(goal, SUCCEEDED, result=b"\x07opaque")
    assert client.update(goal, SUCCEEDED).result == b"\x07opaque"
    assert driver.expect(v1.CommandUpdateAck)[1].command_id == goal


def test_the_same_id_never_reaches_the_driver_twice(driver: RawDriver, client: RawClient) -> None:
    ids = {client.command("base.ping", message_id=b"i" * 16, sent_ns=time.monotonic_ns()) for _ in range(5)}
    assert len(ids) == 1
    for _ in range(5):
        client.update(b"i" * 16, ACCEPTED)
    driver.expect(v1.Command)
    driver.outcome(b"i" * 16, SUCCEEDED)
    client.update(b"i" * 16, SUCCEEDED)
    client.command("base.ping", message_id=b"i" * 16)
    assert client.update(b"i" * 16).state == SUCCEEDED
    client.command("base.ping", message_id=b"j" * 16)
    assert driver.expect(v1.Command)[0].message_id == b"j" * 16
    client.command("base.go", message_id=b"i" * 16, x=1.0)
    assert client.update(b"i" * 16).cause == v1.CAUSE_ID_REUSED


@pytest.mark.parametrize(
    ("method", "more", "cause", "words"),
    [
        ("base.fly", {}, v1.CAUSE_UNSUPPORTED, "base.fly"),
        ("base.go", {"x": float("nan")}, v1.CAUSE_INVALID, "nan"),
        ("base.go", {"x": float("inf")}, v1.CAUSE_INVALID, "inf"),
        ("base.go", {"x": "far"}, v1.CAUSE_INVALID, "far"),
        ("base.go", {}, v1.CAUSE_INVALID, "x is missing"),
        ("base.go", {"x": 1.0, "y": 1.0}, v1.CAUSE_INVALID, "'y'"),
        ("base.go", {"x": 5.1}, v1.CAUSE_LIMIT, "maximum of 5.0 m"),
        ("base.ping", {"robot": "nobody"}, v1.CAUSE_UNKNOWN_ROBOT, "nobody"),
        ("base.ping", {"sent_ns": 1, "ttl_ms": 10}, v1.CAUSE_TOO_LATE, "ttl"),
        ("base.ping", {"sent_ns": 2**62}, v1.CAUSE_NO_TIMESYNC, "future"),
        ("base.ping", {"ttl_ms": 10**7}, v1.CAUSE_LIMIT, "ttl"),
    ],
)
def test_bad_commands_are_rejected_with_cause_and_words(
    client: RawClient, method: str, more: dict[str, Any], cause: int, words: str
) -> None:
    client.acquire()
    update = client.update(client.command(method, **more))
    assert (update.state, update.cause) == (REJECTED, cause)
    assert words in update.text
    name = v1.Cause.Name(cause).removeprefix("CAUSE_").lower()  # type: ignore[arg-type]
    assert client.counters()[f"rejected_{name}"] == 1


def test_motion_needs_a_lease_and_the_refusal_names_the_owner(
    client: RawClient, make_client: Callable[..., RawClient]
) -> None:
    update = client.update(client.command("base.go", x=1.0))
    assert (update.state, update.cause) == (REJECTED, v1.CAUSE_NO_LEASE)
    other = make_client("bert")
    other.acquire()
    update = client.update(client.command("base.go", x=1.0))
    assert update.cause == v1.CAUSE_NO_LEASE
    assert "bert" in update.text
    busy = client.reply(
        v1.Error, v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot="r1", component="base")
    )
    assert busy.cause == v1.CAUSE_BUSY
    assert "bert" in busy.text


def test_a_busy_component_answers_busy_unless_told_to_preempt(driver: RawDriver, client: RawClient) -> None:
    client.acquire()
    first = client.command("base.go", x=1.0)
    client.update(first, ACCEPTED)
    assert client.update(client.command("base.go", x=2.0)).cause == v1.CAUSE_BUSY
    second = client.command("base.go", x=2.0, preempt=True)
    client.update(second, ACCEPTED)
    cancel = driver.expect(v1.CommandCancel)[1]
    assert (cancel.command_id, cancel.end_state) == (first, v1.COMMAND_STATE_PREEMPTED)


def test_an_absent_driver_gets_nothing_queued(driver: RawDriver, client: RawClient) -> None:
    client.acquire()
    driver.socket.close()
    wait_for(lambda: not client.reply(v1.Robots, v1.RobotsQuery()).robots[0].online, what="offline")
    update = client.update(client.command("base.go", x=1.0))
    assert (update.state, update.cause) == (REJECTED, v1.CAUSE_UNREACHABLE)


def test_a_returning_session_resumes_and_a_new_one_makes_it_lost(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    client.acquire()
    goal = client.command("base.go", x=1.0)
    driver.expect(v1.Command)
    driver.outcome(goal, RUNNING)
    client.update(goal, RUNNING)
    again = RawDriver(context, hub, session_id=driver.sender.session_id)
    driver.socket.close()
    again.hello(live=(goal,))
    assert client.reply(v1.CommandUpdate, v1.CommandQuery(command_id=goal)).state == RUNNING
    restarted = RawDriver(context, hub)
    again.socket.close()
    wait_for(lambda: not client.reply(v1.Robots, v1.RobotsQuery()).robots[0].online, what="offline")
    restarted.hello()
    assert client.update(goal, v1.COMMAND_STATE_LOST).cause == v1.CAUSE_DISCONNECTED
    # The first journaled outcome wins; another one is kept beside it.
    restarted.outcome(goal, SUCCEEDED)
    restarted.expect(v1.CommandUpdateAck)
    late = client.reply(v1.CommandUpdate, v1.CommandQuery(command_id=goal))
    assert late.state == v1.COMMAND_STATE_LOST
    assert late.late_outcome.state == SUCCEEDED


def test_an_undelivered_command_is_delivered_to_the_same_session_once(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    command = client.command("base.ping")
    client.update(command, ACCEPTED)
    # The same session comes back and does not know it: it never arrived.
    again = RawDriver(context, hub, session_id=driver.sender.session_id)
    again.hello()
    assert again.expect(v1.Command)[0].message_id == command


def test_commands_survive_a_kill_of_the_hub_and_undelivered_motion_expires(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    client.acquire()
    running, done = client.command("base.go", x=1.0), client.command("base.ping")
    driver.outcome(running, RUNNING)
    client.update(running, RUNNING)
    driver.outcome(done, SUCCEEDED, result=b"r")
    client.update(done, SUCCEEDED)
    never = client.command("base.ping", message_id=b"n" * 16)
    client.update(never, ACCEPTED)
    hub.kill()
    hub.start()
    again = RawDriver(context, hub, session_id=driver.sender.session_id)
    again.hello(live=(running,))
    back = RawClient(context, hub)
    back.hello()

    def ask(command: bytes) -> v1.CommandUpdate:
        return back.reply(v1.CommandUpdate, v1.CommandQuery(command_id=command))

    assert ask(running).state == RUNNING
    assert (ask(done).state, ask(done).result) == (SUCCEEDED, b"r")
    assert ask(never).state == v1.COMMAND_STATE_EXPIRED
    assert ask(b"?" * 16).state == v1.COMMAND_STATE_UNSPECIFIED
    again.outcome(running, SUCCEEDED)
    assert back.update(running, SUCCEEDED)


def test_a_goal_ends_by_on_disconnect_when_its_owner_goes(driver: RawDriver, client: RawClient) -> None:
    client.acquire()
    cancelled = client.command("base.go", x=1.0)
    client.update(cancelled, ACCEPTED)
    client.send(v1.Goodbye())
    cancel = driver.expect(v1.CommandCancel)[1]
    assert (cancel.command_id, cancel.cause) == (cancelled, v1.CAUSE_DISCONNECTED)


def test_a_stale_lease_ends_its_goals_and_is_told(
    make_hub: Callable[..., HubProcess], context: zmq.Context[Any]
) -> None:
    hub = make_hub(
        "[timeouts]\nlease_stale_ms = 300\nlease_renew_ms = 100\nbeat_ms = 100\npeer_lost_ms = 60000\n"
    )
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    client.hello()
    client.acquire()
    goal = client.command("base.go", x=1.0, on_disconnect=v1.ON_DISCONNECT_CANCEL)
    client.update(goal, ACCEPTED)
    assert driver.expect(v1.CommandCancel)[1].command_id == goal
    assert client.expect(v1.LeaseLost)[1].reason


def test_a_lease_request_that_came_twice_is_one_lease(driver: RawDriver, client: RawClient) -> None:
    request = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot="r1")
    message_id = client.send(request)
    first = client.expect(v1.LeaseReply, lambda h, _b: h.correlation_id == message_id)[1]
    # The answer was slow, so the client asked again: as many times as it likes.
    client.send(request, message_id=message_id)
    assert client.expect(v1.LeaseReply, lambda h, _b: h.correlation_id == message_id)[1].token == first.token
    client.lease = first.token
    assert client.update(client.command("base.go", x=1.0), ACCEPTED)
