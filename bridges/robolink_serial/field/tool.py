"""mpremote on one board: as a library to ask and to copy, as a process for what a person types. No frames here.

Its errors become ours: each says what the board is, and what to do. What goes on a board is program.py's to say.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from mpremote.transport import TransportError as MpremoteError
from mpremote.transport import TransportExecError
from mpremote.transport_serial import SerialTransport

from robolink.errors import RobolinkError

CHUNK_BYTES: Final = 512
READ_S: Final = 10.0
TRIES: Final = 3
ENTRIES: Final = 2
ENTER_S: Final = 5.0
OLDEST: Final = (1, 21)
DOWNLOADS: Final = "micropython.org/download"
ARCHITECTURES: Final = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
    "rv32imc", "rv64imc",
)  # fmt: skip

_FACTS: Final = """
import sys,gc
gc.collect()
_i=sys.implementation
_d={'name':_i.name,'version':tuple(_i.version)[:3],'platform':sys.platform,'machine':getattr(_i,'_machine',''),
'mpy':getattr(_i,'_mpy',0),'free':gc.mem_free(),'used':gc.mem_alloc()}
try:
 import os
 _d['fs']=tuple(os.statvfs(os.getcwd()))[:5]
except Exception:
 _d['fs']=None
print(repr(_d))
"""
# Files below some folders with size and hash, one a line; at the top only those that were asked for.
_FILES: Final = """
import os,hashlib,binascii
def _h(p):
 h=hashlib.sha256();b=bytearray(256);m=memoryview(b)
 with open(p,'rb') as f:
  while 1:
   n=f.readinto(b)
   if not n:break
   h.update(m[:n])
 return binascii.hexlify(h.digest()).decode()
def _w(d,w):
 for e in os.ilistdir(d or os.getcwd()):
  p=d+'/'+e[0] if d else e[0]
  if e[1]&0x4000:
   if d or e[0] in w:_w(p,w)
  else:
   print(repr((p,os.stat(p)[6],_h(p) if d or p in w else '')))
_w('',%r)
"""
# Where Linux has it: killed with us, so that a bridge gets its port back whatever becomes of this command.
_MPREMOTE: Final = """
import contextlib, ctypes, signal, sys
with contextlib.suppress(OSError, AttributeError):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from mpremote.main import main
sys.argv[0] = "mpremote"
sys.exit(main())
"""


class BoardError(RobolinkError):
    """The board is not what it should be, or does not do what it was told."""


class NoMicroPythonError(BoardError):
    """Nothing answers as MicroPython does."""


class BoardFullError(BoardError):
    """There is no room for what should be written; nothing of it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a board says of its MicroPython. Sizes in bytes.

    Attributes:
        fs_free: Of the filesystem; None: it has none.
        block: Its unit of allocation.
    """

    name: str
    version: tuple[int, ...]
    platform: str
    machine: str
    mpy: int
    memory_free: int
    memory_used: int
    fs_free: int | None
    fs_size: int
    block: int

    @property
    def bytecode(self) -> int:
        """Version of .mpy files that it takes; 0: none."""
        return self.mpy & 0xFF

    @property
    def architecture(self) -> str:
        """For mpy-cross; "" if unknown."""
        at = self.mpy >> 10 & 0x0F
        return ARCHITECTURES[at] if at < len(ARCHITECTURES) else ""

    @property
    def words(self) -> str:
        """For people: `MicroPython 1.24.0 on Raspberry Pi Pico with RP2040`."""
        name = {"micropython": "MicroPython", "circuitpython": "CircuitPython"}.get(self.name, self.name)
        return f"{name} {'.'.join(map(str, self.version))} on {self.machine or self.platform}"

    def refuse_foreign(self) -> None:
        """Whether Robolink can run on it.

        Raises:
            BoardError: Another firmware, too old, or without a filesystem.
        """
        if self.name != "micropython":
            raise BoardError(
                f"the board runs {self.words}: Robolink needs MicroPython",
                hint=f"put MicroPython for this board on it first ({DOWNLOADS}), then flash again",
            )
        if self.version[:2] < OLDEST:
            raise BoardError(
                f"the board runs {self.words}: older than {'.'.join(map(str, OLDEST))}, which Robolink needs",
                hint=f"put a newer MicroPython on it ({DOWNLOADS}), then flash again",
            )
        if self.fs_free is None:
            raise BoardError(
                f"the board runs {self.words} without a filesystem",
                hint="use a build of MicroPython that has one",
            )


class Repl:
    """The raw REPL of a board whose program was interrupted (its outputs are safe then); a context manager."""

    def __init__(self, transport: Any, path: str) -> None:
        self._transport, self.path = transport, path

    def facts(self) -> Facts:
        """What runs there."""
        told = ast.literal_eval(self.run(_FACTS))
        fs = told["fs"]
        return Facts(
            name=told["name"],
            version=tuple(told["version"]),
            platform=told["platform"],
            machine=told["machine"],
            mpy=told["mpy"],
            memory_free=told["free"],
            memory_used=told["used"],
            fs_free=fs[1] * fs[3] if fs else None,
            fs_size=fs[1] * fs[2] if fs else 0,
            block=fs[0] if fs else 1,
        )

    def files(self, hashed: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 by path: all below the folders named, and at the top; there only those named have a hash."""
        found = [
            ast.literal_eval(line)
            for line in self.run(_FILES % (tuple(hashed),)).splitlines()
            if line.strip()
        ]
        return {path: (size, digest) for path, size, digest in found}

    def run(self, code: str) -> str:
        """Run it; what it prints.

        Raises:
            BoardError: It raised there, or the board fell silent.
        """
        with self._errors("run what it was told"):
            printed: bytes = self._transport.exec(code)
        return printed.decode("utf-8", "replace")

    def write(self, path: str, data: bytes, progress: Callable[[int], None] = lambda _done: None) -> None:
        """Write a file, whole.

        Raises:
            BoardFullError: There is no room.
            BoardError: Something else.
        """
        try:
            with self._errors(f"write {path}"):
                self._transport.fs_writefile(
                    path, data, chunk_size=CHUNK_BYTES, progress_callback=lambda done, _size: progress(done)
                )
        except BoardFullError:
            with contextlib.suppress(RobolinkError):
                self.run(f"f.close()\nimport os\nos.remove({path!r})")
            raise

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            BoardError: It cannot be read.
        """
        with self._errors(f"read {path}"):
            return bytes(self._transport.fs_readfile(path))

    def restart(self) -> None:
        """Leave the raw REPL by a soft reset that starts main.py."""
        with self._errors("restart"):
            self._transport.exit_raw_repl()
            self._transport.read_until(1, b">>> ", timeout=2)
            self._transport.serial.write(b"\x04")
            self._transport.serial.flush()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        said = io.StringIO()
        try:
            # mpremote prints what it did not expect; that is for us to say.
            with contextlib.redirect_stdout(said):
                yield
        except OSError as exc:
            if exc.errno == errno.ENOSPC:
                raise BoardFullError(f"the filesystem of the board on {self.path} is full") from exc
            raise BoardError(f"the board on {self.path} could not {what}: {exc.strerror or exc}") from exc
        except TransportExecError as exc:
            last = str(exc.error_output).strip().splitlines() or ["no reason given"]
            if "ENOSPC" in last[-1] or last[-1].endswith("OSError: 28"):
                raise BoardFullError(f"the filesystem of the board on {self.path} is full") from exc
            raise BoardError(f"the board on {self.path} could not {what}: {last[-1]}") from exc
        except (MpremoteError, struct.error, ValueError, SyntaxError) as exc:
            raise BoardError(
                f"the board on {self.path} fell silent, or was reset, when told to {what}: {exc}",
                hint="try again; a bad cable, or a watchdog that resets it, looks like this",
            ) from exc


@contextmanager
def broken_in(path: str, *, clean: bool = True) -> Iterator[Repl]:
    """Interrupt what runs and own the REPL.

    Args:
        path: A port that nobody else has.
        clean: By a soft reset with no program; else the interrupted program's variables are still there.

    Raises:
        NoMicroPythonError: Nothing there answers as MicroPython does.
    """
    transport = _entered(path, clean=clean)
    try:
        yield Repl(transport, path)
    finally:
        _close(transport)


def _entered(path: str, *, clean: bool) -> Any:
    said = io.StringIO()
    transport = None
    for left in reversed(range(ENTRIES)):
        try:
            with contextlib.redirect_stdout(said):
                transport = _opened(path)
                transport.enter_raw_repl(soft_reset=clean, timeout_overall=ENTER_S)
            return transport
        except (MpremoteError, OSError) as exc:
            if transport is not None:
                _close(transport)
            # A board that was just starting, or that somebody had begun to type into, hears the second call.
            if not left:
                raise _no_micropython(path, said.getvalue()) from exc
    raise AssertionError("unreachable")


def _opened(path: str) -> Any:
    # A bridge that lends the port looks at its lock now and then: such a moment is not "in use".
    for left in reversed(range(TRIES)):
        try:
            return SerialTransport(path, baudrate=115200, timeout=READ_S)
        except MpremoteError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _close(transport: Any) -> None:
    with contextlib.suppress(OSError, MpremoteError):
        transport.close()


def _no_micropython(path: str, said: str) -> NoMicroPythonError:
    printed = ""
    for line in said.splitlines():
        with contextlib.suppress(ValueError, SyntaxError):
            told = ast.literal_eval(line)
            printed = told.decode("utf-8", "replace").strip()[-80:] if isinstance(told, bytes) else printed
    heard = f"; it said: {printed!r}" if printed else ", and said nothing"
    return NoMicroPythonError(
        f"what is on {path} does not answer as MicroPython does{heard}",
        hint="is it a data cable, and the right port? A board without MicroPython needs it first: RP2040 and RP2350 hold "
        f"BOOTSEL while plugging in and copy the .uf2 file, ESP32 by esptool, Pyboard and STM32 by DFU ({DOWNLOADS})",
    )


def mpremote(path: str, arguments: list[str]) -> int:
    """The real mpremote, as a process on this terminal; its exit code. It dies with us."""
    process = subprocess.Popen([sys.executable, "-c", _MPREMOTE, "connect", path, *arguments])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # Ctrl-C is mpremote's too: it ends by itself.
