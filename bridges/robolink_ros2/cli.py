"""`robolink ros2 …`: bridge, scan and expose from the command line. Arguments in, one process out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="ROS 2 robots as robots of the hub.", no_args_is_help=True, add_completion=False)

Hub = Annotated[
    str | None, typer.Option(help="The hub's control lane.", metavar="URL", envvar="ROBOLINK_HUB")
]
Domain = Annotated[int | None, typer.Option(help="Else ROS_DOMAIN_ID.", min=0, max=232)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]


def _log(verbose: bool) -> None:
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")


@app.callback()
def _ros2() -> None:
    """ROS 2 robots as robots of the hub."""


@app.command()
def bridge(
    config: Annotated[
        Path | None, typer.Option(help="The mapping file; `robolink ros2 scan` writes one.", metavar="FILE")
    ] = None,
    robot: Annotated[str, typer.Option(help="Without a file: the id of a mobile base.", metavar="ID")] = "",
    hub: Hub = None,
    cmd_vel: Annotated[str, typer.Option(help="Without a file: topic of geometry_msgs/Twist.")] = "cmd_vel",
    odom: Annotated[str, typer.Option(help="Without a file: topic of nav_msgs/Odometry.")] = "odom",
    battery: Annotated[str, typer.Option(help="Without a file: topic of BatteryState.")] = "battery_state",
    domain_id: Domain = None,
    verbose: Verbose = False,
) -> None:
    """Serve ROS 2 robots until Ctrl-C. Their stop is a software stop, not safety rated.

    A second process stands by and ends their motion in ROS 2 if this one is killed.
    """
    from robolink_ros2.config import BridgeConfig, load, mobile_base
    from robolink_ros2.serve import serve

    _log(verbose)
    if config is not None:
        mapping = load(config)
    elif robot:
        mapping = BridgeConfig(robots=(mobile_base(robot, cmd_vel=cmd_vel, odom=odom, battery=battery),))
    else:
        raise typer.BadParameter("name a mapping file (--config) or a robot (--robot)")
    serve(mapping, hub=hub or mapping.hub, domain_id=mapping.domain_id if domain_id is None else domain_id)


@app.command()
def scan(
    robot: Annotated[str, typer.Option(help="The id of the robot.", metavar="ID")] = "robot-1",
    namespace: Annotated[str, typer.Option(help="Only what is in this namespace.")] = "",
    wait_s: Annotated[float, typer.Option("--wait", help="How long to look, s.", min=0.5, max=60)] = 3.0,
    out: Annotated[
        Path | None, typer.Option(help="Write the file; else it is printed.", metavar="FILE")
    ] = None,
    domain_id: Domain = None,
) -> None:
    """Look at the graph, say what the robot is, and write its mapping file, commented and ready to use."""
    from robolink_ros2.scan import look, mapping_text, summary

    _log(False)
    graph = look(domain_id, namespace, wait_s)
    text = mapping_text(graph, robot=robot, namespace=namespace, domain_id=domain_id)
    typer.echo(summary(graph), err=True)
    if out is None:
        typer.echo(text)
        return
    out.write_text(text, "utf-8")
    typer.echo(f"written: {out}; next: robolink ros2 bridge --config {out}", err=True)


@app.command()
def expose(
    robot: Annotated[str, typer.Argument(help="A robot of the hub.", metavar="ROBOT")],
    config: Annotated[
        Path | None,
        typer.Option(help="Actions to offer, by field paths; the type of cmd_vel.", metavar="FILE"),
    ] = None,
    hub: Hub = None,
    namespace: Annotated[str, typer.Option(help="Of its topics; ROBOT with underscores if left out.")] = "",
    domain_id: Domain = None,
    verbose: Verbose = False,
) -> None:
    """Show a robot of the hub to ROS 2 as an ordinary node: its streams out, cmd_vel and actions in.

    Lease, TTL and software stop (not safety rated) hold for what comes from ROS 2 as for any client.
    """
    from robolink_ros2.expose import load, run

    _log(verbose)
    run(robot, hub=hub, namespace=namespace, domain_id=domain_id, offer=load(config))
