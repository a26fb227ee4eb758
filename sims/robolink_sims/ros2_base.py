"""A ROS 2 mobile base: a real rclpy node in a process of its own, with the usual cmd_vel timeout of its controller.

`python -m robolink_sims.ros2_base --domain-id 7`, or `Ros2BaseSim` as a context manager. It knows nothing of Robolink's lanes.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
import time
from typing import Any, Final, Self

from robolink.errors import ConfigError
from robolink_sims.base import DiffDrive

RATE_HZ: Final = 30.0
CMD_VEL_TIMEOUT_S: Final = 0.5
READY: Final = "ready"
WAIT_S: Final = 20.0


class Ros2BaseSim:
    """One simulated base in a child process.

    Args:
        domain_id: ROS_DOMAIN_ID, 0..232.

    Raises:
        ConfigError: It did not come up; rclpy is missing, most likely.
    """

    def __init__(self, domain_id: int) -> None:
        """Start and wait until it is in the graph."""
        self.domain_id = domain_id
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start (again)."""
        command = [sys.executable, "-m", "robolink_sims.ros2_base", "--domain-id", str(self.domain_id)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY:
            code = self._process.wait(WAIT_S)
            self._process.stdout.close()
            raise ConfigError(
                f"the simulated ROS 2 base ended with {code}", hint="pip install 'robolink[ros2]'"
            )

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def __enter__(self) -> Self:
        """Running already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()


class _Node:
    """Odometry 30 times a second, battery once; cmd_vel counts for half a second."""

    def __init__(self, rclpy: Any, context: Any) -> None:
        from geometry_msgs.msg import Twist
        from nav_msgs.msg import Odometry
        from rclpy.qos import QoSProfile, qos_profile_sensor_data
        from sensor_msgs.msg import BatteryState

        self.drive = DiffDrive(acceleration=3.0)
        self.node = rclpy.create_node("sim_base", context=context)
        self._odometry, self._battery = Odometry, BatteryState
        self._odom = self.node.create_publisher(Odometry, "odom", qos_profile_sensor_data)
        self._state = self.node.create_publisher(BatteryState, "battery_state", qos_profile_sensor_data)
        self.node.create_subscription(Twist, "cmd_vel", self._cmd_vel, QoSProfile(depth=1))
        self._heard = self._last = time.monotonic()
        self.node.create_timer(1.0 / RATE_HZ, self._step)
        self.node.create_timer(1.0, self._tell_battery)

    def _cmd_vel(self, message: Any) -> None:
        self._heard = time.monotonic()
        self.drive.want(message.linear.x, message.angular.z)

    def _step(self) -> None:
        now = time.monotonic()
        if now - self._heard > CMD_VEL_TIMEOUT_S:
            self.drive.want(0.0, 0.0)
        self.drive.step(min(now - self._last, 0.1))
        self._last = now
        message = self._odometry()
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id, message.child_frame_id = "odom", "base_link"
        pose, twist = message.pose.pose, message.twist.twist
        pose.position.x, pose.position.y = self.drive.x, self.drive.y
        pose.orientation.z, pose.orientation.w = (
            math.sin(self.drive.theta / 2),
            math.cos(self.drive.theta / 2),
        )
        twist.linear.x, twist.angular.z = self.drive.linear, self.drive.angular
        self._odom.publish(message)

    def _tell_battery(self) -> None:
        message = self._battery()
        message.percentage = max(0.0, 1.0 - self.drive.distance / 1000.0)
        message.voltage, message.current = 24.0, math.nan
        self._state.publish(message)


def main(arguments: list[str] | None = None) -> int:
    """Run one base until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.ros2_base", description=__doc__)
    parser.add_argument("--domain-id", type=int, default=0)
    options = parser.parse_args(arguments)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        import rclpy
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
    except ImportError as exc:
        sys.stderr.write(f"ROS 2's rclpy cannot be imported: {exc}; pip install 'robolink[ros2]'\n")
        return 1
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=options.domain_id)
    base = _Node(rclpy, context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(base.node)
    signal.signal(signal.SIGTERM, lambda *_: rclpy.try_shutdown(context=context))
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    try:
        executor.spin()
    except (ExternalShutdownException, KeyboardInterrupt):
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
