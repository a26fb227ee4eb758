"""The shim between a port's pty and the MicroPython child: bytes both ways, respawn, soft reset as a board does it.

It also plays the chip's watchdog and reset, on a pipe from the simulated `machine` in chip/. Only board.py's process
uses it. It reads nothing of the frames that pass.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pty
import re
import selectors
import signal
import termios
import time
import tty
from pathlib import Path
from typing import Final

SOFT_REBOOT: Final = b"MPY: soft reboot\r\n"
RAW_PROMPT: Final = b"raw REPL; CTRL-B to exit\r\n>"
PROMPT: Final = b">>> "
CTRL_A, CTRL_C = b"\x01", b"\x03"
# After a Ctrl-C to the program its way to the prompt takes a moment in which the unix port flushes its input.
BREAK_TIMEOUT_S: Final = 1.0
CHUNK_BYTES: Final = 4096
TAIL_BYTES: Final = 64
PR_SET_PDEATHSIG: Final = 1
# The simulated `machine`, which MicroPython finds before its own.
CHIP: Final = Path(__file__).with_name("chip")
CHIP_TOLD: Final = re.compile(rb"(w|f|t|r)(\d*)\n")


class Shim:
    """One board: the outer pty is its port, the inner one the child's controlling terminal."""

    def __init__(self, executable: Path, program: Path, port: Path, firmware: Path) -> None:
        """Open the port and start the program; the robot on its pins is what `firmware` makes of its profile."""
        self._executable, self._program, self._port, self._firmware = executable, program, port, firmware
        self._outer, self._outer_slave = pty.openpty()
        # Raw before anybody opens it: an echo would look like a board that talks to itself.
        tty.setraw(self._outer_slave)
        os.set_blocking(self._outer, False)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(self._outer_slave))
        self._ending = self._resetting = False
        self._cause = "reset"
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._tail = b""
        self._held = b""
        self._holding_until = 0.0
        self._raw = self._in_repl = False
        self.dropped_bytes = self.watchdog_resets = 0
        self._chip_read = -1
        self._spawn(run_main=True, cause="")

    def end(self) -> None:
        """From a signal."""
        self._ending = True

    def reset(self) -> None:
        """From a signal: the reset button."""
        self._resetting = True

    def _spawn(self, *, run_main: bool, cause: str) -> None:
        self._tail, self._held, self._holding_until = b"", b"", 0.0
        self._raw, self._in_repl = False, not run_main
        if cause != "soft":
            self._watchdog_s = 0.0  # a chip's watchdog goes on through a soft reset
        self._fed, self._timers = time.monotonic(), 0
        self._chip_read, chip_write = os.pipe()
        os.set_blocking(self._chip_read, False)
        self._child, self._inner = pty.fork()
        if self._child == 0:
            # Killed with us, also when we are killed.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            _terminal_of_a_board(0)
            os.chdir(self._program)
            os.set_inheritable(chip_write, True)
            environment = os.environ | {
                "MICROPYPATH": f"{CHIP}:.frozen",
                "ROBOLINK_CHIP_FD": str(chip_write),
                "ROBOLINK_CHIP_RESET": cause,
                "ROBOLINK_CHIP_FIRMWARE": str(self._firmware),
            }
            start = ["-i", str(CHIP / "start.py"), *([] if run_main else ["boot"])]
            os.execve(self._executable, [str(self._executable), *start], environment)
        os.close(chip_write)
        os.set_blocking(self._inner, False)

    def run(self) -> None:
        """Until `end`."""
        selector = selectors.DefaultSelector()
        selector.register(self._outer, selectors.EVENT_READ)
        selector.register(self._wake_read, selectors.EVENT_READ)
        while not self._ending:
            selector.register(self._inner, selectors.EVENT_READ)
            selector.register(self._chip_read, selectors.EVENT_READ)
            alive = True
            while alive and not self._ending and not self._resetting:
                ready = {key.fd for key, _ in selector.select(self._timeout())}
                if self._wake_read in ready:
                    os.read(self._wake_read, CHUNK_BYTES)
                if self._inner in ready:
                    alive = self._from_child()
                if self._outer in ready:
                    self._from_host()
                if self._chip_read in ready:
                    self._from_chip()
                if self._held and time.monotonic() >= self._holding_until:
                    self._release()
                self._bite()
            selector.unregister(self._inner)
            selector.unregister(self._chip_read)
            self._next_child(soft=not alive)
        selector.close()
        self._port.unlink(missing_ok=True)

    def _next_child(self, *, soft: bool) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        # What it still told may be that it resets itself.
        self._from_chip()
        os.close(self._inner)
        os.close(self._chip_read)
        if self._ending:
            return
        soft = soft and not self._resetting
        raw = self._raw and soft
        cause = "soft" if soft else self._cause
        self._resetting, self._cause = False, "reset"
        if soft:
            self._to_host(SOFT_REBOOT)
        # As on a board: a soft reset out of the raw REPL runs no main.py and comes back to the raw REPL.
        self._spawn(run_main=not raw, cause=cause)
        if raw:
            self._hold(CTRL_A)

    def _timeout(self) -> float | None:
        """Until there is something to do without a byte."""
        now = time.monotonic()
        due = [self._holding_until - now] if self._held else []
        if self._watchdog_s:
            due.append(self._fed + self._watchdog_s - now)
        return max(min(due), 0.0) if due else None

    def _from_chip(self) -> None:
        try:
            told = os.read(self._chip_read, CHUNK_BYTES)
        except BlockingIOError:
            return
        for kind, number in CHIP_TOLD.findall(told):
            if kind == b"w":
                self._watchdog_s = int(number) / 1e3
            elif kind == b"t":
                self._timers = int(number)
            elif kind == b"r":
                self._resetting = True
            self._fed = time.monotonic()

    def _bite(self) -> None:
        """The watchdog's time is over: a hard reset, and nobody asks the program."""
        if not self._watchdog_s or time.monotonic() < self._fed + self._watchdog_s:
            return
        if self._in_repl and self._timers:
            # On a chip a timer runs on in the REPL and feeds; the unix port's cannot.
            self._fed = time.monotonic()
            return
        self.watchdog_resets += 1
        self._resetting, self._cause = True, "watchdog"

    def _from_child(self) -> bool:
        try:
            data = os.read(self._inner, CHUNK_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        if self._tail.endswith(RAW_PROMPT):
            self._raw = self._in_repl = True
        elif self._tail.endswith(PROMPT):
            self._raw, self._in_repl = False, True
            self._release()
        self._to_host(data)
        return True

    def _to_host(self, data: bytes) -> None:
        # Like a UART that nobody listens to: what does not fit is gone.
        with contextlib.suppress(BlockingIOError):
            data = data[os.write(self._outer, data) :]
        self.dropped_bytes += len(data)

    def _from_host(self) -> None:
        data = os.read(self._outer, CHUNK_BYTES)
        if self._holding_until:
            self._held += data
            return
        head, found, rest = data.partition(CTRL_C)
        if not found or self._in_repl:
            self._to_child(data)
            return
        self._to_child(head + CTRL_C)
        self._hold(rest)

    def _hold(self, data: bytes) -> None:
        """Keep what comes until the child shows its prompt."""
        self._held, self._holding_until = data, time.monotonic() + BREAK_TIMEOUT_S

    def _release(self) -> None:
        held, self._held, self._holding_until = self._held, b"", 0.0
        if held:
            # The unix port prints its prompt a moment before it has set its terminal, which flushes its input.
            time.sleep(0.01)
            self._to_child(held)

    def _to_child(self, data: bytes) -> None:
        until = time.monotonic() + BREAK_TIMEOUT_S
        while data and time.monotonic() < until:
            try:
                data = data[os.write(self._inner, data) :]
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                break  # it has just ended; what was typed into it is gone
        self.dropped_bytes += len(data)


def _terminal_of_a_board(fd: int) -> None:
    """Raw, but a Ctrl-C is a KeyboardInterrupt; no other byte means anything."""
    tty.setraw(fd)
    attributes = termios.tcgetattr(fd)
    attributes[3] |= termios.ISIG | termios.NOFLSH
    control = attributes[6]
    control[termios.VINTR] = CTRL_C
    for other in (termios.VQUIT, termios.VSUSP):
        control[other] = b"\x00"
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
