"""Bad input and the rules of a mapping, against a plain rclpy node: one bridge serves two robots of two namespaces."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import robolink
from robolink.core.values import from_value
from robolink_ros2 import config
from robolink_ros2.node import Ros
from tests.bridges.ros2.conftest import DOMAINS, ROLES, Bridge
from tests.conftest import HubProcess, wait_for

PEER = Path(__file__).with_name("rules_peer.py")
RATE_HZ = 10.0

MAPPING = """
robots:
- robot: ros-a
  namespace: /a
  components:
    base:
      type: base
      velocity: cmd_vel
      streams:
        odometry: odom
    other:
      streams:
        fast: {topic: fast, type: std_msgs/msg/Float64, rate_hz: 10}
        shaky: {topic: shaky, type: std_msgs/msg/Float64, qos: {reliability: reliable}}
        tool: {topic: tool, type: geometry_msgs/msg/TransformStamped}
        nobody: {topic: nobody, type: std_msgs/msg/Float64}
        foreign: {topic: foreign, type: no_such_msgs/msg/Foo}
      readings:
        readers_of_secret: {topic: readers_of_secret, type: std_msgs/msg/Float64}
        readers_of_fast: {topic: readers_of_fast, type: std_msgs/msg/Float64}
- robot: ros-b
  namespace: /b
  use_sim_time: true
  components:
    base:
      type: base
      streams:
        odometry: odom
"""


class Rules:
    """A hub, the bridge of both robots, and the peer."""

    def __init__(self, folder: Path) -> None:
        self.hub_process = HubProcess(folder)
        self.hub_process.start()
        self.domain = domain = next(DOMAINS)
        self.peer = subprocess.Popen([sys.executable, str(PEER), str(domain)], stdout=subprocess.PIPE)
        mapping = folder / "rules.yaml"
        mapping.write_text(MAPPING)
        self.bridge = Bridge(self.hub_process.url, domain, folder / "bridge.log", "--config", str(mapping))
        self.bridge.start()
        self.hub = robolink.connect(self.hub_process.url, name="test", roles=ROLES)

    def online(self) -> bool:
        return {each.robot for each in self.hub.robots() if each.online} == {"ros-a", "ros-b"}

    def reading(self, name: str) -> Any:
        return from_value(self.hub.robot("ros-a").twin.get(name)[name].reported.value)

    def close(self) -> None:
        self.hub.close()
        self.bridge.end()
        self.peer.kill()
        self.peer.wait()
        assert self.peer.stdout is not None
        self.peer.stdout.close()
        self.hub_process.stop()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rules]:
    made = Rules(tmp_path_factory.mktemp("rules"))
    try:
        wait_for(made.online, 60, "both robots at the hub")
        yield made
    finally:
        made.close()


def sample(rules: Rules, robot: str, stream: str) -> Any:
    with rules.hub.robot(robot).stream(stream) as samples:
        return wait_for(lambda: samples.next(1.0), what=stream)


def test_two_robots_of_one_process_have_each_its_namespace(rules: Rules) -> None:
    assert sample(rules, "ros-a", "base.odometry").payload.x == 1.0
    assert sample(rules, "ros-b", "base.odometry").payload.x == 2.0


def test_simulated_time_tells_the_age(rules: Rules) -> None:
    # Its stamps are 0.5 s behind its /clock; by this machine's clock they would be from another age, and say nothing.
    assert sample(rules, "ros-b", "base.odometry").age_s > 0.4


def test_a_type_that_is_not_installed_is_left_out_and_the_rest_goes_on(rules: Rules) -> None:
    wait_for(lambda: rules.reading("ros.left_out"), what="what is left out")
    assert "other.foreign: type no_such_msgs/msg/Foo is not installed" in rules.reading("ros.left_out")


def test_a_topic_that_nobody_publishes_is_waited_for_and_told(rules: Rules) -> None:
    wait_for(lambda: rules.reading("ros.waiting") == "topic nobody", what="what it waits for, and no more")


def test_nan_in_a_twist_is_counted_and_the_rest_goes_on(rules: Rules) -> None:
    before = wait_for(lambda: rules.reading("ros.malformed"), what="a count of what was malformed")
    wait_for(lambda: rules.reading("ros.malformed") > before, what="another one")
    wait_for(lambda: "linear_x = nan" in str(rules.reading("ros.problems")), what="the reason")
    assert sample(rules, "ros-a", "base.odometry").payload.x == 1.0
    assert rules.reading("ros.foreign") == "", "what is no velocity moves nobody"


def test_qos_that_does_not_match_is_told_with_both_profiles(rules: Rules) -> None:
    wait_for(lambda: rules.reading("ros.incompatible_qos"), what="a count of profiles that do not match")
    log = rules.bridge.log
    words = "/rules reliability: offered BEST_EFFORT, VOLATILE, asked RELIABLE, VOLATILE"
    wait_for(lambda: words in log.read_text(), what="both profiles")
    assert "topic /a/shaky" in log.read_text()


def test_a_rate_of_a_topic_holds(rules: Rules) -> None:
    with rules.hub.robot("ros-a").stream("other.fast") as samples:
        found = [wait_for(lambda: samples.next(1.0), what="fast") for _ in range(8)]
    stamps = [each.sample.stamp_ns for each in found]
    # Unstamped messages: when the bridge took them. Nine tenths: a rate is an average.
    assert all(later - before >= 0.89e9 / RATE_HZ for before, later in itertools.pairwise(stamps))
    assert found[-1].payload.values[0].value.double_value > len(found), "the topic is faster than the stream"


def test_a_transform_is_a_pose(rules: Rules) -> None:
    (pose,) = sample(rules, "ros-a", "other.tool").payload.poses
    assert (pose.frame_id, pose.child_frame_id, pose.x) == ("base_link", "tool", 0.25)


def test_what_is_not_mapped_does_not_leave(rules: Rules) -> None:
    found = rules.hub.robot("ros-a").describe().sheet
    streams = {f"{part.name}.{each.name}" for part in found.components for each in part.streams}
    assert streams == {"base.odometry", "other.fast", "other.shaky", "other.tool", "other.nobody"}
    # Nor is it read: the publisher itself says who subscribes.
    wait_for(lambda: rules.reading("other.readers_of_fast") == 1.0, what="the bridge's subscription")
    assert rules.reading("other.readers_of_secret") == 0.0


def test_a_scan_of_the_graph_writes_a_mapping_of_what_is_there(rules: Rules, tmp_path: Path) -> None:
    out = tmp_path / "found.yaml"
    command = ["ros2", "scan", "--namespace", "/a", "--domain-id", str(rules.domain), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "robolink.cli", *command], check=True, timeout=60)
    (robot,) = config.load(out).robots
    streams = {each.topic for part in robot.components.values() for each in part.streams.values()}
    assert "/a/odom" in {f"/a/{each.removeprefix('/a/')}" for each in streams}


def test_a_callback_that_raises_costs_its_message_and_a_subscription_that_is_replaced_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    ros = Ros(next(DOMAINS))
    try:
        node = ros.node("receiving")
        heard: list[float] = []

        def taken(message: Any) -> None:
            if message.data < 0:
                raise ValueError("below zero")
            heard.append(message.data)

        out = node.publish("numbers", "std_msgs/msg/Float64")
        read = node.listen("numbers", "std_msgs/msg/Float64", taken)
        wait_for(
            lambda: out.send(out.type(data=-1.0)) and node.receiver.errors, what="a callback that raised"
        )
        wait_for(lambda: out.send(out.type(data=1.0)) and 1.0 in heard, what="the next message")
        # It asks for reliable now, since the publisher offers it: by another subscription.
        assert not read.profile.reliable
        subscribe = node.node.create_subscription
        failed = iter([RuntimeError("out of memory")])

        def failing(*args: Any, **named: Any) -> Any:
            for error in failed:
                raise error
            return subscribe(*args, **named)

        monkeypatch.setattr(node.node, "create_subscription", failing)
        before = read._subscription
        wait_for(lambda: node.look() or read._subscription is not before, what="a better profile")
        assert read.profile.reliable
        wait_for(lambda: out.send(out.type(data=2.0)) and 2.0 in heard, what="a message of the new one")
    finally:
        ros.close()
    assert ros.errors == 1, "what failed at first was tried again"
    assert not any(each.name.startswith("receive") for each in threading.enumerate())
