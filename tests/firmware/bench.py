"""A host's link, a board's program in CPython, and the line between them, stepped by hand."""

from __future__ import annotations

import random
from typing import Any

from robolink import v1
from tests.core.serial_line import Faults, Line, LinkEnd
from tests.firmware import FIRMWARE

from robolink_board.board import Board  # type: ignore[import-not-found]  # isort: skip
from robolink_board.hardware_sim import SimMotor  # type: ignore[import-not-found]  # isort: skip
from robolink_board.motor import Motor  # type: ignore[import-not-found]  # isort: skip

assert FIRMWARE.exists()
# Ticks wrap: tests begin a little before that.
FIRST_MS = (1 << 30) - 700
SPEED = 1.0


class BoardEnd:
    """The board's program, stepped every 5 ms as its own loop does."""

    def __init__(self, began_s: float = 0.0) -> None:
        numbers = random.Random(5)
        self.began_s = began_s
        self.motor = SimMotor()
        self.board = Board(
            model="motor-board",
            components=(Motor(self.motor),),
            random_u32=lambda: numbers.getrandbits(32),
            now=self.ms(began_s),
        )

    def ms(self, now: float) -> int:
        return (FIRST_MS + round(now * 1000)) % (1 << 30)

    def receive(self, data: bytes, now: float) -> None:
        self.board.receive(data, self.ms(now))

    def step(self, now: float) -> bytes:
        self.board.step(self.ms(now))
        return bytes(self.board.data_to_send(self.ms(now)))


class Bench:
    """A host, a board, and the numbers of its members."""

    def __init__(self, seed: int = 1, rate: float = 0.0) -> None:
        self.host, self.end = LinkEnd(), BoardEnd()
        self.faults = Faults(seed, rate)
        self.line = Line(self.host, self.end, self.faults)
        self.line.until(lambda: self.host.link.up, 3)
        self.ids = {"max_speed": 2, "position": 3, "speed": 4, "turn_to": 5, "velocity": 8}

    @property
    def speed(self) -> float:
        return float(self.end.motor.speed())

    def fence(self, lease: tuple[int, int] = (1, 1), generation: int = 0) -> None:
        self.host.link.set_fence(lease, generation)

    def turn_to(
        self, position: float, name: bytes = b"a", lease: int = 1, generation: int = 0, **more: Any
    ) -> None:
        self.host.link.send(
            v1.SerialCommand(
                command_id=name,
                member=self.ids["turn_to"],
                args=[v1.Value(double_value=position)],
                lease=lease,
                generation=generation,
                **more,
            )
        )

    def velocity(self, value: float, ttl_s: float = 0.3, lease: int = 1, generation: int = 0) -> None:
        message = v1.SerialSetpoint(
            member=self.ids["velocity"], values=[value], lease=lease, generation=generation
        )
        self.host.link.send_setpoint(message, self.line.now + ttl_s)

    def updates(self, name: bytes = b"a") -> list[v1.SerialUpdate]:
        return [each for each in self.host.messages(v1.SerialUpdate) if each.command_id == name]

    def end_of(self, name: bytes = b"a", limit_s: float = 10.0) -> v1.SerialUpdate:
        running = (v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_CANCELING)
        self.line.until(lambda: any(each.state not in running for each in self.updates(name)), limit_s)
        return self.updates(name)[-1]
