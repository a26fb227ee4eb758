"""Child processes of a benchmark: free ports, start and readiness, and an end that leaves nobody behind.

It measures nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.profiling import Spy
from robolink.cli.ports import free_ports as free_ports

ROOT: Final = Path(__file__).parents[1]
READY: Final = "READY"
START_TIMEOUT_S: Final = 30.0
END_TIMEOUT_S: Final = 5.0
LOOK_S: Final = 0.02


def mosquitto() -> str | None:
    """The MQTT broker, if the system has one; Debian puts it where a user's path does not look."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


# In the child.


def end_with_parent() -> None:
    """Have this process terminate once its parent is gone: the parent holds the other end of stdin."""

    def watch() -> None:
        while os.read(0, 4096):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def say_ready() -> None:
    """Tell the parent that this child serves."""
    print(READY, flush=True)


def wait_for_signal() -> None:
    """Serve until SIGTERM or SIGINT."""
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def hold_signals() -> None:
    """Call before any thread starts, so that `wait_for_signal` is the one that gets them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def take_signals() -> None:
    """The reverse of `hold_signals`, for a program that is started by a process that holds them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})


# In the parent.


class Children:
    """The processes of one path; a context manager that ends them all, newest first."""

    def __init__(self, folder: Path, spy: Spy | None = None) -> None:
        """Logs go to `folder`; `spy` looks at the child of its name."""
        self._folder = folder
        self._spy = spy
        self._running: list[tuple[str, subprocess.Popen[str]]] = []

    def start(self, name: str, module: str, arguments: Sequence[str], *, wait: bool = True) -> None:
        """Start `python -m benchmarks.MODULE ARGUMENTS`, and wait until it says that it serves."""
        self.program(name, [sys.executable, "-m", f"benchmarks.{module}", *arguments])
        if wait:
            self.ready(name)

    def program(self, name: str, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start any program; what it says on stderr is its log."""
        with self._log(name).open("w") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
            )
        self._running.append((name, child))
        if self._spy is not None and self._spy.name == name:
            self._spy.look(child.pid)
        return child

    def ready(self, name: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until that child says that it serves."""
        if self._line(name, self.child(name), timeout_s) != READY:
            raise RuntimeError(f"{name} did not come up\n{self.logs()}")

    def child(self, name: str) -> subprocess.Popen[str]:
        """The newest child of that name."""
        return next(child for each, child in reversed(self._running) if each == name)

    def result(self, name: str, module: str, arguments: Sequence[str], timeout_s: float) -> dict[str, Any]:
        """Start a child that prints one line of JSON; what it printed."""
        self.start(name, module, arguments, wait=False)
        return self.said(name, timeout_s)

    def said(self, name: str, timeout_s: float) -> dict[str, Any]:
        """The next line of JSON of a child that runs."""
        line = self._line(name, self.child(name), timeout_s)
        try:
            found: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError as exc:
            raise RuntimeError(f"{name} measured nothing, it said {line!r}\n{self.logs()}") from exc
        return found

    def asked(self, name: str, timeout_s: float) -> dict[str, Any]:
        """Tell a child to end; the line of JSON that it says then."""
        self.child(name).terminate()
        return self.said(name, timeout_s)

    @staticmethod
    def _line(name: str, child: subprocess.Popen[str], timeout_s: float) -> str:
        assert child.stdout is not None
        late = threading.Timer(timeout_s, child.kill)
        late.daemon = True  # A Ctrl-C while it starts must not make our own end wait for it.
        try:
            late.start()
            return child.stdout.readline().strip()
        finally:
            late.cancel()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def logs(self) -> str:
        """The end of what each child wrote to stderr."""
        return "\n".join(
            f"--- {name} (exit code {child.poll()}):\n{self._log(name).read_text()[-2000:]}"
            for name, child in self._running
        )

    def __enter__(self) -> Children:
        return self

    def end(self) -> None:
        """End them all."""
        if self._spy is not None:
            self._spy.end()
        for _name, child in reversed(self._running):
            end(child)

    def __exit__(self, *_: object) -> None:
        self.end()


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards, also where a grandchild still ends and writes its last into it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        until = time.monotonic() + END_TIMEOUT_S
        while folder.exists() and time.monotonic() < until:
            shutil.rmtree(folder, ignore_errors=True)
            wait_until(time.monotonic() + LOOK_S)


def end(child: subprocess.Popen[str]) -> None:
    """SIGTERM, then SIGKILL; the pipes are closed in any case."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM unwinds the parent like Ctrl-C does, so that its children are ended."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_until(when: float) -> None:
    """Let the machine settle until that monotonic time."""
    time.sleep(max(0.0, when - time.monotonic()))
