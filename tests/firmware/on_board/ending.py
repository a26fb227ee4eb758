"""A program that ends, on real MicroPython: whatever ends it, outputs are off first, and the port is given back."""

import os
import sys

from rig import main
from robolink_board import app
from wiring import wire_up
from world import world

PROFILES = sys.argv[1]


class Port:
    # A host that says nothing.
    def __init__(self):
        self.closed = False
        self.sent = b""

    async def read(self):
        import asyncio

        await asyncio.sleep_ms(5)
        return b""

    def write(self, data):
        self.sent += data

    def close(self):
        self.closed = True


def _ended_by(error, where="step"):
    # Runs a rover whose base drives until its 20th tick raises; how its wheels then turn, and what was printed.
    world.clear()
    world.manual = False
    from robolink_board import profile

    robot = wire_up(world, profile.load(PROFILES + "/pico-rover.json"))
    board = app.make_board(PROFILES + "/pico-rover.json")
    base = next(part for part in board.components if part.name == "base")
    base._velocity((0.25, 0.0))
    step, ticks = base.step, []

    def raising(ms):
        ticks.append(ms)
        step(ms)
        if len(ticks) == 30:
            assert robot["base.left"].speed > 1, "it drives when it happens"
            raise error

    base.step = raising
    port = Port()
    app.run(board, port)
    # Nobody steps anything now; only the world goes on.
    world.advance(500)
    assert robot["base.left"].speed == robot["base.right"].speed == 0
    assert port.closed and port.sent
    return board


def check_ctrl_c():
    _ended_by(KeyboardInterrupt())


def check_exception():
    _ended_by(ValueError("a fault of the board's own program"))


def check_memory_error():
    _ended_by(MemoryError())


def check_one_part_that_cannot_be_switched_off_does_not_keep_the_others_on():
    world.clear()
    board = app.make_board(PROFILES + "/pico-rover.json")
    parts = [part.name for part in board.components]

    def failing():
        raise OSError(5)

    board.components[0], board.components[1] = board.components[1], board.components[0]
    board.components[0].off = failing
    board.off()
    assert board.counters["off_failed"] == 1 and "base" in parts


def check_profile_that_cannot_be_is_told_and_answers_all_the_same():
    name = "broken-profile.json"
    with open(name, "w") as file:
        file.write(
            '{"robolink_profile": 1, "chip": "rp2040", "model": "x", "components": [{"kind": "tank"}]}'
        )
    try:
        board = app.make_board(name)
    finally:
        os.remove(name)
    assert [part.name for part in board.components] == ["board"]
    assert 'components[0]: "tank" is none of the kinds' in board.components[0].fault
    assert board.data_to_send(0), "it says HELLO"


def check_part_that_is_not_there_takes_no_other_down():
    world.clear()
    from robolink_board import build, hardware, profile

    plan = profile.load(PROFILES + "/motor-board.json")
    plan["components"][0]["encoder"]["decoder"] = "hardware"
    counters = hardware.machine.Encoder
    try:
        del hardware.machine.Encoder
        (part,) = build.components(plan, hardware)
    finally:
        hardware.machine.Encoder = counters
    assert part.name == "motor" and "no counter of its own" in part.members[0].get()


main(globals())
