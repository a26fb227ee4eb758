"""`robolink twin get | set | watch`: settings and readings of one robot."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping
from typing import Final

import typer

from robolink import v1
from robolink.cli.output import Cell, print_json, print_json_line, print_table
from robolink.cli.session import connected
from robolink.cli.values import json_value, shown, typed
from robolink.cli.views import property_state, short
from robolink.core.sheet import HUB_PROPERTIES
from robolink.core.values import from_value
from robolink.core.violation import cause_name
from robolink.errors import CommandError

Fields = Mapping[str, v1.Field]
QUALITY_STYLES: Final = {v1.QUALITY_STALE: "yellow", v1.QUALITY_BAD: "red"}


def _fields(sheet: v1.Sheet) -> dict[str, v1.Field]:
    own = {name: v1.Field(name=name, type=v1.VALUE_TYPE_STRING) for name in HUB_PROPERTIES}
    return own | {f"{c.name}.{p.field.name}": p.field for c in sheet.components for p in c.properties}


def get(hub: str | None, robot: str, names: list[str], as_json: bool) -> int:
    """Print properties."""
    with connected(hub) as site:
        handle = site.robot(robot)
        states = handle.twin.get(*names)
        unknown = [name for name in names if name not in states]
        if unknown:
            raise CommandError(
                f"{robot} has no property {', '.join(unknown)}",
                robot=robot,
                hint=f"see robolink twin get {robot}",
            )
        fields = {} if as_json else _fields(handle.describe().sheet)
    if as_json:
        print_json({"robot": robot, "properties": {name: property_state(s) for name, s in states.items()}})
    else:
        print_table(
            ("name", "reported", "desired", "observed"), [_row(state, fields) for state in states.values()]
        )
    return 0


def _row(state: v1.PropertyState, fields: Fields) -> tuple[Cell, ...]:
    field = fields.get(state.name)
    unit = field.unit if field is not None else ""
    reported: Cell = "-"
    if state.HasField("reported"):
        reported = shown(from_value(state.reported.value), unit)
        if state.reported.quality in QUALITY_STYLES:
            word = (short(v1.Quality, "QUALITY_", state.reported.quality) or "").lower()
            reported = (f"{reported} ({word})", QUALITY_STYLES[state.reported.quality])
    desired = "-"
    if state.HasField("desired"):
        desired = f"{shown(from_value(state.desired.value), unit)} v{state.desired.version}"
    return state.name, reported, desired, _observed(state)


def _observed(state: v1.PropertyState) -> Cell:
    if not state.HasField("observed"):
        # Written, but the robot has not yet said what it made of it.
        return ("pending", "yellow") if state.HasField("desired") and state.desired.version else "-"
    observed = state.observed
    text = f"{(short(v1.Verdict, 'VERDICT_', observed.verdict) or '-').lower()} v{observed.version}"
    if observed.verdict == v1.VERDICT_REJECTED:
        return f"{text} {cause_name(observed.cause)}: {observed.text}", "bold red"
    return (text, "yellow") if observed.version < state.desired.version else (text, "green")


def put(
    hub: str | None,
    robot: str,
    name: str,
    text: str,
    if_version: int | None,
    wait_s: float | None,
    as_json: bool,
) -> int:
    """Write a setting; with `wait_s` the robot's refusal is an error."""
    with connected(hub) as site:
        handle = site.robot(robot)
        fields = _fields(handle.describe().sheet)
        field = fields.get(name)
        if field is None:
            raise typer.BadParameter(f"{robot} has no property {name!r}; it has {', '.join(fields)}")
        value = typed(name, field, text)
        version = handle.twin.set(name, value, if_version, wait_s)
    if as_json:
        document = {"robot": robot, "name": name, "value": json_value(value), "version": version}
        print_json({**document, "applied": True if wait_s is not None else None})
    else:
        verdict = "applied" if wait_s is not None else "written"
        sys.stdout.write(f"{robot} {name} = {shown(value, field.unit)}, version {version}: {verdict}\n")
    return 0


def watch(hub: str | None, robot: str, as_json: bool) -> int:
    """Print the twin and then each change, until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with connected(hub) as site:
        handle = site.robot(robot)
        fields = _fields(handle.describe().sheet)  # also says at once if there is no such robot
        try:
            with handle.twin.watch() as events:
                for event in events:
                    for state in event.twin_delta.properties:
                        if as_json:
                            print_json_line({"robot": robot, **property_state(state)})
                        else:
                            _print_change(state, fields)
        except KeyboardInterrupt:
            return 0
    return 0


def _print_change(state: v1.PropertyState, fields: Fields) -> None:
    cells = [cell if isinstance(cell, str) else cell[0] for cell in _row(state, fields)]
    name, reported, desired, observed = cells
    parts = [f"{time.strftime('%H:%M:%S')}  {name:<24} {reported}"]
    if desired != "-":
        parts.append(f"desired {desired}, {observed}")
    sys.stdout.write("  ".join(parts) + "\n")
    sys.stdout.flush()
