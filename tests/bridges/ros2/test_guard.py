"""The process that ends goals if the bridge is killed: whatever becomes of it or of its pipe. No rclpy here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace as Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink_ros2 import action, config, guard
from tests.conftest import wait_for

MAPPING = config.check(
    {"robot": "r", "components": {"base": {"type": "base", "velocity": "cmd_vel"}}}, "test"
)
WRITES = "import sys\nfor line in sys.stdin: print(line, end='', file=open(sys.argv[1], 'a'), flush=True)"
READS_NOT = "import time\nwhile True: time.sleep(1)"
GOAL, OTHER = bytes(16), bytes(range(16))


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A guard that only writes down what it hears."""
    path = tmp_path / "heard"
    path.touch()
    monkeypatch.setattr(guard, "COMMAND", (sys.executable, "-c", WRITES, str(path)))
    monkeypatch.setattr(guard, "serialized", lambda message: message)
    monkeypatch.setattr(guard, "RESTART_S", 0.0)
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text().splitlines()]


def test_one_that_dies_is_replaced_and_the_new_one_is_told_what_is_open(heard: Path) -> None:
    with guard.Guard(MAPPING, 7) as made:
        made.goal("go", GOAL)
        made.goal("go", OTHER)
        made.ended(GOAL)
        made.tell(hold="goal_pose", type="t", message="aa")
        made.tell(hold="goal_pose", type="t", message="bb")
        wait_for(lambda: "bb" in heard.read_text(), what="the newest hold")
        made._pipe.process.kill()
        made._pipe.process.wait()
        heard.write_text("")
        made.look()
        assert made.restarts == 1
        made.ended(OTHER)
    first, *rest = lines(heard)
    assert first["velocities"] == [["", "cmd_vel", "geometry_msgs/msg/Twist"]]
    assert rest == [
        {"goal": "go", "id": OTHER.hex()},
        {"hold": "goal_pose", "type": "t", "message": "bb"},
        {"ended": OTHER.hex()},
        {"goodbye": True},
    ]


def test_one_that_does_not_read_keeps_nobody_waiting_and_is_replaced(
    heard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = guard.COMMAND
    monkeypatch.setattr(guard, "COMMAND", (sys.executable, "-c", READS_NOT))
    monkeypatch.setattr(guard, "TOLD_S", 0.1)
    with guard.Guard(MAPPING, 7) as made:
        for _ in range(10):
            made.tell(hold="goal_pose", type="t", message="ab" * 1_000_000)
        assert len(made._pipe._holds) + len(made._pipe._lines) <= 2, "of holds the newest only"
        made.goal("go", GOAL)
        made._pipe.process.wait(10)
        monkeypatch.setattr(guard, "COMMAND", whole)
        made.look()
        made.tell(unhold="goal_pose")
    assert {"goal": "go", "id": GOAL.hex()} in lines(heard)


class Ender:
    """Remembers what it was to end; cannot prepare everything."""

    def __init__(self) -> None:
        self.ended: list[guard.Watch] = []

    def prepare(self, watch: guard.Watch) -> None:
        if "worse" in watch.holds:
            raise RuntimeError("it cannot be opened")

    def end(self, watch: guard.Watch) -> None:
        self.ended.append(watch)


def listened(*said: str) -> list[guard.Watch]:
    ender = Ender()
    guard.listen(said, guard.Watch(), ender)  # type: ignore[arg-type]
    return ender.ended


BEGUN, ENDED = json.dumps({"goal": "go", "id": "01"}), json.dumps({"ended": "01"})
GOODBYE = json.dumps({"goodbye": True})


@pytest.mark.parametrize(
    "torn", [BEGUN[:-3], "[]", '{"goal": "go"}', '{"hold": "worse", "type": "t", "message": ""}']
)
def test_a_torn_line_or_one_that_cannot_be_prepared_is_the_end_of_the_bridge(torn: str) -> None:
    (watch,) = listened(BEGUN, torn)
    assert watch.goals == {"01": "go"}


def test_a_goodbye_leaves_nothing_open_that_was_not_ended() -> None:
    assert not listened(BEGUN, ENDED, GOODBYE)
    assert listened(BEGUN, GOODBYE)
    assert listened(json.dumps({"hold": "goal_pose", "type": "t", "message": ""}), GOODBYE)
    assert listened(BEGUN, ENDED)


@given(
    st.lists(
        st.one_of(
            st.builds(lambda number: {"goal": "go", "id": f"{number:02}"}, st.integers(0, 3)),
            st.builds(lambda number: {"ended": f"{number:02}"}, st.integers(0, 3)),
            st.builds(
                lambda topic, data: {"hold": topic, "type": "t", "message": data.hex()},
                st.sampled_from("ab"),
                st.binary(max_size=2),
            ),
            st.builds(lambda topic: {"unhold": topic}, st.sampled_from("ab")),
        ),
        max_size=20,
    )
)
def test_another_guard_is_told_the_same(said: list[dict[str, Any]]) -> None:
    one, other = guard.Watch(), guard.Watch()
    for each in said:
        one.hear(each)
    for each in one.lines():
        other.hear(json.loads(json.dumps(each)))
    assert (one.goals, one.holds) == (other.goals, other.holds)


def test_a_refused_cancel_is_asked_again_and_an_unknown_goal_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, waiting = 0.0, list[Any]()
    monkeypatch.setattr(guard.time, "monotonic", lambda: now)
    client = Message(
        ready=lambda: True,
        type=Message(Request=lambda: Message(goal_info=Message(goal_id=Message(uuid=None)))),
        send=lambda request, done: waiting.append(done),
    )
    cancel = guard.Cancel("01", client)
    for code in (action.GOES, *[action.UNKNOWN] * guard.UNKNOWN_TIMES):
        assert not cancel.answered
        now += guard.AGAIN_S
        cancel.ask()
        waiting.pop()(Message(return_code=code, goals_canceling=[]))
    assert cancel.answered
