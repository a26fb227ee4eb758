"""`robolink doctor`: is this machine, this hub and its fleet in order; and the cure for what is not.

It looks and measures, and changes nothing. What it makes of what it sees is checks.py's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from robolink import __version__, v1
from robolink.cli import checks
from robolink.cli.options import hub_url, no_hub
from robolink.cli.output import print_json
from robolink.cli.progress import busy
from robolink.cli.session import connected
from robolink.cli.verdicts import Finding, Level, first_fault, print_findings
from robolink.core.envelope import MAJOR, MINOR
from robolink.errors import RobolinkError

if TYPE_CHECKING:
    from robolink.client import Hub

ASKED: Final = 10
SAFETY_WAIT_S: Final = 2.0
SAMPLE_WAIT_S: Final = 1.5
DIAL_S: Final = 1.0
POLL_S: Final = 0.02
# Extras that are no feature of their own.
NO_FEATURE: Final = frozenset({"bench", "dev", "demo", "board-sim"})
_NEED: Final = re.compile(r"([A-Za-z0-9._-]+).*extra == ['\"]([^'\"]+)['\"]")
# adjtimex(2): the kernel's clock is not synchronised.
TIME_ERROR: Final = 5
TIMEX_BYTES: Final = 512


def doctor(hub: str | None, as_json: bool) -> int:
    """Print the findings; 1 if any is a fault."""
    url = hub_url(hub)
    with busy(f"looking at {url}"):
        findings = [*_site(url), *_machine(url)]
    fault = first_fault(findings)
    if as_json:
        print_json({"hub": url, "healthy": fault is None, "findings": [each.view() for each in findings]})
        return int(fault is not None)
    print_findings(findings)
    words = f"first: {fault.hint or fault.text}" if fault is not None else "no faults"
    print(f"\n{url}: {words}")
    return int(fault is not None)


def _site(url: str) -> Iterator[Finding]:
    try:
        with connected(url, v1.ROLE_SAFETY) as site:
            yield from _hub(site)
    except RobolinkError as exc:
        yield Finding("control lane", Level.FAULT, str(exc.args[0]), exc.hint or no_hub(url))
        yield from _dial(url)


def _hub(site: Hub) -> Iterator[Finding]:
    trips = []
    for _ in range(ASKED):
        begun = time.monotonic()
        status = site.status()
        trips.append(time.monotonic() - begun)
    me, infos = site.welcome, site.robots()
    yield checks.control(sorted(trips)[len(trips) // 2])
    yield _safety(site)
    yield _telemetry(site, infos)
    yield checks.versions(me, (MAJOR, MINOR), __version__)
    yield checks.clock(site.clock_error_s)
    yield checks.roles(me)
    yield from checks.counters(status.counters)
    yield from checks.robots(infos)


def _safety(site: Hub) -> Finding:
    until = time.monotonic() + SAFETY_WAIT_S
    while not site.lanes.get("safety"):
        if time.monotonic() > until:
            text = "the hub's safety lane does not answer: no stop would be heard from here"
            cure = "open the port after the control lane; if it is open, restart the hub"
            return Finding("safety lane", Level.FAULT, text, cure)
        time.sleep(POLL_S)
    return Finding("safety lane", Level.OK, "it answers; its stop is a software stop, not safety rated")


def _telemetry(site: Hub, infos: list[v1.RobotInfo]) -> Finding:
    """Whether a sample of any robot comes; each is given a moment."""
    tried = ""
    for info in infos:
        if not info.online:
            continue
        for component in site.robot(info.robot).describe().sheet.components:
            for stream in component.streams:
                if stream.rate_hz <= 0:
                    continue
                tried = f"{info.robot} {component.name}.{stream.name}"
                with site.robot(info.robot).stream(f"{component.name}.{stream.name}") as samples:
                    sample = samples.next(SAMPLE_WAIT_S)
                if sample is not None:
                    text = f"{tried} comes, {sample.age_s * 1000:.1f} ms old"
                    return Finding("telemetry lane", Level.OK, text)
        if tried:
            break
    if not tried:
        return Finding("telemetry lane", Level.NOTE, "no robot that is online streams anything: not tried")
    text = f"no sample of {tried} within {SAMPLE_WAIT_S:g} s"
    return Finding(
        "telemetry lane", Level.FAULT, text, "open the third and fourth port from the control lane on"
    )


def _dial(url: str) -> Iterator[Finding]:
    """No hub answers: is there a machine, and is the port open?"""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if not host or not port:
            return  # Named by a list of hubs: `robolink discover` shows what it stands for.
        try:
            socket.create_connection((host, port), DIAL_S).close()
        except socket.gaierror:
            yield Finding("network", Level.FAULT, f"{host!r} is no known machine", "name it by its address")
        except OSError as exc:
            text = f"port {port} of {host} takes no connection: {exc.strerror or exc}"
            yield Finding("network", Level.FAULT, text, "is the hub running there, and is the port open?")
        else:
            text = f"port {port} of {host} is open, but what listens is no hub, or wants keys"
            yield Finding("network", Level.FAULT, text, "see the keys below, and the hub's log")


def _machine(url: str) -> Iterator[Finding]:
    file = Path(os.environ.get("ROBOLINK_SECRET_KEY_FILE") or "/nonexistent")
    others = bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)) if file.is_file() else None
    yield checks.keys(urlsplit(url).hostname or "", os.environ, readable_by_others=others)
    yield checks.wall_clock(time.time(), kernel_synchronised())
    yield from checks.extras(missing_by_extra())


def kernel_synchronised() -> bool | None:
    """Whether the kernel calls its clock synchronised; None where it cannot be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != TIME_ERROR)


def missing_by_extra() -> dict[str, list[str]]:
    """What each extra of this installation lacks."""
    found: dict[str, list[str]] = {}
    for line in metadata.requires("robolink") or ():
        need = _NEED.match(line)
        if need is None or need[2] in NO_FEATURE:
            continue
        lacks = found.setdefault(need[2], [])
        try:
            metadata.version(need[1])
        except metadata.PackageNotFoundError:
            lacks.append(need[1])
    return found
