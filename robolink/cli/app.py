"""The commands' names, options and help; each brings its module in when it runs, so that `--help` stays light.

Nothing but typer is imported here, and nothing is decided.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from robolink.cli import complete, more
from robolink.cli.hub_app import hub as hub_app
from robolink.cli.options import HUB_VARIABLE, NOT_SAFETY, HubOption, JsonOption, RobotArgument
from robolink.cli.plugins import CommandGroup

app = typer.Typer(
    cls=CommandGroup,
    name="robolink",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
twin = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Settings and readings of a robot.")


class StopLevelName(StrEnum):
    """How a stop ends motion, as one types it."""

    SOFT_HOLD = "soft-hold"
    STOP_THEN_CUT = "stop-then-cut"
    CUT = "cut"


RobotsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ROBOT", help="Robots by id.", show_default=False, autocompletion=complete.robots),
]
AllOption = Annotated[bool, typer.Option("--all", help="Every robot that the hub knows.")]


@app.callback()
def robolink(
    hub: Annotated[
        str | None,
        typer.Option("--hub", metavar="URL", help=f"The hub; also {HUB_VARIABLE}, also after a command."),
    ] = None,
) -> None:
    """Robots, boards and ROS 2 nodes behind one hub."""
    if hub:
        os.environ[HUB_VARIABLE] = hub  # packages' commands and children read it there too


app.add_typer(hub_app, name="hub")


@app.command()
def discover(
    timeout: Annotated[
        float, typer.Option("--timeout-s", metavar="S", min=0, help="How long to listen for mDNS.")
    ] = 3.0,
    as_json: JsonOption = False,
) -> int:
    """Hubs that are listed or announce themselves, and whether their keys are known: nothing is trusted before keys."""
    from robolink.cli.discover import list_hubs

    return list_hubs(timeout, as_json)


@app.command()
def robots(hub: HubOption = None, as_json: JsonOption = False) -> int:
    """Robots that the hub knows: online, driver, stop latch, leases."""
    from robolink.cli.robots import list_robots

    return list_robots(hub, as_json)


@app.command()
def describe(robot: RobotArgument, hub: HubOption = None, as_json: JsonOption = False) -> int:
    """A robot's sheet: methods, setpoints, settings, readings, streams, with units and limits."""
    from robolink.cli.describe import describe_robot

    return describe_robot(hub, robot, as_json)


@app.command("run", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def run_robot(
    context: typer.Context,
    robot: Annotated[
        str | None,
        typer.Argument(metavar="NAME|MODULE:CLASS", help="Of an installed package; without: list them."),
    ] = None,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Serve a robot of an installed package (entry point robolink.robots) until Ctrl-C; further options are its own."""
    from robolink.cli import run_robot as command

    if robot is None:
        return command.list_robots(as_json=as_json)
    return command.run_robot(robot, context.args, hub)


@twin.command("get")
def twin_get(
    robot: RobotArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Default: all.", autocompletion=complete.properties),
    ] = None,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show properties: desired, observed (what the robot made of it), reported."""
    from robolink.cli.twin import get

    return get(hub, robot, names or [], as_json)


@twin.command("set", context_settings={"ignore_unknown_options": True})
def twin_set(
    robot: RobotArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="component.property", autocompletion=complete.properties)
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Typed by the sheet; a vector as 1,2,3.")],
    if_version: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Only if the desired version still is N.")
    ] = None,
    wait: Annotated[
        float | None, typer.Option(metavar="S", min=0, help="Wait so long for the robot's verdict.")
    ] = None,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write a setting's desired value. Writing `stop` is a stop (a software stop, not safety rated)."""
    from robolink.cli.twin import put

    return put(hub, robot, name, value, if_version, wait, as_json)


@twin.command("watch")
def twin_watch(robot: RobotArgument, hub: HubOption = None, as_json: JsonOption = False) -> int:
    """Show the twin and each change until Ctrl-C; with --json one line each."""
    from robolink.cli.twin import watch

    return watch(hub, robot, as_json)


app.add_typer(twin, name="twin")


@app.command(context_settings={"ignore_unknown_options": True})
def call(
    robot: RobotArgument,
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="component.method", autocompletion=complete.methods)
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="Typed by the sheet; a vector as 1,2,3.",
            show_default=False,
            autocompletion=complete.arguments,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Show a goal's feedback while it runs.")] = True,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", min=0, help="Cancel a goal that has not ended by then.")
    ] = None,
    preempt: Annotated[
        bool, typer.Option("--preempt", help="End a goal that keeps the component busy.")
    ] = False,
    ttl: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Do not start it any later than this (default 5)."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="A dry run: say whether the hub would take it; nothing moves.")
    ] = False,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a method and wait for its verdict.

    What moves the robot takes a lease by itself and keeps it to the end. Ctrl-C cancels a goal and waits for its verdict.
    """
    from robolink.cli.call import Wish, call_method

    wish = Wish(robot, method, arguments or [], follow, timeout, preempt, ttl, check)
    return call_method(hub, wish, as_json)


@app.command(
    help=f"Stop robots and latch them. {NOT_SAFETY} It needs no lease and uses only the safety lane."
)
def stop(
    robots: RobotsArgument = None,
    every: AllOption = False,
    level: Annotated[StopLevelName, typer.Option(help="How motion ends.")] = StopLevelName.SOFT_HOLD,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the latch.")] = "",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Stop robots."""
    from robolink.cli.stops import stop_robots

    return stop_robots(hub, robots or [], every, level.name, reason, as_json)


@app.command(
    help=f"End the latched stop of robots ({NOT_SAFETY[2:-1]}). Nothing moves by it: send a new command."
)
def release(
    robots: RobotsArgument = None,
    every: AllOption = False,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Release robots."""
    from robolink.cli.stops import release_robots

    return release_robots(hub, robots or [], every, as_json)


@app.command()
def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything up and say what to type next.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """The whole chain on this machine, walked through: hub, base, board, ROS 2 robot, KubeEdge mapper with its double.

    Its stop is a software stop, not safety rated. Needs free ports on loopback; leaves nothing behind.
    """
    from robolink.cli.demo import run_demo

    return run_demo(stay=stay, as_json=as_json)


more.add_to(app)
