"""`robolink top`: the live fleet, one line a robot, who may move it, what runs, how its link and battery are.

`fleet_row` and `order` are pure; the screen only repeats them. It commands nothing.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink.cli.output import Cell, console, is_tty, print_json, print_json_line, print_table, table
from robolink.cli.robots import stop_cell
from robolink.cli.session import connected
from robolink.cli.views import View, stop_state
from robolink.core.values import from_value
from robolink.core.violation import state_name
from robolink.errors import RobolinkError

if TYPE_CHECKING:
    from robolink.client import Hub, Iteration

HEADINGS: Final = ("robot", "model", "state", "stop", "owner", "runs", "battery", "link", "seen", "notices")
# Asked of one robot at most so often: a twin is read, never streamed, for a battery's sake.
BATTERY_EVERY_S: Final = 5.0
# More than any screen has lines; the rest of a larger fleet shows no battery.
BATTERIES: Final = 200
LOW_BATTERY: Final = 0.2
SECOND_NS: Final = 1e9


@dataclass(slots=True)
class Side:
    """What the hub's list does not say: batteries and notices, by robot."""

    batteries: dict[str, float] = field(default_factory=dict)
    notices: Counter[str] = field(default_factory=Counter)
    asked_s: dict[str, float] = field(default_factory=dict)


def top(hub: str | None, interval_s: float, once: bool, as_json: bool) -> int:
    """Show it until Ctrl-C; `once`, and where nobody looks, one table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    live = not once and (as_json or is_tty())
    with connected(hub) as site:
        side = Side()
        if not live:
            views = look(site, side)
            if as_json:
                print_json({"robots": views})
            else:
                print_table(HEADINGS, map(fleet_row, views))
                sys.stdout.write(summary(views) + "\n")
            return 0
        try:
            _live(site, side, interval_s, as_json)
        except KeyboardInterrupt:
            return 0
    return 0


def _live(site: Hub, side: Side, interval_s: float, as_json: bool) -> None:
    with site.watch(twins=False, notices=True) as events:
        if as_json:
            while True:
                print_json_line({"robots": look(site, side)})
                _count(events, side, interval_s)
        from rich.console import Group
        from rich.live import Live
        from rich.text import Text

        with Live(console=console(), screen=True, auto_refresh=False, transient=True) as screen:
            while True:
                views = look(site, side)
                shown = views[: max(1, screen.console.height - 3)]
                words = summary(views) + (f"; {len(shown)} shown" if len(shown) < len(views) else "")
                screen.update(
                    Group(Text(words, "bold"), table(HEADINGS, map(fleet_row, shown))), refresh=True
                )
                _count(events, side, interval_s)


def _count(events: Iteration[v1.Event], side: Side, wait_s: float) -> None:
    """Let the time pass, and count the notices of it."""
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0:
        event = events.next(left_s)
        if event is not None and event.WhichOneof("kind") == "notice":
            side.notices[event.notice.robot] += 1


def look(site: Hub, side: Side) -> list[View]:
    """The fleet now, sorted."""
    infos = order(site.robots())
    now_s = time.monotonic()
    for info in infos[:BATTERIES]:
        if info.online and now_s - side.asked_s.get(info.robot, float("-inf")) >= BATTERY_EVERY_S:
            side.asked_s[info.robot] = now_s
            try:
                charge = battery(site.robot(info.robot).twin.get())
            except RobolinkError:
                charge = None  # It went while we looked; its next line says so.
            if charge is None:
                side.batteries.pop(info.robot, None)
            else:
                side.batteries[info.robot] = charge
    now_ns = site.now_ns()
    return [
        fleet_view(info, side.batteries.get(info.robot), side.notices[info.robot], now_ns) for info in infos
    ]


def battery(twin: Mapping[str, v1.PropertyState]) -> float | None:
    """The lowest battery of a twin, as a fraction; None without one."""
    found = [
        from_value(state.reported.value)
        for name, state in twin.items()
        if name.rpartition(".")[2] in ("percentage", "battery_fraction") and state.HasField("reported")
    ]
    return min((each for each in found if isinstance(each, float)), default=None)


def order(infos: Iterable[v1.RobotInfo]) -> list[v1.RobotInfo]:
    """What needs a look first: stopped, then offline, then what runs, then by name."""

    def rank(info: v1.RobotInfo) -> tuple[int, str]:
        if info.authority.stop.latched:
            return 0, info.robot
        if not info.online:
            return 1, info.robot
        return (2 if info.live else 3), info.robot

    return sorted(infos, key=rank)


def fleet_view(info: v1.RobotInfo, charge: float | None, notices: int, now_ns: int) -> View:
    """One robot with stable keys."""
    linked = info.online and info.HasField("link")
    return {
        "robot": info.robot,
        "model": info.model,
        "online": info.online,
        "stop": stop_state(info.authority.stop),
        "owners": [{"component": each.component, "owner": each.owner} for each in info.authority.leases],
        "running": [_running(each) for each in info.live],
        "battery_fraction": charge,
        "round_trip_ms": round(info.link.round_trip_us / 1000, 2) if linked else None,
        "stoppable": info.link.stoppable if linked else None,
        "seen_s": round(max(0, now_ns - info.last_seen_ns) / SECOND_NS, 1) if info.last_seen_ns else None,
        "notices": notices,
    }


def _running(live: v1.LiveCommand) -> View:
    return {
        "command_id": live.command_id.hex(),
        "method": live.method,
        "owner": live.owner,
        "state": state_name(live.state),
        "stale": live.stale,
    }


def fleet_row(view: View) -> tuple[Cell, ...]:
    """One robot for people."""
    stop = view["stop"]
    state: Cell = ("online", "green") if view["online"] else ("offline", "red")
    if view["stoppable"] is False:
        state = ("no safety lane", "bold red")
    latch = stop_cell(stop_message(stop))
    owners = ", ".join(
        f"{each['owner']} ({each['component']})" if each["component"] else each["owner"]
        for each in view["owners"]
    )
    return (
        view["robot"],
        view["model"],
        state,
        latch,
        owners or "-",
        ", ".join(map(_run_text, view["running"])) or "-",
        _battery_cell(view["battery_fraction"]),
        "-" if view["round_trip_ms"] is None else f"{view['round_trip_ms']:.1f} ms",
        "-" if view["seen_s"] is None else f"{view['seen_s']:.1f} s",
        str(view["notices"]) if view["notices"] else "-",
    )


def stop_message(stop: Mapping[str, Any]) -> v1.StopState:
    """The latch of a view, as a message again."""
    return v1.StopState(
        generation=stop["generation"],
        latched=stop["latched"],
        level=f"STOP_LEVEL_{stop['level'] or 'UNSPECIFIED'}",
        reason=stop["reason"],
        stopped_by=stop["stopped_by"],
    )


def _run_text(running: Mapping[str, Any]) -> str:
    state = "" if running["state"] == "RUNNING" else f" {running['state']}"
    return f"{running['method']}{state}" + (" (driver away)" if running["stale"] else "")


def _battery_cell(charge: float | None) -> Cell:
    if charge is None:
        return "-"
    text = f"{charge:.0%}"
    return (text, "bold red") if charge < LOW_BATTERY else text


def summary(views: list[View]) -> str:
    """One line over the fleet."""
    online = sum(view["online"] for view in views)
    stopped = sum(view["stop"]["latched"] for view in views)
    running = sum(len(view["running"]) for view in views)
    return f"{len(views)} robots, {online} online, {stopped} stopped, {running} commands running"
