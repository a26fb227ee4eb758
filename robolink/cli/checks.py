"""What `doctor` makes of what it has measured: pure functions from facts to findings, with a cure for each fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from robolink import v1
from robolink.cli.verdicts import Finding, Level
from robolink.cli.views import short
from robolink.cli.why import CLOCK_ERROR_NOTE_S, MOVERS, ROUND_TRIP_NOTE_S

# Counters of the hub by the start of their name, the first that fits: how bad, what it means, what to do. What is not
# here is ordinary work. A rejection is a rule that did its duty, so none of them is a fault.
COUNTERS: Final[tuple[tuple[str, Level, str, str], ...]] = (
    ("storage_failed", Level.FAULT, "the store could not keep what it was given", "free disk space or raise store.max_bytes"),
    ("sync_failed", Level.FAULT, "the store could not be synced to disk", "look at the hub's disk and its log"),
    ("safety_storage_failed", Level.FAULT, "a stop could not be kept on disk", "free disk space, then look at the hub's log"),
    ("internal_error", Level.FAULT, "the hub met a bug of its own", "its log has the traceback: tell its authors"),
    ("safety_internal_error", Level.FAULT, "the safety lane met a bug", "the hub's log has the traceback: tell its authors"),
    ("safety_link_unsent", Level.FAULT, "the hub's two processes lost messages between them", "restart the hub"),
    ("safety_unsent", Level.NOTE, "a stop's messages did not leave", "a driver or client is slow or gone: `robolink robots`"),
    ("unsent", Level.NOTE, "messages did not leave", "a peer reads too slowly or is gone: look at its machine and network"),
    ("stop_report_late", Level.NOTE, "drivers answered a stop too late", "a driver is slow: look at its machine"),
    ("safety_peer_silent", Level.NOTE, "peers of the safety lane fell silent", "look at their network"),
    ("peer_silent", Level.NOTE, "peers fell silent without a goodbye", "look at their network and power"),
    ("lease_stale", Level.NOTE, "leases ended because their owner fell silent", "look at the network of those clients"),
    ("lease_taken", Level.NOTE, "leases were taken from their owner", "`robolink audit` says by whom and why"),
    ("robot_taken", Level.NOTE, "drivers came for a robot that has one", "two drivers serve one id: end one, or rename it"),
    ("safety_refused", Level.NOTE, "the safety lane refused messages", "roles or versions: see above"),
    ("refused", Level.NOTE, "messages were refused", "a peer lacks a role, or is older: see above and the hub's log"),
    ("answer_too_long", Level.NOTE, "answers were cut to what one message holds", "ask for less at once"),
    ("safety_answer_too_long", Level.NOTE, "answers were cut to what one message holds", "stop by --all"),
    ("result_too_long", Level.NOTE, "results were too long to be kept", "the driver should return less"),
    ("update_illegal", Level.NOTE, "a driver told states that cannot follow each other", "update that driver"),
    ("setpoint_replaced", Level.OK, "setpoints gave way to newer ones", ""),
    ("setpoint_", Level.NOTE, "setpoints were refused", "`robolink why ROBOT` says what is in the way"),
)  # fmt: skip


def counters(found: Iterable[v1.Counter]) -> Iterator[Finding]:
    """One finding for each counter that means something; one that says all is well if none does."""
    quiet = True
    for each in found:
        rule = next((rule for rule in COUNTERS if each.name.startswith(rule[0])), None)
        if rule is None or not each.value:
            continue
        _, level, meaning, cure = rule
        if level is not Level.OK:
            quiet = False
            yield Finding("hub counted", level, f"{each.name} {each.value}: {meaning}", cure)
    if quiet:
        yield Finding("hub counted", Level.OK, "nothing dropped, refused or unsent since its start")


def control(round_trip_s: float) -> Finding:
    """The control lane, as measured."""
    slow = round_trip_s > ROUND_TRIP_NOTE_S
    text = f"the hub answers in {round_trip_s * 1000:.1f} ms"
    cure = "slow: look at the network and at the hub's load" if slow else ""
    return Finding("control lane", Level.NOTE if slow else Level.OK, text, cure)


def versions(me: v1.HelloReply, own: tuple[int, int], package: str) -> Finding:
    """This side's standard and the hub's."""
    text = f"robolink {package}; standard {own[0]}.{own[1]} here, {me.major}.{me.minor} agreed with hub {me.hub_name!r}"
    if me.minor < own[1]:
        return Finding("versions", Level.NOTE, text, "the hub is older: update it to use all of this side")
    return Finding("versions", Level.OK, text)


def clock(error_s: float | None) -> Finding:
    """This end's offset to site time."""
    if error_s is None:
        return Finding(
            "clock", Level.FAULT, "not synced to the hub", "the hub answers no beats: look at the network"
        )
    bad = error_s > CLOCK_ERROR_NOTE_S
    text = f"offset to site time known within {error_s * 1000:.2f} ms"
    cure = "too wide for short deadlines: look at the network" if bad else ""
    return Finding("clock", Level.NOTE if bad else Level.OK, text, cure)


def roles(me: v1.HelloReply) -> Finding:
    """What this peer may do."""
    names = ", ".join((short(v1.Role, "ROLE_", role) or "?").lower() for role in me.roles) or "none"
    text = f"you are {me.name!r} with {names}"
    if not MOVERS.intersection(me.roles):
        return Finding(
            "roles", Level.NOTE, text, "you may look; moving needs operate, releasing a stop needs safety"
        )
    if v1.ROLE_SAFETY not in me.roles:
        return Finding("roles", Level.NOTE, text, "releasing a stop needs role safety; stopping needs none")
    return Finding("roles", Level.OK, text)


def robots(infos: Iterable[v1.RobotInfo]) -> Iterator[Finding]:
    """One finding for each robot that has something wrong, and one over all."""
    infos = list(infos)
    for info in infos:
        if not info.online:
            yield Finding(info.robot, Level.NOTE, "offline", f"robolink why {info.robot}")
        elif info.HasField("link"):
            yield from _robot(info.robot, info.link)
    online = sum(info.online for info in infos)
    text = f"{online} of {len(infos)} online"
    hint = "" if infos else "start a driver: `python -m robolink_sims.base --id base-1` is a simulated one"
    yield Finding("robots", Level.OK if infos else Level.NOTE, text, hint)


def _robot(robot: str, link: v1.LinkState) -> Iterator[Finding]:
    if not link.stoppable:
        cure = "open the port after the control lane between driver and hub"
        yield Finding(
            robot, Level.FAULT, "its driver has no safety lane: no stop reaches it, it takes no motion", cure
        )
    if not link.HasField("clock_error_us"):
        yield Finding(robot, Level.FAULT, "its clock is not synced", f"robolink why {robot}")
    if link.round_trip_us / 1e6 > ROUND_TRIP_NOTE_S:
        yield Finding(
            robot, Level.NOTE, f"round trip {link.round_trip_us / 1000:.0f} ms", "look at its network"
        )
    if link.dropped:
        yield Finding(robot, Level.NOTE, f"its driver has dropped {link.dropped} messages", "publish less")


def keys(host: str, environment: Mapping[str, str], *, readable_by_others: bool | None) -> Finding:
    """CURVE keys: needed off loopback.

    Args:
        host: The hub's; empty where a list of hubs names it (`hub:NAME`, `mdns:NAME`).
        environment: ROBOLINK_SECRET_KEY_FILE and ROBOLINK_HUB_PUBLIC_KEY are read.
        readable_by_others: The secret key file's mode; None: there is no such file.
    """
    local = host in ("localhost", "::1") or host.startswith("127.")
    file, public = environment.get("ROBOLINK_SECRET_KEY_FILE"), environment.get("ROBOLINK_HUB_PUBLIC_KEY")
    if not file and not public:
        if not host:
            return Finding("keys", Level.OK, "by the entry of the list of hubs that names this one")
        if local:
            return Finding("keys", Level.OK, "none, and none are needed on loopback")
        cure = "set ROBOLINK_SECRET_KEY_FILE and ROBOLINK_HUB_PUBLIC_KEY, see docs/hub.md"
        return Finding("keys", Level.FAULT, f"{host} is off loopback, and there are no CURVE keys", cure)
    if not file or not public:
        missing = "ROBOLINK_HUB_PUBLIC_KEY" if file else "ROBOLINK_SECRET_KEY_FILE"
        return Finding("keys", Level.FAULT, f"only one of two: {missing} is not set", f"set {missing} too")
    if readable_by_others is None:
        return Finding(
            "keys", Level.FAULT, f"ROBOLINK_SECRET_KEY_FILE {file!r} is no file", "name the .key_secret file"
        )
    if readable_by_others:
        return Finding(
            "keys", Level.NOTE, "others on this machine can read the secret key", f"chmod 600 {file}"
        )
    return Finding("keys", Level.OK, "CURVE keys are set")


def wall_clock(unix_s: float, synchronised: bool | None) -> Finding:
    """This machine's date: commands through a cloud's twin carry it; nothing else uses it.

    Args:
        unix_s: Now.
        synchronised: By the kernel's word; None: it says nothing.
    """
    if unix_s < 1_735_689_600:  # 2025: before this program was written.
        return Finding(
            "wall clock", Level.NOTE, "this machine's date is years behind", "set it, or let NTP do so"
        )
    if synchronised is False:
        cure = "let NTP set it: commands through a cloud's twin carry wall time"
        return Finding("wall clock", Level.NOTE, "this machine's wall clock is not synchronised", cure)
    text = "synchronised" if synchronised else "plausible; whether it is synchronised cannot be told here"
    return Finding("wall clock", Level.OK, text)


def extras(missing: Mapping[str, list[str]]) -> Iterator[Finding]:
    """Optional parts by what they lack."""
    there = [name for name, lacks in missing.items() if not lacks]
    yield Finding("extras", Level.OK, f"installed: {', '.join(there) or 'none'}")
    for name, lacks in missing.items():
        if lacks:
            cure = f'only if you need it: pip install "robolink[{name}]"'
            yield Finding("extras", Level.NOTE, f"{name} lacks {', '.join(lacks)}", cure)
