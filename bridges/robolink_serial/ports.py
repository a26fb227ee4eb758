"""Which serial ports are there, and whose: a board is found by its USB serial number, wherever it was plugged in.

It opens no port. A folder of links, each named as a serial number, adds ports that no USB tells of.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from serial.tools import list_ports

from robolink_serial.port import PortError

# Links named by serial number: what udev makes, or simulated boards.
FOLDER: Final = "ROBOLINK_PORTS"
# A list is asked for by each line that waits for its board; it is read from the system as often.
LOOK_S: Final = 0.2
SHOWN: Final = 8


class FoundPort(NamedTuple):
    """A serial port that is there now.

    Attributes:
        serial: USB serial number of its board; "" if it has none.
        vendor: USB vendor id as four hexadecimal digits; "" if it is no USB port.
    """

    path: str
    serial: str = ""
    vendor: str = ""
    product: str = ""
    description: str = ""


Lister: TypeAlias = Callable[[], list[FoundPort]]


def list_serial_ports() -> list[FoundPort]:
    """Every port with a USB serial number first, in the order of their paths."""
    found = [
        FoundPort(
            each.device,
            each.serial_number or "",
            "" if each.vid is None else f"{each.vid:04x}",
            "" if each.pid is None else f"{each.pid:04x}",
            each.product or each.description or "",
        )
        for each in list_ports.comports()
    ]
    return sorted([*found, *_linked()], key=lambda port: (not port.serial, _in_order(port.path)))


def link_folder(*, make: bool = False) -> Path:
    """Where links to ports are: FOLDER of the environment, else this user's own, where simulated boards are plugged in.

    Raises:
        PortError: It is to be made, and is somebody else's.
    """
    named = os.environ.get(FOLDER)
    folder = Path(named) if named else Path(tempfile.gettempdir()) / f"robolink-ports-{os.getuid()}"
    if make:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PortError(f"{folder} is not this user's", hint=f"name another folder in {FOLDER}")
    return folder


def _linked() -> list[FoundPort]:
    folder = link_folder()
    if not folder.is_dir() or folder.stat().st_uid not in (os.getuid(), 0):
        return []
    links = [each for each in folder.iterdir() if each.is_symlink() and each.exists()]
    return [FoundPort(str(each), each.name, description=f"link in {folder}") for each in links]


def _in_order(path: str) -> list[tuple[int, str]]:
    """ttyACM2 before ttyACM10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)]


class PortList:
    """The ports as they are now, read at most each LOOK_S; from any thread.

    Args:
        lister: Reads them.
        clock: Monotonic s.
    """

    def __init__(
        self, lister: Lister = list_serial_ports, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lister, self._clock = lister, clock
        self._lock = threading.Lock()
        self._ports: list[FoundPort] = []
        self._read_s: float | None = None

    def now(self) -> list[FoundPort]:
        """All of them.

        Raises:
            PortError: The system does not tell.
        """
        with self._lock:
            if self._read_s is None or self._clock() - self._read_s >= LOOK_S:
                try:
                    self._ports = self._lister()
                except OSError as exc:
                    raise PortError(
                        f"the list of serial ports cannot be read: {exc}", hint="name the port by its path"
                    ) from exc
                self._read_s = self._clock()
            return list(self._ports)

    def path_of(self, serial: str) -> str:
        """The port of that board; the first one of a board with several.

        Raises:
            PortError: It is not plugged in, or the system does not tell.
        """
        ports = self.now()
        for port in ports:
            if port.serial == serial:
                return port.path
        there = [port.serial for port in ports if port.serial]
        shown = ", ".join(dict.fromkeys(there)) if len(there) <= SHOWN else f"{len(there)} others"
        raise PortError(
            f"no board with USB serial number {serial} is plugged in (there {'is' if len(there) == 1 else 'are'}: "
            f"{shown or 'none'})",
            hint="plug it in; `robolink board list` shows serial numbers",
        )
