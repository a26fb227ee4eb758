"""More commands: seeing what happens (watch, why, top, doctor), and holding the right to move (lease, drive).

As app.py: names, options and help; each command brings its module in when it runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from robolink.cli import complete
from robolink.cli.options import HubOption, JsonOption, RobotArgument

IntervalOption = Annotated[
    float, typer.Option("--interval-s", metavar="S", min=0.1, help="How often it looks.")
]


def watch(
    robots: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ROBOT", help="Default: all.", show_default=False, autocompletion=complete.robots
        ),
    ] = None,
    twins: Annotated[bool, typer.Option("--twins", help="Settings and readings.")] = False,
    commands: Annotated[bool, typer.Option("--commands", help="Commands, whoever sent them.")] = False,
    notices: Annotated[bool, typer.Option("--notices", help="What robots and the hub report.")] = False,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what happens, one event a line, until Ctrl-C. Without a choice: everything."""
    from robolink.cli.watch import Wanted
    from robolink.cli.watch import watch as run

    every = not (twins or commands or notices)
    return run(hub, robots or [], Wanted(twins or every, commands or every, notices or every), as_json)


def why(robot: RobotArgument, hub: HubOption = None, as_json: JsonOption = False) -> int:
    """Why a robot cannot move: link, clocks, stop latch, lease, what runs; and the first thing to do.

    Exit code 0: it can move now; 1: it cannot.
    """
    from robolink.cli.why import why as run

    return run(hub, robot, as_json)


def top(
    interval_s: IntervalOption = 1.0,
    once: Annotated[bool, typer.Option("--once", help="One table, and done.")] = False,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """The live fleet: who is there, stopped, held, running; battery, link, notices. Ctrl-C ends it."""
    from robolink.cli.top import top as run

    return run(hub, interval_s, once, as_json)


def doctor(hub: HubOption = None, as_json: JsonOption = False) -> int:
    """Look whether this machine, the hub and its fleet are in order, and say the cure. Exit code 1: a fault."""
    from robolink.cli.doctor import doctor as run

    return run(hub, as_json)


def drive(
    robot: RobotArgument,
    setpoint: Annotated[
        str,
        typer.Argument(
            metavar="SETPOINT",
            help="component.setpoint; default: the base's velocity.",
            show_default=False,
            autocompletion=complete.setpoints,
        ),
    ] = "",
    hub: HubOption = None,
) -> int:
    """Drive by the keyboard: arrows or WASD, space: zero, +/-: speed, x: stop, q: quit.

    x is a software stop, not safety rated. Let go of the keys and the robot stands still.
    """
    from robolink.cli.drive import drive as run

    return run(hub, robot, setpoint)


def add_to(app: typer.Typer) -> None:
    """Enter them in the command line, in the order in which help shows them."""
    for command in (watch, why, top, doctor, drive):
        app.command()(command)
