"""`robolink stop` and `release`: the latched software stop, not safety rated, and its end.

A stop speaks to the safety lane alone: it asks the control lane nothing, neither before nor after.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

import typer

from robolink import v1
from robolink.cli.options import hub_url, no_hub
from robolink.cli.output import Cell, print_json, print_table
from robolink.cli.session import ANSWER_TIMEOUT_S, CLIENT_NAME, bad_url, connected
from robolink.cli.views import release_result, stop_result
from robolink.errors import ConnectionLostError

STYLES: Final = {"STOPPED": "green", "STOPPING": "yellow", "REFUSED": "bold red", "UNREACHABLE": "bold red"}
# What one must go and look at.
FAILED: Final = ("REFUSED", "UNREACHABLE")


def _wanted(robots: list[str], every: bool) -> list[str] | None:
    if every == bool(robots):
        raise typer.BadParameter("name the robots, or say --all")
    return robots or None


def stop_robots(
    hub: str | None, robots: list[str], every: bool, level: str, reason: str, as_json: bool
) -> int:
    """Stop; 0 if every robot is stopped or stopping, 1 if one refused or was not reached."""
    from robolink.client import stop_all

    url, wanted = hub_url(hub), _wanted(robots, every)
    number: v1.StopLevel = getattr(v1, f"STOP_LEVEL_{level}")
    try:
        results = stop_all(
            url, wanted, level=number, reason=reason, name=CLIENT_NAME, timeout_s=ANSWER_TIMEOUT_S
        )
    except ConnectionLostError as exc:
        raise ConnectionLostError(f"no hub's safety lane answers beside {url}", hint=no_hub(url)) from exc
    except ValueError as exc:
        raise bad_url(url, exc) from exc
    views = [stop_result(result) for result in results]
    counts = Counter(view["verdict"] for view in views)
    if as_json:
        print_json({"results": views, "summary": dict(counts)})
    elif not views:
        sys.stdout.write("this hub knows no robot: nothing was stopped\n")
    else:
        print_table(("robot", "verdict", "standstill", "stop", "about"), map(_stop_row, views))
    return int(any(counts[each] for each in FAILED))


def _stop_row(view: dict[str, object]) -> tuple[Cell, ...]:
    verdict = str(view["verdict"])
    standstill = "not measured" if view["standstill_ms"] is None else f"{view['standstill_ms']} ms"
    return (
        str(view["robot"]),
        (verdict, STYLES.get(verdict, "")),
        standstill if verdict not in FAILED else "-",
        f"#{view['generation']}",
        str(view["text"]),
    )


def release_robots(hub: str | None, robots: list[str], every: bool, as_json: bool) -> int:
    """Release; 1 if one was not."""
    wanted = _wanted(robots, every)
    with connected(hub, v1.ROLE_SAFETY) as site:
        views = [release_result(result) for result in site.release(wanted)]
    if as_json:
        print_json({"results": views})
    elif not views:
        sys.stdout.write("no robot is stopped\n")
    else:
        print_table(("robot", "released", "stop", "about"), map(_release_row, views))
    return int(not all(view["released"] for view in views))


def _release_row(view: dict[str, object]) -> tuple[Cell, ...]:
    verdict: Cell = ("yes", "green") if view["released"] else (f"no: {view['cause']}", "bold red")
    about = str(view["text"]) or ("nothing moves by it" if view["released"] else "")
    return str(view["robot"]), verdict, f"#{view['generation']}", about
