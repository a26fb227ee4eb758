"""A small edge over the fake API server: answers each new command, setting and stop as a mapper and a robot would."""

from __future__ import annotations

import threading

from robolink.core import twincmd
from tests.cloud.conftest import ROBOT
from tests.cloud.fake_api import FakeApi


class Edge:
    """Answers each new `cmd`, setting and stop of the robot as a mapper and a robot would."""

    def __init__(self, api: FakeApi, verdict: str = "SUCCEEDED") -> None:
        self.api, self.verdict, self.seen = api, verdict, ""
        self.statuses: list[str] = []
        self.generation = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.wait(0.01):
            limit, sync, stop = (self.api.desired(ROBOT, name) for name in ("walker.limit", "sync", "stop"))
            text = self.api.desired(ROBOT, "cmd")
            state = (limit, sync, stop, text)
            if str(state) == self.seen:
                continue
            self.seen = str(state)
            found: dict[str, tuple[str, str]] = {"sync": (sync, sync)}
            if limit:
                found["walker__limit"] = (limit, limit)
            if stop:
                self.generation += 1
                found |= {"stop": (stop, stop), "stop_generation": ("", str(self.generation))}
            if text:
                command = twincmd.decode(text)
                if command.method == "release" and command.id not in str(self.statuses):
                    found["stop"] = ("", "")
                entry = f"{command.id}:{'SUCCEEDED' if command.method == 'release' else self.verdict}"
                if entry not in self.statuses:
                    self.statuses.append(entry)
                found |= {"cmd": (text, text), "cmd_status": ("", ",".join(self.statuses[-4:]))}
            self.api.report(ROBOT, "ok", **found)

    def close(self) -> None:
        self._ends.set()
        self._thread.join(5)
