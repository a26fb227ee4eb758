"""The way of one command: who had it when, in site time. Kept in memory with its record; a restart forgets the steps."""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.command import CommandRecord
from robolink.core.violation import cause_name, state_name
from robolink.hub.commands import CommandDesk
from robolink.hub.site import Peer, Site

MAX_HOPS: Final = 32


def trace(site: Site, commands: CommandDesk, peer: Peer, header: v1.Header, body: v1.TraceQuery) -> None:
    """Answer with the steps of a kept command."""
    record = commands.kept(body.command_id)
    hops = [v1.Hop(where=where, what=what, time_ns=at) for where, what, at in _hops(record)[:MAX_HOPS]]
    if record.text and hops:
        hops[-1].text = record.text
    if record.late is not None:
        text = f"{cause_name(record.late.cause)} {record.late.text}".strip()
        what = f"late {state_name(record.late.state)}"
        hops.append(v1.Hop(where="driver", what=what, time_ns=record.late.time_ns, text=text))
    found = v1.Trace(
        command_id=record.id, robot=record.robot, method=record.method, owner=record.owner, hops=hops
    )
    site.reply(peer, header, found, held=True)


def _hops(record: CommandRecord) -> list[tuple[str, str, int]]:
    """As noted; of a command that was read back after a restart only its present state is known."""
    return record.hops or [("hub", state_name(record.state), record.time_ns)]
