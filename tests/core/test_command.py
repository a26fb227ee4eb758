"""The command table: the standard's states and owners, one outcome each, ids that never mean two things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robolink import v1
from robolink.core import command as rules
from robolink.core.command import CommandRecord, CommandTable, Writer
from robolink.core.violation import Violation

STATES = st.sampled_from(sorted(rules.TRANSITIONS))
WRITERS = st.sampled_from(list(Writer))


def record(number: int = 1, robot: str = "r1", state: v1.CommandState = rules.ACCEPTED) -> CommandRecord:
    return CommandRecord(
        id=number.to_bytes(16, "big"), robot=robot, digest=b"d", method="base.go", state=state
    )


def test_every_state_of_the_schema_has_a_row() -> None:
    assert set(rules.TRANSITIONS) == set(v1.CommandState.values()) - {v1.COMMAND_STATE_UNSPECIFIED}


def test_terminal_states_are_the_eight_of_the_standard() -> None:
    names = {v1.CommandState.Name(each).removeprefix("COMMAND_STATE_") for each in rules.TERMINAL}
    assert names == {"REJECTED", "SUCCEEDED", "FAILED", "CANCELED", "PREEMPTED", "EXPIRED", "STOPPED", "LOST"}


def test_every_live_state_can_reach_an_end() -> None:
    for state in rules.TRANSITIONS:
        seen, todo = set(), [state]
        while todo:
            each = todo.pop()
            if each not in seen:
                seen.add(each)
                todo += rules.TRANSITIONS[each]
        assert seen & rules.TERMINAL


@pytest.mark.parametrize(
    ("present", "new", "writer", "allowed"),
    [
        (rules.ACCEPTED, rules.RUNNING, Writer.DRIVER, True),
        (rules.ACCEPTED, rules.RUNNING, Writer.HUB, False),
        (rules.ACCEPTED, rules.EXPIRED, Writer.DRIVER, False),
        (rules.ACCEPTED, rules.SUCCEEDED, Writer.DRIVER, True),  # implies RUNNING
        (rules.ACCEPTED, rules.SUCCEEDED, Writer.HUB, False),
        (rules.RUNNING, rules.LOST, Writer.HUB, True),
        (rules.RUNNING, rules.LOST, Writer.DRIVER, False),
        (rules.RUNNING, rules.EXPIRED, Writer.HUB, False),
        (rules.RUNNING, rules.SUCCEEDED, Writer.HUB, False),
        (rules.CANCELING, rules.RUNNING, Writer.DRIVER, False),
    ],
)
def test_owners(present: v1.CommandState, new: v1.CommandState, writer: Writer, allowed: bool) -> None:
    assert rules.may_follow(present, new, writer) is allowed


@given(state=st.sampled_from(sorted(rules.TERMINAL)), new=STATES, writer=WRITERS)
def test_nothing_follows_an_end(state: v1.CommandState, new: v1.CommandState, writer: Writer) -> None:
    assert not rules.may_follow(state, new, writer)


def test_first_outcome_wins_and_the_other_is_kept_beside_it() -> None:
    table, one = CommandTable(), record()
    table.add(one)
    assert table.advance(one, rules.LOST, Writer.HUB, now_ns=1)
    assert table.advance(one, rules.SUCCEEDED, Writer.DRIVER, now_ns=2, text="late")
    assert one.state == rules.LOST
    assert one.update().late_outcome.state == rules.SUCCEEDED
    assert not table.advance(one, rules.FAILED, Writer.DRIVER, now_ns=3)
    assert one.update().late_outcome.state == rules.SUCCEEDED


def test_same_id_with_another_body_is_refused() -> None:
    table, one = CommandTable(), record()
    table.add(one)
    assert table.seen(one.id, b"d") is one
    with pytest.raises(Violation) as caught:
        table.seen(one.id, b"other")
    assert caught.value.cause == v1.CAUSE_ID_REUSED


def test_a_full_table_says_storage_and_evicts_nothing() -> None:
    table = CommandTable(limit_per_robot=2)
    first = record(1)
    table.add(first)
    table.add(record(2))
    with pytest.raises(Violation) as caught:
        table.add(record(3))
    assert caught.value.cause == v1.CAUSE_STORAGE
    assert table.get(first.id) is first
    table.add(record(4, robot="r2"))


def test_retention_begins_at_the_end_and_live_ones_stay() -> None:
    table = CommandTable(retention_ns=10)
    live, ended = record(1), record(2)
    table.add(live)
    table.add(ended)
    table.advance(ended, rules.SUCCEEDED, Writer.DRIVER, now_ns=100)
    assert table.purge(110) == []
    assert table.purge(111) == [ended.id]
    assert table.get(live.id) is live


class TableMachine(RuleBasedStateMachine):
    """Whatever hub and driver write in any order, a command ends once and its end never changes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = CommandTable(limit_per_robot=5, retention_ns=50)
        self.now = 0
        self.ends: dict[bytes, v1.CommandState] = {}
        self.count = 0

    @rule()
    def add(self) -> None:
        self.count += 1
        try:
            self.table.add(record(self.count))
        except Violation as violation:
            assert violation.cause == v1.CAUSE_STORAGE
            assert len(self.table) == 5

    @precondition(lambda self: self.count)
    @rule(pick=st.integers(0, 100), state=STATES, writer=WRITERS)
    def write(self, pick: int, state: v1.CommandState, writer: Writer) -> None:
        one = self.table.get((pick % self.count + 1).to_bytes(16, "big"))
        if one is None:
            return
        before = one.state
        try:
            changed = self.table.advance(one, state, writer, now_ns=self.now)
        except Violation:
            assert one.state == before
            return
        if changed and one.id not in self.ends and one.terminal:
            self.ends[one.id] = one.state

    @rule(step=st.integers(1, 60))
    def time(self, step: int) -> None:
        self.now += step
        for gone in self.table.purge(self.now):
            assert gone in self.ends

    @invariant()
    def ends_stay(self) -> None:
        for command_id, state in self.ends.items():
            one = self.table.get(command_id)
            assert one is None or one.state == state

    @invariant()
    def live_are_live(self) -> None:
        assert all(not one.terminal for one in self.table.all_live())


TestTable = TableMachine.TestCase
