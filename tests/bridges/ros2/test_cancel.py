"""A goal that must end is cancelled until that is answered, also where its acceptance was never heard: by an rclpy server."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace as Message
from typing import Any

import pytest

from robolink import v1
from robolink_ros2 import action, config, goals
from robolink_ros2.guard import Guard, NoGuard, Watch
from robolink_ros2.node import Ros
from robolink_ros2.runs import Run
from tests.bridges.ros2.conftest import DOMAINS
from tests.conftest import wait_for

TYPE = "test_msgs/action/NestedMessage"


class Told(NoGuard):
    """What the guard knows."""

    def __init__(self) -> None:
        self.watch = Watch()

    def tell(self, **what: Any) -> None:
        self.watch.hear(what)


class Robot:
    """What an action needs of its robot."""

    def __init__(self) -> None:
        self.guard = Told()

    def stand(self, component: str) -> None:
        """Zero velocity."""

    def malformed(self, text: str) -> None:
        pytest.fail(text)


class Order:
    """What an order is told."""

    id, cancel_requested = bytes(range(16)), None

    def __init__(self) -> None:
        self.end: list[Any] = []

    def feedback(self, **values: Any) -> None:
        """On its way."""

    def succeed(self, **results: Any) -> None:
        self.end.append("succeeded")

    def fail(self, text: str, cause: int = 0) -> None:
        self.end.append(text)

    def ended(self, state: Any, text: str = "") -> None:
        self.end.append(state)


class Server:
    """Runs each goal until it is cancelled; refuses that as often as it is told to."""

    def __init__(self, ros: Ros) -> None:
        rclpy = ros.rclpy
        self.node = ros.node("server").node
        self.asked = self.refuses = 0
        self.running, self.canceled, self.closing = threading.Event(), threading.Event(), threading.Event()
        self._answers = rclpy.action.CancelResponse
        self._server = rclpy.action.ActionServer(
            self.node,
            action.resolve(TYPE),
            "go",
            self._run,
            cancel_callback=self._cancel,
            callback_group=rclpy.callback_groups.ReentrantCallbackGroup(),
        )

    def _cancel(self, goal: Any) -> Any:
        self.asked += 1
        return self._answers.REJECT if self.asked <= self.refuses else self._answers.ACCEPT

    def _run(self, goal: Any) -> Any:
        self.running.set()
        wait_for(lambda: goal.is_cancel_requested or self.closing.is_set(), 60, "a cancel")
        if not goal.is_cancel_requested:
            goal.abort()
            return action.resolve(TYPE).Result()
        goal.canceled()
        self.canceled.set()
        return action.resolve(TYPE).Result()


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Server]]:
    """An action of ours and its server."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain = next(DOMAINS)
    theirs, ours = Ros(domain, threads=4), Ros(domain)
    server = Server(theirs)
    part: Any = goals.ActionPart(Robot(), "base", "go", TYPE, 3.0)  # type: ignore[arg-type]
    part.start(ours.node("bridge"))
    try:
        wait_for(part._end.ready, 30, "the server")
        yield part, server
    finally:
        server.closing.set()
        theirs.settle()
        ours.close()
        theirs.close()


def started(part: Any) -> tuple[Run, Order, threading.Thread]:
    order = Order()
    run = Run(order)  # type: ignore[arg-type]
    thread = threading.Thread(target=part.run_goal, args=(run, lambda message, run: None))
    thread.start()
    return run, order, thread


def test_a_goal_whose_acceptance_was_never_heard_is_cancelled_and_the_guard_knows_of_it_until_then(
    both: tuple[Any, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, server = both
    monkeypatch.setattr(action.SentGoal, "_on_answer", lambda sent, future: None)
    server.refuses = 1
    _run, order, thread = started(part)
    wait_for(server.running.is_set, 30, "the goal")
    # It is given up now.
    monkeypatch.setattr(goals, "ANSWER_S", 0.0)
    part._lost_after_s = 0.0
    thread.join(30)
    assert "does not answer" in order.end[0]
    watch = part.robot.guard.watch
    assert watch.goals, "it may run, so the guard knows of it"
    wait_for(lambda: part.look() or server.canceled.is_set(), 30, "its end at the server")
    assert server.asked == 2, "refused once, it was asked again"
    wait_for(lambda: part.look() or not watch.goals, 30, "the guard's word of it")


def test_a_goal_is_sent_where_its_answer_is_taken(both: tuple[Any, Server]) -> None:
    part, server = both
    by, client = list[str](), part._end._client
    send = client.send_goal_async

    def sending(*args: Any, **named: Any) -> Any:
        by.append(threading.current_thread().name)
        return send(*args, **named)

    client.send_goal_async = sending
    run, order, thread = started(part)
    wait_for(server.running.is_set, 30, "the goal")
    run.end(v1.COMMAND_STATE_CANCELED)
    thread.join(30)
    assert by == ["rclpy"]
    assert order.end == [v1.COMMAND_STATE_CANCELED]
    assert not part.robot.guard.watch.goals


class Probe:
    """A service that never answers by itself."""

    type = Message(Request=lambda: Message(goal_info=Message(goal_id=Message(uuid=None))))

    def __init__(self) -> None:
        self.open: list[Any] = []
        self.asked: list[bytes] = []

    def send(self, request: Any, done: Any) -> Any:
        self.asked.append(bytes(request.goal_info.goal_id.uuid))
        self.open.append(done)
        return lambda: self.open.remove(done) if done in self.open else None


def test_what_is_not_answered_is_asked_again_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(action.time, "monotonic", lambda: now)
    probe, mine = Probe(), bytes(16)
    sent = action.SentGoal(None, probe, mine, lambda: None)  # type: ignore[arg-type]
    sent.cancel()
    for step in range(20):
        now = step * 1.0
        sent.look()
        sent.silent_s()
    assert probe.asked.count(mine) == 20
    assert len(probe.open) == 2, "one cancel and one probe wait for an answer, not all that were ever sent"
    unknown = Message(return_code=action.UNKNOWN, goals_canceling=[])
    probe.open[0](unknown)
    assert not sent.over(), "it may be accepted yet"
    probe.open[0](Message(return_code=action.GOES, goals_canceling=[]))
    assert not sent.over(), "refused: no goal is named"
    sent.accepted = True
    probe.open[0](unknown)
    assert sent.over(), "it was there, and is not any more"


def test_a_server_that_lives_and_never_ends_a_goal_does_not_hold_its_order_for_ever(
    both: tuple[Any, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, server = both
    server.refuses = 1000
    run, order, thread = started(part)
    wait_for(server.running.is_set, 30, "the goal")
    monkeypatch.setattr(goals, "END_S", 0.0)
    run.end(v1.COMMAND_STATE_CANCELED)
    thread.join(30)
    assert "has not ended the goal" in order.end[0]
    assert part.robot.guard.watch.goals


def test_the_guard_outlives_a_sigterm_and_ends_what_a_goodbye_leaves_open(
    both: tuple[Any, Server],
) -> None:
    part, server = both
    domain = server.node.context.get_domain_id()
    goal = {"go": {"action": "go", "type": TYPE}}
    mapping = config.check({"robot": "r", "components": {"base": {"type": "base", "goals": goal}}}, "test")
    with Guard(mapping, domain) as guard:
        part.robot.guard = guard
        _run, order, thread = started(part)
        wait_for(server.running.is_set, 30, "the goal")
        wait_for(
            lambda: "robolink_guard" in {name for name, _ in server.node.get_node_names_and_namespaces()},
            30,
            "the guard in the graph",
        )
        guard._pipe.process.send_signal(signal.SIGTERM)
    assert guard._pipe.process.returncode == 0
    wait_for(server.canceled.is_set, 30, "the goal's end")
    thread.join(30)
    assert order.end == [v1.COMMAND_STATE_CANCELED]


def test_a_goal_that_must_end_before_it_was_sent_is_not_sent(both: tuple[Any, Server]) -> None:
    part, server = both
    sending, ends = part._end._in_executor, list[Any]()

    def late(send: Any, goal: Any) -> None:
        run.end(v1.COMMAND_STATE_STOPPED)
        ends.append(sending(send, goal))

    part._end._in_executor = late
    order = Order()
    run = Run(order)  # type: ignore[arg-type]
    part._end._client.send_goal_async = lambda *args, **named: pytest.fail("it was sent")
    # Its cancel is called as soon as there is one: here it was to end before that.
    part.run_goal(run, lambda message, run: None)
    assert order.end == [v1.COMMAND_STATE_STOPPED]
    assert not server.running.is_set()
    wait_for(lambda: part.look() or not part.robot.guard.watch.goals, 30, "the guard's word of it")
