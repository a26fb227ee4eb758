"""Settings and commands in injected time, over a view that a small edge writes: no threads, no HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from robolink import v1
from robolink.cloud._errors import ApiStatusError, outcome_error
from robolink.cloud._operation import NUDGE_MIN_S
from robolink.cloud._operations import CommandOperation, SetOperation
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
from tests.cloud.bench import WALL_MS, Bench, error
from tests.cloud.conftest import ROBOT
from tests.cloud.fake_api import json_patch


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
    bench.device = json_patch(bench.device, [])  # Unseen.
    bench.device["spec"]["properties"].reverse()
    bench.version += 1
    bench.device["metadata"] = dict(bench.device["metadata"], resourceVersion=str(bench.version))
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


@pytest.mark.parametrize(
    ("word", "cause"), [("DENIED", v1.CAUSE_DENIED), ("ROBOT_TAKEN", v1.CAUSE_ROBOT_TAKEN)]
)
def test_a_command_that_mapper_or_hub_refuse_ends_with_their_word_and_frees_its_place(
    bench: Bench, word: str, cause: v1.Cause
) -> None:
    bench.report(setting_errors=("", "cmd:STORAGE"))  # Of a command before it.
    made, behind = bench.command("g1"), bench.command("g2")
    assert not made.terminal.done()
    bench.report(sync=(bench.desired("sync"), ""), setting_errors=("", f"walker.limit:LIMIT,cmd:{word}"))
    bench.run()
    last = made.terminal.result(0)
    assert (
        (last.state, last.cause) == (v1.COMMAND_STATE_REJECTED, cause) == (made.taken.result(0).state, cause)
    )
    assert word in str(outcome_error(last, "walker.walk"))
    assert twincmd.decode(bench.desired("cmd")).id == "g2", "it does not wait for what nobody reads"
    assert not behind.terminal.done(), "the refusal is of the one before"
    bench.report(sync=(bench.desired("sync"), ""))
    bench.run(until_s=4.0)
    assert not behind.terminal.done(), "still: reports may overtake each other"
    bench.run(until_s=6.0)
    bench.report(sync=(bench.desired("sync"), ""))
    bench.run()
    assert behind.terminal.result(0).cause == cause, "but that word was still there when a nudge was answered"


def test_a_verdict_counts_before_a_word_of_the_command_before(bench: Bench) -> None:
    bench.report(setting_errors=("", "cmd:DENIED"))
    made = bench.command("g1")
    bench.report(sync=(bench.desired("sync"), ""))
    bench.run()
    bench.report(cmd=(bench.desired("cmd"), ""))
    bench.run(until_s=6.0)
    bench.report(sync=(bench.desired("sync"), ""))
    bench.run()
    assert not made.terminal.done(), "it was read"
    bench.report(cmd_status=("", "g1:RUNNING"), setting_errors=("", ""))
    bench.run()
    assert made.taken.result(0).state == v1.COMMAND_STATE_RUNNING


def test_only_the_first_of_our_commands_is_on_its_way(bench: Bench) -> None:
    for twin_id in ("a", "b"):
        bench.engine.add(CommandOperation(ROBOT, twin_id, "walker.walk", {}, 30.0, bench.now))
    [patch] = bench.take()
    assert isinstance(patch.operation, CommandOperation) and patch.operation.id == "a"
    assert bench.take() == []
    bench.answer(patch)
    assert bench.take() == [], "the place is taken until it was read"


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


@pytest.mark.parametrize("ran", [False, True])
def test_a_command_whose_answer_was_lost_waits_behind_anothers_no_longer_than_it_may_begin(
    bench: Bench, ran: bool
) -> None:
    made = CommandOperation(ROBOT, "g1", "walker.walk", {}, 5.0, bench.now)
    bench.engine.add(made)
    [patch] = bench.take()
    bench.wish("cmd", twincmd.make("other", "walker.walk", {}, WALL_MS, 600_000))
    bench.engine.answered(patch, ApiStatusError("gateway", status=504), bench.now)
    if ran:
        bench.report(cmd_status=("", "g1:SUCCEEDED"))
    bench.run(until_s=60.0)
    assert twincmd.decode(bench.desired("cmd")).id == "other"
    if ran:
        assert made.terminal.result(0).state == v1.COMMAND_STATE_SUCCEEDED
    else:
        assert isinstance(error(made.terminal), DeadlineExceededError)
        assert "may have run" in str(error(made.taken)), "it is not known that it was never sent"


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_lost_answer_is_no_conflict_with_oneself(bench: Bench, overtaken: bool) -> None:
    version = bench.version
    bench.engine.add(SetOperation(ROBOT, "walker.limit", 1.0, version, bench.now))
    [patch] = bench.take()
    bench.lose(patch)
    if overtaken:
        bench.wish("walker.note", "another's", seen=False)
    bench.run(until_s=2.0)
    operation = patch.operation
    assert isinstance(operation, SetOperation)
    if overtaken:
        assert isinstance(error(operation.taken), TwinConflictError)
    else:
        assert operation.taken.result(0) == version + 1
    assert bench.desired("walker.limit") == "1.0"


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


def test_an_unforeseen_fault_ends_its_operation_and_no_other(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: v1.CommandUpdate) -> None:
        raise ZeroDivisionError("in the app")

    ill = CommandOperation(ROBOT, "g1", "walker.walk", {}, 30.0, bench.now, on_state=broken)
    bench.add(ill)
    well = bench.set(0.75)
    bench.report(cmd_status=("", "g1:RUNNING"), walker__limit=("0.75", "0.75"))
    bench.run()
    assert "in the app" in str(error(ill.terminal))
    assert well.applied.result(0)
    odd = SetOperation(ROBOT, "walker.limit", 1.0, None, bench.now)
    bench.engine.add(odd)
    [patch] = bench.take()
    assert not bench.engine.answered(patch, {"kind": "SomethingElse"}, bench.now)
    assert "metadata" in str(error(odd.taken))
    assert bench.engine.counters["unforeseen"] == 2 and "unforeseen" in caplog.text
    bench.run()
    assert bench.engine.next_timer() is None


def test_too_much_at_once_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robolink.cloud._engine.MAX_OPERATIONS", 2)
    bench.set(0.1)
    bench.set("x", "walker.note")
    with pytest.raises(RobolinkError, match="2 operations"):
        bench.command("g1")
