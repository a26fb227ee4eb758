"""The port of a board for this process: it is free, or its bridge hands it over and takes it back afterwards.

Two processes never speak to one board. The bridge's rules are in handover.py; nothing here talks to a board.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from robolink import v1
from robolink.client import GoalHandle, Hub, connect
from robolink.errors import ConnectionLostError, RobolinkError, TransportError
from robolink_serial.field.find import same
from robolink_serial.handover import FREE, HAND_OVER, HOST, PORT, host_name
from robolink_serial.port import Port, PortBusyError

CLIENT: Final = "robolink-board"
HUB_S: Final = 3.0
FREE_S: Final = 5.0
BACK_S: Final = 10.0
LOOK_S: Final = 0.25


@dataclass(slots=True)
class Claim:
    """A port that is ours for now.

    Attributes:
        robot: Whose bridge handed it over; "": it was free.
        back: How the bridge took it back, once it has.
    """

    path: str
    robot: str = ""
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How to ask a bridge.

    Attributes:
        hub: Control lane; None: as the environment says.
        reason: Told to the present owner of the lease, and kept in the audit.
        take: End his lease instead of being refused.
    """

    hub: str | None = None
    reason: str = "maintenance"
    take: bool = False


@contextmanager
def claimed(path: str, ask: Ask, say: Callable[[str], None]) -> Iterator[Claim]:
    """The port, until the context ends.

    Raises:
        PortError: It cannot be opened, or its owner is no bridge that this hub knows.
        RobolinkError: The bridge's robot is held or at work; the text names by whom or by what.
    """
    busy = occupied(path)
    if busy is None:
        yield Claim(path)
        return
    with _connected(ask, busy) as hub:
        robot = serving(hub, path)
        if robot is None:
            raise PortBusyError(
                str(busy.args[0]),
                hint=f"no robot of the hub at {hub_name(ask)} says that its board is on this port: end that process first",
            )
        say(f"{path} is served as {robot}: asking its bridge for the port")
        with hub.robot(robot).lease(reason=ask.reason, take=ask.take):
            goal = hub.robot(robot).goal(HAND_OVER)
            claim = Claim(path, robot)
            try:
                _wait_free(goal, path)
                yield claim
            finally:
                claim.back = _give_back(goal)
                say(f"{robot}: {claim.back}")


def occupied(path: str) -> PortBusyError | None:
    """Who has it, as the error that opening it raises; None: it is free.

    Raises:
        PortError: It cannot be opened for another reason.
    """
    try:
        Port(path).close()
    except PortBusyError as busy:
        return busy
    return None


def hub_name(ask: Ask) -> str:
    """For people."""
    return ask.hub or "the default address"


@contextmanager
def _connected(ask: Ask, busy: PortBusyError) -> Iterator[Hub]:
    try:
        hub = connect(ask.hub, name=CLIENT, roles=(v1.ROLE_MAINTAIN,), timeout_s=HUB_S)
    except TransportError as exc:
        raise PortBusyError(
            str(busy.args[0]),
            hint=f"a bridge hands a port over through its hub, and none answers at {hub_name(ask)}: "
            "name the hub by --hub, or end that process first",
        ) from exc
    with hub:
        yield hub


def serving(hub: Hub, path: str) -> str | None:
    """The robot whose board is on that port of this machine; None: no robot says so."""
    for info in hub.robots():
        if not info.online:
            continue
        with contextlib.suppress(RobolinkError):
            twin = hub.robot(info.robot).twin.get(PORT, HOST)
            told = {name: state.reported.value.string_value for name, state in twin.items()}
            if told.get(HOST) == host_name() and same(told.get(PORT, ""), path):
                return info.robot
    return None


def _wait_free(goal: GoalHandle, path: str) -> None:
    with goal.feedback() as told:
        for _ in range(int(FREE_S / LOOK_S)):
            item = told.next(LOOK_S)
            if item is not None and item.phase == FREE:
                return
            if goal.state in (v1.COMMAND_STATE_FAILED, v1.COMMAND_STATE_STOPPED, v1.COMMAND_STATE_CANCELED):
                goal.result(LOOK_S)
    raise PortBusyError(
        f"the bridge has not handed {path} over within {FREE_S:g} s", hint="see the bridge's log"
    )


def _give_back(goal: GoalHandle) -> str:
    try:
        goal.cancel("done")
        return goal.wait(BACK_S).text or "the bridge has its port again"
    except (ConnectionLostError, RobolinkError) as exc:
        return f"the bridge takes its port back by itself ({exc.args[0] if exc.args else exc})"
