"""From a cloud app to a robot and back over a whole cluster; and what is killed in the middle of commands.

Nothing runs twice, what reached edgecore ends with a verdict, settings converge.
"""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from robolink import v1
from robolink.client import Lease
from robolink.cloud import GoalHandle, Options, RobotHandle
from robolink.core.command import TERMINAL
from robolink.errors import (
    CommandFailedError,
    LeaseError,
    RejectedError,
    RobolinkError,
    SettingRejectedError,
)
from tests.conftest import wait_for
from tests.kubeedge.cluster import DoubleCluster
from tests.kubeedge.site import Site

LIMIT = "walker.limit"
# How long the link is cut; the double needs no more than that something is written meanwhile.
# Edgecore itself waits up to 30 s between its tries to come back.
CUT_S = float(os.environ.get("ROBOLINK_CUT_S", "1"))
LONG = Options(ttl_s=120)


def _leased(lease: Lease) -> Lease | None:
    try:
        lease.acquire()
    except RejectedError:
        return None
    return lease


def observed(robot: RobotHandle) -> bool:
    return robot.twin.get(LIMIT)[LIMIT].observed.verdict == v1.VERDICT_APPLIED


def test_settings_commands_stop_and_release_go_down_and_come_back(site: Site) -> None:
    robot = site.walker()
    robot.twin.set(LIMIT, 0.75, wait_s=30)
    assert site.hub.robot(robot.id).twin.get(LIMIT)[LIMIT].desired.value.double_value == 0.75
    with pytest.raises(SettingRejectedError) as refused:
        robot.twin.set(LIMIT, 1.5, wait_s=30)  # Its sheet allows it, the robot does not.
    assert refused.value.cause == v1.CAUSE_LIMIT
    robot.twin.set(LIMIT, 0.5, wait_s=30)
    assert robot.call("walker.count", number=1).state == v1.COMMAND_STATE_SUCCEEDED
    goal = robot.goal("walker.walk", number=2, seconds=30.0)
    assert robot.stop(wait_s=30).generation == 1
    with pytest.raises(CommandFailedError, match="STOPPED"):
        goal.result(30)
    with pytest.raises(RejectedError, match="LATCHED"):
        robot.goal("walker.walk", number=3)
    robot.release()
    wait_for(lambda: not robot.info().authority.stop.latched, 30, "the release in the cloud")
    # The same level once more: the wish of before was taken back, so that this one is heard.
    assert robot.stop(wait_s=30).generation == 2
    robot.release()
    wait_for(lambda: not robot.info().authority.stop.latched, 30, "the second release in the cloud")
    goal = robot.goal("walker.walk", number=4, seconds=30.0)
    goal.cancel()
    with pytest.raises(CommandFailedError, match="CANCELED"):
        goal.result(30)
    # The cloud's own lease goes on for a moment behind its last command.
    mine = wait_for(lambda: _leased(site.hub.robot(robot.id).lease()), 30, "a lease at the site")
    with pytest.raises(LeaseError, match="NO_LEASE"):
        robot.goal("walker.walk", number=5)
    mine.release()
    assert site.ran() == [1, 2, 4]


def test_what_the_hub_denies_the_mapper_is_told_in_the_cloud_and_runs_nothing(site: Site) -> None:
    robot = site.walker()
    robot.twin.set(LIMIT, 0.75, wait_s=30)
    site.mapper.end(signal.SIGTERM)
    config = site.mapper.config.read_text()
    site.mapper.config.write_text(config.replace("hub: {", "hub: {roles: [observe], "))
    site.mapper.start()
    for number in (1, 2):  # The second finds the first's refusal reported.
        with pytest.raises(RejectedError) as refused:
            robot.call("walker.count", number=number)
        assert refused.value.cause == v1.CAUSE_DENIED
    assert [each.verdict for each in site.fleet.stop(wait_s=30)] == [v1.STOP_VERDICT_REFUSED]
    assert site.ran() == []


def test_a_setting_that_was_changed_at_the_site_is_written_anew_by_the_same_value(site: Site) -> None:
    robot = site.walker()
    robot.twin.set(LIMIT, 0.75, wait_s=30)
    site.hub.robot(robot.id).twin.set(LIMIT, 0.25, wait_s=5)
    robot.twin.set(LIMIT, 0.75, wait_s=30)
    assert site.hub.robot(robot.id).twin.get(LIMIT)[LIMIT].desired.value.double_value == 0.75


def _ordered(robot: RobotHandle) -> GoalHandle:
    """Counts once; a refusal because its driver is not back yet is a verdict too, and then it is ordered anew."""
    until = time.monotonic() + 60
    while True:
        try:
            return robot.goal("walker.count", LONG, number=2)
        except RejectedError as exc:
            if exc.cause != v1.CAUSE_UNREACHABLE or time.monotonic() > until:
                raise
            # cmd-status keeps the last four verdicts: a crowd of refusals would push out the first command's.
            time.sleep(2)


@pytest.mark.parametrize("victim", ["mapper", "hub", "edgecore"])
def test_whoever_is_killed_in_the_middle_nothing_runs_twice_and_all_get_a_verdict(
    site: Site, victim: str
) -> None:
    robot = site.walker()
    goals: list[GoalHandle] = []
    goal = robot.goal("walker.walk", LONG, number=1, seconds=3.0)
    goals.append(goal)
    waiting: list[Exception] = []

    def more() -> None:
        try:
            robot.twin.set(LIMIT, 0.3)
            goals.append(_ordered(robot))
        except RobolinkError as exc:
            waiting.append(exc)

    thread = threading.Thread(target=more)
    if victim == "mapper":
        site.mapper.end(signal.SIGKILL)
        thread.start()
        site.mapper.start()
    elif victim == "hub":
        site.hub_process.kill()
        thread.start()
        site.hub_process.start()
    else:
        site.cluster.kill_edge()
        thread.start()
        site.cluster.start_edge()
    thread.join(150)
    assert not waiting, waiting
    states = [each.wait(90).state for each in goals]
    assert all(state in TERMINAL for state in states)
    assert states[1] == v1.COMMAND_STATE_SUCCEEDED
    wait_for(lambda: observed(robot), 90, "the setting")
    assert site.hub.robot(robot.id).twin.get(LIMIT)[LIMIT].desired.value.double_value == 0.3
    assert site.ran() == [1, 2]


def test_a_link_that_is_cut_in_the_middle_of_a_command(site: Site) -> None:
    robot = site.walker()
    goal = robot.goal("walker.walk", LONG, number=1, seconds=min(25.0, CUT_S + 2.0))
    site.cluster.cut()
    robot.twin.set(LIMIT, 0.3)
    late = (_write(robot, "too-late", 0.5, number=2), _write(robot, "kept", 300.0, number=3))
    with pytest.raises(TimeoutError):
        goal.wait(CUT_S)
    site.cluster.mend()
    assert goal.wait(90).state == v1.COMMAND_STATE_SUCCEEDED, "it went on, and its verdict comes late"
    wait_for(lambda: observed(robot), 90, "the setting after the cut")
    for each in late:
        each.join(120)
    wait_for(lambda: 3 in site.ran(), 30, "the command that was still in its time")
    assert site.ran() == [1, 3]


def _write(robot: RobotHandle, twin_id: str, ttl_s: float, **args: int) -> threading.Thread:
    """A command that nobody waits for here."""

    def run() -> None:
        try:
            robot.call("walker.count", Options(ttl_s=ttl_s, twin_id=twin_id), **args)
        except (RejectedError, CommandFailedError, TimeoutError):
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_doubles_are_always_among_the_clusters(request: pytest.FixtureRequest) -> None:
    from tests.kubeedge.conftest import KINDS

    assert KINDS["doubles"] is DoubleCluster
