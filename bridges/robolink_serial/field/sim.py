"""`robolink board sim`: a simulated board (real MicroPython behind a pty) that the other commands find like a plugged-in one.

The simulator is a process of the package robolink_sims; nothing of it is imported here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from robolink.errors import ConfigError
from robolink_serial.field.program import firmware_folder
from robolink_serial.field.show import say
from robolink_serial.ports import link_folder

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
NOT_FLASH: Final = ("profiles", "__pycache__")
END_S: Final = 10.0


def sim(name: str, program: Path | None, *, empty: bool) -> int:
    """Run it until Ctrl-C.

    Raises:
        ConfigError: The name is taken or no name, or the simulator does not start.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no serial number", hint="letters, digits, dots and dashes")
    folder = link_folder(make=True)
    port = folder / name
    if port.exists():
        raise ConfigError(f"there is a board {name} already at {port}", hint="give this one another --name")
    with tempfile.TemporaryDirectory(prefix="robolink-flash-") as made:
        flash = Path(made) / "flash"
        if program is not None:
            flash = program
        elif empty:
            flash.mkdir()
        else:
            shutil.copytree(firmware_folder(), flash, ignore=shutil.ignore_patterns(*NOT_FLASH))
        return _run(name, port, flash)


def _run(name: str, port: Path, flash: Path) -> int:
    command = [
        sys.executable,
        "-m",
        "robolink_sims.board",
        "--port",
        str(port),
        "--program",
        str(flash),
        "--print-port",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        if not process.stdout.readline():
            said = process.stderr.read().strip().splitlines()
            raise ConfigError(said[-1] if said else f"the simulator ended with {process.wait(END_S)}")
        say(
            f"board {name} is plugged in at {port}; its flash is {flash}. Ctrl-C pulls it out. In another terminal:"
        )
        for line in (f"board check {name}", f"board flash {name}", f"board monitor {name}"):
            print(f"  robolink {line}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        port.unlink(missing_ok=True)
        process.stdout.close()
        process.stderr.close()
