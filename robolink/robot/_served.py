"""One robot as the driver's session sees it: its sheet, stop latch, setpoint watch and properties.

It sends nothing; `_session.py` and `_commands.py` act on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from robolink import v1
from robolink.core.deadman import SetpointWatch
from robolink.core.envelope import MAJOR, MINOR
from robolink.core.sheet import SheetIndex
from robolink.core.stop import StopLatch
from robolink.core.values import from_value
from robolink.core.violation import Violation
from robolink.robot._properties import Properties
from robolink.transports.lanes import Lane


@dataclass(slots=True)
class Served:
    """The state of one robot.

    Attributes:
        ok: Whether the robot behind the driver answers; if not, it is not announced to the hub.
        announced: Whether the hub has accepted it in a hello of this hub session.
    """

    robot: str
    sheet: v1.Sheet
    index: SheetIndex
    latch: StopLatch
    watch: SetpointWatch
    properties: Properties
    ok: bool = True
    announced: bool = False
    # When its readings were last kept for an absent hub.
    spooled_at: float = float("-inf")

    @classmethod
    def of(cls, robot: str, sheet: v1.Sheet, due: set[str]) -> Served:
        """A robot that has not moved yet; it is entered in `due` while it has something to report."""
        return cls(
            robot,
            sheet,
            SheetIndex(sheet),
            StopLatch(robot),
            SetpointWatch(robot),
            Properties.of(sheet, robot, due),
        )

    def mode(self) -> str:
        """The robot's mode of operation, as it was reported last; "" if it has none."""
        found = self.properties.by_name.get(self.sheet.mode_property)
        return str(from_value(found.value) or "") if found is not None and found.value is not None else ""

    def may_move(self, generation: int, sent_ns: int, *, stoppable: bool) -> None:
        """Whether motion ordered under that stop generation, at that site time, may begin here and now.

        The robot judges last, and is stricter than a hub: while latched nothing begins.

        Raises:
            Violation: LATCHED, or UNREACHABLE (it could not be stopped, or does not answer its driver).
        """
        self.latch.check(generation, sent_ns)
        if self.latch.latched:
            raise Violation(
                v1.CAUSE_LATCHED,
                f"{self.robot} is stopped (generation {self.latch.generation}); release it first",
            )
        if not stoppable:
            raise Violation(
                v1.CAUSE_UNREACHABLE,
                f"{self.robot}: its driver has no safety lane now; it could not be stopped",
            )
        if not self.ok:
            raise Violation(v1.CAUSE_UNREACHABLE, f"{self.robot} does not answer its driver")


def hello_of(
    lane: Lane, name: str, robots: Iterable[Served], *, lease_epoch: int, live_ids: list[bytes]
) -> v1.Hello:
    """What a driver says of itself on that lane: sheets and what runs on the control lane alone."""
    control = lane is Lane.CONTROL
    return v1.Hello(
        kind=v1.PEER_KIND_DRIVER,
        major=MAJOR,
        minor=MINOR,
        name=name,
        robots=[
            v1.RobotHello(
                robot=each.robot,
                sheet=each.sheet if control else None,
                stop=each.latch.state(),
                lease_epoch=lease_epoch if control else 0,
            )
            for each in robots
            # A robot that does not answer is offline, but a stop for it is still tried.
            if each.ok or not control
        ],
        live_command_ids=live_ids if control else [],
    )
