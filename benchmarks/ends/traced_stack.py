"""`robolink_stack` with the time written down at the joints of the path; each process prints its marks to a file at its end.

For `benchmarks.scenarios.stages`. It changes no behaviour, but each mark costs about a microsecond.
"""

from __future__ import annotations

import atexit
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.ends import robolink_stack
from robolink.client import RobotHandle
from robolink.hub import server
from robolink.robot import Driver
from robolink.store import Journal
from robolink.transports import endpoint

KEPT: Final = 200_000

marks: list[tuple[int, str]] = []


def mark(owner: Any, name: str, label: str) -> None:
    """Note when this function begins ("label<") and ends ("label>")."""
    inner: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> Any:
        marks.append((time.monotonic_ns(), f"{label}<"))
        try:
            return inner(*args, **kwargs)
        finally:
            marks.append((time.monotonic_ns(), f"{label}>"))

    setattr(owner, name, outer)


def keep(path: Path) -> None:
    """Write the newest marks."""
    path.write_text(json.dumps(marks[-KEPT:]))


def main() -> None:
    folder, role = Path(sys.argv.pop(1)), sys.argv[1]
    if role == "hub":
        mark(server.HubServer, "_drain_control", "drain")
        mark(Journal, "commit", "commit")
        mark(server, "send_frames", "send")
    else:
        mark(endpoint.Endpoint, "_drain", "drain")
        mark(endpoint, "send_frames", "send")
    if role == "driver":
        mark(Driver, "finish", "finish")
    if role == "blocking":
        mark(RobotHandle, "call", "call")
    atexit.register(keep, folder / f"{role}.json")
    robolink_stack.main()


if __name__ == "__main__":
    main()
