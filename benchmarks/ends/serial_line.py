"""A serial line to MicroPython's unix port: bare payloads with one byte of acknowledgement, or frames of the link.

Both sides of a comparison read with the same code on the board, and keep as many payloads unanswered. One JSON line is printed.
"""

from __future__ import annotations

import argparse
import json
import select
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Self

from benchmarks.measure import percentile
from robolink import v1
from robolink.core.frame import OVERHEAD_BYTES
from robolink.core.link import Link, LinkTimes, Received
from robolink.errors import LocalProtocolError
from robolink_serial.port import Port
from robolink_sims.board import BoardSim, firmware_folder
from robolink_sims.serial_faults import LineProfile
from robolink_sims.serial_line import FaultyLine

# The board names its count each so many payloads.
EVERY: Final = 50
ACK: Final = b"\x06"
TIMEOUT_S: Final = 60.0
UP_S: Final = 10.0
SILENT_S: Final = 5.0
# No Ctrl-C among them: a bare line cannot carry it.
PAYLOAD: Final = bytes(0x20 + n % 0x5D for n in range(256))

RAW: Final = """
import asyncio
from robolink_board.port import ConsolePort


async def main():
    port, got = ConsolePort(), 0
    while True:
        got += len(await port.read())
        if got >= {size}:
            port.write(b"\\x06" * (got // {size}))
            got %= {size}


asyncio.run(main())
"""

LINK: Final = """
import asyncio
import os
from robolink_board import link as link_module
from robolink_board import messages
from robolink_board.link import Link
from robolink_board.port import ConsolePort
from robolink_board.ticks import ticks_ms


class Owner:
    count = 0

    def up(self, hello, same_host, now):
        self.count = 0

    def down(self, now):
        pass

    def message(self, kind, message, now):
        if kind == messages.QUERY_KIND:
            self.count += 1
            if self.count % {every} == 0:
                link.send(messages.SETTING_RESULT_KIND, {{"member": 1, "request": self.count}})


# A busy machine must not end the session that is measured.
link_module.SILENT_MS = 5000
owner = Owner()
link = Link(owner, ticks_ms(), lambda: int.from_bytes(os.urandom(4), "little"))
port = ConsolePort()


def write(now):
    data = link.poll(now)
    if data:
        port.write(data)


async def read():
    while True:
        data = await port.read()
        now = ticks_ms()
        link.receive(data, now)
        write(now)


async def tick():
    while True:
        write(ticks_ms())
        await asyncio.sleep_ms(10)


async def main():
    await asyncio.gather(read(), tick())


asyncio.run(main())
"""


class Bare:
    """Payloads as they are."""

    def __init__(self, port: Port, size: int, window: int) -> None:
        self._port, self._payload, self._window = port, PAYLOAD[:size], window
        self.sent = self.answered = 0

    def send(self, until: int) -> None:
        """As many as may be unanswered."""
        more = min(until - self.sent, self._window - (self.sent - self.answered))
        if more > 0 and not self._port.full:
            self._port.write(self._payload * more)
            self.sent += more

    def wait(self) -> None:
        """Until something has come."""
        wait_for(self._port, 1.0)
        self.answered += self._port.read().count(ACK)


class Framed:
    """Payloads as sequenced messages of the link; the board names how many have come, each `every`."""

    def __init__(self, port: Port, size: int, window: int) -> None:
        self._port = port
        self._link = Link(now=time.monotonic(), times=LinkTimes(window=window, silent_s=SILENT_S))
        self._message = v1.SerialQuery(command_id=PAYLOAD[:size])
        self.sent = self.answered = 0
        self._refilled = -1
        until = time.monotonic() + UP_S
        while not self._link.up:
            self.wait()
            if time.monotonic() > until:
                raise RuntimeError("the board does not answer")

    def send(self, until: int) -> None:
        """As many as the link takes, each time the board has named its count; the window is the link's own."""
        if self.answered == self._refilled and self.sent - self.answered > EVERY:
            return
        self._refilled = self.answered
        try:
            while self.sent < until:
                self._link.send(self._message)
                self.sent += 1
        except LocalProtocolError:
            return  # its queue is full

    def _move(self) -> None:
        now = time.monotonic()
        self._link.handle_timer(now)
        if not self._port.full:
            self._port.write(self._link.data_to_send(now))

    def wait(self) -> None:
        """Until something has come."""
        self._move()
        wait_for(self._port, min(max(self._link.next_timer() - time.monotonic(), 0.0), 1.0))
        self._link.receive(self._port.read(), time.monotonic())
        while (event := self._link.next_event()) is not None:
            if isinstance(event, Received) and isinstance(event.message, v1.SerialSettingResult):
                self.answered = event.message.request


def wait_for(port: Port, timeout_s: float) -> None:
    """Until bytes are there, or room for those that wait."""
    select.select([port.fd], [port.fd] if port.full else [], [], timeout_s)


class Board(AbstractContextManager["Board"]):
    """The unix port with one of the programs above."""

    def __init__(self, program: str, baud: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="robolink-bench-")
        folder = Path(self._folder.name) / "program"
        shutil.copytree(firmware_folder(), folder)
        (folder / "main.py").write_text(program)
        # It begins the chip's watchdog, which none of these programs feeds.
        (folder / "boot.py").unlink(missing_ok=True)
        self._sim = BoardSim(folder)
        self._line = None
        if baud:
            self._line = FaultyLine(folder.with_name("line"), self._sim.port, profile=LineProfile(baud=baud))
            self._line.start()
        self.port = Port(self._line.port if self._line else self._sim.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.port.close()
        if self._line is not None:
            self._line.close()
        self._sim.close()
        self._folder.cleanup()


def timed(end: Bare | Framed, count: int) -> float:
    """S that `count` more payloads took to be answered."""
    target, begun = end.sent + count, time.perf_counter()
    late = begun + TIMEOUT_S
    while end.answered < target:
        end.send(target)
        end.wait()
        if time.perf_counter() > late:
            raise RuntimeError(f"{end.answered} of {target} answered")
    return time.perf_counter() - begun


def rate(kind: str, size: int, count: int, window: int, baud: int = 0) -> float:
    """Payloads a second."""
    with Board((RAW if kind == "raw" else LINK).format(size=size, every=EVERY), baud) as board:
        make: Callable[[Port, int, int], Bare | Framed] = Bare if kind == "raw" else Framed
        if kind == "raw":
            time.sleep(0.5)  # nothing says that a bare program runs
        end = make(board.port, size, window)
        timed(end, EVERY)
        return count / timed(end, count)


def round_trips(kind: str, size: int, count: int) -> list[float]:
    """Us of each, one at a time."""
    with Board((RAW if kind == "raw" else LINK).format(size=size, every=1), 0) as board:
        if kind == "raw":
            time.sleep(0.5)
        end = Bare(board.port, size, 1) if kind == "raw" else Framed(board.port, size, 1)
        timed(end, 50)
        return [timed(end, 1) * 1e6 for _ in range(count)]


def main(arguments: list[str] | None = None) -> None:
    """One path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("raw", "link"))
    for name, default in (
        ("payload", 200),
        ("small", 32),
        ("payloads", 2000),
        ("round-trips", 500),
        ("window", 4),
        ("baud", 115_200),
        ("port-baud", 1_230_000),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    count = options.payloads // EVERY * EVERY
    large = rate(options.kind, options.payload, count, options.window)
    small = rate(options.kind, options.small, count, options.window)
    slow = rate(options.kind, options.payload, EVERY * 2, options.window, options.baud)
    limited = rate(options.kind, options.payload, EVERY * 20, options.window, options.port_baud)
    trips = round_trips(options.kind, options.small, options.round_trips)
    found = {
        "kb_s": large * options.payload / 1000,
        "frames_s": small,
        "slow_kb_s": slow * options.payload / 1000,
        "limited_kb_s": limited * options.payload / 1000,
        "p50_us": percentile(trips, 50),
        "p99_us": percentile(trips, 99),
    }
    if options.kind == "link":
        message = v1.SerialQuery(command_id=PAYLOAD[:64])
        found["overhead_bytes"] = float(len(message.SerializeToString()) + OVERHEAD_BYTES - 64)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
