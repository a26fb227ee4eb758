"""`robolink why ROBOT`: all that can keep a robot from moving, in one view, and the first thing to do.

`reasons` is a pure function of what the hub has told; it asks nobody and reads no clock.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from robolink import v1
from robolink.cli.output import print_json
from robolink.cli.session import connected
from robolink.cli.verdicts import Finding, Level, first_fault, print_findings
from robolink.cli.views import short
from robolink.core.values import from_value
from robolink.core.violation import cause_name, state_name
from robolink.errors import RejectedError

Twin = Mapping[str, v1.PropertyState]
SECOND_NS: Final = 1e9
# Worth a word: a command's time to live is some seconds, a setpoint's some tenths.
CLOCK_ERROR_NOTE_S: Final = 0.05
ROUND_TRIP_NOTE_S: Final = 0.2
MOVERS: Final = frozenset({v1.ROLE_OPERATE, v1.ROLE_CONFIGURE, v1.ROLE_MAINTAIN})


def why(hub: str | None, robot: str, as_json: bool) -> int:
    """Print it; 0 if the robot can move now, 1 if not."""
    with connected(hub, v1.ROLE_SAFETY) as site:
        info = next((each for each in site.robots() if each.robot == robot), None)
        if info is None:
            raise RejectedError(
                f"the hub knows no robot {robot!r}", robot=robot, cause=v1.CAUSE_UNKNOWN_ROBOT
            )
        handle = site.robot(robot)
        twin, sheet = handle.twin.get(), handle.describe().sheet
        findings = reasons(
            info, sheet, twin, site.welcome, now_ns=site.now_ns(), clock_error_s=site.clock_error_s
        )
    fault = first_fault(findings)
    if as_json:
        first = fault.view() if fault else None
        views = [each.view() for each in findings]
        print_json({"robot": robot, "can_move": fault is None, "first": first, "findings": views})
        return int(fault is not None)
    print_findings(findings)
    if fault is None:
        sys.stdout.write(f"\n{robot}: it can move now\n")
    else:
        sys.stdout.write(f"\n{robot}: it cannot move now. First: {fault.hint or fault.text}\n")
    return int(fault is not None)


def reasons(
    info: v1.RobotInfo,
    sheet: v1.Sheet,
    twin: Twin,
    me: v1.HelloReply,
    *,
    now_ns: int,
    clock_error_s: float | None,
) -> list[Finding]:
    """One finding or more for each thing that motion needs, the first to look at first.

    Args:
        info: As the hub's list of robots has it.
        sheet: What it can do, and in which modes.
        twin: Properties by name.
        me: The hub's welcome: this peer's name and roles.
        now_ns: Site time.
        clock_error_s: Bound of this peer's own clock error; None: not synced.
    """
    return [
        *_link(info, now_ns),
        _robot_clock(info),
        _own_clock(clock_error_s),
        _latch(info, me),
        _role(me),
        *_mode(sheet, twin),
        *_owners(info, me),
        *_running(info),
        *_settings(info.robot, twin),
    ]


def _link(info: v1.RobotInfo, now_ns: int) -> Iterator[Finding]:
    seen = "not since this hub's start"
    if info.last_seen_ns:
        seen = f"{max(0, now_ns - info.last_seen_ns) / SECOND_NS:.1f} s ago"
    if not info.online:
        driver = f"its driver {info.driver!r}" if info.driver else "its driver"
        yield Finding(
            "link",
            Level.FAULT,
            f"offline; last seen {seen}",
            f"start {driver}, and look at its log and network",
        )
        return
    link = info.link
    if not info.HasField("link"):
        yield Finding("link", Level.OK, f"online by driver {info.driver!r}, seen {seen}")
        return
    trip_s = link.round_trip_us / 1e6
    text = f"online by driver {info.driver!r}, seen {seen}, round trip {trip_s * 1000:.1f} ms"
    slow = trip_s > ROUND_TRIP_NOTE_S
    yield Finding(
        "link",
        Level.NOTE if slow else Level.OK,
        text,
        "slow: setpoints may die on the way; look at the network" if slow else "",
    )
    if not link.stoppable:
        yield Finding(
            "safety lane",
            Level.FAULT,
            "its driver has no safety lane, so it could not be stopped and takes no motion",
            "is the port after the control lane open between driver and hub?",
        )
    if link.dropped:
        text = f"its driver has dropped {link.dropped} samples or reports since its start"
        yield Finding("dropped", Level.NOTE, text, "publish less, or look at the network")


def _robot_clock(info: v1.RobotInfo) -> Finding:
    what = "robot's clock"
    if not info.online or not info.HasField("link"):
        return Finding(what, Level.NOTE, "unknown: its driver has not said")
    if not info.link.HasField("clock_error_us"):
        text = "not synced to the hub, so it takes nothing that has a deadline"
        return Finding(what, Level.FAULT, text, "wait some seconds; if it stays, look at its link")
    return _clock(what, info.link.clock_error_us / 1e6)


def _own_clock(error_s: float | None) -> Finding:
    if error_s is None:
        return Finding(
            "your clock", Level.FAULT, "not synced to the hub", "run it again: `robolink doctor` measures it"
        )
    return _clock("your clock", error_s)


def _clock(what: str, error_s: float) -> Finding:
    bad = error_s > CLOCK_ERROR_NOTE_S
    text = f"synced to the hub, error below {error_s * 1000:.1f} ms"
    return Finding(
        what,
        Level.NOTE if bad else Level.OK,
        text,
        "short deadlines may be missed: look at the link" if bad else "",
    )


def _latch(info: v1.RobotInfo, me: v1.HelloReply) -> Finding:
    stop = info.authority.stop
    if not stop.latched:
        past = f"; last stop was #{stop.generation}" if stop.generation else ""
        return Finding("stop latch", Level.OK, f"not stopped{past}")
    level = short(v1.StopLevel, "STOP_LEVEL_", stop.level) or "stop"
    text = f"software stop #{stop.generation} {level} is latched"
    text += f", by {stop.stopped_by}" if stop.stopped_by else ""
    text += f": {stop.reason}" if stop.reason else ""
    hint = f"robolink release {info.robot}"
    if v1.ROLE_SAFETY not in me.roles:
        hint += ", by somebody with role safety (your key has it not)"
    return Finding("stop latch", Level.FAULT, text, hint)


def _role(me: v1.HelloReply) -> Finding:
    names = ", ".join((short(v1.Role, "ROLE_", role) or "?").lower() for role in me.roles) or "none"
    text = f"you are {me.name!r} with {names}"
    if MOVERS.intersection(me.roles):
        return Finding("your role", Level.OK, text)
    else:
        return Finding("your role", Level.FAULT, text, "moving needs role operate: use a key that has it")


def _mode(sheet: v1.Sheet, twin: Twin) -> Iterator[Finding]:
    """What moves only in another mode than the present one."""
    if not sheet.mode_property:
        return
    state = twin.get(sheet.mode_property)
    present = str(from_value(state.reported.value) or "") if state is not None else ""
    movers: list[tuple[str, Sequence[str]]] = []
    for part in sheet.components:
        movers += [(f"{part.name}.{each.name}", each.modes) for each in part.methods if each.motion]
        movers += [(f"{part.name}.{each.name}", each.modes) for each in part.setpoints]
    barred = {name: modes for name, modes in movers if modes and present not in modes}
    text = f"{sheet.mode_property} is {present or 'unknown'!r}"
    if not barred:
        yield Finding("mode", Level.OK, text)
        return
    needs = "; ".join(f"{name} needs {' or '.join(modes)}" for name, modes in barred.items())
    everything = len(barred) == len(movers)
    yield Finding(
        "mode", Level.FAULT if everything else Level.NOTE, text, f"bring it into another mode: {needs}"
    )


def _owners(info: v1.RobotInfo, me: v1.HelloReply) -> Iterator[Finding]:
    if not info.authority.leases:
        yield Finding("lease", Level.OK, "free")
    for lease in info.authority.leases:
        part = lease.component or "the whole robot"
        place = f"{info.robot}/{lease.component}" if lease.component else info.robot
        owner = f"{lease.owner} (for a cloud)" if lease.cloud else lease.owner
        if lease.owner == me.name:
            owner += ", a session with your own name"
        take = f"`robolink lease {place} --request 30 --reason …` asks for it"
        yield Finding("lease", Level.FAULT, f"{part} is held by {owner}", take)


def _running(info: v1.RobotInfo) -> Iterator[Finding]:
    for live in info.live:
        text = f"{live.method} {state_name(live.state)} for {live.owner}, id {live.command_id.hex()}"
        if live.stale:
            hint = "its driver is away; it ends LOST if that does not come back in time"
            yield Finding("running", Level.NOTE, text, hint)
        else:
            hint = "wait for its end, or `robolink call --preempt` on the same component"
            yield Finding("running", Level.NOTE, text, hint)


def _settings(robot: str, twin: Twin) -> Iterator[Finding]:
    for name in sorted(twin):
        state = twin[name]
        observed = state.observed
        if observed.verdict == v1.VERDICT_REJECTED and observed.version >= state.desired.version:
            text = f"{name} v{observed.version} was refused, {cause_name(observed.cause)}: {observed.text}"
            yield Finding(
                "setting", Level.NOTE, text, f"write another value: robolink twin set {robot} {name} …"
            )
        elif state.desired.version > observed.version:
            text = f"{name} v{state.desired.version} is not yet applied"
            yield Finding("setting", Level.NOTE, text, "it is sent again when the driver is there")
