"""`robolink serial …`: the serial bridge from the command line. Arguments in, one bridge out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robolink_serial.board import BoardAt

app = typer.Typer(
    help="Boards on a serial line as robots of the hub.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _serial() -> None:
    """Boards on a serial line as robots of the hub."""


@app.command()
def bridge(
    port: Annotated[
        str | None, typer.Option(help="The only board's port, e.g. /dev/ttyACM0.", metavar="PATH")
    ] = None,
    robot: Annotated[
        str | None,
        typer.Option(help="The only board's robot id: lower case letters, digits, dashes.", metavar="ID"),
    ] = None,
    board: Annotated[
        list[str] | None,
        typer.Option(
            help="A board by its USB serial number, or by a path with a slash; may be repeated.",
            metavar="ID=SERIAL",
        ),
    ] = None,
    plugged: Annotated[
        str | None,
        typer.Option(help="Serve every other board that is plugged in, as PREFIX-SERIAL.", metavar="PREFIX"),
    ] = None,
    hub: Annotated[
        str | None, typer.Option(help="The hub's control lane.", metavar="URL", envvar="ROBOLINK_HUB")
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            help="Public key of a maker whose images may update boards; may be repeated.", metavar="KEY.pub"
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="What the boards print, and each session.")
    ] = False,
) -> None:
    """Serve boards as robots until Ctrl-C, each again when it was plugged out and in, whatever its port is then."""
    from robolink_serial.bridge import SerialBridge
    from robolink_serial.update.image import load_trusted

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    boards = _boards(port, robot, board or [])
    SerialBridge(boards, hub, plugged=plugged or "", trusted=load_trusted(trust or [])).run()


def _boards(port: str | None, robot: str | None, named: list[str]) -> list[BoardAt]:
    from robolink_serial.board import BoardAt

    if (port is None) != (robot is None):
        raise typer.BadParameter("--port and --robot belong together: the port, and what its board is called")
    boards = [] if port is None or robot is None else [BoardAt(robot=robot, port=port)]
    for each in named:
        name, _, where = each.partition("=")
        if not name or not where:
            raise typer.BadParameter(f"--board {each}: write ID=SERIAL, or ID=/dev/PORT")
        by_path = "/" in where
        boards.append(BoardAt(robot=name, port=where if by_path else "", serial="" if by_path else where))
    return boards


@app.command()
def udev(
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROBOT=SERIAL", help="Name /dev/robolink/ROBOT for the board with that USB serial number."
        ),
    ] = None,
    vendor: Annotated[
        list[str] | None,
        typer.Option(metavar="HEX", help="A USB vendor id that is not known yet, e.g. 1209."),
    ] = None,
    group: Annotated[str, typer.Option(metavar="NAME", help="Who may open the ports.")] = "dialout",
) -> None:
    """Print rules for udev: stable names by USB serial number, access for a group, no ModemManager on boards."""
    from robolink_serial.udev import rules

    pairs = [each.partition("=") for each in name or ()]
    names = {serial: robot for robot, _, serial in pairs}
    if len(names) < len(pairs):
        raise typer.BadParameter("one board cannot have two names")
    typer.echo(rules(names, vendors=vendor or (), group=group), nl=False)
