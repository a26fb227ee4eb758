"""Stops and releases in injected time; and whatever comes in whatever order, everything ends and a command is written once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.cloud import Fleet
from robolink.cloud._blocking import unheard
from robolink.cloud._engine import Patch
from robolink.cloud._operation import Operation
from robolink.cloud._operations import CommandOperation, SetOperation, release_args
from robolink.cloud._stops import StopOperation
from robolink.core import twincmd
from robolink.errors import LocalProtocolError, RejectedError
from tests.cloud.bench import WALL_MS, Bench, error
from tests.cloud.conftest import ROBOT
from tests.cloud.fake_api import FakeApi
from tests.conftest import wait_for


def test_a_stop_waits_for_nothing_and_is_taken_back_once_it_is_heard(bench: Bench) -> None:
    bench.report(stop=("", ""), stop_generation=("", "4"))
    bench.wish("cmd", twincmd.make("other", "walker.walk", {}, WALL_MS, 600_000))
    waiting = bench.command("mine")
    made = StopOperation(ROBOT, v1.STOP_LEVEL_SOFT_HOLD, bench.now)
    bench.engine.add(made)
    patches = bench.take()
    assert [patch.urgent for patch in patches] == [True]
    for patch in patches:
        bench.answer(patch)
    bench.run()
    assert (bench.desired("stop"), bench.desired("sync")) == ("SOFT_HOLD", "1/stop")
    bench.run(until_s=1.0)
    assert bench.desired("sync") == "2/stop", "nudged within a second"
    assert not made.done.done()
    bench.report(stop=("SOFT_HOLD", "SOFT_HOLD"))
    bench.run()
    assert not made.done.done(), "its generation comes in a patch of its own"
    bench.report(stop_generation=("", "5"))
    bench.run()
    assert made.done.result(0) == v1.StopResult(robot=ROBOT, verdict=v1.STOP_VERDICT_STOPPING, generation=5)
    assert bench.desired("stop") == "", "else a mapper restarted after the release would stop it again"
    assert not waiting.terminal.done()


def test_a_stop_that_stands_from_before_the_release_is_written_anew(bench: Bench) -> None:
    for without, first in (((), "1/stop"), (("sync",), None)):
        bench = Bench(without)
        bench.wish("stop", "SOFT_HOLD")
        bench.report(stop=("", ""), stop_generation=("", "4"))
        bench.add(StopOperation(ROBOT, v1.STOP_LEVEL_SOFT_HOLD, bench.now))
        texts = [
            each["value"]["value"]
            for patch in bench.patches
            for each in patch.writes
            if each["op"] == "add" and each["value"]["value"] != first
        ]
        assert texts == (["SOFT_HOLD"] if first else ["", "SOFT_HOLD"])


def test_a_higher_wish_of_another_stays_and_an_old_latch_is_no_answer(bench: Bench) -> None:
    bench.report(stop=("SOFT_HOLD", "SOFT_HOLD"), stop_generation=("", "4"))
    made = bench.add(StopOperation(ROBOT, v1.STOP_LEVEL_CUT, bench.now))
    assert not made.done.done(), "held softly is not cut"
    bench.report(stop=("CUT", "CUT"), stop_generation=("", "5"))
    bench.wish("stop", "STOP_THEN_CUT")
    bench.run()
    assert made.done.done()
    assert bench.desired("stop") == "STOP_THEN_CUT"


def test_a_stop_that_is_refused_at_the_edge_says_so_and_why(bench: Bench) -> None:
    bench.report(stop=("", ""), stop_generation=("", "4"), setting_errors=("", "stop:STORAGE"))
    made = bench.add(StopOperation(ROBOT, v1.STOP_LEVEL_SOFT_HOLD, bench.now))
    assert not made.done.done(), "that is of a write before"
    bench.report(sync=(bench.desired("sync"), ""), setting_errors=("", "stop:DENIED"))
    bench.run()
    caught = error(made.done)
    assert isinstance(caught, RejectedError) and caught.cause == v1.CAUSE_DENIED
    told = unheard(ROBOT, caught)
    assert told.verdict == v1.STOP_VERDICT_REFUSED and "DENIED" in told.text
    assert bench.desired("stop") == "SOFT_HOLD", "what is written stays written"
    assert bench.engine.next_timer() is None


def test_a_release_names_the_stop_it_knows_and_takes_the_wish_back(bench: Bench) -> None:
    with pytest.raises(RejectedError):
        release_args(bench.view, ROBOT)
    bench.report(stop=("SOFT_HOLD", "SOFT_HOLD"), stop_generation=("", "5"))
    bench.wish("stop", "SOFT_HOLD")
    args = release_args(bench.view, ROBOT)
    made = CommandOperation(ROBOT, "r1", "release", args, 30.0, bench.now, also={"stop": ""})
    bench.add(made)
    assert dict(twincmd.decode(bench.desired("cmd")).args) == {"generation": "5"}
    assert bench.desired("stop") == ""


@pytest.mark.parametrize("level", [v1.STOP_LEVEL_UNSPECIFIED, 99])
def test_a_stop_of_no_level_is_told_before_anything_is_written(
    level: v1.StopLevel, api: FakeApi, fleet: Fleet
) -> None:
    api.report(ROBOT, "ok", stop=("SOFT_HOLD", "SOFT_HOLD"), stop_generation=("", "4"))
    wait_for(lambda: fleet.robot(ROBOT).info().authority.stop.latched, what="the latch")
    for stop in (lambda: fleet.robot(ROBOT).stop(level), lambda: fleet.stop(level=level)):
        with pytest.raises(LocalProtocolError, match="no level of a software stop"):
            stop()
    assert api.desired(ROBOT, "stop") == ""
    fleet.robot(ROBOT).twin.set("walker.limit", 0.5)  # The fleet goes on.


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(("set", "cmd", "stop", "report", "other", "lost", "conflict", "time")), max_size=25
    )
)
def test_whatever_happens_every_command_is_written_once_and_nothing_is_forgotten(steps: list[str]) -> None:
    bench = Bench()
    operations: list[Operation] = []
    issued: dict[str, set[str]] = {}

    def answer(patch: Patch) -> None:
        bench.answer(patch)
        text = bench.desired("cmd")
        if text:
            issued.setdefault(twincmd.decode(text).id, set()).add(text)

    send: Callable[[Patch], None] = answer
    for number, step in enumerate(steps):
        if step == "set":
            operations.append(SetOperation(ROBOT, "walker.limit", number / 100, None, bench.now))
            bench.engine.add(operations[-1])
        elif step == "cmd":
            operations.append(CommandOperation(ROBOT, f"c{number}", "walker.walk", {}, 5.0, bench.now))
            bench.engine.add(operations[-1])
        elif step == "stop":
            operations.append(StopOperation(ROBOT, v1.STOP_LEVEL_SOFT_HOLD, bench.now))
            bench.engine.add(operations[-1])
        elif step == "report":
            text = bench.desired("cmd")
            done = {"cmd_status": ("", f"{twincmd.decode(text).id}:SUCCEEDED")} if text else {}
            limit = bench.desired("walker.limit")
            bench.report(sync=(bench.desired("sync"), ""), walker__limit=(limit, limit), **done)
        elif step == "other":
            bench.wish("walker.note", f"n{number}")
        elif step == "conflict":
            bench.wish("walker.note", f"n{number}", seen=False)
        elif step == "time":
            bench.now_s += 7.0
        send = bench.lose if step == "lost" else answer
        for patch in bench.take():
            send(patch)
    bench.run(until_s=bench.now_s + 2000.0)
    assert all(each.over for each in operations), "each has an end"
    assert all(len(texts) == 1 for texts in issued.values()), "one text for one id"
    assert bench.engine.next_timer() is None
