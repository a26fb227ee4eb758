"""Prints the robot's measured speed, m/s, with each odometry: a plain rclpy subscriber, and nothing of Robolink."""

import os
import sys

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy
from nav_msgs.msg import Odometry
from rclpy.qos import qos_profile_sensor_data


def tell(message: Odometry) -> None:
    sys.stdout.write(f"{message.twist.twist.linear.x}\n")
    sys.stdout.flush()


rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("observer")
node.create_subscription(Odometry, "odom", tell, qos_profile_sensor_data)
rclpy.spin(node)
