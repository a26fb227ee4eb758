"""A host's link and the C board on a line, stepped by hand; what tests order and what they see of it."""

from __future__ import annotations

from typing import Any

from robolink import v1
from tests.core.serial_line import Faults, Line, LinkEnd
from tests.firmware_c.peer import CBoard, Peer

IDS = {
    "max_speed": 2,
    "position": 3,
    "speed": 4,
    "turn_to": 5,
    "velocity": 8,
    "truth": 11,
    "whole": 12,
    "text": 13,
    "vector": 14,
    "add": 15,
    "jump": 20,
}


class Bench:
    """A host, the C board, and the numbers of its members."""

    def __init__(self, peer: Peer, seed: int = 1, host: LinkEnd | None = None) -> None:
        self.host, self.end = host or LinkEnd(), CBoard(peer)
        self.faults = Faults(seed, 0.0)
        self.line = Line(self.host, self.end, self.faults)

    def up(self) -> Bench:
        self.line.until(lambda: self.host.link.up, 3)
        return self

    @property
    def speed(self) -> float:
        return self.end.speed

    def fence(self, lease: tuple[int, int] = (1, 1), generation: int = 0) -> None:
        self.host.link.set_fence(lease, generation)

    def command(
        self, member: str, *args: Any, name: bytes = b"a", lease: int = 1, generation: int = 0, **more: Any
    ) -> None:
        self.host.link.send(
            v1.SerialCommand(
                command_id=name,
                member=IDS[member],
                args=[value(each) for each in args],
                lease=lease,
                generation=generation,
                **more,
            )
        )

    def turn_to(self, position: float, **more: Any) -> None:
        self.command("turn_to", position, **more)

    def velocity(self, value: float, ttl_s: float = 0.3, lease: int = 1, generation: int = 0) -> None:
        message = v1.SerialSetpoint(
            member=IDS["velocity"], values=[value], lease=lease, generation=generation
        )
        self.host.link.send_setpoint(message, self.line.now + ttl_s)

    def set(self, member: str, plain: Any, request: int = 1) -> v1.SerialSettingResult:
        self.host.link.send(v1.SerialSetting(member=IDS[member], request=request, value=value(plain)))
        seen = len(self.host.messages(v1.SerialSettingResult))
        self.line.until(lambda: len(self.host.messages(v1.SerialSettingResult)) > seen)
        result: v1.SerialSettingResult = self.host.messages(v1.SerialSettingResult)[-1]
        assert result.request == request
        return result

    def updates(self, name: bytes = b"a") -> list[v1.SerialUpdate]:
        return [each for each in self.host.messages(v1.SerialUpdate) if each.command_id == name]

    def end_of(self, name: bytes = b"a", limit_s: float = 10.0) -> v1.SerialUpdate:
        running = (v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_CANCELING)
        self.line.until(lambda: any(each.state not in running for each in self.updates(name)), limit_s)
        return self.updates(name)[-1]


def value(plain: Any) -> v1.Value:
    if isinstance(plain, v1.Value):
        return plain
    if isinstance(plain, bool):
        return v1.Value(bool_value=plain)
    if isinstance(plain, int):
        return v1.Value(int_value=plain)
    if isinstance(plain, float):
        return v1.Value(double_value=plain)
    if isinstance(plain, str):
        return v1.Value(string_value=plain)
    return v1.Value(vector_value=v1.Vector(values=plain))
