"""`robolink trace COMMAND-ID`: the way that a command went, hop by hop, in the site's time."""

from __future__ import annotations

import sys
from typing import Any, Final

import typer

from robolink import v1
from robolink.cli.output import Cell, print_json, print_table
from robolink.cli.session import connected
from robolink.cli.views import View
from robolink.core.command import TERMINAL
from robolink.core.envelope import MESSAGE_ID_BYTES
from robolink.core.violation import state_name
from robolink.errors import RejectedError

KEPT_HINT: Final = (
    "`robolink watch --commands` shows ids; an ended command is kept for limits.command_retention_s"
)
ENDS_BADLY: Final = frozenset(state_name(state) for state in TERMINAL if state != v1.COMMAND_STATE_SUCCEEDED)


def trace(hub: str | None, command_id: str, as_json: bool) -> int:
    """Print it.

    Raises:
        typer.BadParameter: It is no id.
        RobolinkError: The hub keeps no such command (any more).
    """
    id_bytes = _id(command_id)
    with connected(hub) as site:
        try:
            found = view(site.trace(id_bytes))
        except RejectedError as exc:
            raise RejectedError(str(exc.args[0]), robot=exc.robot, cause=exc.cause, hint=KEPT_HINT) from exc
    if as_json:
        print_json(found)
        return 0
    sys.stdout.write(f"{found['robot']} {found['method']}, for {found['owner']}\n")
    print_table(("since first", "after former", "where", "what", "about"), map(_row, found["hops"]))
    return 0


def _id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != MESSAGE_ID_BYTES:
        raise typer.BadParameter(
            f"{text!r} is no command id: {2 * MESSAGE_ID_BYTES} hex digits, as `robolink watch --commands` shows them"
        )
    return found


def view(found: v1.Trace) -> View:
    """With stable keys; times in ms since the first hop, and since the hop before."""
    hops: list[dict[str, Any]] = []
    first_ns = before_ns = found.hops[0].time_ns if found.hops else 0
    for hop in found.hops:
        hops.append(
            {
                "where": hop.where,
                "what": hop.what,
                "time_ns": hop.time_ns,
                "since_first_ms": round((hop.time_ns - first_ns) / 1e6, 3),
                "delta_ms": round((hop.time_ns - before_ns) / 1e6, 3),
                "text": hop.text,
            }
        )
        before_ns = hop.time_ns
    return {
        "command_id": found.command_id.hex(),
        "robot": found.robot,
        "method": found.method,
        "owner": found.owner,
        "hops": hops,
    }


def _row(hop: View) -> tuple[Cell, ...]:
    what = hop["what"]
    style = "bold red" if what in ENDS_BADLY else "green" if what == "SUCCEEDED" else ""
    return (
        f"{hop['since_first_ms']:.3f} ms",
        f"+{hop['delta_ms']:.3f} ms" if hop["delta_ms"] >= 0 else f"{hop['delta_ms']:.3f} ms",
        hop["where"],
        (what, style),
        hop["text"],
    )
