"""A user of NavigateToPose with plain rclpy: drives to a pose, then far away until it cancels that. No Robolink here."""

import os
import sys

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy
from nav2_msgs.action import NavigateToPose
from rclpy.action import ActionClient

rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("user")
action = ActionClient(node, NavigateToPose, "/base_1/navigate_to_pose")
left = []


def answer(future):
    rclpy.spin_until_future_complete(node, future, timeout_sec=60)
    return future.result()


def go(x):
    goal = NavigateToPose.Goal()
    goal.pose.header.frame_id, goal.pose.pose.position.x = "map", x
    left.clear()
    return answer(action.send_goal_async(goal, lambda m: left.append(m.feedback.distance_remaining)))


assert action.wait_for_server(60)
result = answer(go(0.8).get_result_async())
assert (result.status, result.result.error_code) == (4, 0), result
assert left, "no feedback"
assert 0.0 <= left[-1] < left[0] <= 0.81, left
far = go(50.0)
while len(left) < 3:
    rclpy.spin_once(node, timeout_sec=1.0)
answer(far.cancel_goal_async())
assert answer(far.get_result_async()).status == 5
sys.stdout.write("served\n")
