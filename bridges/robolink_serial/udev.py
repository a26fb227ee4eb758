"""Rules for udev: stable names for boards by their USB serial number, access for a group, and no ModemManager on them.

ModemManager sends AT commands to a new serial port: to a board's REPL, or between its frames. The rules are printed;
nothing is installed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from robolink.errors import ConfigError

# USB vendor ids of boards and of the bridge chips on boards. No maker of modems is among them.
VENDORS: Final[Mapping[str, str]] = {
    "2e8a": "Raspberry Pi (RP2040, RP2350)",
    "303a": "Espressif",
    "f055": "MicroPython pyboard",
    "239a": "Adafruit",
    "2341": "Arduino",
    "0483": "STMicroelectronics",
    "10c4": "Silicon Labs CP210x",
    "1a86": "WCH CH340, CH9102",
    "0403": "FTDI",
}
_RULES: Final = Path(__file__).parent / "deploy" / "70-robolink-serial.rules"
_VENDOR: Final = re.compile(r"[0-9a-f]{4}")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SERIAL: Final = re.compile(r"[A-Za-z0-9._:-]{1,126}")
_GROUP: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


def rules(
    names: Mapping[str, str] | None = None, *, vendors: Sequence[str] = (), group: str = "dialout"
) -> str:
    """The rules file.

    Args:
        names: Robot id by USB serial number: /dev/robolink/ROBOT, beside /dev/robolink/SERIAL that each board gets.
        vendors: USB vendor ids beside those known here.
        group: May open the ports.

    Raises:
        ConfigError: A name, serial number, vendor id or group that cannot stand in a rule.
    """
    names = names or {}
    for what, pattern, words in (
        ("vendor id", _VENDOR, vendors),
        ("robot id", _NAME, names.values()),
        ("USB serial number", _SERIAL, names.keys()),
        ("group", _GROUP, (group,)),
    ):
        for word in words:
            if not pattern.fullmatch(word):
                raise ConfigError(f"{word!r} is no {what} that udev can match")
    if len(set(names.values())) < len(names):
        raise ConfigError("two boards cannot have one name")
    known = dict.fromkeys((*VENDORS, *vendors))
    named = "\n".join(
        f'ENV{{ID_SERIAL_SHORT}}=="{serial}", SYMLINK+="robolink/{robot}"' for serial, robot in names.items()
    )
    text = _RULES.read_text()
    marks = {"@VENDORS@": "|".join(known), "@GROUP@": group, "@NAMED@": named or "# none"}
    for mark, word in marks.items():
        text = text.replace(mark, word)
    return text
