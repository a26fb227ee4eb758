"""A board's flash in a folder: each byte written and each change of a name is one step at which power can fail."""

from __future__ import annotations

import builtins
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.firmware import FIRMWARE

import robolink_slots as slots  # type: ignore[import-not-found]  # isort: skip
from robolink_board import image, messages, slotfiles  # type: ignore[import-not-found]  # isort: skip
from robolink_board.image import Images  # type: ignore[import-not-found]  # isort: skip

assert FIRMWARE.exists()
ENDLESS = 1 << 30
# Of an image, at once: several chunks for a file, and chunks over the end of one.
CHUNK_BYTES = 40


class PowerLoss(BaseException):
    """Nothing of the board's own may catch it."""


class Reset(BaseException):
    """The board's `machine.reset`."""


class Flash:
    """Counts steps; at the last one power fails."""

    def __init__(self) -> None:
        self.left = ENDLESS
        self.free = 1 << 20
        self.full = False
        self.files: list[Any] = []

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerLoss

    def open(self, path: str, mode: str = "r") -> Any:
        file = builtins.open(path, mode)  # noqa: PTH123, SIM115  # closed at the next boot
        self.files.append(file)
        if "w" not in mode:
            return file
        self.step()
        write = file.write

        def slowly(data: Any) -> int:
            if self.full:
                raise OSError(28, "no space")
            for at in range(len(data)):
                try:
                    self.step()
                except PowerLoss:
                    file.close()
                    raise
                write(data[at : at + 1])
            return len(data)

        return (
            SimpleNamespace(write=slowly, close=file.close, __enter__=file.__enter__, __exit__=file.__exit__)
            if "b" in mode
            else _Text(file, slowly)
        )

    def close(self) -> None:
        """What was open when power failed or the board was reset."""
        for file in self.files:
            file.close()
        self.files.clear()

    def os(self) -> Any:
        def stepped(name: str) -> Callable[..., Any]:
            def call(*args: Any) -> Any:
                self.step()
                return getattr(os, name)(*args)

            return call

        changing = {name: stepped(name) for name in ("mkdir", "rename", "remove", "rmdir")}
        reading = {"stat": os.stat, "listdir": os.listdir, "sync": lambda: None}
        return SimpleNamespace(
            **changing, **reading, statvfs=lambda _path: (1, 1, 0, self.free, self.free, 0, 0, 0, 0, 255)
        )


class _Text:
    def __init__(self, file: Any, write: Callable[[Any], int]) -> None:
        self._file, self.write = file, write

    def __enter__(self) -> _Text:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class Image:
    """What is to be installed."""

    def __init__(self, files: dict[str, bytes], version: str = "2") -> None:
        self.files, self.version = files, version
        self.data = b"".join(files.values())
        self.sha256 = hashlib.sha256(self.data).digest()


NEW = Image(
    {
        "robolink_board/__init__.mpy": b"",
        "robolink_board/app.mpy": bytes(range(256)) * 2,
        "robolink_board/deep/x.mpy": b"x" * 37,
        "robolink_board/last.mpy": b"",
    }
)


class BoardWithFlash:
    """A board that can be reset."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.moving = ""
        self.boot()

    def boot(self) -> str:
        """Power comes, or a reset: what boot.py and main.py do."""
        self.flash.left = ENDLESS
        self.flash.close()
        slots.running, slots.on_trial = slots.FLASHED, False
        slots.enter()
        self.told: list[dict[str, Any]] = []
        self.lanes: list[tuple[int, int, int]] = []
        self.images = Images(
            slots,
            lambda kind, message: self.told.append(message),
            lambda *lane: self.lanes.append(lane[:3]),
            lambda: self.moving,
            self._reset,
            "1",
        )
        self.images.begun(0)
        return str(slots.running)

    @staticmethod
    def _reset() -> None:
        raise Reset

    def order(self, action: int, *, transfer: int = 1, slot: str = "", now: int = 0) -> dict[str, Any]:
        message = {"transfer": transfer, "action": action, "slot": slot}
        self.images.message(messages.IMAGE_ORDER_KIND, message, now)
        return self.told[-1]

    def begin(self, new: Image, *, transfer: int = 1, slot: str = "") -> dict[str, Any]:
        begin = {
            "transfer": transfer, "version": new.version, "size": len(new.data), "sha256": new.sha256,
            "files": len(new.files), "slot": slot,
        }  # fmt: skip
        self.images.message(messages.IMAGE_BEGIN_KIND, begin, 0)
        return self.told[-1]

    def announce(self, new: Image, *, transfer: int = 1) -> dict[str, Any]:
        for index, (path, data) in enumerate(new.files.items()):
            file = {
                "transfer": transfer, "index": index, "path": path, "size": len(data),
                "sha256": hashlib.sha256(data).digest(),
            }  # fmt: skip
            self.images.message(messages.IMAGE_FILE_KIND, file, 0)
        return self.told[-1]

    def send(self, new: Image, *, chunk: int = CHUNK_BYTES) -> None:
        while self.images.next_offset < len(new.data):
            at = self.images.next_offset
            stored = self.images.data(new.data[at : at + chunk])
            assert stored > 0, self.told[-1]

    def install(self, new: Image, *, transfer: int = 1) -> None:
        """All of it, up to the reset into the trial; goes on where it was cut off."""
        assert self.begin(new, transfer=transfer)["cause"] == 0, self.told[-1]
        assert self.announce(new, transfer=transfer)["cause"] == 0, self.told[-1]
        self.send(new)
        state = self.verify(transfer=transfer)
        if state["cause"]:
            # What was torn lies where its size says that it is whole: once more from the start.
            assert self.begin(new, transfer=transfer + 1)["cause"] == 0
            self.announce(new, transfer=transfer + 1)
            self.send(new)
            state = self.verify(transfer=transfer + 1)
        assert state["cause"] == 0, state
        slot = next(each["name"] for each in state["slots"] if each["state"] == slots.VERIFIED)
        assert self.order(image.BOOT, slot=slot)["cause"] == 0
        with pytest.raises(Reset):
            self.images.step(image.RESET_MS)

    def verify(self, *, transfer: int = 1) -> dict[str, Any]:
        state = self.order(image.VERIFY, transfer=transfer)
        told = len(self.told)
        for _ in range(200):
            if state["cause"] or len(self.told) > told:
                break
            self.images.step(0)
        return self.told[-1]

    def slot(self, name: str) -> dict[str, Any]:
        return next(each for each in self.order(image.TELL)["slots"] if each["name"] == name)


def lies_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def laid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Flash:
    """A flash in that folder, for the board's own modules."""
    flash = Flash()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.path", ["", str(FIRMWARE)])
    for module in (slots, image, slotfiles):
        monkeypatch.setattr(module, "open", flash.open, raising=False)
        monkeypatch.setattr(module, "os", flash.os())
    return flash
