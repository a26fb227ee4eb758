"""Leases asked for, declined, taken, kept over a restart; the site before the cloud; and what a hub tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import zmq

from robolink import v1
from robolink.hub.audit import first_fault
from tests.conftest import HubProcess
from tests.hub.peers import RawClient, RawDriver

ACQUIRE, REQUEST, TAKE = v1.LEASE_ACTION_ACQUIRE, v1.LEASE_ACTION_REQUEST, v1.LEASE_ACTION_TAKE
RENEW, RELEASE, DECLINE = v1.LEASE_ACTION_RENEW, v1.LEASE_ACTION_RELEASE, v1.LEASE_ACTION_DECLINE
RUNNING, PREEMPTED = v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_PREEMPTED

MakeClient = Callable[..., RawClient]


def ask(action: v1.LeaseAction, **more: Any) -> v1.LeaseRequest:
    return v1.LeaseRequest(action=action, robot="r1", **more)


def refused(client: RawClient, request: v1.LeaseRequest) -> v1.Error:
    return client.reply(v1.Error, request)


def running_goal(client: RawClient, driver: RawDriver) -> bytes:
    goal = client.command("base.go", x=1.0, on_disconnect=v1.ON_DISCONNECT_CONTINUE)
    driver.expect(v1.Command)
    driver.outcome(goal, RUNNING)
    client.update(goal, RUNNING)
    return goal


def test_an_owner_who_is_asked_may_give_it(client: RawClient, make_client: MakeClient) -> None:
    client.acquire()
    ben = make_client("ben")
    request = ben.send(ask(REQUEST, reason="my turn", timeout_ms=9000))
    wanted = client.expect(v1.LeaseWanted)[1]
    assert (wanted.by, wanted.reason, wanted.token) == ("ben", "my turn", client.lease)
    client.reply(v1.LeaseReply, ask(RELEASE, token=client.lease))
    granted = ben.expect(v1.LeaseReply, lambda h, _b: h.correlation_id == request)[1]
    assert granted.token.sequence > wanted.token.sequence
    assert refused(client, ask(ACQUIRE)).text == "r1 is leased by ben"


def test_an_owner_who_is_asked_may_keep_it(client: RawClient, make_client: MakeClient) -> None:
    client.acquire()
    ben = make_client("ben")
    request = ben.send(ask(REQUEST, timeout_ms=9000))
    wanted = client.expect(v1.LeaseWanted)[1]
    client.reply(v1.LeaseReply, ask(DECLINE, token=wanted.token))
    error = ben.expect(v1.Error, lambda h, _b: h.correlation_id == request)[1]
    assert error.cause == v1.CAUSE_BUSY and "anna declined" in error.text
    client.reply(v1.LeaseReply, ask(RENEW, token=client.lease))


def test_an_owner_who_does_not_answer_is_no_yes(client: RawClient, make_client: MakeClient) -> None:
    client.acquire()
    error = refused(make_client("ben"), ask(REQUEST, timeout_ms=50))
    assert error.cause == v1.CAUSE_BUSY and "no answer in time" in error.text
    client.reply(v1.LeaseReply, ask(RENEW, token=client.lease))


def test_a_free_robot_needs_no_asking(client: RawClient) -> None:
    assert client.reply(v1.LeaseReply, ask(REQUEST)).owner == "anna"


def test_taking_ends_the_owners_goals_preempted_and_is_audited(
    client: RawClient, driver: RawDriver, make_client: MakeClient
) -> None:
    client.acquire()
    goal = running_goal(client, driver)
    boss = make_client("boss")
    boss.reply(v1.WatchReply, v1.Watch(notices=True))
    assert refused(boss, ask(TAKE)).cause == v1.CAUSE_INVALID, "without a reason"
    granted = boss.reply(v1.LeaseReply, ask(TAKE, reason="it blocks the gate"))
    lost = client.expect(v1.LeaseLost)[1]
    assert lost.token == client.lease and "boss" in lost.reason and "it blocks the gate" in lost.reason
    order = driver.expect(v1.CommandCancel)[1]
    assert (order.command_id, order.end_state) == (goal, PREEMPTED)
    driver.outcome(goal, PREEMPTED)
    client.update(goal, PREEMPTED)
    notice = boss.expect(v1.Event)[1].notice
    assert (notice.robot, notice.kind) == ("r1", "lease-taken")
    # The old token is dead, the new one moves it.
    dead = client.command("base.go", x=1.0)
    assert client.update(dead, v1.COMMAND_STATE_REJECTED).cause == v1.CAUSE_OLDER_LEASE
    boss.lease = granted.token
    boss.update(boss.command("base.go", x=1.0), v1.COMMAND_STATE_ACCEPTED)
    records = boss.reply(v1.Audit, v1.AuditQuery()).records
    taken = next(each for each in records if each.what == "lease-take")
    assert taken.who == "boss" and "anna" in taken.text and first_fault(records) is None


def test_taking_from_ones_own_kind_needs_maintain(client: RawClient, make_client: MakeClient) -> None:
    client.acquire()
    operator = make_client("operator", roles=(v1.ROLE_OPERATE,))
    error = refused(operator, ask(TAKE, reason="now"))
    assert error.cause == v1.CAUSE_DENIED and "maintain" in error.text
    client.reply(v1.LeaseReply, ask(RENEW, token=client.lease))


def test_a_person_on_site_takes_from_the_cloud_never_the_reverse(
    driver: RawDriver, context: zmq.Context[Any], hub: HubProcess, make_client: MakeClient
) -> None:
    cloud = RawClient(context, hub, "cloud")
    hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="cloud", roles=[v1.ROLE_MAINTAIN], cloud=True)
    cloud.reply(v1.HelloReply, hello)
    cloud.acquire()
    site = make_client("site", roles=(v1.ROLE_OPERATE,))
    assert site.reply(v1.LeaseReply, ask(TAKE, reason="I stand beside it")).owner == "site"
    error = refused(cloud, ask(TAKE, reason="I am the boss"))
    assert error.cause == v1.CAUSE_DENIED and "site" in error.text
    assert [each.cloud for each in site.reply(v1.Robots, v1.RobotsQuery()).robots[0].authority.leases] == [
        False
    ]


def test_a_lease_outlives_the_hub_for_one_stale_period(
    client: RawClient, driver: RawDriver, context: zmq.Context[Any], hub: HubProcess
) -> None:
    client.acquire()
    goal = running_goal(client, driver)
    hub.kill()
    hub.start()
    again = RawDriver(context, hub, session_id=driver.sender.session_id)
    again.hello(live=(goal,))
    stranger = RawClient(context, hub, "stranger")
    stranger.hello()
    assert refused(stranger, ask(ACQUIRE)).text == "r1 is leased by anna"
    anna = RawClient(context, hub)
    anna.sender.session_id = client.sender.session_id
    anna.safety.sender.session_id = client.sender.session_id
    anna.hello()
    assert anna.reply(v1.LeaseReply, ask(RENEW, token=client.lease)).token == client.lease
    assert anna.reply(v1.CommandUpdate, v1.CommandQuery(command_id=goal)).state == RUNNING
    # Nobody renews it any more: stale, and free.
    anna.reply(v1.LeaseReply, ask(RELEASE, token=client.lease))
    stranger.reply(v1.LeaseReply, ask(ACQUIRE))


def test_a_session_id_stands_for_one_peer(
    client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    client.acquire()
    thief = RawClient(context, hub, "thief")
    thief.sender.session_id = client.sender.session_id
    hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="thief", roles=[v1.ROLE_OPERATE])
    assert thief.reply(v1.Error, hello).cause == v1.CAUSE_DENIED


def test_a_dry_run_meets_every_check_and_changes_nothing(client: RawClient, driver: RawDriver) -> None:
    def check(lease: v1.LeaseToken | None, x: float) -> v1.CommandCheckReply:
        command = v1.Command(method="base.go", args=[v1.NamedValue(name="x", value=v1.Value(double_value=x))])
        body = v1.CommandCheck(command=command)
        return client.reply(v1.CommandCheckReply, body, destination="r1", lease=lease, ttl_ms=5000)

    assert check(None, 1.0).cause == v1.CAUSE_NO_LEASE
    lease = client.acquire().token
    assert check(lease, 9.0).cause == v1.CAUSE_LIMIT
    assert check(lease, 1.0).cause == v1.CAUSE_UNSPECIFIED
    assert client.reply(v1.Robots, v1.RobotsQuery()).robots[0].live == []
    client.command("base.ping")
    assert driver.expect(v1.Command)[1].method == "base.ping", "the first that it hears of"


def test_a_trace_tells_every_step(client: RawClient, driver: RawDriver) -> None:
    client.acquire()
    goal = running_goal(client, driver)
    driver.outcome(goal, v1.COMMAND_STATE_SUCCEEDED)
    client.update(goal, v1.COMMAND_STATE_SUCCEEDED)
    hops = client.reply(v1.Trace, v1.TraceQuery(command_id=goal)).hops
    assert [(each.where, each.what) for each in hops] == [
        ("client", "sent"),
        ("hub", "ACCEPTED"),
        ("hub", "forwarded"),
        ("driver", "RUNNING"),
        ("hub", "RUNNING kept"),
        ("driver", "SUCCEEDED"),
        ("hub", "SUCCEEDED kept"),
    ]
    at = [each.time_ns for each in hops if each.where == "hub"]
    assert at == sorted(at)
    assert client.reply(v1.Error, v1.TraceQuery(command_id=bytes(16))).cause == v1.CAUSE_INVALID


@pytest.mark.parametrize(
    "what", [v1.RobotsQuery(), v1.Describe(robot="r1"), v1.TwinGet(robot="r1"), v1.Watch()]
)
def test_reading_needs_a_role(driver: RawDriver, make_client: MakeClient, what: Any) -> None:
    nobody = make_client("nobody", roles=())
    assert nobody.reply(v1.Error, what).cause == v1.CAUSE_DENIED


def test_a_sheet_that_changes_is_told_and_its_old_settings_are_kept_apart(
    client: RawClient, driver: RawDriver
) -> None:
    write = v1.TwinWrite(robot="r1", name="base.max_speed", value=v1.Value(double_value=1.5))
    client.reply(v1.TwinWriteReply, write)
    client.reply(v1.WatchReply, v1.Watch(notices=True))
    robot = v1.RobotHello(robot="r1", stop=driver.stop)
    robot.sheet.model = "other"
    robot.sheet.components.add(name="arm", type=v1.COMPONENT_TYPE_ARM)
    driver.reply(v1.HelloReply, v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[robot]))
    notice = client.expect(v1.Event, lambda _h, b: b.HasField("notice"))[1].notice
    assert notice.kind == "sheet-changed" and "base.max_speed" in notice.text
    twin = client.reply(v1.Twin, v1.TwinGet(robot="r1"))
    apart = {each.name: each.desired.value.double_value for each in twin.apart}
    assert apart["base.max_speed"] == 1.5 and "base.max_speed" not in {each.name for each in twin.properties}
