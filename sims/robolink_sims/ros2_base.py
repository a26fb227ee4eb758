"""A ROS 2 robot, a real rclpy node in a process of its own: a base with the usual cmd_vel timeout, lidar, joints, battery.

`python -m robolink_sims.ros2_base --domain-id 7`, or `Ros2BaseSim` as a context manager. It knows nothing of Robolink's lanes;
what drives it to a pose is a process beside it, `ros2_navigator.py`.
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
from robolink_sims.lidar import RANGE_MAX, RANGE_MIN, scan
from robolink_sims.maps import load_map

RATE_HZ: Final = 30.0
CMD_VEL_TIMEOUT_S: Final = 0.5
SCAN_HZ: Final = 10.0
JOINTS: Final = ("shoulder", "elbow")
READY: Final = "ready"
WAIT_S: Final = 20.0


class Ros2BaseSim:
    """One simulated base in a child process.

    Args:
        domain_id: ROS_DOMAIN_ID, 0..232.
        module: Which one; the navigator is started the same way.
        python: Of which environment; another one may bring another ROS 2.

    Raises:
        ConfigError: It did not come up; rclpy is missing, most likely.
    """

    def __init__(
        self,
        domain_id: int,
        *arguments: str,
        module: str = "robolink_sims.ros2_base",
        python: str = sys.executable,
    ) -> None:
        """Start and wait until it is in the graph."""
        self.domain_id, self._arguments, self._module, self._python = domain_id, arguments, module, python
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start (again)."""
        command = [self._python, "-m", self._module, "--domain-id", str(self.domain_id), *self._arguments]
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


class Joints:
    """Two joints that follow points in time, from wherever they are; a new trajectory replaces the old one."""

    def __init__(self) -> None:
        """At zero."""
        self.position, self.velocity = [0.0] * len(JOINTS), [0.0] * len(JOINTS)
        self._points: list[tuple[float, list[float]]] = []

    def follow(self, names: list[str], points: list[tuple[list[float], float]], now: float) -> None:
        """Points of those joints, by seconds from now."""
        rows = [
            (now + at, [dict(zip(names, row, strict=True)).get(name, 0.0) for name in JOINTS])
            for row, at in points
        ]
        self._points = [(now, list(self.position)), *rows]

    def step(self, now: float) -> None:
        """Where they are now."""
        while len(self._points) > 1 and self._points[1][0] <= now:
            self._points.pop(0)
        if not self._points:
            return
        (begin, start), *rest = self._points
        if not rest:
            self.position, self.velocity = list(start), [0.0] * len(JOINTS)
            return
        end, goal = rest[0]
        part = (now - begin) / (end - begin)
        self.position = [a + (b - a) * part for a, b in zip(start, goal, strict=True)]
        self.velocity = [(b - a) / (end - begin) for a, b in zip(start, goal, strict=True)]


class _Node:
    """Odometry and joints 30 times a second, a scan ten times, the battery once; cmd_vel counts for half a second."""

    def __init__(self, rclpy: Any, context: Any, namespace: str) -> None:
        from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
        from geometry_msgs.msg import Twist
        from nav_msgs.msg import Odometry
        from rcl_interfaces.msg import SetParametersResult
        from rclpy.qos import QoSProfile, qos_profile_sensor_data
        from sensor_msgs.msg import BatteryState, JointState, LaserScan
        from std_srvs.srv import SetBool
        from trajectory_msgs.msg import JointTrajectory

        self.drive, self.joints, self.place = DiffDrive(acceleration=3.0), Joints(), load_map("built-in")
        self.node = rclpy.create_node("sim_base", context=context, namespace=namespace or None)
        self._odometry, self._battery, self._scan, self._joint_state = (
            Odometry,
            BatteryState,
            LaserScan,
            JointState,
        )
        self._diagnostics, self._status, self._verdict = (
            DiagnosticArray,
            DiagnosticStatus,
            SetParametersResult,
        )
        publish, subscribe = self.node.create_publisher, self.node.create_subscription
        self._odom = publish(Odometry, "odom", qos_profile_sensor_data)
        self._state = publish(BatteryState, "battery_state", qos_profile_sensor_data)
        self._scans = publish(LaserScan, "scan", qos_profile_sensor_data)
        self._joint_states = publish(JointState, "joint_states", QoSProfile(depth=5))
        self._health = publish(DiagnosticArray, "diagnostics", QoSProfile(depth=5))
        subscribe(Twist, "cmd_vel", self._cmd_vel, QoSProfile(depth=1))
        subscribe(JointTrajectory, "joint_trajectory", self._trajectory, QoSProfile(depth=1))
        self.node.create_service(SetBool, "lights", self._lights)
        self.node.declare_parameter("speed_limit", 1.0)
        self.node.add_on_set_parameters_callback(self._on_parameters)
        self._limit, self._lit = 1.0, False
        self._heard = self._last = time.monotonic()
        self.node.create_timer(1.0 / RATE_HZ, self._step)
        self.node.create_timer(1.0 / SCAN_HZ, self._tell_scan)
        self.node.create_timer(1.0, self._tell_battery)

    def _cmd_vel(self, message: Any) -> None:
        self._heard = time.monotonic()
        self.drive.want(max(-self._limit, min(self._limit, message.linear.x)), message.angular.z)

    def _trajectory(self, message: Any) -> None:
        points = [
            (list(each.positions), each.time_from_start.sec + each.time_from_start.nanosec / 1e9)
            for each in message.points
        ]
        self.joints.follow(list(message.joint_names), points, time.monotonic())

    def _lights(self, request: Any, response: Any) -> Any:
        response.success, response.message = self._lit != request.data, "on" if request.data else "off"
        self._lit = request.data
        return response

    def _on_parameters(self, parameters: Any) -> Any:
        for each in parameters:
            if each.name == "speed_limit":
                if not 0.0 <= each.value <= 2.0:
                    return self._verdict(successful=False, reason="speed_limit is 0 to 2 m/s")
                self._limit = each.value
        return self._verdict(successful=True)

    def _stamped(self, message: Any, frame_id: str) -> Any:
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = frame_id
        return message

    def _step(self) -> None:
        now = time.monotonic()
        if now - self._heard > CMD_VEL_TIMEOUT_S:
            self.drive.want(0.0, 0.0)
        self.drive.step(min(now - self._last, 0.1))
        self.joints.step(now)
        self._last = now
        message = self._stamped(self._odometry(), "odom")
        message.child_frame_id = "base_link"
        pose, twist = message.pose.pose, message.twist.twist
        pose.position.x, pose.position.y = self.drive.x, self.drive.y
        pose.orientation.z, pose.orientation.w = (
            math.sin(self.drive.theta / 2),
            math.cos(self.drive.theta / 2),
        )
        twist.linear.x, twist.angular.z = self.drive.linear, self.drive.angular
        self._odom.publish(message)
        joints = self._stamped(self._joint_state(), "")
        joints.name, joints.position, joints.velocity = (
            list(JOINTS),
            self.joints.position,
            self.joints.velocity,
        )
        self._joint_states.publish(joints)

    def _tell_scan(self) -> None:
        ranges = scan(self.place, self.drive.x, self.drive.y, self.drive.theta)
        message = self._stamped(self._scan(), "base_link")
        message.angle_min, message.angle_max = -math.pi, math.pi
        message.angle_increment = math.tau / ranges.size
        message.range_min, message.range_max, message.ranges = RANGE_MIN, RANGE_MAX, ranges.tolist()
        self._scans.publish(message)

    def _tell_battery(self) -> None:
        message = self._battery()
        message.percentage = max(0.0, 1.0 - self.drive.distance / 1000.0)
        message.voltage, message.current = 24.0, math.nan
        self._state.publish(message)
        status = self._status(name="battery", message="charged", level=self._status.OK)
        self._health.publish(self._stamped(self._diagnostics(status=[status]), ""))


def without_events(group: Any) -> dict[str, Any]:
    """How a node of several threads subscribes, in that callback group."""
    from rclpy.event_handler import SubscriptionEventCallbacks

    events = SubscriptionEventCallbacks(use_default_callbacks=False)
    return {"callback_group": group, "event_callbacks": events}


def spin_until_sigterm(
    make: Any, parser: argparse.ArgumentParser, arguments: list[str] | None, *, threads: int = 1
) -> int:
    """Make a node from (rclpy, context, namespace), say "ready", and serve it.

    Threads: one, unless callbacks wait. With several, rclpy's executor turns without a pause while a message waits for one of
    them, and starves them (Fast DDS: a subscription's events wake it for data too): those nodes subscribe `without_events`.
    """
    parser.add_argument("--domain-id", type=int, default=0)
    parser.add_argument("--namespace", default="")
    options = parser.parse_args(arguments)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        import rclpy
        from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, SingleThreadedExecutor
    except ImportError as exc:
        sys.stderr.write(f"ROS 2's rclpy cannot be imported: {exc}; pip install 'robolink[ros2]'\n")
        return 1
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=options.domain_id)
    made = make(rclpy, context, options.namespace)
    executor = (
        SingleThreadedExecutor(context=context)
        if threads == 1
        else MultiThreadedExecutor(threads, context=context)
    )
    executor.add_node(made.node)
    # The kernel's own: a handler in Python would wait for the next message, and none may come.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    try:
        executor.spin()
    except (ExternalShutdownException, KeyboardInterrupt):
        return 0
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one base until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.ros2_base", description=__doc__)
    return spin_until_sigterm(_Node, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
