"""`robolink hub …`: names, options and help of its commands; each brings its module in when it runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

hub = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


class LogLevel(StrEnum):
    """Levels of the hub's log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


ConfigOption = Annotated[Path | None, typer.Option(metavar="FILE", help="TOML; docs/hub.md has every key.")]


@hub.callback()
def run(
    context: typer.Context,
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Control lane; the other lanes take the next three ports."),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much it says on stderr.")] = LogLevel.INFO,
) -> int:
    """Run a hub here until SIGINT or SIGTERM; or one of the commands below."""
    if context.invoked_subcommand is not None:
        # Without this, `robolink hub --config F backup` would back up another store than it names.
        if config is not None or url is not None:
            raise typer.BadParameter("write options behind the command", ctx=context)
        return 0
    from robolink.cli.hub import run_hub

    return run_hub(config, url, log_level.value)


@hub.command()
def backup(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Replaced when the new one is complete.")],
    config: ConfigOption = None,
) -> int:
    """Copy the hub's store into one checked file; the hub may run meanwhile."""
    from robolink.cli.upkeep import backup_hub

    return backup_hub(config, to)


@hub.command()
def restore(
    file: Annotated[Path, typer.Option("--from", metavar="FILE", help="Written by `robolink hub backup`.")],
    config: ConfigOption = None,
) -> int:
    """Put a backup back while the hub is down. Settings come back; stops, command ids and lease epochs only go forward.

    If the present store is lost, every robot is latched by a software stop (not safety rated).
    """
    from robolink.cli.upkeep import restore_hub

    return restore_hub(config, file)


class UnitKind(StrEnum):
    """Files for systemd."""

    HUB = "hub"
    DRIVER = "driver"
    USERS = "users"


@hub.command()
def unit(
    kind: Annotated[
        UnitKind,
        typer.Argument(metavar="KIND", help="hub, driver (a template, one instance a robot) or users."),
    ] = UnitKind.HUB,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The hub's TOML (default /etc/robolink/hub.toml).")
    ] = None,
    user: Annotated[str, typer.Option(metavar="NAME", help="Whom the services run as.")] = "robolink",
) -> int:
    """Print a file for systemd with the paths of this installation; it says where to put it."""
    from robolink.hub.units import DEFAULT_CONFIG, unit

    typer.echo(unit(kind.value, config=config or DEFAULT_CONFIG, user=user), nl=False)
    return 0
