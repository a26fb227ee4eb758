"""Files for systemd, with the paths of this installation put in. They are printed; nothing is installed here."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from robolink.errors import ConfigError

DEFAULT_CONFIG: Final = Path("/etc/robolink/hub.toml")
DEFAULT_USER: Final = "robolink"
FILES: Final = {
    "hub": "robolink-hub.service",
    "driver": "robolink-driver@.service",
    "users": "robolink.sysusers",
}
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


def executable() -> Path:
    """The `robolink` of this installation.

    Raises:
        ConfigError: There is none beside this Python, nor on the PATH.
    """
    beside = Path(sys.executable).parent / "robolink"
    found = str(beside) if beside.exists() else shutil.which("robolink")
    if not found:
        raise ConfigError(
            "there is no program `robolink` here", hint="install the wheel; a checkout has no program"
        )
    return Path(found).absolute()


def unit(kind: str, *, config: Path = DEFAULT_CONFIG, user: str = DEFAULT_USER) -> str:
    """One of `FILES`, ready to be installed.

    Args:
        kind: hub, driver or users.
        config: Of the hub; made absolute.
        user: Whom the services run as.

    Raises:
        ConfigError: No such kind, or a name that systemd could not read.
    """
    if kind not in FILES:
        raise ConfigError(f"no unit {kind!r}", hint=f"one of {', '.join(FILES)}")
    if not _USER.fullmatch(user):
        raise ConfigError(f"{user!r} is no name of a system user")
    program = executable()
    words = {
        "@ROBOLINK@": _quoted(program),
        "@BIN@": str(program.parent).replace("%", "%%"),
        "@CONFIG@": _quoted(config.absolute()),
        "@USER@": user,
    }
    text = (Path(__file__).parent / "deploy" / FILES[kind]).read_text()
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _quoted(path: Path) -> str:
    """One word of a command line of systemd."""
    text = str(path)
    if any(each in text for each in "\"'\\$\n"):
        raise ConfigError(
            f"{text!r} cannot be written into a unit", hint="choose a path without quotes and dollars"
        )
    text = text.replace("%", "%%")
    return f'"{text}"' if " " in text else text
