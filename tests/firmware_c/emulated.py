"""An emulated MPS2-AN385 as a board on a pty: QEMU, its serial port, its reset button. It knows no frames."""

from __future__ import annotations

import re
import select
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.firmware_c.peer import QEMU

START_TIMEOUT_S = 20.0


class EmulatedBoard:
    """QEMU with a program; a context manager.

    Attributes:
        port: What a bridge opens; the same over a reset.
    """

    def __init__(self, program: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="robolink-qemu-")
        self._button = Path(self._folder.name) / "button"
        self._process = subprocess.Popen(
            [
                *QEMU,
                *("-monitor", "none", "-qmp", f"unix:{self._button},server=on,wait=off"),
                *("-serial", "pty", "-kernel", program),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.port = self._wait_port()

    def _wait_port(self) -> str:
        assert self._process.stdout is not None
        said, until = b"", time.monotonic() + START_TIMEOUT_S
        while (found := re.search(rb"redirected to (\S+)", said)) is None:
            ready = select.select([self._process.stdout], [], [], max(until - time.monotonic(), 0))[0]
            assert ready and self._process.poll() is None, f"QEMU gave no port: {said!r}"
            said += self._process.stdout.read1(4096)  # type: ignore[attr-defined]
        return found[1].decode()

    def reset(self) -> None:
        """Press its button."""
        with socket.socket(socket.AF_UNIX) as machine:
            machine.settimeout(START_TIMEOUT_S)
            machine.connect(str(self._button))
            machine.sendall(b'{"execute": "qmp_capabilities"}{"execute": "system_reset"}')
            said = b""
            while said.count(b'"return"') < 2:
                more = machine.recv(4096)
                assert more, f"QEMU hung up: {said!r}"
                said += more

    def close(self) -> None:
        """Pull the plug."""
        self._process.kill()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
