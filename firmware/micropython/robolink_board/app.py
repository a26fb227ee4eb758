"""Runs a board: one task reads the line, one ticks. Whatever ends it, outputs are safe first; then the REPL is free."""

import asyncio
import sys

from robolink_board.ticks import ticks_add, ticks_diff, ticks_ms

TICK_MS = 10


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


def run(board, port):
    # Returns on Ctrl-C: main.py ends, and mpremote owns the REPL. The bridge sends Ctrl-D to come back.
    try:
        asyncio.run(_main(board, port))
    except KeyboardInterrupt:
        board.safe()
        print("robolink: interrupted; outputs are safe")
    except Exception as error:
        board.safe()
        sys.print_exception(error)
    finally:
        board.safe()
        port.close()
