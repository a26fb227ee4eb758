"""`robolink serial …`: the serial bridge from the command line. Arguments in, one bridge out."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

app = typer.Typer(
    help="Boards on a serial line as robots of the hub.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _serial() -> None:
    """Boards on a serial line as robots of the hub."""


@app.command()
def bridge(
    port: Annotated[str, typer.Option(help="The board's port, e.g. /dev/ttyACM0.", metavar="PATH")],
    robot: Annotated[
        str, typer.Option(help="The robot's id: lower case letters, digits, dashes.", metavar="ID")
    ],
    hub: Annotated[
        str | None, typer.Option(help="The hub's control lane.", metavar="URL", envvar="ROBOLINK_HUB")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="What the board prints, and each session.")
    ] = False,
) -> None:
    """Serve the board on PORT as ROBOT until Ctrl-C; opens the port again when it vanished and came back."""
    from robolink_serial.bridge import SerialBridge

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    SerialBridge(port, robot, hub).run()


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
