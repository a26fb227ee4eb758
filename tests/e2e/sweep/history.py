"""What happened, in the order in which it happened: one JSON line per event, all processes in one file.

Each line is one `write` to a file opened for appending, so that kill -9 neither loses nor tears one, and so that a
line which stands before another was written before it. It judges nothing.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, TypeAlias

# `e` is what happened, `t` the monotonic ms of this machine; the rest depends on `e`.
Record: TypeAlias = dict[str, Any]


class History:
    """One process's pen.

    Args:
        path: The file; made if it is not there.
        who: Which process writes; in each of its lines as `who`.
    """

    def __init__(self, path: Path, who: str) -> None:
        self.path, self.who = path, who
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, event: str, /, **fields: Any) -> None:
        """Write one line; it is in the file when this returns. From any thread."""
        record = {"e": event, "who": self.who, "t": time.monotonic_ns() // 1_000_000} | fields
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError(f"the history {self.path} took only a part of a line")


def read(path: Path) -> list[Record]:
    """Every record so far, in order."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


class Follower:
    """Counts the records of a file that grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self.count = path, 0, 0

    def new(self) -> list[Record]:
        """What has come since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        records = [json.loads(line) for line in data.splitlines()]
        self.count += len(records)
        return records
