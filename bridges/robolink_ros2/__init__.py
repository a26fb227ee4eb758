"""ROS 2 robots under Robolink: a driver on the vendor SDK, with rclpy only in the bridge's own process.

Robolink bridges ROS 2 and never replaces it.
"""
