"""`robolink call --check`: what the hub would answer now. Nothing moves, nothing is kept, no lease is taken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from robolink import v1
from robolink.cli.hints import hint
from robolink.cli.output import print_json
from robolink.cli.views import cause
from robolink.core.values import Plain
from robolink.core.violation import cause_name
from robolink.errors import RejectedError

if TYPE_CHECKING:
    from robolink.client import Hub, Options


def check_call(
    site: Hub, robot: str, method: str, options: Options, args: dict[str, Plain], as_json: bool
) -> int:
    """Print the verdict; 0 if it would be accepted, 1 if not."""
    reply = site.robot(robot).check(method, options, **args)
    if reply.cause == v1.CAUSE_NO_LEASE:
        info = next((each for each in site.robots() if each.robot == robot), v1.RobotInfo(robot=robot))
        reply = beyond_lease(info, method, preempt=options.preempt)
    what_next = ""
    if reply.cause:
        what_next = reply.hint or hint(RejectedError(reply.text, robot=robot, cause=reply.cause))
    if as_json:
        print_json(
            {
                "robot": robot,
                "method": method,
                "accepted": not reply.cause,
                "cause": cause(reply.cause),
                "text": reply.text,
                "hint": what_next,
            }
        )
    elif reply.cause:
        sys.stdout.write(f"it would be refused, {cause_name(reply.cause)}: {reply.text} ({what_next})\n")
    else:
        sys.stdout.write(f"{robot} {method}: it would be accepted now\n")
    return int(bool(reply.cause))


def beyond_lease(info: v1.RobotInfo, method: str, *, preempt: bool) -> v1.CommandCheckReply:
    """What `call` would meet, which takes a free lease by itself; the hub's own check stopped there.

    Args:
        info: The robot as the hub's list has it.
        method: "component.method".
        preempt: As said to `call`.
    """
    component = method.partition(".")[0]
    for lease in info.authority.leases:
        if lease.component in ("", component):
            what = f"{info.robot}/{lease.component}" if lease.component else info.robot
            return v1.CommandCheckReply(cause=v1.CAUSE_BUSY, text=f"{what} is leased by {lease.owner}")
    for live in info.live:
        if live.method.partition(".")[0] == component and not preempt:
            text = f"{info.robot}/{component} runs {live.method} for {live.owner}"
            return v1.CommandCheckReply(cause=v1.CAUSE_BUSY, text=text)
    return v1.CommandCheckReply()
