"""`robolink run`: serve a robot of an installed package, by its name or as module:Class.

The class brings its own options (`Robot.main`); nothing of the vendor SDK is imported here.
"""

from __future__ import annotations

import importlib
import os
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from robolink.cli.options import HUB_VARIABLE
from robolink.cli.output import print_json, print_table
from robolink.errors import ConfigError

GROUP: Final = "robolink.robots"


def installed() -> list[EntryPoint]:
    """What installed packages offer, by name."""
    return sorted(entry_points(group=GROUP), key=lambda each: each.name)


def list_robots(*, as_json: bool) -> int:
    """Show them."""
    rows = [(each.name, each.value, each.dist.name if each.dist is not None else "") for each in installed()]
    if as_json:
        print_json([{"name": name, "robot": value, "package": package} for name, value, package in rows])
    else:
        print_table(("name", "robot", "package"), rows)
    return 0


def run_robot(target: str, arguments: list[str], hub: str | None) -> int:
    """Serve it until SIGINT or SIGTERM.

    Raises:
        ConfigError: There is no such robot, or it is no robot's class.
    """
    robot = _load(target)
    if hub:
        os.environ[HUB_VARIABLE] = hub
    code: int = robot.main(arguments)
    return code


def _load(target: str) -> Any:
    found = next((each for each in installed() if each.name == target), None)
    value = found.value if found is not None else target
    module_name, colon, class_name = value.partition(":")
    if not colon:
        names = ", ".join(each.name for each in installed()) or "none"
        raise ConfigError(
            f"no installed robot is called {target!r}; there are: {names}",
            hint="or name a class: robolink run package.module:Class",
        )
    try:
        robot = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(
            f"cannot load {value}: {exc}", hint="is its package installed, and are its dependencies?"
        ) from exc
    if not callable(getattr(robot, "main", None)):
        raise ConfigError(
            f"{value} is no robot", hint="name a subclass of robolink.robot.Robot: it has `main`"
        )
    return robot
