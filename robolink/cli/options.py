"""Options that several commands share, and the hub they speak to."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from robolink.cli import complete

DEFAULT_HUB: Final = "tcp://127.0.0.1:5570"
HUB_VARIABLE: Final = "ROBOLINK_HUB"
NOT_SAFETY: Final = "A software stop, not safety rated."

HubOption = Annotated[
    str | None,
    typer.Option(
        "--hub", metavar="URL", envvar=HUB_VARIABLE, help="The hub's control lane.", show_envvar=True
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of tables, with stable keys.")]
RobotArgument = Annotated[
    str, typer.Argument(metavar="ROBOT", help="The robot's id.", autocompletion=complete.robots)
]


def hub_url(given: str | None) -> str:
    """The hub that is meant: the option, else the environment, else this machine's."""
    return given or os.environ.get(HUB_VARIABLE) or DEFAULT_HUB


def no_hub(url: str) -> str:
    """What to do when none answers."""
    return f"start one with `robolink hub --url {url}`, or name another by --hub or {HUB_VARIABLE}"
