"""Starts the sweep's processes by fork from one that has imported everything: a start costs no second of imports.

`python -m tests.e2e.sweep.nursery` reads one JSON line per process and answers with its pid. It ends with its input,
and what it has started ends with it. Each child leads a group of its own and dies by itself or by a signal, like any process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
IMPORTED: Final = (
    "robolink.hub.__main__",
    "tests.e2e.sweep.walker",
    "tests.e2e.sweep.workload",
    "tests.e2e.sweep.faults",
)


class Nursery:
    """The runner's end; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.sweep.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, module: str, arguments: list[str], log: Path) -> int:
        """The pid of a new process that runs `module.main(arguments)`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            order = {"module": module, "arguments": arguments, "log": str(log)}
            self._process.stdin.write(json.dumps(order) + "\n")
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def _child(order: dict[str, Any]) -> None:
    os.setpgid(0, 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 1
    try:
        code = importlib.import_module(order["module"]).main(order["arguments"]) or 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 1
    except BaseException:  # noqa: BLE001  # the last frame of this process: its log is where an error goes
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Fork on each line."""
    for module in IMPORTED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for them here.
    started: list[int] = []
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        # Here too, as a shell does it: a child that is frozen before its first step must be found in its group.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        started.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    _end_all(started)


def _end_all(started: list[int]) -> None:
    """A runner that was killed leaves nobody behind."""
    for pid in started:
        try:
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():  # Else the number is another's by now.
                os.killpg(pid, signal.SIGKILL)
        except (OSError, ValueError):
            continue  # It has ended.


if __name__ == "__main__":
    main()
