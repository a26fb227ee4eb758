"""More commands: seeing what happens and why, and holding the right to move.

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


def lease(
    place: Annotated[
        str,
        typer.Argument(
            metavar="ROBOT[/COMPONENT]",
            help="What to hold.",
            show_default=False,
            autocompletion=complete.places,
        ),
    ] = "",
    every: Annotated[bool, typer.Option("--list", help="Who holds what; takes nothing.")] = False,
    take: Annotated[
        bool, typer.Option("--take", help="End the owner's lease; needs --reason and role maintain; audited.")
    ] = False,
    request: Annotated[
        float | None,
        typer.Option(
            "--request", metavar="S", min=0.1, help="Ask the owner, and wait so long; needs --reason."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Told to the owner.")] = "",
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="S", min=0, help="Give it back after this time.")
    ] = None,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Hold the right to move a robot until Ctrl-C, and answer who asks for it; or --list who holds what."""
    from robolink.cli.lease import Wish, list_leases
    from robolink.cli.lease import lease as run

    if every == bool(place):
        raise typer.BadParameter("name what to hold, or say --list")
    if every:
        return list_leases(hub, as_json)
    wish = Wish(place=place, take=take, request_s=request, reason=reason, for_s=for_s)
    return run(hub, wish, as_json)


def trace(
    command_id: Annotated[
        str,
        typer.Argument(metavar="COMMAND-ID", help="32 hex digits.", autocompletion=complete.command_ids),
    ],
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """The way of a command, hop by hop, with the time since the first and since the one before."""
    from robolink.cli.trace import trace as run

    return run(hub, command_id, as_json)


def audit(
    after: Annotated[int, typer.Option(metavar="SEQ", min=0, help="Only records after this one.")] = 0,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """What was commanded, stopped, released and taken, and by whom; needs role maintain.

    Exit code 1: a record was changed or left out.
    """
    from robolink.cli.audit import audit as run

    return run(hub, after, as_json)


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
    for command in (watch, why, trace, top, doctor, lease, drive, audit):
        app.command()(command)
