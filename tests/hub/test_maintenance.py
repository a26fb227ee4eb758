"""Maintenance methods at the hub and at the driver: whose they are, what ends them, and that a latch is no hindrance."""

from __future__ import annotations

from typing import Any

import pytest
import zmq

from robolink import v1
from robolink.core.sheet import validate_sheet
from robolink.core.values import named
from robolink.core.violation import Violation
from robolink.robot._actions import StartCommand
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import SHEET, RawClient, RawDriver
from tests.robot.rig import ROBOT, Rig, make_sheet

ACCEPTED, REJECTED = v1.COMMAND_STATE_ACCEPTED, v1.COMMAND_STATE_REJECTED


def with_service(sheet: v1.Sheet) -> v1.Sheet:
    made = v1.Sheet()
    made.CopyFrom(sheet)
    board = made.components.add(name="board", type=v1.COMPONENT_TYPE_GENERIC)
    board.methods.add(name="service", kind=v1.METHOD_KIND_GOAL, maintenance=True)
    return made


@pytest.fixture
def driver(context: zmq.Context[Any], hub: HubProcess) -> RawDriver:
    made = RawDriver(context, hub)
    made.sheet = with_service(SHEET)
    made.hello()
    return made


def refused(client: RawClient) -> int:
    return client.update(client.command("board.service"), REJECTED).cause


def checked(client: RawClient, method: str, **args: float) -> int:
    check = v1.CommandCheck(command=v1.Command(method=method, args=named(args)))
    return client.reply(v1.CommandCheckReply, check, destination="r1", lease=client.lease, ttl_ms=5000).cause


def test_needs_the_role_and_the_lease_of_the_whole_robot(
    driver: RawDriver, context: zmq.Context[Any], hub: HubProcess
) -> None:
    someone, one = RawClient(context, hub, "someone"), RawClient(context, hub, "one")
    someone.hello(roles=(v1.ROLE_CONFIGURE,))
    someone.acquire()
    assert refused(someone) == v1.CAUSE_DENIED
    someone.send(v1.Goodbye())
    one.hello()
    assert refused(one) == v1.CAUSE_NO_LEASE
    one.acquire(component="board")
    assert refused(one) == v1.CAUSE_NO_LEASE
    request = v1.LeaseRequest(action=v1.LEASE_ACTION_RELEASE, robot="r1", component="board", token=one.lease)
    one.reply(v1.LeaseReply, request)
    one.acquire()
    goal = one.command("board.service")
    assert one.update(goal, ACCEPTED)
    assert driver.expect(v1.Command)[1].method == "board.service"
    assert refused(one) == v1.CAUSE_BUSY


def test_runs_on_a_stopped_robot_and_ends_with_its_owner(driver: RawDriver, client: RawClient) -> None:
    client.safety.send(v1.Stop(robots=["r1"], level=v1.STOP_LEVEL_SOFT_HOLD))
    driver.safety.expect(v1.StopOrder)
    client.acquire()
    wait_for(
        lambda: checked(client, "base.go", x=1.0) == v1.CAUSE_LATCHED, what="the latch at the control lane"
    )
    assert checked(client, "board.service") == v1.CAUSE_UNSPECIFIED
    goal = client.command("board.service")
    assert client.update(goal, ACCEPTED)
    client.send(v1.Goodbye())
    cancel = driver.expect(v1.CommandCancel)[1]
    assert (cancel.command_id, cancel.cause) == (goal, v1.CAUSE_DISCONNECTED)


def test_no_method_is_both() -> None:
    sheet = with_service(SHEET)
    validate_sheet(sheet)
    sheet.components[-1].methods[0].motion = True
    with pytest.raises(Violation, match=r"board\.service is motion and maintenance"):
        validate_sheet(sheet)


def test_driver_begins_it_while_latched_and_a_new_stop_ends_it() -> None:
    rig = Rig()
    rig.session.remove_robot(ROBOT, rig.now)
    rig.session.add_robot(ROBOT, with_service(make_sheet()), rig.now)
    rig.connect()
    rig.stop(1)
    rig.command(generation=1)
    goal = rig.command("board.service", generation=1)
    assert [each.id for each in rig.take(StartCommand)] == [goal]
    rig.stop(2)
    assert rig.session.commands.ledger.get(goal).state == v1.COMMAND_STATE_STOPPED  # type: ignore[union-attr]
