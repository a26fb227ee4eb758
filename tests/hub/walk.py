"""Many messages one after the other at a scene, a new scene after each that has changed it; all failures told at the end."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.hub.messages import Path as Path_
from tests.hub.messages import extremes
from tests.hub.scene import Scene, deliver

DEEPER: Final = int(os.environ.get("ROBOLINK_FUZZ", "0"))
# In a test run the same examples always; a deep look is a new one each time.
FUZZ: Final = settings(
    max_examples=DEEPER or 40,
    derandomize=not DEEPER,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SHOWN: Final = 12
# A restart takes its time.
EACH: Final = 1 if DEEPER else 10
Act = Callable[[Scene, str, list[bytes]], object]


def odd(path: Path_) -> Iterator[tuple[str, bytes]]:
    """Extremes of one field with a label; deep inside a message a test run takes every eighth, others for each field."""
    label = ".".join(each.name for each in path)
    found = [(f"{label} {what}", wire) for what, wire in extremes(path[-1]).items()]
    if DEEPER or len(path) <= 4:
        yield from found
    else:
        yield from found[zlib.crc32(label.encode()) % 8 :: 8]


class Walk:
    """Steps at a scene.

    Args:
        folder: For the stores.
        lane: "control" or "safety".
        act: What a step does in place of delivering the message.
    """

    def __init__(self, folder: Path, lane: str, act: Act | None = None) -> None:
        self._folder, self._lane = folder, lane
        self._act: Act = act or (lambda scene, name, frames: deliver(scene, lane, name, frames))
        self._failures: dict[str, list[str]] = defaultdict(list)
        self.steps = self.changes = 0
        self._renew()

    def _renew(self) -> None:
        self.scene = Scene(Path(tempfile.mkdtemp(dir=self._folder)))
        self._before = self._state()

    def _state(self) -> tuple[object, ...]:
        """What later steps rest on."""
        site, desk = self.scene.broker.site, self.scene.desk
        r1 = site.machines["r1"]
        return (
            sorted(site.peers),
            sorted(site.machines),
            sorted(desk._peers),
            sorted(desk.latches),
            desk.latches["r3"].latched,
            (r1.online, r1.sheet_hash, r1.driver_session, desk.latches["r1"].latched),
            # On the safety lane nothing rests on how often r1 was stopped.
            desk.latches["r1"].generation if self._lane == "control" else 0,
            [(each.owner, each.component) for each in site.leases.holders("r1")],
            sorted(self.scene.motions()),
            site.leases.epoch,
        )

    def step(self, name: str, label: str, make: Callable[[Scene], list[bytes]]) -> None:
        """One message; if it changes what others rest on, the hub is asked all its questions and then is a new one."""
        self.steps += 1
        if self._tried(label, lambda: self._act(self.scene, name, make(self.scene))):
            self.scene.calm(stopped=self._lane == "safety")
            if self._state() == self._before:
                return
            self.changes += 1
            if self._tried(f"{label}, then the questions", self.scene.probe) and self.changes % EACH == 0:
                self._tried(f"{label}, then a restart", self.scene.restart)
        self.scene.close()
        self._renew()

    def _tried(self, label: str, act: Callable[[], Any]) -> bool:
        try:
            act()
        except Exception as exc:  # noqa: BLE001
            trace, where = exc.__traceback__, ""
            while trace is not None:
                where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
                trace = trace.tb_next
            words = str(exc).splitlines()[0][:100] if str(exc) else ""
            self._failures[f"{type(exc).__name__} at {where}: {words}"].append(label)
            return False
        return True

    def end(self) -> None:
        """Fail, if anything did."""
        if self._tried("all of them, then the questions", self.scene.probe):
            self._tried("all of them, then a restart", self.scene.restart)
        self.scene.close()
        if self._failures:
            lines = [
                f"{what}\n    {len(labels)} of {self.steps}: " + "; ".join(labels[:3])
                for what, labels in list(self._failures.items())[:SHOWN]
            ]
            pytest.fail("\n".join(lines), pytrace=False)
