"""What the cloud reads of a device: its state, and both halves of each twin, from the device's row and its robot's.

Pure but for the observed text that a row remembers; it sends nothing.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core import twintext
from robolink_kubeedge import faults
from robolink_kubeedge.manifests import OWN_PROPERTIES
from robolink_kubeedge.records import Desired, Device, Robot
from robolink_kubeedge.reports import Priority, TwinText

OWN_WRITABLE: Final = frozenset(name for name, _kind, writable, _text in OWN_PROPERTIES if writable)
PRIORITIES: Final = {
    "stop": Priority.STOP,
    "stop-generation": Priority.STOP,
    "cmd": Priority.COMMAND,
    "cmd-status": Priority.COMMAND,
    "setting-errors": Priority.COMMAND,
    "sync": Priority.COMMAND,
}


def state(entry: Device, robot: Robot, errors: str, *, hub_here: bool) -> str:
    """Of KubeEdge's states the one that holds."""
    if not hub_here:
        return "unknown"
    if errors or any(each.serious for each in entry.faults):
        return "unhealthy" if robot.online or not robot.known else "offline"
    return "ok" if robot.online else "offline"


def twin(entry: Device, robot: Robot, name: str, errors: str) -> TwinText | None:
    """Both halves of one property; None where there is nothing to say of it."""
    if name == "device-faults":
        return TwinText(name, "", faults.line(entry.faults))
    if robot.settings is None:
        return None  # The hub does not know this robot yet.
    if name == "setting-errors":
        return TwinText(name, "", errors)
    if name == "stop-generation":
        return TwinText(name, "", str(robot.stop_generation))
    present = robot.twin.get(name, v1.PropertyState())
    reported = twintext.encode(present.reported.value).text
    if name == "cmd-status" or name in robot.readings:
        return TwinText(name, "", reported)
    if name not in OWN_WRITABLE and name not in robot.settings:
        return None  # A property of another sheet, or made up; the faults tell of it.
    desired = entry.desired.setdefault(name, Desired())
    if name == "sync":
        if desired.text and not desired.refused and entry.settled():
            desired.observed = desired.text
        return TwinText(name, desired.observed, desired.observed)
    if name == "cmd":
        if desired.version and desired.text:
            desired.observed = desired.text
        return TwinText(name, desired.observed, desired.observed)
    observed = present.observed
    if observed.verdict == v1.VERDICT_APPLIED and observed.version == present.desired.version:
        # In the cloud's own words, so that whoever wrote them can compare: "0.50" is 0.5.
        ours = desired.version == observed.version and desired.text
        desired.observed = desired.text if ours else twintext.encode(present.desired.value).text
    return TwinText(name, desired.observed, reported)


def errors(entry: Device, robot: Robot) -> str:
    """What the driver refused, as the hub tells it, and what never got so far."""
    told = robot.twin.get("setting-errors", v1.PropertyState()).reported.value.string_value
    ours = []
    for name, desired in entry.desired.items():
        if desired.refused and twintext.fits_name(name):
            why = "MOTION_IS_NO_PROPERTY" if name in robot.setpoints else desired.refused
            ours.append(f"{name}:{why}")
    if not ours:
        return told
    theirs = [each for each in told.split(",") if each]
    # The hub may have left out some already.
    last = theirs[-1] if theirs else ""
    more = int(last[5:]) if last.startswith("more:") and last[5:].isdecimal() else 0
    # Ours first: of a command, a stop or a sync the cloud has no other answer.
    return _fitting([*ours, *(theirs[:-1] if more else theirs)], more)


def _fitting(entries: list[str], more: int) -> str:
    """As many as fit, and how many more there are."""
    for count in range(len(entries), -1, -1):
        rest = more + len(entries) - count
        text = ",".join([*entries[:count], *([f"more:{rest}"] if rest else [])])
        if len(text) <= twintext.MAX_VALUE_CHARACTERS:
            return text
    return ""
