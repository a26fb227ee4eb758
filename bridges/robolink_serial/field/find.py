"""Which board is meant: by path, USB serial number, the name that udev gave it, or its robot's id. Opens no port."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from robolink_serial.port import PortError
from robolink_serial.ports import FoundPort, list_serial_ports
from robolink_serial.udev import VENDORS

UDEV: Final = Path("/dev/robolink")


def boards(*, every: bool = False) -> list[FoundPort]:
    """Ports that may have a board: of a maker of boards, or linked by hand; `every`: all serial ports."""
    return [each for each in list_serial_ports() if every or _may_be_board(each)]


def _may_be_board(port: FoundPort) -> bool:
    return port.vendor in VENDORS or (not port.vendor and bool(port.serial))


def board(word: str | None, found: Sequence[FoundPort] | None = None) -> FoundPort:
    """The one that is meant.

    Args:
        word: A path, a USB serial number, or a name below /dev/robolink; None: the only board there is.
        found: Ports to choose from; those that are there if left out.

    Raises:
        PortError: None, or several; the text lists those that are there.
    """
    if word and "/" in word:
        return next((each for each in list_serial_ports() if same(each.path, word)), FoundPort(word))
    if word is None:
        there = list(boards() if found is None else found)
        if len(there) == 1:
            return there[0]
        what = "several boards are plugged in" if there else "no board is plugged in"
        hint = (
            "name one" if there else "plug one in, or try `robolink board sim`; a port is named by its path"
        )
        raise PortError(f"{what}{_listed(there)}", hint=hint)
    there = list(list_serial_ports() if found is None else found)
    by_serial = next((each for each in there if each.serial == word), None)
    if by_serial is not None:
        return by_serial
    if (UDEV / word).exists():
        return board(str(UDEV / word))
    raise PortError(
        f"no board {word!r} is plugged in{_listed([each for each in there if each.serial])}",
        hint="name it by USB serial number or path; `robolink board list` shows them",
    )


def same(one: str, other: str) -> bool:
    """Whether two paths are one port."""
    return os.path.realpath(one) == os.path.realpath(other)


def _listed(ports: Sequence[FoundPort]) -> str:
    words = ", ".join(f"{each.serial or 'no serial number'} at {each.path}" for each in ports[:8])
    return f" (there are: {words})" if ports else ""
