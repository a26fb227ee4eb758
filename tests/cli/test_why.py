"""`why`: each thing that can keep a robot from moving is named, first things first; and the real one, on a terminal's word."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from robolink import v1
from robolink.cli.verdicts import Level, first_fault
from robolink.cli.why import reasons
from robolink.client import Hub
from robolink.core.values import to_value
from tests.cli.conftest import BASE, Said

NOW_NS = 100_000_000_000
SHEET = v1.Sheet()


def info(**changes: Any) -> v1.RobotInfo:
    """A robot that can move."""
    link = v1.LinkState(clock_error_us=400, round_trip_us=900, stoppable=True)
    made = v1.RobotInfo(
        robot="r", model="m", online=True, driver="drv", last_seen_ns=NOW_NS - 200_000_000, link=link
    )
    made.MergeFrom(v1.RobotInfo(**changes))
    return made


def me(*roles: v1.Role) -> v1.HelloReply:
    return v1.HelloReply(name="me", roles=roles or (v1.ROLE_CONFIGURE, v1.ROLE_SAFETY))


def verdict(
    robot: v1.RobotInfo,
    twin: dict[str, v1.PropertyState] | None = None,
    who: v1.HelloReply | None = None,
    error_s: float | None = 0.001,
) -> str:
    """The first thing to do; "" if it can move."""
    fault = first_fault(reasons(robot, SHEET, twin or {}, who or me(), now_ns=NOW_NS, clock_error_s=error_s))
    return f"{fault.what}: {fault.text} -> {fault.hint}" if fault else ""


def test_a_robot_that_can_move_has_no_fault() -> None:
    assert verdict(info()) == ""
    found = reasons(info(), SHEET, {}, me(), now_ns=NOW_NS, clock_error_s=0.001)
    assert {each.level for each in found} == {Level.OK}
    assert "0.2 s ago" in found[0].text
    assert "0.9 ms" in found[0].text


def test_each_obstacle_is_named_with_its_cure() -> None:
    offline = info()
    offline.online = False
    assert "offline; last seen 0.2 s ago -> start its driver 'drv'" in verdict(offline)
    deaf = info()
    deaf.link.stoppable = False
    assert "safety lane" in verdict(deaf)
    unsynced = info()
    unsynced.link.ClearField("clock_error_us")
    assert "robot's clock: not synced" in verdict(unsynced)
    assert "your clock" in verdict(info(), error_s=None)
    assert "your role" in verdict(info(), who=me(v1.ROLE_OBSERVE))


def test_a_latched_stop_says_level_generation_who_and_why() -> None:
    stop = v1.StopState(
        generation=7, latched=True, level=v1.STOP_LEVEL_CUT, reason="smoke", stopped_by="alice"
    )
    text = verdict(info(authority=v1.Authority(stop=stop)))
    assert all(word in text for word in ("#7", "CUT", "by alice", "smoke", "robolink release r"))
    assert "role safety" not in text
    text = verdict(info(authority=v1.Authority(stop=stop)), who=me(v1.ROLE_OPERATE))
    assert "role safety" in text
    past = v1.Authority(stop=v1.StopState(generation=7))
    assert verdict(info(authority=past)) == ""


def test_a_lease_of_somebody_else_says_whose_and_of_what() -> None:
    lease = v1.LeaseHolder(component="arm", owner="bob", cloud=True)
    text = verdict(info(authority=v1.Authority(leases=[lease])))
    assert all(word in text for word in ("arm", "bob", "cloud", "robolink lease r/arm --request"))
    own = v1.LeaseHolder(owner="me")
    assert "your own name" in verdict(info(authority=v1.Authority(leases=[own])))


def test_offline_comes_before_a_stop_and_a_stop_before_a_lease() -> None:
    authority = v1.Authority(
        stop=v1.StopState(generation=1, latched=True), leases=[v1.LeaseHolder(owner="bob")]
    )
    everything = info(authority=authority)
    assert verdict(everything).startswith("stop latch")
    everything.online = False
    assert verdict(everything).startswith("link")


def test_what_runs_and_what_was_refused_is_told_and_is_no_fault() -> None:
    live = v1.LiveCommand(
        command_id=b"\xab" * 16, method="base.go", owner="bob", state=v1.COMMAND_STATE_RUNNING, stale=True
    )
    refused = v1.PropertyState(name="base.max_speed", desired=v1.Desired(version=3))
    refused.observed.MergeFrom(
        v1.Observed(version=3, verdict=v1.VERDICT_REJECTED, cause=v1.CAUSE_LIMIT, text="too fast")
    )
    pending = v1.PropertyState(name="base.lamp", desired=v1.Desired(version=2))
    twin = {each.name: each for each in (refused, pending)}
    found = reasons(info(live=[live]), SHEET, twin, me(), now_ns=NOW_NS, clock_error_s=0.001)
    notes = {each.what: each for each in found if each.level is Level.NOTE}
    assert "ab" * 16 in notes["running"].text
    assert "driver is away" in notes["running"].hint
    texts = [each.text for each in found if each.what == "setting"]
    assert any("LIMIT: too fast" in text for text in texts)
    assert any("base.lamp v2 is not yet applied" in text for text in texts)
    assert verdict(info(live=[live]), twin) == ""


def test_a_verdict_on_an_older_version_is_not_told_of_the_newer_one() -> None:
    state = v1.PropertyState(name="base.max_speed", desired=v1.Desired(version=4))
    state.observed.MergeFrom(v1.Observed(version=3, verdict=v1.VERDICT_REJECTED, text="too fast"))
    found = reasons(info(), SHEET, {state.name: state}, me(), now_ns=NOW_NS, clock_error_s=0.001)
    assert not any("too fast" in each.text for each in found)
    assert any("v4 is not yet applied" in each.text for each in found)


def test_a_mode_in_which_nothing_moves_is_in_the_way_one_in_which_something_does_is_not() -> None:
    go = v1.Method(name="go", motion=True, modes=["auto"])
    lamp = v1.Method(name="lamp", modes=["service"])
    velocity = v1.SetpointInfo(name="velocity", modes=["manual", "auto"])
    base = v1.Component(name="base", methods=[go, lamp], setpoints=[velocity])
    sheet = v1.Sheet(components=[base], mode_property="base.mode")

    def mode(present: str) -> tuple[Level, str]:
        state = v1.PropertyState(name="base.mode", reported=v1.Reported(value=to_value(present)))
        found = reasons(info(), sheet, {state.name: state}, me(), now_ns=NOW_NS, clock_error_s=0.001)
        return next((each.level, each.hint) for each in found if each.what == "mode")

    assert mode("auto")[0] is Level.OK, "what does not move is of no interest here"
    level, hint = mode("manual")
    assert level is Level.NOTE
    assert "base.go needs auto" in hint
    assert "velocity" not in hint
    level, hint = mode("off")
    assert level is Level.FAULT
    assert "base.velocity needs manual or auto" in hint
    assert not any(
        each.what == "mode" for each in reasons(info(), SHEET, {}, me(), now_ns=NOW_NS, clock_error_s=0.001)
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_against_a_real_robot(here: Callable[..., Said], client: Hub, as_json: bool) -> None:
    options = ("--json",) if as_json else ()
    free = here("why", BASE, *options)
    assert free.code == 0, free.out
    assert json.loads(free.out)["can_move"] if as_json else "it can move now" in free.out
    client.stop([BASE], reason="trial")
    try:
        with client.robot(BASE).lease("base"):
            stopped = here("why", BASE, *options)
        assert stopped.code == 1
        for word in ("trial", "somebody", f"robolink release {BASE}"):
            assert word in stopped.out
        if as_json:
            assert json.loads(stopped.out)["first"]["what"] == "stop latch"
    finally:
        client.release([BASE])


def test_of_an_unknown_robot_it_says_how_to_list_them(here: Callable[..., Said]) -> None:
    said = here("why", "nobody")
    assert said.code == 1
    assert "nobody" in said.err
    assert "robolink robots" in said.err
