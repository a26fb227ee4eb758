"""Topic, service and action for the interop test, in whatever ROS 2 its interpreter brings; nothing of Robolink."""

import os
import sys

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy
from geometry_msgs.msg import Twist
from rclpy.action import ActionServer
from std_msgs.msg import Float64
from std_srvs.srv import SetBool
from test_msgs.action import Fibonacci


def execute(handle):
    feedback, result = Fibonacci.Feedback(), Fibonacci.Result()
    sequence = [0, 1]
    while len(sequence) <= handle.request.order:
        sequence.append(sequence[-1] + sequence[-2])
        feedback.sequence = sequence
        handle.publish_feedback(feedback)
    result.sequence = sequence
    handle.succeed()
    return result


def switch(request, response):
    response.success, response.message = True, os.environ.get("ROS_DISTRO", rclpy.__file__)
    return response


rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("peer")
topic = node.create_publisher(Float64, "temperature", 5)
echoes = [node.create_publisher(Float64, name, 5) for name in ("fastest", "latest")]
speeds = [0.0, 0.0]


def hear(message):
    speeds[:] = max(speeds[0], message.linear.x), message.linear.x


def tell():
    topic.publish(Float64(data=36.6))
    for echo, speed in zip(echoes, speeds, strict=True):
        echo.publish(Float64(data=speed))


node.create_subscription(Twist, "cmd_vel", hear, 5)
node.create_timer(0.1, tell)
node.create_service(SetBool, "switch", switch)
server = ActionServer(node, Fibonacci, "count", execute)
sys.stdout.write("ready\n")
sys.stdout.flush()
rclpy.spin(node)
