"""What the hub checks of a command before any driver sees it; the same for a command, a twin's and a dry run.

It changes nothing: whoever is admitted is kept and delivered by the command desk.
"""

from __future__ import annotations

from typing import NamedTuple

from robolink import v1
from robolink.core.command import ACCEPTED, CommandRecord
from robolink.core.envelope import MAX_HEADER_BYTES
from robolink.core.lease import token_of
from robolink.core.sheet import check_args, check_mode, needs_lease
from robolink.core.values import from_value
from robolink.core.violation import Violation
from robolink.hub.site import Machine, Peer, Site


class Admitted(NamedTuple):
    """A command that may go to its driver, if that is done in this turn."""

    machine: Machine
    driver: Peer
    method: v1.Method
    deadline_ns: int


def admit(
    site: Site, header: v1.Header, body: v1.Command, *, session_id: int, maintain: bool = False
) -> Admitted:
    """Check everything that can be checked before a driver sees it.

    Args:
        site: As it is in this turn.
        header: With destination, lease, stop generation, sent time and TTL.
        body: Of the command.
        session_id: Whose lease must cover it.
        maintain: Its sender has role maintain.

    Raises:
        Violation: Any cause.
    """
    machine = site.machine(header.destination)
    method = machine.index.method(body.method)
    if method is None:
        raise Violation(v1.CAUSE_UNSUPPORTED, f"{machine.robot} has no method {body.method!r}; see its sheet")
    check_args(body.method, method, body.args)
    if machine.driver is None or not machine.online:
        raise Violation(v1.CAUSE_UNREACHABLE, f"{machine.robot} is offline; motion is never queued for it")
    ttl_ms = header.ttl_ms or site.config.timeouts.command_ttl_ms
    deadline_ns = site.check_sent(header, ttl_ms)
    if method.modes:
        check_mode(f"{machine.robot}: {body.method}", method.modes, _mode(machine))
    component = body.method.partition(".")[0]
    if method.motion:
        machine.latch.check(header.stop_generation, header.sent_ns)
    elif method.maintenance and not maintain:
        raise Violation(v1.CAUSE_DENIED, f"{machine.robot}: {body.method} needs role maintain")
    if needs_lease(method):
        # Out of service is the whole robot: a lease of a component does not do.
        place = component if method.motion else ""
        site.leases.check(machine.robot, place, token_of(header.lease), session_id=session_id)
        _check_busy(site, machine, component, preempt=body.preempt)
    site.table.check_room(machine.robot)
    return Admitted(machine, machine.driver, method, deadline_ns)


def new_record(
    site: Site,
    admitted: Admitted,
    header: v1.Header,
    body_bytes: bytes,
    body: v1.Command,
    *,
    digest: bytes,
    owner: str,
) -> CommandRecord:
    """The record of an admitted command, ACCEPTED.

    Raises:
        Violation: INVALID, its header is too long to be forwarded.
    """
    method = admitted.method
    return CommandRecord(
        id=header.message_id,
        robot=header.destination,
        digest=digest,
        method=body.method,
        owner=owner,
        motion=needs_lease(method),
        goal=method.kind == v1.METHOD_KIND_GOAL,
        on_disconnect=body.on_disconnect or method.on_disconnect or v1.ON_DISCONNECT_CANCEL,
        lease=token_of(header.lease),
        stop_generation=header.stop_generation,
        header=_forwarded_header(site, header, owner),
        body=body_bytes,
        state=ACCEPTED,
        time_ns=site.now_ns,
        deadline_ns=admitted.deadline_ns,
        driver_session=admitted.driver.session_id,
        hops=[("client", "sent", header.sent_ns), ("hub", "ACCEPTED", site.now_ns)],
    )


def _forwarded_header(site: Site, header: v1.Header, owner: str) -> bytes:
    # The hub is the sender of this leg: its session id lets a driver refuse what a former hub left in a pipe.
    forwarded = v1.Header()
    forwarded.CopyFrom(header)
    forwarded.source = owner
    forwarded.session_id = site.session_id
    # What the sender left to the hub, the driver must know too: a command that is stuck on the way dies by it.
    forwarded.ttl_ms = header.ttl_ms or site.config.timeouts.command_ttl_ms
    data = forwarded.SerializeToString()
    if len(data) > MAX_HEADER_BYTES:
        raise Violation(
            v1.CAUSE_INVALID,
            f"the header has {len(data)} bytes with its source, the limit is {MAX_HEADER_BYTES}",
        )
    return data


def _mode(machine: Machine) -> str:
    reported = machine.twin.reported(machine.sheet.mode_property)
    return str(from_value(reported) or "") if reported is not None else ""


def _check_busy(site: Site, machine: Machine, component: str, *, preempt: bool) -> None:
    if preempt:
        return
    for other in site.table.live(machine.robot):
        if other.goal and other.motion and other.component == component:
            raise Violation(
                v1.CAUSE_BUSY,
                f"{machine.robot}/{component} runs {other.method} for {other.owner}; cancel it or say preempt",
            )
