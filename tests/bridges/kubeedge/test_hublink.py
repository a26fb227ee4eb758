"""The mapper's reading and writing at the hub, beside a hub of a few lines that refuses."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from robolink import v1
from robolink.errors import CommandError
from robolink_kubeedge import hublink
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.hublink import HubLink
from robolink_kubeedge.reports import ReportQueue
from tests.bridges.kubeedge.test_devices import KEY, SPEED, description, device, info


class Hub:
    """Knows two robots; `refuse` says with which cause, for "describe ROBOT" or the name of a property."""

    def __init__(self) -> None:
        self.refuse: dict[str, v1.Cause] = {}
        self.asked: list[str] = []
        self.twin = self
        self._robot = ""

    async def robots(self) -> list[v1.RobotInfo]:
        return [v1.RobotInfo(robot="base-0", online=True, sheet_hash="h1"), info()]

    def robot(self, robot: str) -> Hub:
        self._robot = robot
        return self

    async def describe(self) -> v1.Description:
        made = description()
        made.robot = self._robot
        self._answer(f"describe {self._robot}")
        return made

    async def set(self, name: str, value: object) -> int:
        self._answer(name)
        return 1

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuse:
            raise CommandError("no", cause=self.refuse[what])


@pytest.fixture
def link() -> HubLink:
    table = DeviceTable(ReportQueue())
    for name in ("base-0", "base-1"):
        table.put(device(name), 0.0)
    return HubLink(MapperConfig(), table, Counter(), lambda: None)


async def test_a_sheet_that_cannot_be_had_holds_up_no_other_robot(link: HubLink) -> None:
    hub: Any = Hub()
    hub.refuse["describe base-0"] = v1.CAUSE_STORAGE
    assert await link._poll(hub)
    assert hub.asked == ["describe base-0", "describe base-1"]
    assert link.counters["describe_failed"] == 1
    hub.asked.clear()
    hub.refuse.clear()
    assert await link._poll(hub)
    assert hub.asked == ["describe base-0"], "with the next poll"


async def test_what_the_hub_has_no_room_for_is_written_again_but_no_command(
    link: HubLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def write() -> None:
        for each in link.table.take_writes(0.0):
            await link._write_one(hub, each)

    monkeypatch.setattr(asyncio, "sleep", pause)
    hub: Any = Hub()
    await link._poll(hub)
    link.table.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    hub.asked.clear()
    hub.refuse = dict.fromkeys((SPEED, "stop", "cmd"), v1.CAUSE_STORAGE)
    link.table.put(device(base__max_speed="0.5", stop="CUT", cmd="a1/x", sync="1"), 0.0)
    for _ in range(2):
        await write()
    assert hub.asked == ["stop", SPEED, "cmd", "stop", SPEED]
    assert pauses == [hublink.STORAGE_AGAIN_S] * 4
    hub.asked.clear()
    hub.refuse.clear()
    for _ in range(2):
        await write()
    assert hub.asked == ["stop", SPEED]
    shown = {each.name: each.reported for each in link.table.queue.texts(KEY)}
    assert shown["setting-errors"] == "cmd:STORAGE"
