"""The FreeRTOS adapter and the example as a task, over our own stand-in of FreeRTOS's few calls, under sanitizers."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robolink import v1
from robolink.core.link import LogLine
from tests.conftest import wait_for
from tests.core.serial_line import LinkEnd
from tests.firmware_c.peer import HOST_TOOLS, build, need

DRIVE = 7


class Task:
    """The example's process, and a host's link on its standard input and output, in real time."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.host = LinkEnd(now=time.monotonic())

    def until(self, condition: Callable[[], Any], what: str) -> None:
        def turned() -> Any:
            self.turn()
            return condition()

        wait_for(turned, 20, what)

    def turn(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        if select.select([self.process.stdout], [], [], 0.002)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "it ended"
            self.host.receive(data, time.monotonic())
        if sent := self.host.step(time.monotonic()):
            self.process.stdin.write(sent)

    def close(self) -> None:
        process = self.process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.close()
        words = process.stderr.read().decode(errors="replace")
        code = process.wait(10)
        process.stdout.close()
        process.stderr.close()
        assert code == 0, words[-4000:]


@pytest.fixture
def task(built: Path) -> Iterator[Task]:
    need(*HOST_TOOLS)
    made = Task(build("freertos", built) / "host" / "two_wheel_freertos")
    try:
        yield made
    finally:
        made.close()


def test_task_serves_commands_and_stops(task: Task) -> None:
    host = task.host
    task.until(lambda: host.link.up, "the link")
    task.until(lambda: host.of(LogLine), "its words")
    assert [each.text for each in host.of(LogLine)] == ["two-wheel robot is a task"]
    host.link.send(v1.SerialSheetRequest())
    task.until(lambda: len(host.messages(v1.SerialSheetPart)) == 13, "its description")
    host.link.set_fence((1, 1), 0)
    command = v1.SerialCommand(
        command_id=b"a", member=DRIVE, args=[v1.Value(double_value=0.1)], lease=1, generation=0
    )
    host.link.send(command)
    task.until(
        lambda: host.messages(v1.SerialUpdate)[-1:] and host.messages(v1.SerialUpdate)[-1].results, "it"
    )
    assert host.messages(v1.SerialUpdate)[-1].state == v1.COMMAND_STATE_SUCCEEDED
    host.link.send_stop(v1.STOP_LEVEL_CUT, 1)
    task.until(
        lambda: (
            host.messages(v1.SerialStopState)[-1:]
            and host.messages(v1.SerialStopState)[-1].verdict == v1.STOP_VERDICT_STOPPED
            and host.messages(v1.SerialStopState)[-1].generation == 1
        ),
        "standstill",
    )
