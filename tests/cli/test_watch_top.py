"""`watch` and `top`: events to lines and robots to rows, alone; then both as somebody else moves and stops a real robot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from robolink import v1
from robolink.cli.top import battery, fleet_row, fleet_view, order, summary
from robolink.cli.watch import Watcher
from robolink.client import Hub
from robolink.core.values import to_value
from tests.cli.conftest import BASE, Said
from tests.conftest import wait_for

NOW_NS = 50_000_000_000


def robot(name: str = "r", *, online: bool = True, latched: bool = False, **rest: Any) -> v1.RobotInfo:
    stop = v1.StopState(
        latched=latched, generation=3, level=v1.STOP_LEVEL_SOFT_HOLD, reason="smoke", stopped_by="alice"
    )
    authority = v1.Authority(robot=name, stop=stop, leases=rest.pop("leases", []))
    return v1.RobotInfo(robot=name, model="m", online=online, driver="d", authority=authority, **rest)


def texts(watcher: Watcher, event: v1.Event) -> list[str]:
    return [line.text for line in watcher.lines(event, NOW_NS)]


def test_of_a_robot_only_changes_are_told() -> None:
    watcher = Watcher()
    assert texts(watcher, v1.Event(robot=robot())) == ["online by driver 'd'"]
    assert texts(watcher, v1.Event(robot=robot())) == []
    assert texts(watcher, v1.Event(robot=robot(latched=True))) == [
        "software stop #3 SOFT_HOLD by alice: smoke"
    ]
    held = robot(latched=False, leases=[v1.LeaseHolder(component="base", owner="bob")])
    assert texts(watcher, v1.Event(robot=held)) == ["released from stop #3; lease held by bob (base)"]
    assert texts(watcher, v1.Event(robot=robot(online=False))) == ["offline; lease free"]
    assert texts(watcher, v1.Event(robot=robot("other", online=False))) == ["offline"]


def test_a_command_says_which_and_whose_and_how_it_ended() -> None:
    update = v1.CommandUpdate(
        command_id=b"\x01" * 16,
        robot="r",
        state=v1.COMMAND_STATE_FAILED,
        cause=v1.CAUSE_DRIVER_ERROR,
        text="stuck",
        time_ns=NOW_NS - 2_000_000_000,
    )
    (line,) = Watcher().lines(v1.Event(command=update, method="base.go", owner="bob"), NOW_NS)
    assert line.text == f"base.go FAILED (DRIVER_ERROR): stuck, for bob, id {'01' * 16}"
    assert line.style
    assert line.age_s == 2.0, "the line carries the time of the state, not of its arrival"
    assert line.document["state"] == "FAILED"
    assert line.document["cause"] == "DRIVER_ERROR"


def test_a_notice_and_a_refused_setting() -> None:
    notice = v1.Notice(robot="r", severity=v1.SEVERITY_ERROR, kind="bumper", text="hit", time_ns=NOW_NS)
    (line,) = Watcher().lines(v1.Event(notice=notice), NOW_NS)
    assert (line.kind, line.text) == ("notice", "error bumper: hit")
    state = v1.PropertyState(name="base.max_speed", desired=v1.Desired(version=2, value=to_value(9.0)))
    state.observed.MergeFrom(
        v1.Observed(version=2, verdict=v1.VERDICT_REJECTED, cause=v1.CAUSE_LIMIT, text="too fast")
    )
    never = v1.PropertyState(name="cmd")
    lines = list(Watcher().lines(v1.Event(twin_delta=v1.Twin(robot="r", properties=[state, never])), NOW_NS))
    assert len(lines) == 1, "what was never written nor measured is no event"
    assert "refused v2, LIMIT: too fast" in lines[0].text


def test_the_fleet_is_sorted_by_what_needs_a_look() -> None:
    live = [v1.LiveCommand(method="base.go", state=v1.COMMAND_STATE_RUNNING)]
    fleet = [robot("a"), robot("b", live=live), robot("c", online=False), robot("d", latched=True)]
    assert [each.robot for each in order(fleet)] == ["d", "c", "b", "a"]


def test_a_row_has_every_side() -> None:
    link = v1.LinkState(round_trip_us=1500, stoppable=True)
    live = [v1.LiveCommand(command_id=b"\x02" * 16, method="base.go", state=v1.COMMAND_STATE_CANCELING)]
    info = robot(
        link=link, live=live, last_seen_ns=NOW_NS - 300_000_000, leases=[v1.LeaseHolder(owner="bob")]
    )
    view = fleet_view(info, 0.15, 4, NOW_NS)
    cells = [cell if isinstance(cell, str) else cell[0] for cell in fleet_row(view)]
    assert cells == [
        "r", "m", "online", "-", "bob", "base.go CANCELING", "15%", "1.5 ms", "0.3 s", "4",
    ]  # fmt: skip
    assert summary([view]) == "1 robots, 1 online, 0 stopped, 1 commands running"
    link.stoppable = False
    assert fleet_row(fleet_view(robot(link=link), None, 0, NOW_NS))[2] == ("no safety lane", "bold red")


def test_the_lowest_battery_counts_and_other_readings_do_not() -> None:
    def reading(name: str, value: Any) -> tuple[str, v1.PropertyState]:
        return name, v1.PropertyState(name=name, reported=v1.Reported(value=to_value(value)))

    twin = dict([reading("a.percentage", 0.9), reading("b.percentage", 0.4), reading("base.distance", 0.1)])
    assert battery(twin) == 0.4
    assert battery(dict([reading("base.distance", 0.1)])) is None


def test_top_once(here: Callable[..., Said]) -> None:
    table = here("top", "--once")
    assert table.code == 0, table.err
    assert table.out.split()[:2] == ["ROBOT", "MODEL"]
    assert "1 robots, 1 online" in table.out
    assert "100%" in table.out, "the twin's battery"
    views = json.loads(here("top", "--once", "--json").out)["robots"]
    assert [each["robot"] for each in views] == [BASE]
    assert 0.9 < views[0]["battery_fraction"] <= 1.0


@contextmanager
def lines_of(site: str, *arguments: str) -> Iterator[tuple[list[dict[str, Any]], subprocess.Popen[str]]]:
    """JSON lines as they come from a command that does not end."""
    command = [sys.executable, "-m", "robolink.cli", *arguments, "--json"]
    lines: list[dict[str, Any]] = []
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"ROBOLINK_HUB": site}
    )
    stdout = running.stdout
    assert stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(map(json.loads, stdout)))
    reader.start()
    try:
        yield lines, running
    finally:
        running.kill()
        running.wait()
        reader.join(10)
        stdout.close()


def test_watch_tells_what_somebody_else_does(site: str, client: Hub) -> None:
    with lines_of(site, "watch", BASE) as (lines, running):
        wait_for(lambda: any(each["event"] == "property" for each in lines), what="the twin")
        base = client.robot(BASE)
        with base.lease("base"):
            goal = base.goal("base.navigate_to", x=0.1, y=0.0)
            goal.result(30)
        base.stop(reason="trial")
        base.release()

        def states() -> list[str]:
            return [
                each["state"]
                for each in lines
                if each["event"] == "command" and each["command_id"] == goal.id.hex()
            ]

        wait_for(lambda: "SUCCEEDED" in states(), what="the command's end")
        wait_for(
            lambda: any(each["event"] == "robot" and each["stop"]["reason"] == "trial" for each in lines),
            what="the stop",
        )
        assert all(each["unix_ms"] > 0 for each in lines)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0


def test_watch_shows_only_what_was_asked_for(site: str, client: Hub) -> None:
    with lines_of(site, "watch", "--commands") as (lines, running):
        wait_for(lambda: lines, what="the robots")
        client.robot(BASE).call("base.pose")
        wait_for(lambda: any(each["event"] == "command" for each in lines), what="the command")
        assert not any(each["event"] == "property" for each in lines)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_live_top_goes_on_until_interrupted(site: str, client: Hub) -> None:
    with lines_of(site, "top", "--interval-s", "0.1") as (lines, running):
        wait_for(lambda: len(lines) > 1, what="two looks")
        client.stop([BASE])
        wait_for(lambda: lines[-1]["robots"][0]["stop"]["latched"], what="the stop")
        client.release([BASE])
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0


def test_watching_nobody_is_an_error(here: Callable[..., Said]) -> None:
    said = here("watch", "nobody")
    assert said.code == 1
    assert "robolink robots" in said.err
