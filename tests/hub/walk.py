"""Many messages one after the other at a scene, a new scene after each that has changed it; all failures told at the end."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

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


class Walk:
    """Steps at a scene.

    Args:
        folder: For the stores.
        lane: "control" or "safety".
    """

    def __init__(self, folder: Path, lane: str) -> None:
        self._folder, self._lane = folder, lane
        self._failures: dict[str, list[str]] = defaultdict(list)
        self.steps = 0
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
            sorted(desk.latches),
            (r1.online, r1.sheet_hash, r1.driver_session, desk.latches["r1"].state().SerializeToString()),
            [(each.owner, each.component) for each in site.leases.holders("r1")],
            sorted(self.scene.motions()),
            site.leases.epoch,
        )

    def step(self, name: str, label: str, make: Callable[[Scene], list[bytes]]) -> None:
        """One message; if it changes what others rest on, the hub is asked all its questions and then is a new one."""
        self.steps += 1
        if self._tried(label, lambda: deliver(self.scene, self._lane, name, make(self.scene))):
            self.scene.calm()
            if self._state() == self._before:
                return
            self._tried(f"{label}, then the questions", self.scene.probe)
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
        self._tried("all of them, then the questions", self.scene.probe)
        self.scene.close()
        if self._failures:
            lines = [
                f"{what}\n    {len(labels)} of {self.steps}: " + "; ".join(labels[:3])
                for what, labels in list(self._failures.items())[:SHOWN]
            ]
            pytest.fail("\n".join(lines), pytrace=False)
