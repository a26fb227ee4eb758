"""`robolink robots`: who is there, who may move it, who is stopped."""

from __future__ import annotations

import sys

from robolink import v1
from robolink.cli.output import Cell, print_json, print_table
from robolink.cli.session import connected
from robolink.cli.views import robot as robot_view
from robolink.cli.views import short


def list_robots(hub: str | None, as_json: bool) -> int:
    """Print every robot that the hub knows."""
    with connected(hub) as site:
        robots = sorted(site.robots(), key=lambda info: info.robot)
    if as_json:
        print_json({"robots": [robot_view(info) for info in robots]})
    elif not robots:
        sys.stdout.write("no robot has said hello to this hub yet\n")
    else:
        print_table(("robot", "model", "state", "stop", "lease", "driver"), map(_row, robots))
    return 0


def _row(info: v1.RobotInfo) -> tuple[Cell, ...]:
    leases = ", ".join(
        f"{each.owner} ({each.component})" if each.component else each.owner for each in info.authority.leases
    )
    return (
        info.robot,
        info.model,
        ("online", "green") if info.online else ("offline", "red"),
        stop_cell(info.authority.stop),
        leases or "-",
        info.driver or "-",
    )


def stop_cell(stop: v1.StopState) -> Cell:
    """The stop latch for people."""
    if not stop.latched:
        return "-"
    text = f"{short(v1.StopLevel, 'STOP_LEVEL_', stop.level)} #{stop.generation}"
    if stop.stopped_by:
        text += f" by {stop.stopped_by}"
    if stop.reason:
        text += f": {stop.reason}"
    return text, "bold red"
