"""Peers that share no environment with the bridge: ROS 2 Kilted, CycloneDDS, rosbags. They need environments of their own.

`.ci/run` makes them and names their interpreters: ROBOLINK_KILTED_PYTHON, ROBOLINK_DDS_PYTHON.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.core.values import from_value
from tests.bridges.ros2.conftest import DOMAINS, ROBOT, ROLES, Bridge, peer
from tests.bridges.ros2.test_expose import exposed_base
from tests.conftest import HubProcess, wait_for

KILTED = ("ROBOLINK_KILTED_PYTHON", "ROS 2 Kilted")
HERE = Path(__file__).parent

MAPPING = """
robot: ros-1
components:
  peer:
    readings:
      temperature: {topic: temperature, type: std_msgs/msg/Float64}
    calls:
      switch: {service: switch, type: std_srvs/srv/SetBool, motion: false}
    goals:
      count: {action: count, type: test_msgs/action/Fibonacci, motion: false}
"""
# What goes to the peer; its fastest and its latest velocity come back.
DOWN = """
  base:
    type: base
    velocity: cmd_vel
    readings:
      fastest: {topic: fastest, type: std_msgs/msg/Float64}
      latest: {topic: latest, type: std_msgs/msg/Float64}
"""

CYCLONE = '''
import sys, time
from dataclasses import dataclass
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import float64
from cyclonedds.pub import DataWriter
from cyclonedds.topic import Topic

@dataclass
class Float64_(IdlStruct, typename="std_msgs::msg::dds_::Float64_"):
    data: float64

# On loopback and by unicast, as the bridge's own discovery: other machines' multicast is no part of this.
alone = """<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast>
<Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>30</MaxAutoParticipantIndex>
<SPDPInterval>1s</SPDPInterval><Peers><Peer address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>"""
domain = Domain(int(sys.argv[1]), alone)
participant = DomainParticipant(int(sys.argv[1]))
writer = DataWriter(participant, Topic(participant, "rt/temperature", Float64_))
while True:
    writer.write(Float64_(36.6))
    time.sleep(0.1)
'''

CDR = """
import sys
from rosbags.typesys import Stores, get_typestore
store = get_typestore(Stores.ROS2_JAZZY)
kind = "nav_msgs/msg/Odometry"
message = store.deserialize_cdr(bytes.fromhex(sys.stdin.read()), kind)
assert message.child_frame_id == "base_link", message
assert (message.pose.pose.position.x, message.twist.twist.angular.z) == (1.25, -0.5), message
sys.stdout.write(bytes(store.serialize_cdr(message, kind)).hex())
"""


def foreign(command: list[str], domain: int) -> subprocess.Popen[str]:
    """A child of another environment: it must not inherit where this one's ROS 2 lies."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "PYTHONPATH")
    }
    environment["ROS_DISTRO"] = "peer"
    return subprocess.Popen([*command, str(domain)], env=environment, stdout=subprocess.PIPE, text=True)


class Served:
    """A hub, the bridge, and whatever peer a test starts."""

    def __init__(self, hub: HubProcess, folder: Path, command: list[str], more: str = "") -> None:
        self.domain = next(DOMAINS)
        self.peer = foreign(command, self.domain)
        mapping = folder / "peer.yaml"
        mapping.write_text(MAPPING + more)
        self.bridge = Bridge(hub.url, self.domain, folder / "bridge.log", "--config", str(mapping))
        self.bridge.start()
        self.hub = robolink.connect(hub.url, name="test", roles=ROLES)
        self.robot = self.hub.robot(ROBOT)

    def read(self, name: str) -> object:
        """What a topic of the peer has brought, or None."""
        if not any(each.robot == ROBOT for each in self.hub.robots()):
            return None
        return from_value(self.robot.twin.get(name)[name].reported.value)

    def close(self) -> None:
        self.hub.close()
        self.bridge.end(signal.SIGTERM)
        self.peer.kill()
        self.peer.wait()
        assert self.peer.stdout is not None
        self.peer.stdout.close()


@pytest.fixture
def kilted(hub: HubProcess, tmp_path: Path) -> Iterator[Served]:
    made = Served(hub, tmp_path, [peer(*KILTED), str(HERE / "kilted_peer.py")], DOWN)
    yield made
    made.close()


def test_kilted_topic_service_and_action(kilted: Served) -> None:
    wait_for(lambda: kilted.read("peer.temperature") == 36.6, 60, "the topic of a Kilted node")
    wait_for(lambda: any(each.online for each in kilted.hub.robots()), 60, "online")
    assert kilted.robot.call("peer.switch", data=True) == {"success": True, "message": "peer"}
    goal = kilted.robot.goal("peer.count", order=5)
    assert goal.wait(20).state == v1.COMMAND_STATE_SUCCEEDED, goal.wait()
    assert goal.values(5)["sequence"] == (0.0, 1.0, 1.0, 2.0, 3.0, 5.0)


def test_kilted_is_driven_and_stands_when_the_velocities_end(kilted: Served) -> None:
    wait_for(lambda: any(each.online for each in kilted.hub.robots()), 60, "online")

    def heard() -> bool:
        kilted.robot.setpoint("base.velocity", linear_x=0.25)
        return kilted.read("base.fastest") == 0.25

    with kilted.robot.lease("base"):
        wait_for(heard, 60, "a velocity of ours at a Kilted node")
        wait_for(lambda: kilted.read("base.latest") == 0.0, 60, "the zero of the deadman")


def test_a_kilted_user_drives_commands_and_stops_a_robot_of_the_hub(hub: HubProcess, tmp_path: Path) -> None:
    domain, log = next(DOMAINS), tmp_path / "log"
    python = peer(*KILTED)
    with exposed_base(hub, domain, log):
        user = foreign([python, str(HERE / "ros_user.py")], domain)
        try:
            told = user.communicate(timeout=110)[0]
        finally:
            user.kill()
            user.wait()
        assert user.returncode == 0, told + log.read_text()
        assert {"moved by cmd_vel", "goal accepted", "goal ended", "stays stopped"} <= set(told.splitlines())


def test_cyclonedds_topic(hub: HubProcess, tmp_path: Path) -> None:
    python = peer("ROBOLINK_DDS_PYTHON", "cyclonedds")
    script = tmp_path / "cyclone.py"
    script.write_text(CYCLONE)
    served = Served(hub, tmp_path, [python, str(script)])
    try:
        wait_for(lambda: served.read("peer.temperature") == 36.6, 60, "the topic of a CycloneDDS writer")
    finally:
        served.close()


def test_cdr_bytes_agree_with_rosbags() -> None:
    python = peer("ROBOLINK_DDS_PYTHON", "rosbags")
    from nav_msgs.msg import Odometry
    from rclpy.serialization import deserialize_message, serialize_message

    message = Odometry(child_frame_id="base_link")
    message.pose.pose.position.x, message.twist.twist.angular.z = 1.25, -0.5
    ours = serialize_message(message)
    there = subprocess.run(
        [python, "-c", CDR], input=ours.hex(), capture_output=True, text=True, check=False, timeout=60
    )
    assert there.returncode == 0, there.stderr
    assert deserialize_message(bytes.fromhex(there.stdout), Odometry) == message
