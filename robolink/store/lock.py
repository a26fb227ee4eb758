"""One process per store folder: an advisory lock that the kernel drops when its owner ends, however it ends.

It guards the folder against a second hub and against a restore beneath a running one. It locks no table.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from robolink.errors import ConfigError, StorageError

LOCK_NAME: Final = "lock"
LOOK_S: Final = 0.05


class StoreLock:
    """Holds a store folder from `with` to its end.

    Args:
        folder: Made if it is not there.
        wait_s: A former owner that is just ending gets so long.

    Raises:
        ConfigError: The folder cannot be made or written.
        StorageError: Another process holds it; its id is named.
    """

    def __init__(self, folder: Path, *, wait_s: float = 0.0) -> None:
        """Nothing is opened before `with`."""
        self._folder, self._wait_s, self._fd = folder, wait_s, -1

    def __enter__(self) -> Self:
        """Take it."""
        path = self._folder / LOCK_NAME
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.geteuid() == 0:
                # Root restores for a hub that is not root: the hub must be able to open the file after that.
                os.fchown(self._fd, self._folder.stat().st_uid, self._folder.stat().st_gid)
        except OSError as exc:
            raise ConfigError(
                f"cannot use the store folder {self._folder}: {exc.strerror}",
                hint="check store.path and its rights",
            ) from exc
        until = time.monotonic() + self._wait_s
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                if time.monotonic() < until:
                    time.sleep(LOOK_S)
                    continue
                owner = os.pread(self._fd, 20, 0).decode(errors="replace").strip() or "unknown"
                os.close(self._fd)
                raise StorageError(
                    f"the store {self._folder} is in use by process {owner}",
                    hint="a hub runs on it: stop it first, or choose another store.path",
                ) from exc
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
            return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back; the file stays, since removing it would let two processes each lock their own."""
        os.close(self._fd)
