"""One history of many processes: each appends its records to a file of its own, a reader takes what is new. It judges nothing."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tests.bridges.serial.resets.checker import Record


class Teller:
    """Appends records; a line is written whole or not at all, also when its writer is killed."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, event: str, **more: object) -> None:
        record = {"t": time.time(), "e": event, **more}
        os.write(self._fd, json.dumps(record).encode() + b"\n")


class Reader:
    """All files of a folder, as far as they have grown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self.records: list[Record] = []

    def new(self) -> list[Record]:
        """What was not read yet; `records` has it too."""
        found: list[Record] = []
        for path in self._folder.glob("*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            # A board that was killed within a line has the next one begin behind it.
            found += [
                json.loads(line) for line in whole.splitlines() if line.endswith(b"}") and line[:1] == b"{"
            ]
        self.records += found
        return found
