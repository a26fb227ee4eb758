"""The bridge's end of the graph with a real rclpy on both sides: what does not match, is refused or runs on another clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from robolink_ros2.node import Ros, RosNode
from tests.bridges.ros2.conftest import DOMAINS
from tests.conftest import wait_for

TEXT = "std_msgs/msg/String"


@pytest.fixture
def domain() -> int:
    return next(DOMAINS)


@pytest.fixture
def ours(domain: int) -> Iterator[Ros]:
    ros = Ros(domain)
    yield ros
    ros.close()


@pytest.fixture
def theirs(domain: int) -> Iterator[Any]:
    """A node of plain rclpy."""
    ros = Ros(domain)
    yield ros.node("somebody").node
    ros.close()


def watched(ros: Ros, **options: Any) -> tuple[RosNode, list[str]]:
    node, problems = ros.node("bridge", **options), []
    node.on_problem = problems.append
    return node, problems


def profile(ros: Ros, *, reliable: bool) -> Any:
    qos = ros.rclpy.qos
    policy = qos.ReliabilityPolicy
    return qos.QoSProfile(depth=1, reliability=policy.RELIABLE if reliable else policy.BEST_EFFORT)


def test_qos_that_does_not_match_is_told_with_both_profiles(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import String

    node, problems = watched(ours)
    heard: list[str] = []
    node.listen("odd", TEXT, lambda message: heard.append(message.data), reliable=True)
    publisher = theirs.create_publisher(String, "odd", profile(ours, reliable=False))
    wait_for(lambda: node.look() or problems, 20, "the mismatch")
    assert "/odd" in problems[0]
    assert "_UNKNOWN_" not in problems[0]
    assert "offered BEST_EFFORT, VOLATILE, asked RELIABLE, VOLATILE" in problems[0]
    assert node.counters["incompatible_qos"] >= 1
    # Where the mapping forces nothing, the profile follows what is offered.
    node.listen("odd", TEXT, lambda message: heard.append(f"taken {message.data}"))

    def came() -> bool:
        node.look()
        publisher.publish(String(data="x"))
        return "taken x" in heard

    wait_for(came, 20, "a message by the profile that is offered")
    assert "x" not in heard


def test_one_that_comes_back_and_still_does_not_match_is_counted_again(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import String

    node, _problems = watched(ours)
    node.listen("odd", TEXT, lambda message: None, reliable=True)
    for times in (1, 2):
        publisher = theirs.create_publisher(String, "odd", profile(ours, reliable=False))
        wait_for(lambda times=times: node.look() or node.counters["incompatible_qos"] == times, 20, "it")
        for _ in range(3):
            node.look()
        assert node.counters["incompatible_qos"] == times, "once, however often one looks"
        theirs.destroy_publisher(publisher)
        wait_for(lambda: node.look() or not node.offered("odd"), 20, "its end")
        node.look()


def test_another_type_on_the_topic_is_told(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import Bool

    node, problems = watched(ours)
    node.listen("mixed", TEXT, lambda message: None)
    publisher = theirs.create_publisher(Bool, "mixed", 1)

    def told() -> bool:
        node.look()
        return bool(problems)

    wait_for(told, 20, "the other type")
    assert "std_msgs/msg/Bool, mapped as std_msgs/msg/String" in problems[0]
    publisher.destroy()


def test_what_ros_does_not_publish_is_counted_shown_and_the_rest_goes_on(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import String

    node, problems = watched(ours)
    broken, whole = node.publish("broken", TEXT), node.publish("whole", TEXT)
    heard: list[str] = []
    theirs.create_subscription(String, "whole", lambda message: heard.append(message.data), 1)
    # Any error of the middleware arrives as the same exception; a publisher whose handle is gone gives a real one.
    broken.publisher.handle.destroy_when_not_in_use()
    for _ in range(3):
        assert not broken.send(String(data="lost"))
    assert node.counters["publish_failed"] == 3
    assert "broken was not published" in problems[0]
    wait_for(lambda: whole.send(String(data="here")) and heard, 20, "the other topic")


def test_names_follow_the_namespace(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import String

    node, _problems = watched(ours, namespace="left")
    heard: list[str] = []
    node.listen("odom", TEXT, lambda message: heard.append(message.data))
    node.listen("/odom", TEXT, lambda message: heard.append(f"root {message.data}"))
    assert (node.resolved("odom"), node.resolved("/odom")) == ("/left/odom", "/odom")
    publishers = [theirs.create_publisher(String, name, 1) for name in ("/left/odom", "/odom")]

    def both() -> bool:
        for each in publishers:
            each.publish(String(data="x"))
        return {"x", "root x"} <= set(heard)

    wait_for(both, 20, "both topics")


def test_simulated_time_is_the_nodes_time(ours: Ros, theirs: Any) -> None:
    from rosgraph_msgs.msg import Clock

    node, _problems = watched(ours, use_sim_time=True)
    publisher = theirs.create_publisher(Clock, "/clock", 1)
    tick = Clock()
    tick.clock.sec = 1234

    def told() -> bool:
        publisher.publish(tick)
        return node.now_ns() == 1234 * 10**9

    wait_for(told, 20, "simulated time")
    from std_msgs.msg import Header

    class Stamped:
        header = Header()

    assert node.stamp(Stamped()).header.stamp.sec == 1234


def test_what_waits_for_the_receiver_does_not_keep_the_executor_turning(ours: Ros, theirs: Any) -> None:
    from std_msgs.msg import String

    node, _problems = watched(ours)
    taken: list[str] = []
    held, go = threading.Event(), threading.Event()

    def take(message: Any) -> None:
        taken.append(message.data)
        held.set()
        go.wait(60)

    node.listen("many", TEXT, take)
    publisher = theirs.create_publisher(String, "many", 10)
    wait_for(lambda: publisher.publish(String(data="first")) or held.is_set(), 20, "the first of them")
    turns, nodes = 0, ours.executor.get_nodes

    def count() -> Any:
        nonlocal turns
        turns += 1
        return nodes()

    ours.executor.get_nodes = count
    for _ in range(10):
        publisher.publish(String(data="next"))
    # The executor has been through its rounds since: this is done in one of them.
    ours.settle()
    go.set()
    wait_for(lambda: "next" in taken, 20, "the rest")
    assert turns < 50
