"""`robolink ros2 expose` and `scan`: a robot of the hub for a plain rclpy user, and a graph as a mapping file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

import robolink
from robolink_ros2 import config
from robolink_ros2.scan import Graph, mapping_text, summary
from tests.bridges.ros2.conftest import DOMAINS, ROLES
from tests.conftest import HubProcess, wait_for

HERE = Path(__file__).parent

GRAPH = Graph(
    published={
        "/odom": "nav_msgs/msg/Odometry",
        "/joint_states": "sensor_msgs/msg/JointState",
        "/scan": "sensor_msgs/msg/LaserScan",
        "/left/image": "sensor_msgs/msg/Image",
        "/right/image": "sensor_msgs/msg/Image",
        "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
        "/odd": "acme_msgs/msg/Odd",
    },
    taken={
        "/cmd_vel": "geometry_msgs/msg/TwistStamped",
        "/cmd_vel_nav": "geometry_msgs/msg/Twist",
        "/goal_pose": "geometry_msgs/msg/PoseStamped",
        "/arm/joint_trajectory": "trajectory_msgs/msg/JointTrajectory",
    },
    services={"/lights": "std_srvs/srv/SetBool"},
    actions={"/navigate_to_pose": "nav2_msgs/action/NavigateToPose"},
    nodes=["/base_controller"],
    joints=("a", "b"),
    missing=frozenset({"nav2_msgs/action/NavigateToPose", "acme_msgs/msg/Odd"}),
    frame="odom",
)


def test_a_graph_becomes_a_mapping_that_is_right() -> None:
    text = mapping_text(GRAPH, robot="r-1", namespace="", domain_id=7)
    robot = config.check(yaml.safe_load(text), "scan").robots[0]
    base = robot.components["base"]
    assert base.velocity is not None
    assert (base.velocity.topic, base.velocity.type) == ("/cmd_vel", "geometry_msgs/msg/TwistStamped")
    # Its action's type is missing here, so the goal goes by the topic, and the file says why.
    assert base.navigate_to is not None
    assert (base.navigate_to.topic, base.navigate_to.frame_id) == ("/goal_pose", "odom")
    assert "NavigateToPose is not installed here" in text
    assert robot.components["arm"].trajectory is not None
    assert robot.components["arm"].trajectory.joints == ("a", "b")
    assert {"camera", "camera_2", "lidar", "health"} <= set(robot.components)
    assert "#   lights: {service: /lights, type: std_srvs/srv/SetBool}" in text
    assert "acme_msgs/msg/Odd}  (its type is not installed here)" in text
    assert "a mobile base, an arm, camera, lidar" in summary(GRAPH)
    # In which frame a goal can be measured is known by an odometry that was heard, or not at all.
    deaf = mapping_text(GRAPH._replace(frame=""), robot="r-1", namespace="", domain_id=7)
    assert config.check(yaml.safe_load(deaf), "scan").robots[0].components["base"].navigate_to is None
    assert "# navigate_to: {topic: /goal_pose, frame_id: ?}" in deaf


IN_FLIGHT = """
import os, sys
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
import rclpy
from rclpy.action import ActionClient
from test_msgs.action import NestedMessage
rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("late")
action = ActionClient(node, NestedMessage, "/base_1/go")
action.wait_for_server()
goal = NestedMessage.Goal()
goal.nested_field.float64_value = 50.0
driving = lambda message: print("driving", flush=True)
sent = action.send_goal_async(goal, driving)
rclpy.spin_until_future_complete(node, sent)
result = sent.result().get_result_async()
rclpy.spin_until_future_complete(node, result)
print("status", result.result().status, flush=True)
"""


def _end_in_the_middle_of_a_goal(hub: HubProcess, domain: str, exposed: subprocess.Popen[bytes]) -> None:
    """SIGTERM: the goal is cancelled, its client is told, and nothing keeps the process from its end."""
    with robolink.connect(hub.url, name="look", roles=ROLES) as seen:
        assert seen.robot("base-1").release().cause == 0
        late = subprocess.Popen([sys.executable, "-c", IN_FLIGHT, domain], stdout=subprocess.PIPE, text=True)
        try:
            assert late.stdout is not None
            assert late.stdout.readline() == "driving\n"
            exposed.terminate()
            assert exposed.wait(30) == 0
            told = late.communicate(timeout=30)[0].splitlines()
            assert told[-1] == "status 6", "aborted: nobody in ROS 2 has cancelled it"
            wait_for(lambda: not seen.robots()[0].authority.leases, what="its lease to be given back")
        finally:
            late.kill()
            late.wait()


@contextmanager
def exposed_base(
    hub: HubProcess, domain: int, log: Path, offer: Path = HERE / "expose.yaml"
) -> Iterator[subprocess.Popen[bytes]]:
    """A simulated base of the hub, and `robolink ros2 expose` of it; the latter's process."""
    arguments = ["ros2", "expose", "base-1", "--hub", hub.url, "--domain-id", str(domain)]
    commands = [
        ["-m", "robolink_sims.base", "--id", "base-1", "--hub", hub.url],
        ["-m", "robolink.cli", *arguments, "--config", str(offer)],
    ]
    children = []
    try:
        with log.open("wb") as out:
            children.append(subprocess.Popen([sys.executable, *commands[0]], stdout=out, stderr=out))
            with robolink.connect(hub.url, name="look") as seen:
                wait_for(lambda: any(each.online for each in seen.robots()), 60, "the base")
            children.append(subprocess.Popen([sys.executable, *commands[1]], stdout=out, stderr=out))
        yield children[1]
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(30)


def test_a_ros_user_drives_commands_and_stops_a_robot_of_the_hub(hub: HubProcess, tmp_path: Path) -> None:
    domain, log = next(DOMAINS), tmp_path / "log"
    with exposed_base(hub, domain, log) as exposed:
        user = subprocess.run(
            [sys.executable, str(HERE / "ros_user.py"), str(domain)],
            capture_output=True, text=True, check=False, timeout=110,
        )  # fmt: skip
        assert user.returncode == 0, user.stdout + user.stderr + log.read_text()
        assert user.stdout.splitlines()[-1] == "stays stopped"
        assert "linear_x = nan is not a finite number" in log.read_text()
        _end_in_the_middle_of_a_goal(hub, str(domain), exposed)
