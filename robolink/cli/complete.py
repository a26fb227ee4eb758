"""Completions that ask the hub: robots, methods, properties, setpoints, streams, commands that run.

A shell waits for them while somebody types: they have half a second (ROBOLINK_COMPLETE_TIMEOUT_S), and any
failure is simply no suggestion.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from robolink import v1
    from robolink.client import Hub

TIMEOUT_S: Final = 0.5
TIMEOUT_VARIABLE: Final = "ROBOLINK_COMPLETE_TIMEOUT_S"
Words = list[str]


def _ask(context: typer.Context, incomplete: str, find: Callable[[Hub], Iterable[str]]) -> Words:
    """What of it begins with the word so far; nothing where no hub answers in time."""
    import logging

    from robolink import v1
    from robolink.cli.options import hub_url
    from robolink.client import connect

    logging.disable()  # A warning would land in the middle of the line that is typed.
    try:
        timeout_s = float(os.environ.get(TIMEOUT_VARIABLE) or TIMEOUT_S)
        url = hub_url(context.params.get("hub"))
        with connect(url, name="robolink-completion", roles=(v1.ROLE_OBSERVE,), timeout_s=timeout_s) as site:
            return sorted(word for word in find(site) if word.startswith(incomplete))
    except Exception:  # noqa: BLE001  # a traceback would land in the line that is typed; the command itself will say
        return []


def _sheet_words(
    context: typer.Context, incomplete: str, pick: Callable[[v1.Component], Iterable[Any]]
) -> Words:
    robot = str(context.params.get("robot") or "")

    def find(site: Hub) -> Iterable[str]:
        for component in site.robot(robot).describe().sheet.components:
            for each in pick(component):
                yield f"{component.name}.{each.name}"

    return _ask(context, incomplete, find) if robot else []


def robots(context: typer.Context, incomplete: str) -> Words:
    """Robot ids."""
    return _ask(context, incomplete, lambda site: [each.robot for each in site.robots()])


def places(context: typer.Context, incomplete: str) -> Words:
    """Robot ids, and behind a slash their components."""
    robot, slash, _ = incomplete.partition("/")
    if not slash:
        return robots(context, incomplete)

    def find(site: Hub) -> Iterable[str]:
        return [f"{robot}/{each.name}" for each in site.robot(robot).describe().sheet.components]

    return _ask(context, incomplete, find)


def methods(context: typer.Context, incomplete: str) -> Words:
    """Methods of the robot that stands before."""
    return _sheet_words(context, incomplete, lambda component: component.methods)


def arguments(context: typer.Context, incomplete: str) -> Words:
    """`name=` for each argument of the method that stands before, but for those given."""
    robot, method = str(context.params.get("robot") or ""), str(context.params.get("method") or "")
    given = {str(word).partition("=")[0] for word in context.params.get("arguments") or ()}

    def find(site: Hub) -> Iterable[str]:
        for component in site.robot(robot).describe().sheet.components:
            for each in component.methods:
                if f"{component.name}.{each.name}" == method:
                    return [f"{field.name}=" for field in each.args if field.name not in given]
        return ()

    return _ask(context, incomplete, find) if robot and method else []


def setpoints(context: typer.Context, incomplete: str) -> Words:
    """Setpoints of the robot that stands before."""
    return _sheet_words(context, incomplete, lambda component: component.setpoints)


def streams(context: typer.Context, incomplete: str) -> Words:
    """Streams of the robot that stands before."""
    return _sheet_words(context, incomplete, lambda component: component.streams)


def properties(context: typer.Context, incomplete: str) -> Words:
    """Properties of the robot that stands before, the hub's own too."""
    robot = str(context.params.get("robot") or "")
    return _ask(context, incomplete, lambda site: site.robot(robot).twin.get()) if robot else []


def command_ids(context: typer.Context, incomplete: str) -> Words:
    """Commands that have not ended."""
    return _ask(
        context,
        incomplete,
        lambda site: [live.command_id.hex() for each in site.robots() for live in each.live],
    )
