"""py-spy beside one child, and its top functions. Its figures are shares; it slows what it looks at, so it never measures."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

RATE_HZ: Final = 200
MAX_S: Final = 120
END_TIMEOUT_S: Final = 15.0
TOP: Final = 12
_FRAME: Final = re.compile(r":\d+\)$")


def py_spy() -> str | None:
    """The program, beside this Python or on the path."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


class Spy:
    """Looks at the child of one name, from its start to its end.

    Args:
        name: Of the child.
        folder: For the samples.

    Attributes:
        error: Why there is no profile; "" if there is one.
    """

    def __init__(self, name: str, folder: Path) -> None:
        """Nothing runs before `look`."""
        self.name, self.error = name, ""
        self._samples, self._log = folder / "samples.txt", folder / "py-spy.log"
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, pid: int) -> None:
        """Attach."""
        program = py_spy()
        if program is None:
            self.error = "py-spy is not installed (extra `bench`)"
            return
        options = ["--gil", "--threads", "--format", "raw", "--rate", str(RATE_HZ), "--duration", str(MAX_S)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "record", "--pid", str(pid), *options, "--output", str(self._samples)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        """Detach; before the child is ended."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_TIMEOUT_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if not self._samples.exists():
            last = self._log.read_text(errors="replace").strip().splitlines()
            self.error = f"py-spy gave nothing: {last[-1] if last else 'no word from it'}"

    def top(self) -> list[dict[str, str | float]]:
        """The functions that held the interpreter longest by themselves, with what they called beside."""
        return top(self._samples.read_text(errors="replace")) if self._samples.exists() else []


def top(samples: str, limit: int = TOP) -> list[dict[str, str | float]]:
    """Shares of the samples in py-spy's raw format: frames joined by ";", then a count."""
    alone, within, total = Counter[str](), Counter[str](), 0
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_short(each) for each in stack.split(";") if not each.startswith("thread (")]
        if not frames or not count.isdigit() or any("importlib" in each for each in frames):
            continue  # Imports are the start's, not the load's.
        total += int(count)
        alone[frames[-1]] += int(count)
        for frame in set(frames):
            within[frame] += int(count)
    return [
        {"function": name, "self": count / total, "total": within[name] / total}
        for name, count in alone.most_common(limit)
    ]


def _short(frame: str) -> str:
    """Function and file, without the line and the folders above the package."""
    name, _, file = _FRAME.sub(")", frame).partition(" (")
    parts = Path(file.rstrip(")")).parts
    return f"{name} ({'/'.join(parts[-3:])})" if parts else name
