"""Builds the C library's test peer and speaks to it: as a process under sanitizers, or on a Cortex-M3 under QEMU.

It asks (see firmware/c/test/peer.c for the letters) and decides nothing; what is not installed is a skip with its reason.
"""

from __future__ import annotations

import functools
import os
import select
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from robolink.core.frame import Frame

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "firmware" / "c"
ANSWER_TIMEOUT_S = 30.0
HOST_TOOLS = ("make", "cc")
ARM_TOOLS = ("make", "arm-none-eabi-gcc", "qemu-system-arm")
PACKAGES = {
    "cc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi and libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}
QEMU = ("qemu-system-arm", "-machine", "mps2-an385", "-display", "none")


def need(*tools: str) -> None:
    """Skip the test unless all of them are there."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        wanted = ", ".join(PACKAGES.get(tool, tool) for tool in missing)
        pytest.skip(f"needs {', '.join(missing)}: install {wanted}")


@functools.cache
def build(target: str, folder: Path, *more: str) -> Path:
    """`make target` of firmware/c into `folder`.

    Raises:
        AssertionError: It does not compile; the compiler's words.
    """
    made = subprocess.run(
        ["make", "-j2", "-C", SOURCE, f"BUILD={folder}", target, *more],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-4000:]
    return folder


class Refused(Exception):
    """The peer said no; its words."""


class Peer:
    """One peer process; a context manager."""

    def __init__(self, *command: str | Path) -> None:
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it. A sanitizer's verdict is an assertion."""
        process = self.process
        assert process.stdin is not None and process.stderr is not None and process.stdout is not None
        process.stdin.close()
        if self.command[0] == QEMU[0]:
            process.kill()
        words = process.stderr.read().decode(errors="replace")
        code = process.wait(10)
        process.stdout.close()
        process.stderr.close()
        assert self.command[0] == QEMU[0] or code == 0, words[-4000:]

    def ask(self, letter: str, payload: bytes = b"") -> bytes:
        """One request, its answer.

        Raises:
            Refused: The answer is no.
        """
        process = self.process
        assert process.stdin is not None
        process.stdin.write(letter.encode() + struct.pack("<H", len(payload)) + payload)
        status, size = struct.unpack("<BH", self._take(3))
        data = self._take(size)
        if status:
            raise Refused(data.decode(errors="replace"))
        return data

    def _take(self, size: int) -> bytes:
        until = time.monotonic() + ANSWER_TIMEOUT_S
        assert self.process.stdout is not None and self.process.stderr is not None
        while len(self._rest) < size:
            ready = select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))[0]
            assert ready, f"{self.command[0]} does not answer"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"the peer ended: {self.process.stderr.read().decode(errors='replace')[-4000:]}"
            self._rest += more
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    # The library's parts, without a board.

    def encode_frame(self, frame: Frame, seed: int) -> bytes:
        """Its bytes on the wire."""
        return self.ask("E", struct.pack("<IBBB", seed, frame.kind, frame.seq, frame.ack) + frame.body)

    def decode_frames(self, data: bytes, seed: int) -> list[Frame]:
        """What it finds in them."""
        answer, found = self.ask("D", struct.pack("<I", seed) + data), []
        while answer:
            kind, seq, ack, size = struct.unpack_from("<BBBH", answer)
            found.append(Frame(kind=kind, seq=seq, ack=ack, body=answer[5 : 5 + size]))
            answer = answer[5 + size :]
        return found

    def recode(self, kind: int, body: bytes) -> bytes:
        """A body decoded into its struct and encoded from it."""
        return self.ask("C", bytes((kind,)) + body)


# Ticks wrap: tests begin a little before that.
FIRST_MS = (1 << 32) - 700


class CBoard:
    """A board on a peer, stepped as tests/core/serial_line.py steps an end."""

    def __init__(self, peer: Peer, began_s: float = 0.0, seed: int = 5) -> None:
        self.peer = peer
        peer.ask("N", struct.pack("<II", self.ms(began_s), seed))

    def ms(self, now: float) -> int:
        return (FIRST_MS + round(now * 1000)) % (1 << 32)

    def receive(self, data: bytes, now: float) -> None:
        for at in range(0, len(data), 1024):
            self.peer.ask("R", struct.pack("<I", self.ms(now)) + data[at : at + 1024])

    def step(self, now: float) -> bytes:
        return self.peer.ask("S", struct.pack("<I", self.ms(now)))

    def send(self, kind: int, body: bytes) -> None:
        self.peer.ask("B", bytes((kind,)) + body)

    def do(self, letter: str) -> None:
        self.peer.ask("X", letter.encode())

    @property
    def state(self) -> dict[str, int]:
        lines = self.peer.ask("Q").decode().splitlines()
        return {name: int(value) for name, value in (line.split(" ") for line in lines)}

    @property
    def speed(self) -> float:
        return self.state["speed_um"] / 1e6
