"""Commands of installed packages, by the entry point group `robolink.commands`: listed without being imported.

A package that does not load is a warning and an exit code when its own command is called, and nothing at all else.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from robolink.errors import RobolinkError

GROUP: Final = "robolink.commands"


class PluginError(RobolinkError):
    """An installed command cannot be used."""


class PluginCommand(TyperCommand):
    """Stands for a package's command until it is called; only then is the package imported."""

    def __init__(self, entry: EntryPoint) -> None:
        """Keep the entry; nothing is imported."""
        package = entry.value.partition(":")[0].partition(".")[0]
        super().__init__(name=entry.name, help=f"Commands of {package}.", callback=None)
        self.entry = entry
        self.rich_help_panel = "Bridges and plugins"

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the package and go on with its own command."""
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> Any:
        """The package's own command.

        Raises:
            PluginError: It cannot be imported, or is no typer.Typer; the text names the package.
        """
        where = f"the command {self.entry.name!r} of {self.entry.value!r} "
        try:
            loaded = self.entry.load()
        except (ImportError, AttributeError) as exc:
            raise PluginError(
                where + f"cannot be loaded: {exc}",
                hint=f'`pip install "robolink[{self.entry.name}]"` brings what a bridge of ours needs',
            ) from exc
        except Exception as exc:
            raise PluginError(
                where + f"cannot be loaded: {type(exc).__name__}: {exc}", hint="tell its authors"
            ) from exc
        if not isinstance(loaded, typer.Typer):
            raise PluginError(
                where + f"is a {type(loaded).__name__}, not a typer.Typer", hint="tell its authors"
            )
        command = typer.main.get_command(loaded)
        command.name = self.entry.name
        return command


class CommandGroup(TyperGroup):
    """Our own commands first, in the order they were written, then those of installed packages."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, without importing any."""
        own = list(self.commands)
        return own + sorted(name for name in self._entries() if name not in own)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own command wins over a package's of the same name."""
        own = self.commands.get(cmd_name)
        if own is not None:
            return own
        entry = self._entries().get(cmd_name)
        return None if entry is None else PluginCommand(entry)

    def _entries(self) -> dict[str, EntryPoint]:
        if not hasattr(self, "_found"):
            self._found = {entry.name: entry for entry in entry_points(group=GROUP)}
        return self._found
