"""The rclpy side: one node with its executor thread. The only module that imports rclpy; it decides nothing."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from robolink.errors import ConfigError
from robolink_ros2 import convert

log = logging.getLogger(__name__)

BOTH_WAYS: Final = (
    "source a ROS 2 (Jazzy or later), e.g. `. /opt/ros/jazzy/setup.sh`, or pip install 'robolink[ros2]' "
    "(wheels for Linux x86_64, Python 3.10 to 3.13)"
)


class RosNode:
    """cmd_vel out; odometry and battery in.

    Args:
        name: Of the node.
        on_odometry: Gets each message and when it was measured, ROS clock, ns; in the executor's thread.
        on_battery: Gets each message.
        domain_id: Else the environment's ROS_DOMAIN_ID.

    Raises:
        ConfigError: rclpy cannot be imported; the hint says both ways to get it.
    """

    def __init__(
        self,
        name: str,
        *,
        on_odometry: Callable[[Any, int], None],
        on_battery: Callable[[Any], None],
        cmd_vel: str = "cmd_vel",
        odom: str = "odom",
        battery: str = "battery_state",
        domain_id: int | None = None,
    ) -> None:
        """Join the graph."""
        try:
            import rclpy
            from geometry_msgs.msg import Twist
            from nav_msgs.msg import Odometry
            from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
            from rclpy.executors import SingleThreadedExecutor
            from rclpy.qos import QoSProfile, qos_profile_sensor_data
            from sensor_msgs.msg import BatteryState
        except ImportError as exc:
            raise ConfigError(f"ROS 2's rclpy cannot be imported: {exc}", hint=BOTH_WAYS) from exc
        self.counters: Counter[str] = Counter()
        self._twist = Twist
        self._rclpy = rclpy
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self._node = rclpy.create_node(name.replace("-", "_"), context=self._context)
        # Reliable, depth 1: an older velocity has no use once there is a newer one.
        self._publisher = self._node.create_publisher(
            Twist,
            cmd_vel,
            QoSProfile(depth=1),
            event_callbacks=PublisherEventCallbacks(
                incompatible_qos=lambda event: self._incompatible(cmd_vel, event)
            ),
        )
        self._node.create_subscription(
            Odometry,
            odom,
            lambda message: on_odometry(message, convert.stamp_ns(message.header.stamp)),
            qos_profile_sensor_data,
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=lambda event: self._incompatible(odom, event)
            ),
        )
        self._node.create_subscription(BatteryState, battery, on_battery, qos_profile_sensor_data)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="rclpy", daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException

        try:
            self._executor.spin()
        except ExternalShutdownException:
            return  # `close` has shut the context down.

    def _incompatible(self, topic: str, event: Any) -> None:
        self.counters["incompatible_qos"] += 1
        log.warning("topic %s: a peer's QoS does not match ours (policy %s)", topic, event.last_policy_kind)

    def now_ns(self) -> int:
        """The ROS clock."""
        return int(self._node.get_clock().now().nanoseconds)

    def drive(self, linear_x: float, linear_y: float, angular_z: float) -> None:
        """Publish one Twist, m/s and rad/s; what ROS 2 refuses is counted and logged."""
        message = convert.fill_twist(self._twist(), linear_x, linear_y, angular_z)
        try:
            self._publisher.publish(message)
        except RuntimeError as exc:
            # rclpy's RCLError: the middleware's queue is full. The next one, or the robot's own timeout, counts.
            self.counters["publish_failed"] += 1
            log.warning("cmd_vel was not published: %s", exc)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._rclpy.try_shutdown(context=self._context)
        self._thread.join(2.0)
