"""Makes a board of a profile and runs it: one task reads the line, one ticks. Whatever ends it, outputs are off first."""

import asyncio
import gc
import sys

import robolink_board
from robolink_board import guard, hardware
from robolink_board.board import Board
from robolink_board.health import Health
from robolink_board.ticks import ticks_add, ticks_diff, ticks_ms

try:
    import robolink_slots as slots
except ImportError:
    slots = None  # A program that somebody copied by hand.

TICK_MS = 10
# What a line carries in some 50 ms, and what a board has room for while its flash is busy.
BULK_CREDIT = 768
# What only the start needs; its memory is given back.
START_ONLY = ("profile", "schema", "chips", "build")


def make_board(path="profile.json"):
    # A profile that cannot be makes a board without parts, which says why: better than one that is silent.
    told, parts, limits, fault = _parts(path)
    parts.append(Health(hardware.reset_cause(), fault))
    _forget()
    board = Board(
        model=told["model"],
        vendor=told["vendor"],
        version=told["version"],
        description=told["description"],
        components=parts,
        random_u32=hardware.random_u32,
        now=ticks_ms(),
        slot=slots.running if slots else "",
    )
    if slots:
        _take_updates(board, told["version"])
    board.guard = guard.Guard(hardware, board.off, limits["loop_ms"], limits["hardware_ms"])
    return board


def _take_updates(board, version):
    def lane(transfer, size, next_offset, now):
        if transfer:
            board.link.open_bulk(transfer, size, next_offset, BULK_CREDIT, now)
        else:
            board.link.end_bulk()

    def reset():
        guard.uninterrupted(board.off)
        hardware.reset()

    def make():
        from robolink_board.image import Images

        return Images(slots, board.link.send, lane, board.at_work, reset, version)

    board.make_images = make
    if slots.on_trial:
        # The time in which somebody must confirm it runs from now on.
        board.images = make()
        board.images.begun(ticks_ms())


def _parts(path):
    from robolink_board import build, profile

    try:
        plan = profile.load(path)
    except profile.ProfileError as error:
        print("robolink: %s" % error)
        told = {"model": "no-profile", "vendor": "", "version": "", "description": ""}
        return told, [], {"loop_ms": 250, "hardware_ms": 0}, str(error)[:200]
    build.safe_pins(plan, hardware)
    return plan, build.components(plan, hardware), plan["watchdog"], ""


def _forget():
    for name in START_ONLY:
        sys.modules.pop("robolink_board." + name, None)
        if hasattr(robolink_board, name):
            delattr(robolink_board, name)
    gc.collect()
    if hasattr(gc, "threshold"):
        # Often and short rather than seldom and long: a collection holds the loop up.
        gc.threshold(gc.mem_free() // 4 + gc.mem_alloc())


async def _read(board, port):
    while True:
        data = await port.read()
        if data:
            now = ticks_ms()
            board.receive(data, now)
            _write(board, port, now)


async def _tick(board, port):
    due = ticks_ms()
    while True:
        now = ticks_ms()
        board.step(now)
        board.guard.feed(now)
        _write(board, port, now)
        due = ticks_add(due, TICK_MS)
        wait = ticks_diff(due, ticks_ms())
        if wait < 0:
            due, wait = ticks_ms(), 0
        await asyncio.sleep_ms(wait)


def _write(board, port, now):
    data = board.data_to_send(now)
    if data:
        port.write(data)


async def _main(board, port):
    await asyncio.gather(_read(board, port), _tick(board, port))


def run(board, port=None):
    # Returns on Ctrl-C: main.py ends, and mpremote owns the REPL. The bridge sends Ctrl-D to come back.
    port = port or hardware.open_port()
    interrupted = False
    try:
        board.guard.start()
        asyncio.run(_main(board, port))
    except KeyboardInterrupt:
        interrupted = True
        guard.uninterrupted(board.off)
        print("robolink: interrupted; outputs are safe")
    except Exception as error:
        guard.uninterrupted(board.off)
        sys.print_exception(error)
    finally:
        guard.uninterrupted(board.off)
        board.guard.end()
        port.close()
    if slots and not interrupted:
        slots.failed()  # On trial that is the end of it; else the REPL shall tell.
