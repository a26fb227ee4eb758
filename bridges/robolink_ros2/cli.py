"""`robolink ros2 …`: the ROS 2 bridge from the command line. Arguments in, one bridge out."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

app = typer.Typer(help="ROS 2 robots as robots of the hub.", no_args_is_help=True, add_completion=False)


@app.callback()
def _ros2() -> None:
    """ROS 2 robots as robots of the hub."""


@app.command()
def bridge(
    robot: Annotated[
        str, typer.Option(help="The robot's id: lower case letters, digits, dashes.", metavar="ID")
    ],
    hub: Annotated[
        str | None, typer.Option(help="The hub's control lane.", metavar="URL", envvar="ROBOLINK_HUB")
    ] = None,
    cmd_vel: Annotated[str, typer.Option(help="Topic of geometry_msgs/Twist.")] = "cmd_vel",
    odom: Annotated[str, typer.Option(help="Topic of nav_msgs/Odometry.")] = "odom",
    battery: Annotated[str, typer.Option(help="Topic of sensor_msgs/BatteryState.")] = "battery_state",
    domain_id: Annotated[int | None, typer.Option(help="Else ROS_DOMAIN_ID.", min=0, max=232)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Serve a ROS 2 mobile base as ROBOT until Ctrl-C. The robot must stop by itself when cmd_vel ends."""
    from robolink.robot import Driver
    from robolink_ros2.node import RosNode
    from robolink_ros2.robot import Ros2Base

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")

    def open_node(on_odometry: Any, on_battery: Any) -> RosNode:
        return RosNode(
            f"robolink_{robot}",
            on_odometry=on_odometry,
            on_battery=on_battery,
            cmd_vel=cmd_vel,
            odom=odom,
            battery=battery,
            domain_id=domain_id,
        )

    base = Ros2Base(robot, open_node)
    driver = Driver(hub, name=f"ros2:{robot}")
    try:
        driver.add(base)
        driver.run()
    finally:
        base.close()
        driver.close()
