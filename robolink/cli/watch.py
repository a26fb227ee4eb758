"""`robolink watch`: what happens at the site, one event a line, until Ctrl-C.

`Watcher` turns each event of the hub into lines, and says of a robot only what has changed; it does no I/O.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.cli.output import console, is_tty, print_json_line
from robolink.cli.session import connected
from robolink.cli.values import shown
from robolink.cli.views import View, cause, property_state, short
from robolink.cli.views import robot as robot_view
from robolink.core.command import TERMINAL
from robolink.core.values import from_value
from robolink.core.violation import cause_name, state_name
from robolink.errors import RejectedError

SEVERITY_STYLES: Final = {v1.SEVERITY_WARNING: "yellow", v1.SEVERITY_ERROR: "bold red"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which kinds; a robot's own state always comes."""

    twins: bool
    commands: bool
    notices: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        age_s: How long ago, where the event itself says when; else 0.
        document: The same for JSON; `event` names its kind.
    """

    robot: str
    kind: str
    text: str
    document: View
    style: str = ""
    age_s: float = 0.0


@dataclass(slots=True)
class Watcher:
    """Remembers each robot's last state, to say what has changed."""

    known: dict[str, v1.RobotInfo] = field(default_factory=dict)

    def lines(self, event: v1.Event, now_ns: int) -> Iterator[Line]:
        """What an event says; nothing if it changes nothing that is shown."""
        kind = event.WhichOneof("kind")
        if kind == "robot":
            yield from self._robot(event.robot)
        elif kind == "twin_delta":
            yield from _twin(event.twin_delta)
        elif kind == "command":
            yield _command(event, now_ns)
        elif kind == "notice":
            yield _notice(event.notice, now_ns)

    def _robot(self, info: v1.RobotInfo) -> Iterator[Line]:
        before, self.known[info.robot] = self.known.get(info.robot), info
        changes = list(_changes(before, info))
        if changes:
            document = {"event": "robot", **robot_view(info)}
            style = "bold red" if info.authority.stop.latched else "" if info.online else "red"
            yield Line(info.robot, "robot", "; ".join(changes), document, style)


def _changes(before: v1.RobotInfo | None, info: v1.RobotInfo) -> Iterator[str]:
    if before is None or before.online != info.online:
        yield f"online by driver {info.driver!r}" if info.online else "offline"
    stop, old = info.authority.stop, before.authority.stop if before is not None else v1.StopState()
    if (stop.latched, stop.generation) != (old.latched, old.generation):
        if stop.latched:
            level = short(v1.StopLevel, "STOP_LEVEL_", stop.level)
            by = f" by {stop.stopped_by}" if stop.stopped_by else ""
            yield f"software stop #{stop.generation} {level}{by}" + (
                f": {stop.reason}" if stop.reason else ""
            )
        elif old.latched:
            yield f"released from stop #{stop.generation}"
    owners = _owners(info)
    if owners != (_owners(before) if before is not None else ""):
        yield f"lease held by {owners}" if owners else "lease free"
    if before is not None and before.sheet_hash != info.sheet_hash:
        yield f"another sheet: {info.model} {info.sheet_hash}"


def _owners(info: v1.RobotInfo) -> str:
    return ", ".join(
        f"{each.owner} ({each.component})" if each.component else each.owner for each in info.authority.leases
    )


def _twin(delta: v1.Twin) -> Iterator[Line]:
    for state in delta.properties:
        parts = []
        if state.HasField("reported"):
            parts.append(f"= {shown(from_value(state.reported.value))}")
            if state.reported.quality in (v1.QUALITY_STALE, v1.QUALITY_BAD):
                parts.append(f"({(short(v1.Quality, 'QUALITY_', state.reported.quality) or '').lower()})")
        if state.HasField("desired") and state.desired.version:
            parts.append(f"desired {shown(from_value(state.desired.value))} v{state.desired.version}")
        style = ""
        if state.observed.verdict == v1.VERDICT_REJECTED:
            style = "bold red"
            parts.append(
                f"refused v{state.observed.version}, {cause_name(state.observed.cause)}: {state.observed.text}"
            )
        if not parts:
            continue  # Never written, never measured.
        document = {"event": "property", "robot": delta.robot, **property_state(state)}
        yield Line(delta.robot, "property", f"{state.name} {' '.join(parts)}".rstrip(), document, style)


def _command(event: v1.Event, now_ns: int) -> Line:
    update = event.command
    text = f"{event.method or 'command'} {state_name(update.state)}"
    if update.cause:
        text += f" ({cause_name(update.cause)})"
    if update.text:
        text += f": {update.text}"
    if event.owner:
        text += f", for {event.owner}"
    text += f", id {update.command_id.hex()}" + (", its driver is away" if update.stale else "")
    document = {
        "event": "command",
        "robot": update.robot,
        "command_id": update.command_id.hex(),
        "method": event.method,
        "owner": event.owner,
        "state": state_name(update.state),
        "cause": cause(update.cause),
        "text": update.text,
        "stale": update.stale,
        "time_ns": update.time_ns,
    }
    failed = update.state in TERMINAL and update.state != v1.COMMAND_STATE_SUCCEEDED
    return Line(
        update.robot, "command", text, document, "red" if failed else "", _age_s(update.time_ns, now_ns)
    )


def _notice(notice: v1.Notice, now_ns: int) -> Line:
    severity = short(v1.Severity, "SEVERITY_", notice.severity) or "INFO"
    document = {
        "event": "notice",
        "robot": notice.robot,
        "severity": severity,
        "kind": notice.kind,
        "text": notice.text,
        "time_ns": notice.time_ns,
        "seq": notice.seq,
    }
    style = SEVERITY_STYLES.get(notice.severity, "")
    text = f"{severity.lower()} {notice.kind}: {notice.text}"
    return Line(notice.robot, "notice", text, document, style, _age_s(notice.time_ns, now_ns))


def _age_s(time_ns: int, now_ns: int) -> float:
    return max(0.0, (now_ns - time_ns) / 1e9) if time_ns else 0.0


def watch(hub: str | None, robots: list[str], wanted: Wanted, as_json: bool) -> int:
    """Show events until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with connected(hub) as site:
        present = {info.robot: info for info in site.robots()}
        for name in robots:
            if name not in present:
                raise RejectedError(
                    f"the hub knows no robot {name!r}", robot=name, cause=v1.CAUSE_UNKNOWN_ROBOT
                )
        watcher = Watcher()
        if is_tty() and not as_json:
            sys.stderr.write(f"watching {', '.join(robots) or 'every robot'}; Ctrl-C ends it\n")
        try:
            with site.watch(
                robots, twins=wanted.twins, commands=wanted.commands, notices=wanted.notices
            ) as events:
                for name in robots or sorted(present):
                    _show(watcher.lines(v1.Event(robot=present[name]), site.now_ns()), as_json)
                dropped = 0
                for event in events:
                    _show(watcher.lines(event, site.now_ns()), as_json)
                    if events.dropped != dropped:
                        dropped = events.dropped
                        sys.stderr.write(f"robolink: {dropped} events lost so far: this reader is too slow\n")
        except KeyboardInterrupt:
            return 0
    return 0


def _show(lines: Iterator[Line], as_json: bool) -> None:
    for line in lines:
        wall_s = time.time() - line.age_s
        if as_json:
            print_json_line({"unix_ms": int(wall_s * 1000), **line.document})
            continue
        stamp = time.strftime("%H:%M:%S", time.localtime(wall_s)) + f".{int(wall_s * 1000) % 1000:03d}"
        text = f"{stamp}  {line.robot:<16} {line.kind:<8} {line.text}"
        if is_tty():
            console().print(text, style=line.style or None, soft_wrap=True)
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
