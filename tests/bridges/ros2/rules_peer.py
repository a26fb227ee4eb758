"""Two robots in two namespaces, and what a bridge must not choke on, in plain rclpy; nothing of Robolink."""

import math
import os
import sys

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy
from geometry_msgs.msg import TransformStamped, Twist
from nav_msgs.msg import Odometry
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float64, String

SIMULATED_S = 1000.0
LATE_S = 0.5

rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("rules")
best = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
odom = {name: node.create_publisher(Odometry, f"/{name}/odom", 1) for name in "ab"}
clock = node.create_publisher(Clock, "/clock", 1)
fast = node.create_publisher(Float64, "/a/fast", 1)
shaky = node.create_publisher(Float64, "/a/shaky", best)
secret = node.create_publisher(String, "/a/secret", 1)
readers = {name: node.create_publisher(Float64, f"/a/readers_of_{name}", 1) for name in ("secret", "fast")}
moves = node.create_publisher(Twist, "/a/cmd_vel", 1)
tool = node.create_publisher(TransformStamped, "/a/tool", 1)
steps = 0


def step() -> None:
    global steps
    steps += 1
    now = SIMULATED_S + steps * 0.02
    clock.publish(Clock(clock=Time(nanoseconds=int(now * 1e9)).to_msg()))
    for number, (_name, publisher) in enumerate(odom.items(), 1):
        message = Odometry(child_frame_id="base_link")
        message.pose.pose.position.x = float(number)
        # Each robot's own time: the one lives in a simulation and measures late, the other does not.
        simulated = Time(nanoseconds=int((now - LATE_S) * 1e9))
        message.header.stamp = (node.get_clock().now() if number == 1 else simulated).to_msg()
        publisher.publish(message)
    fast.publish(Float64(data=float(steps)))
    shaky.publish(Float64(data=1.0))
    secret.publish(String(data="not yours"))
    readers["secret"].publish(Float64(data=float(secret.get_subscription_count())))
    readers["fast"].publish(Float64(data=float(fast.get_subscription_count())))
    bad = Twist()
    bad.linear.x = math.nan
    moves.publish(bad)
    moved = TransformStamped(child_frame_id="tool")
    moved.header.frame_id, moved.transform.translation.x = "base_link", 0.25
    tool.publish(moved)


node.create_timer(0.02, step)
sys.stdout.write("ready\n")
sys.stdout.flush()
rclpy.spin(node)
