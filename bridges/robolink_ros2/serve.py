"""The bridge's process: one driver, one place in the graph, one guard, any number of robots. No rule of its own."""

from __future__ import annotations

from robolink.robot import Driver
from robolink_ros2.config import BridgeConfig
from robolink_ros2.guard import Guard
from robolink_ros2.node import Ros
from robolink_ros2.robot import Ros2Robot


def serve(mapping: BridgeConfig, *, hub: str | None, domain_id: int | None) -> None:
    """Serve every robot of a mapping until SIGINT or SIGTERM.

    Raises:
        RobolinkError: rclpy is missing, a sheet breaks a rule, or the hub refuses this driver.
    """
    ros = Ros(domain_id)
    robots: list[Ros2Robot] = []
    driver = Driver(hub, name=f"ros2:{','.join(each.robot for each in mapping.robots)}"[:64])
    guard = Guard(mapping, domain_id)
    try:
        for each in mapping.robots:
            robots.append(Ros2Robot(each, ros, guard))
            driver.add(robots[-1])
        driver.run()
    finally:
        for robot in robots:
            robot.close()
        for robot in robots:
            robot.settle()
        driver.close()
        guard.close()
        ros.close()
