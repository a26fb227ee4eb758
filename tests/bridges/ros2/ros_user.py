"""A ROS 2 user with plain rclpy, who sees a Robolink robot as a node: one line for each thing found. No Robolink here."""

import os
import sys
import time

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.action import ActionClient
from std_srvs.srv import Trigger
from test_msgs.action import NestedMessage

rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("user")
speeds = []
node.create_subscription(
    Odometry, "/base_1/base/odometry", lambda m: speeds.append(m.twist.twist.linear.x), 5
)
publisher = node.create_publisher(Twist, "/base_1/base/cmd_vel", 1)
action = ActionClient(node, NestedMessage, "/base_1/go")
stop = node.create_client(Trigger, "/base_1/stop")


def say(what):
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def spin_until(condition, what, each=lambda: None):
    until = time.monotonic() + 60
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"no {what}")
        each()
        rclpy.spin_once(node, timeout_sec=0.05)
    say(what)


def wait(future, what):
    spin_until(future.done, what)
    return future.result()


drive = Twist()
drive.linear.x = 0.3
spin_until(lambda: speeds and speeds[-1] > 0.2, "moved by cmd_vel", lambda: publisher.publish(drive))
spin_until(lambda: abs(speeds[-1]) < 1e-3, "still by the deadman")
broken = Twist()
broken.linear.x = float("nan")
until, speeds[:] = time.monotonic() + 4, []
while time.monotonic() < until:
    publisher.publish(broken)
    rclpy.spin_once(node, timeout_sec=0.05)
assert speeds, "no odometry"
assert max(map(abs, speeds)) < 1e-3, "it moved by what is no number"
spin_until(action.server_is_ready, "action server")
goal = NestedMessage.Goal()
goal.nested_field.float64_value, left = 1.5, []
sent = action.send_goal_async(goal, lambda m: left.append(m.feedback.nested_field.float64_value))
result = wait(wait(sent, "goal accepted").get_result_async(), "goal ended")
assert result.status == 4, result
assert left, "no feedback"
assert abs(result.result.nested_field.float64_value - 1.5) < 0.1, result
spin_until(stop.service_is_ready, "stop service")
answer = wait(stop.call_async(Trigger.Request()), "stopped")
assert answer.success, answer
assert "not safety rated" in answer.message
drive.linear.x = 0.5
until, speeds[:] = time.monotonic() + 2, []
while time.monotonic() < until:
    publisher.publish(drive)
    rclpy.spin_once(node, timeout_sec=0.05)
assert speeds, "no odometry"
assert max(map(abs, speeds)) < 1e-3, "it moved while it was stopped"
say("stays stopped")
