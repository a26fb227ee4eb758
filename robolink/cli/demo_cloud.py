"""The demo's cloud app: writes desired values and reads reported ones through `robolink kubeedge cloud`, as a person would.

The library knows no bridge, so each request is a command of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from robolink.core import twincmd
from robolink.core.command import TERMINAL
from robolink.core.violation import state_name
from robolink.errors import RobolinkError

COMMAND_TIMEOUT_S: Final = 20.0
POLL_S: Final = 0.1
ENDS: Final = frozenset(state_name(state) for state in TERMINAL)


class DemoCloud:
    """One double's cloud face.

    Args:
        folder: Where its sockets are.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is asked yet."""
        self._folder = folder
        self._ids = 0

    def run(self, *arguments: str) -> str:
        """One `robolink kubeedge` command; its output.

        Raises:
            RobolinkError: It failed; its words.
        """
        command = [sys.executable, "-m", "robolink.cli", "kubeedge", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        if done.returncode:
            raise RobolinkError(done.stderr.strip() or f"{' '.join(command)} ended with {done.returncode}")
        return done.stdout

    def set(self, device: str, name: str, value: str) -> None:
        """A desired value."""
        self.run("cloud", "set", "--folder", str(self._folder), device, name, value)

    def twins(self, device: str) -> dict[str, tuple[str, str]]:
        """Observed desired and reported text by property, and "state"."""
        status: dict[str, Any] = json.loads(
            self.run("cloud", "status", "--folder", str(self._folder), "--json", device)
        )
        found = {
            each["propertyName"]: (each["observedDesired"]["value"], each["reported"]["value"])
            for each in status["twins"]
        }
        return found | {"state": ("", status["state"])}

    def wait_online(self, devices: Iterable[str], timeout_s: float, check: Callable[[], None]) -> None:
        """Until the cloud knows that every robot is well, and what its twin is.

        Raises:
            RobolinkError: Not in time.
        """
        until, error = time.monotonic() + timeout_s, "it does not answer"
        for device in devices:
            while True:
                try:
                    twins = self.twins(device)
                    if twins["state"][1] == "ok" and "cmd-status" in twins:
                        break
                    error = f"{device} is {twins['state'][1] or 'not reported'}"
                except RobolinkError as exc:
                    error = str(exc)  # The double is still starting.
                check()
                if time.monotonic() > until:
                    raise RobolinkError(f"the mapper did not come up: {error}")
                time.sleep(POLL_S)

    def setting(self, device: str, name: str, value: str, timeout_s: float) -> str:
        """Write a setting and wait until the cloud sees it observed."""
        self.set(device, name, value)
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            observed, _ = self.twins(device).get(name, ("", ""))
            if observed == value:
                return "OBSERVED"
            time.sleep(POLL_S)
        return "NOT OBSERVED"

    def command(self, device: str, method: str, timeout_s: float, **args: float) -> str:
        """A command as the text of the property `cmd`; its verdict from `cmd-status`."""
        self._ids += 1
        twin_id = f"demo-{self._ids}"
        self.set(device, "cmd", twincmd.make(twin_id, method, args, issued_ms=time.time_ns() // 10**6))
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            _, status = self.twins(device).get("cmd-status", ("", ""))
            state, cause = twincmd.Status.parse(status).get(twin_id, ("", ""))
            if state in ENDS:
                return f"{state} {cause}".strip()
            time.sleep(POLL_S)
        return "no verdict"
