"""The vendor SDK: a robot as a class (`Robot`), or any robot behind a bridge (`RobotHandler` in a `Driver`)."""

from robolink.errors import SettingRejectedError
from robolink.robot._async import AsyncGoal
from robolink.robot._declare import (
    Arg,
    Arm,
    Base,
    Battery,
    Camera,
    Component,
    Gpio,
    Gripper,
    Imu,
    Motor,
    Reading,
    Sensor,
    Servo,
    Setting,
    Stream,
    command,
    goal,
    setpoint,
)
from robolink.robot._driver import Driver
from robolink.robot._handler import Order, RobotHandler, RobotLink, StopOutcome, StopView
from robolink.robot._robot import Goal, GoalEnded, Robot

__all__ = [
    "Arg",
    "Arm",
    "AsyncGoal",
    "Base",
    "Battery",
    "Camera",
    "Component",
    "Driver",
    "Goal",
    "GoalEnded",
    "Gpio",
    "Gripper",
    "Imu",
    "Motor",
    "Order",
    "Reading",
    "Robot",
    "RobotHandler",
    "RobotLink",
    "Sensor",
    "Servo",
    "Setting",
    "SettingRejectedError",
    "StopOutcome",
    "StopView",
    "Stream",
    "command",
    "goal",
    "setpoint",
]
