"""Settings, commands and stops in injected time, over a view that a small edge writes: no threads, no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.cloud._engine import Engine, Patch
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._operation import NUDGE_MIN_S, Now, Operation
from robolink.cloud._operations import CommandOperation, SetOperation, StopOperation, release_args
from robolink.cloud._view import DEVICES, MODELS, STATUSES, FleetView
from robolink.cloud._watch import Change
from robolink.core import twincmd
from robolink.errors import (
    ConnectionLostError,
    DeadlineExceededError,
    LocalProtocolError,
    RejectedError,
    RobolinkError,
    SettingRejectedError,
    TwinConflictError,
)
from tests.cloud.conftest import ROBOT, device, model
from tests.cloud.fake_api import Refusal, json_patch

WALL_MS = 1_795_600_000_000


class Bench:
    """An engine, the cloud's copy of the Device, and the clock."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.view = FleetView()
        self.engine = Engine(self.view)
        self.now_s = 0.0
        self.version = 1
        self.device = device(without=without)
        self.twins: dict[str, tuple[str, str]] = {}
        self.patches: list[Patch] = []
        self.engine.news(MODELS, Change(everything=True, put=[model()]))
        self._save()

    @property
    def now(self) -> Now:
        return Now(self.now_s, WALL_MS + int(self.now_s * 1000))

    def _save(self) -> None:
        self.version += 1
        self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        self.engine.news(DEVICES, Change(put=[self.device]))

    def report(self, **twins: tuple[str, str]) -> None:
        for name, halves in twins.items():
            self.twins[name.replace("__", "\0").replace("_", "-").replace("\0", ".")] = halves
        listed = [
            {"propertyName": name, "observedDesired": {"value": halves[0]}, "reported": {"value": halves[1]}}
            for name, halves in self.twins.items()
        ]
        document = {"metadata": {"name": ROBOT}, "status": {"state": "ok", "twins": listed}}
        self.engine.news(STATUSES, Change(put=[document]))

    def desired(self, name: str) -> str:
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        return str(entry.get("desired", {}).get("value", ""))

    def wish(self, name: str, text: str, *, seen: bool = True) -> None:
        """Another writer."""
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        self.device = json_patch(self.device, [])
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        entry["desired"] = {"value": text}
        if seen:
            self._save()
        else:
            self.version += 1
            self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}

    def take(self) -> list[Patch]:
        """What would be sent now."""
        made = self.engine.step(self.now)
        self.patches += made
        return made

    def answer(self, patch: Patch) -> None:
        """As the API server does."""
        try:
            self.device = json_patch(self.device, patch.writes)
        except Refusal as exc:
            error = ApiStatusError(str(exc), status=exc.code)
            if self.engine.answered(patch, error, self.now):
                self.engine.fetched(patch, self.device)
            return
        self.version += 1
        self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        self.engine.answered(patch, self.device, self.now)

    def run(self, until_s: float | None = None) -> None:
        """Answer everything; go from timer to timer until then."""
        until_s = self.now_s if until_s is None else until_s
        for _ in range(1000):
            for patch in self.take():
                self.answer(patch)
            at = self.engine.next_timer()
            if at is not None and at <= self.now_s:
                continue
            if at is None or at > until_s:
                break
            self.now_s = at
        else:
            pytest.fail("it does not come to rest")
        self.now_s = until_s

    def add(self, operation: Any) -> Any:
        self.engine.add(operation)
        self.run()
        return operation

    def set(self, value: Any, name: str = "walker.limit", if_version: int | None = None) -> SetOperation:
        made: SetOperation = self.add(SetOperation(ROBOT, name, value, if_version, self.now))
        return made

    def command(self, twin_id: str, ttl_s: float = 30.0, **args: Any) -> CommandOperation:
        made: CommandOperation = self.add(
            CommandOperation(ROBOT, twin_id, "walker.walk", args, ttl_s, self.now)
        )
        return made


@pytest.fixture
def bench() -> Bench:
    return Bench()


def error(future: Future[Any]) -> BaseException | None:
    assert future.done()
    return future.exception()


def test_a_setting_is_written_with_sync_and_applied_when_it_is_observed(bench: Bench) -> None:
    made = bench.set(0.75)
    assert (bench.desired("walker.limit"), bench.desired("sync")) == ("0.75", "1/walker.limit")
    assert made.taken.result(0) == bench.version
    bench.report(walker__limit=("0.5", "0.5"))
    bench.run()
    assert not made.applied.done()
    bench.report(walker__limit=("0.75", "0.75"))
    bench.run()
    assert made.applied.result(0) == made.taken.result(0)
    assert bench.engine.next_timer() is None, "nothing left"


def test_a_setting_that_is_not_observed_is_nudged_ever_more_seldom_and_given_up(bench: Bench) -> None:
    made = bench.set(0.75)
    bench.run(until_s=NUDGE_MIN_S - 0.1)
    assert len(bench.patches) == 1
    bench.run(until_s=NUDGE_MIN_S)
    assert bench.desired("sync") == "2/walker.limit"
    bench.run(until_s=600.0)
    assert 10 < len(bench.patches) < 20
    assert isinstance(error(made.applied), DeadlineExceededError)
    assert bench.engine.next_timer() is None


def test_the_same_text_again_is_applied_only_once_the_edge_has_seen_the_new_write(bench: Bench) -> None:
    bench.report(walker__limit=("0.75", "0.75"), sync=("3/x", "3/x"))
    bench.wish("sync", "3/x")
    made = bench.set(0.75)
    assert bench.desired("sync") == "4/walker.limit"
    assert not made.applied.done(), "somebody may have changed it at the robot meanwhile"
    bench.report(sync=("4/walker.limit", ""))
    bench.run()
    assert made.applied.done()


def test_a_refusal_is_ours_if_it_is_new_or_the_edge_has_seen_our_write(bench: Bench) -> None:
    bench.report(setting_errors=("", "walker.limit:LIMIT"))
    made = bench.set(1.5)
    assert not made.applied.done(), "that may be of the write before"
    bench.report(sync=(bench.desired("sync"), ""))
    bench.run()
    caught = error(made.applied)
    assert isinstance(caught, SettingRejectedError) and caught.cause == v1.CAUSE_LIMIT
    other = bench.set(1.25)
    bench.report(setting_errors=("", "walker.limit:9:DRIVER_ERROR"))
    bench.run()
    caught = error(other.applied)
    assert isinstance(caught, SettingRejectedError) and caught.cause == v1.CAUSE_DRIVER_ERROR


def test_a_setting_that_another_overwrites_ends_in_conflict(bench: Bench) -> None:
    made = bench.set(0.75)
    bench.wish("walker.limit", "0.1")
    bench.run()
    assert isinstance(error(made.applied), TwinConflictError)


def test_if_version_holds_against_what_is_seen_and_what_is_not(bench: Bench) -> None:
    seen = bench.version
    bench.wish("walker.note", "x")
    late = bench.set(0.75, if_version=seen)
    caught = error(late.taken)
    assert isinstance(caught, TwinConflictError) and caught.version == bench.version
    now = bench.version
    bench.wish("walker.note", "y", seen=False)
    other = bench.set(0.75, if_version=now)
    assert isinstance(error(other.taken), TwinConflictError)
    assert bench.desired("walker.limit") == ""
    fits = bench.set(0.75, if_version=bench.version)
    assert fits.taken.done() and bench.desired("walker.limit") == "0.75"


def test_a_list_that_was_reordered_meanwhile_is_written_at_the_right_place(bench: Bench) -> None:
    bench.device["spec"]["properties"].reverse()
    bench.version += 1
    bench.device["metadata"] = dict(bench.device["metadata"], resourceVersion=str(bench.version))
    bench.engine.news(DEVICES, Change(put=[device() | {"metadata": {"name": ROBOT, "resourceVersion": "1"}}]))
    bench.set(0.75)
    assert bench.desired("walker.limit") == "0.75"
    assert bench.engine.counters["conflicts"] == 1
    assert [each.get("desired") for each in bench.device["spec"]["properties"]].count({"value": "0.75"}) == 1


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("walker.limit", 3.0, v1.CAUSE_LIMIT),
        ("walker.limit", "fast", v1.CAUSE_INVALID),
        ("walker.limit", True, v1.CAUSE_INVALID),
        ("walker.count", 1, v1.CAUSE_UNSUPPORTED),
        ("walker.speed", 1.0, v1.CAUSE_UNSUPPORTED),
        ("walker.note", "", v1.CAUSE_INVALID),
        ("walker.note", "x y" * 400, v1.CAUSE_LIMIT),
    ],
)
def test_what_the_model_forbids_is_never_written(
    bench: Bench, name: str, value: Any, cause: v1.Cause
) -> None:
    made = bench.set(value, name)
    for future in (made.taken, made.applied):
        caught = error(future)
        assert isinstance(caught, RejectedError) and caught.cause == cause and name in str(caught)
    assert bench.patches == []


def test_a_patch_that_is_refused_though_nobody_has_written_is_told_with_the_servers_words(
    bench: Bench,
) -> None:
    bench.engine.add(SetOperation(ROBOT, "walker.limit", 1.0, None, bench.now))
    [patch] = bench.take()
    assert bench.engine.answered(patch, ApiStatusError("denied by policy 'no-motion'", status=422), bench.now)
    bench.engine.fetched(patch, bench.device)
    operation = patch.operation
    assert isinstance(operation, SetOperation)
    caught = error(operation.taken)
    assert isinstance(caught, RejectedError) and "no-motion" in str(caught)


def test_passing_faults_are_tried_again_and_rbac_is_not(bench: Bench) -> None:
    bench.engine.add(SetOperation(ROBOT, "walker.limit", 1.0, None, bench.now))
    for fault in (ConnectionLostError("broke"), ApiStatusError("busy", status=503, retry_after_s=4.0)):
        [patch] = bench.take()
        assert not bench.engine.answered(patch, fault, bench.now)
        assert bench.take() == [], "not at once"
        at = bench.engine.next_timer()
        assert at is not None
        bench.now_s = at
    assert bench.now_s >= 4.0
    [patch] = bench.take()
    bench.engine.answered(patch, ApiStatusError("User x cannot patch", status=403), bench.now)
    operation = patch.operation
    assert isinstance(operation, SetOperation)
    caught = error(operation.taken)
    assert isinstance(caught, RejectedError) and caught.cause == v1.CAUSE_DENIED
    assert 'verbs: ["patch"]' in str(caught)


def test_a_command_shows_its_states_and_its_verdict(bench: Bench) -> None:
    states: list[v1.CommandState] = []
    made = CommandOperation(
        ROBOT,
        "g1",
        "walker.walk",
        {"number": 1},
        30.0,
        bench.now,
        on_state=lambda each: states.append(each.state),
    )
    bench.add(made)
    assert twincmd.decode(bench.desired("cmd")) == twincmd.TwinCommand(
        id="g1", method="walker.walk", args=(("number", "1"),), issued_ms=WALL_MS, ttl_ms=30_000
    )
    assert not made.taken.done()
    for text in ("g1:ACCEPTED", "g1:RUNNING", "g1:RUNNING", "g1:FAILED:DRIVER_ERROR"):
        bench.report(cmd_status=("", f"old:SUCCEEDED,{text}"))
        bench.run()
    assert states == [v1.COMMAND_STATE_ACCEPTED, v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_FAILED]
    assert made.taken.result(0).state == v1.COMMAND_STATE_ACCEPTED
    assert made.terminal.result(0).cause == v1.CAUSE_DRIVER_ERROR
    assert bench.engine.next_timer() is None


def test_a_second_command_waits_until_the_first_was_read(bench: Bench) -> None:
    first, second, third = bench.command("a"), bench.command("b"), bench.command("c")
    assert twincmd.decode(bench.desired("cmd")).id == "a"
    bench.report(cmd_status=("", "a:RUNNING"))
    bench.run()
    assert twincmd.decode(bench.desired("cmd")).id == "b"
    bench.report(cmd=(bench.desired("cmd"), ""))  # Read; its status is still to come.
    bench.run()
    assert twincmd.decode(bench.desired("cmd")).id == "c"
    bench.report(cmd_status=("", "a:SUCCEEDED,b:SUCCEEDED,c:SUCCEEDED"))
    bench.run()
    assert all(each.terminal.done() for each in (first, second, third))


def test_another_apps_command_is_not_overwritten_before_it_is_over(bench: Bench) -> None:
    bench.wish("cmd", twincmd.make("other", "walker.walk", {}, WALL_MS, 10_000))
    mine = bench.command("mine")
    bench.run(until_s=11.9)
    assert twincmd.decode(bench.desired("cmd")).id == "other"
    bench.run(until_s=14.0)
    found = twincmd.decode(bench.desired("cmd"))
    assert found.id == "mine"
    assert found.issued_ms > WALL_MS + 11_000, "its time runs from when it was written"
    assert not mine.terminal.done()
    # It was unseen here, and arrives between our look and our patch.
    bench.report(cmd_status=("", "mine:SUCCEEDED"))
    bench.run()
    other = twincmd.make("third", "walker.walk", {}, WALL_MS + 14_000, 60_000)
    bench.wish("cmd", other, seen=False)
    late = bench.command("late", ttl_s=5.0)
    assert bench.desired("cmd") == other
    bench.run(until_s=20.0)
    caught = error(late.terminal)
    assert (
        isinstance(caught, RejectedError)
        and caught.cause == v1.CAUSE_TOO_LATE
        and "never sent" in str(caught)
    )


def test_a_lost_answer_is_no_second_command(bench: Bench) -> None:
    bench.engine.add(CommandOperation(ROBOT, "g1", "walker.walk", {}, 30.0, bench.now))
    [patch] = bench.take()
    bench.device = json_patch(bench.device, patch.writes)  # Taken, and the answer lost.
    bench.device["metadata"] = dict(bench.device["metadata"], resourceVersion="99")
    bench.engine.answered(patch, ConnectionLostError("broke"), bench.now)
    before = bench.desired("cmd")
    bench.run(until_s=2.0)
    assert bench.desired("cmd") == before, "not issued anew"
    assert patch.operation.told


def test_a_command_that_nobody_reads_is_nudged_without_being_said_again(bench: Bench) -> None:
    made = bench.command("g1", ttl_s=20.0)
    text = bench.desired("cmd")
    bench.run(until_s=24.0)
    assert bench.desired("cmd") == text and int(bench.desired("sync")) > 1
    assert not made.taken.done()
    bench.run(until_s=25.1)
    assert isinstance(error(made.taken), DeadlineExceededError)
    assert not made.terminal.done(), "a link that comes back may still tell"
    bench.report(cmd_status=("", "g1:EXPIRED:TOO_LATE"))
    bench.run()
    assert made.terminal.result(0).state == v1.COMMAND_STATE_EXPIRED


def test_arguments_that_do_not_pass_are_told_at_once(bench: Bench) -> None:
    with pytest.raises(LocalProtocolError, match=r"walker\.walk"):
        bench.command("g1", number=float("nan"))
    with pytest.raises(LocalProtocolError, match="512"):
        bench.command("g1", text="x y" * 300)


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
    bench.report(stop=("SOFT_HOLD", "SOFT_HOLD"), stop_generation=("", "5"))
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


def test_a_device_that_is_not_there_and_an_older_manifest() -> None:
    bench = Bench(without=("cmd", "sync"))
    made = bench.command("g1")
    caught = error(made.taken)
    assert isinstance(caught, RejectedError) and "manifest" in str(caught)
    setting = bench.set(0.75)
    assert bench.desired("walker.limit") == "0.75"
    bench.run(until_s=60.0)
    assert len(bench.patches) == 1, "there is nothing to nudge with"
    bench.report(walker__limit=("0.75", "0.75"))
    bench.run()
    assert setting.applied.done()
    nobody = SetOperation("nobody", "walker.limit", 1.0, None, bench.now)
    bench.add(nobody)
    caught = error(nobody.taken)
    assert isinstance(caught, RejectedError) and caught.cause == v1.CAUSE_UNKNOWN_ROBOT


def test_closing_tells_whoever_waits(bench: Bench) -> None:
    made, command = bench.set(0.75), bench.command("g1")
    bench.engine.close(ConnectionLostError("closed"))
    assert isinstance(error(made.applied), ConnectionLostError)
    assert isinstance(error(command.terminal), ConnectionLostError)


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

    def lost(patch: Patch) -> None:
        try:
            bench.device = json_patch(bench.device, patch.writes)
            bench.version += 1
            bench.device["metadata"] = dict(
                bench.device["metadata"], resourceVersion=str(bench.version), generation=bench.version
            )
        except Refusal:
            pass
        bench.engine.answered(patch, ConnectionLostError("broke"), bench.now)

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
        send = lost if step == "lost" else answer
        for patch in bench.take():
            send(patch)
    bench.run(until_s=bench.now_s + 2000.0)
    assert all(each.over for each in operations), "each has an end"
    assert all(len(texts) == 1 for texts in issued.values()), "one text for one id"
    assert bench.engine.next_timer() is None


def test_too_much_at_once_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robolink.cloud._engine.MAX_OPERATIONS", 2)
    bench.set(0.1)
    bench.set("x", "walker.note")
    with pytest.raises(RobolinkError, match="2 operations"):
        bench.command("g1")
