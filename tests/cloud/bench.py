"""An engine without threads or HTTP: the cloud's copy of a Device, an edge that a test writes, and the clock."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from typing import Any

import pytest

from robolink.cloud._engine import Engine, Patch
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._operation import Now
from robolink.cloud._operations import CommandOperation, SetOperation
from robolink.cloud._view import DEVICES, MODELS, STATUSES, FleetView
from robolink.cloud._watch import Change
from robolink.errors import ConnectionLostError
from tests.cloud.conftest import ROBOT, device, model
from tests.cloud.fake_api import Refusal, json_patch

WALL_MS = 1_795_600_000_000


class Bench:
    """An engine, the cloud's copy of the Device, and the clock."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.view = FleetView()
        self.engine = Engine(self.view)
        self.now_s = 0.0
        self.version = 1
        self.device = device(without=without)
        self.twins: dict[str, tuple[str, str]] = {}
        self.patches: list[Patch] = []
        self.engine.news(MODELS, Change(everything=True, put=[model()]))
        self._save()

    @property
    def now(self) -> Now:
        return Now(self.now_s, WALL_MS + int(self.now_s * 1000))

    def _save(self) -> None:
        self.version += 1
        self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        self.engine.news(DEVICES, Change(put=[self.device]))

    def report(self, **twins: tuple[str, str]) -> None:
        for name, halves in twins.items():
            self.twins[name.replace("__", "\0").replace("_", "-").replace("\0", ".")] = halves
        listed = [
            {"propertyName": name, "observedDesired": {"value": halves[0]}, "reported": {"value": halves[1]}}
            for name, halves in self.twins.items()
        ]
        document = {"metadata": {"name": ROBOT}, "status": {"state": "ok", "twins": listed}}
        self.engine.news(STATUSES, Change(put=[document]))

    def desired(self, name: str) -> str:
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        return str(entry.get("desired", {}).get("value", ""))

    def wish(self, name: str, text: str, *, seen: bool = True) -> None:
        """Another writer."""
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        self.device = json_patch(self.device, [])
        entry = next(each for each in self.device["spec"]["properties"] if each["name"] == name)
        entry["desired"] = {"value": text}
        if seen:
            self._save()
        else:
            self.version += 1
            self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}

    def take(self) -> list[Patch]:
        """What would be sent now."""
        made = self.engine.step(self.now)
        self.patches += made
        return made

    def answer(self, patch: Patch) -> None:
        """As the API server does."""
        try:
            self.device = json_patch(self.device, patch.writes)
        except Refusal as exc:
            error = ApiStatusError(str(exc), status=exc.code)
            if self.engine.answered(patch, error, self.now):
                self.engine.fetched(patch, self.device)
            return
        self.version += 1
        self.device["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        self.engine.answered(patch, self.device, self.now)

    def lose(self, patch: Patch) -> None:
        """It is taken if it holds, and the answer never comes."""
        with contextlib.suppress(Refusal):
            self.device = json_patch(self.device, patch.writes)
            self.version += 1
            self.device["metadata"] = dict(
                self.device["metadata"], resourceVersion=str(self.version), generation=self.version
            )
        self.engine.answered(patch, ConnectionLostError("broke"), self.now)

    def run(self, until_s: float | None = None) -> None:
        """Answer everything; go from timer to timer until then."""
        until_s = self.now_s if until_s is None else until_s
        for _ in range(1000):
            for patch in self.take():
                self.answer(patch)
            at = self.engine.next_timer()
            if at is not None and at <= self.now_s:
                continue
            if at is None or at > until_s:
                break
            self.now_s = at
        else:
            pytest.fail("it does not come to rest")
        self.now_s = until_s

    def add(self, operation: Any) -> Any:
        self.engine.add(operation)
        self.run()
        return operation

    def set(self, value: Any, name: str = "walker.limit", if_version: int | None = None) -> SetOperation:
        made: SetOperation = self.add(SetOperation(ROBOT, name, value, if_version, self.now))
        return made

    def command(self, twin_id: str, ttl_s: float = 30.0, **args: Any) -> CommandOperation:
        made: CommandOperation = self.add(
            CommandOperation(ROBOT, twin_id, "walker.walk", args, ttl_s, self.now)
        )
        return made


def error(future: Future[Any]) -> BaseException | None:
    assert future.done()
    return future.exception()
