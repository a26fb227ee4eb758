"""Golden vectors of the rules of motion: command states, lease tokens, the stop latch at hub and driver."""

from __future__ import annotations

import re
from typing import Any

from robolink import v1
from robolink.core.command import TERMINAL, TRANSITIONS, Writer, may_follow
from robolink.core.lease import token_of
from robolink.core.stop import StopLatch
from robolink.core.violation import Violation, cause_name, state_name
from robolink.robot._actions import Action, StopNow
from robolink.robot._commands import CommandRules
from robolink.robot._motion import MotionRules
from robolink.robot._served import Served
from robolink.robot._wire import Wire
from tests.proto.vectors import ROOT, cases, load

Vector = dict[str, Any]
ROBOT = "turtle-1"


def number(state: str) -> Any:
    return v1.CommandState.Value(f"COMMAND_STATE_{state}")


class TestStates:
    @cases("commands", "moves")
    def test_move(self, vector: Vector) -> None:
        allowed = may_follow(number(vector["from"]), number(vector["to"]), Writer(vector["writer"]))
        assert allowed == vector["allowed"]

    def test_every_state_is_there(self) -> None:
        named = {each["name"]: each["terminal"] for each in load("commands")["states"]}
        assert named == {state_name(state): state in TERMINAL for state in TRANSITIONS}
        assert {*map(number, named)} == {state for state in v1.CommandState.values() if state}

    def test_the_standards_table_is_the_same(self) -> None:
        """Section 8.2, without what a driver's outcome after ACCEPTED implies."""
        text = (ROOT / "proto" / "STANDARD.md").read_text("utf-8")
        section = text.split("### 8.2 States")[1].split("###")[0]
        rows = re.findall(r"^\| ([A-Z, ]+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
        table = {
            state: {each.strip() for each in after.split(",") if each.strip().isalpha()}
            for names, _, after in rows
            for state in names.split(", ")
        }
        assert table == {state_name(s): {state_name(a) for a in after} for s, after in TRANSITIONS.items()}


class TestTokens:
    @cases("authority", "tokens")
    def test_compared_as_a_pair(self, vector: Vector) -> None:
        a, b = (
            token_of(v1.LeaseToken(epoch=each[0], sequence=each[1])) for each in (vector["a"], vector["b"])
        )
        assert (a > b) - (a < b) == vector["compared"]


def stop_state(state: Vector) -> v1.StopState:
    level = v1.StopLevel.Value(f"STOP_LEVEL_{state['level'] or 'UNSPECIFIED'}")
    return v1.StopState(generation=state["generation"], latched=state["latched"], level=level)


def shown(latch: StopLatch) -> Vector:
    level = v1.StopLevel.Name(latch.level).removeprefix("STOP_LEVEL_") if latch.latched else ""
    return {"generation": latch.generation, "latched": latch.latched, "level": level}


def do(latch: StopLatch, step: Vector) -> None:
    if step["do"] == "stop":
        latch.raise_stop(v1.StopLevel.Value(f"STOP_LEVEL_{step['level']}"), reason="", by="")
    elif step["do"] == "release":
        latch.release(step["generation"], at_ns=step["at_ns"])
    elif step["do"] == "check":
        latch.check(step["generation"], step["sent_ns"])
    else:
        assert step["do"] == "merge"
        latch.merge(stop_state(step["state"]))


class TestLatch:
    @cases("authority", "latches")
    def test_through_its_steps(self, vector: Vector) -> None:
        latch = StopLatch(ROBOT)
        latch.load(stop_state(vector["start"]))
        for step in vector["steps"]:
            cause = "OK"
            try:
                do(latch, step)
            except Violation as violation:
                cause = cause_name(violation.cause)
            assert cause == step["cause"], step
            assert shown(latch) == step["after"], step

    @cases("authority", "driver_merges")
    def test_driver_takes_the_hubs_word(self, vector: Vector) -> None:
        actions: list[Action] = []
        wire = Wire(1, actions.append)
        served = Served.of(ROBOT, v1.Sheet(), set())
        served.latch.load(stop_state(vector["driver"]))
        if vector["moving"]:
            served.watch.accept("base", "v", token=(1, 1), sent_ns=0, age_s=0.0, ttl_s=0.3, now=0.0)
        robots = {ROBOT: served}
        rules = MotionRules(wire, robots, CommandRules(wire, robots))
        authority = v1.Authority(robot=ROBOT, stop=stop_state(vector["hub"]))
        rules.merge_stops(v1.HelloReply(authorities=[authority]), now=0.0)
        assert shown(served.latch) == vector["after"]
        assert any(isinstance(each, StopNow) for each in actions) == vector["stop"]
