"""One bridge, many boards: plugged in and out, found again by their serial number; and what they print."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.client import Hub
from robolink.errors import ConfigError
from robolink_serial.board import BoardAt
from robolink_serial.bridge import MAX_BOARDS, SerialBridge, plugged_id
from robolink_serial.console import BURST, MAX_WAITING, Console
from robolink_serial.port import PortError
from robolink_serial.ports import LOOK_S, FoundPort, PortList, list_serial_ports
from robolink_sims.board import BoardSim
from tests.bridges.serial.conftest import ROLES, turned
from tests.conftest import HubProcess, wait_for

NOWHERE = "tcp://127.0.0.1:9"


# Real boards.


class Desk:
    """A folder in which boards are plugged in, as links named by their serial numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugged: dict[str, str] = {}
        self.boards: list[BoardSim] = []

    def board(self, name: str) -> BoardSim:
        made = BoardSim(port=self.folder / name)
        self.boards.append(made)
        return made

    def list(self) -> list[FoundPort]:
        return [FoundPort(path, serial) for serial, path in self.plugged.items() if Path(path).exists()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for board in made.boards:
        board.close()


def online(hub: Hub, robot: str) -> bool:
    return any(each.robot == robot and each.online for each in hub.robots())


def turns(hub: Hub, robot: str, position: float) -> bool:
    handle = hub.robot(robot)
    with handle.lease():
        return turned(handle, position)


def test_many_boards_hot_plug_and_a_port_that_moved(desk: Desk, hub: HubProcess) -> None:
    first, second = desk.board("port-a"), desk.board("port-b")
    desk.plugged = {"E1": first.port}
    named = [BoardAt(robot="left", serial="E1"), BoardAt(robot="right", port=second.port)]
    with (
        SerialBridge(named, hub.url, plugged="spare", lister=desk.list) as bridge,
        robolink.connect(hub.url, name="test", roles=ROLES) as client,
    ):
        wait_for(lambda: online(client, "left") and online(client, "right"), 20, "both boards")
        for name in ("left", "right"):
            wait_for(lambda name=name: turns(client, name, 0.3), 60, f"a turn of {name}")  # type: ignore[misc]
        # One more is plugged in while they work; the named ones are not served twice.
        third = desk.board("port-c")
        desk.plugged["F9"] = third.port
        wait_for(lambda: online(client, "spare-f9"), 20, "the board that was plugged in")
        assert set(bridge.boards) == {"left", "right", "spare-f9"}
        # It is unplugged in the middle of another's goal, which does not notice.
        right = client.robot("right")
        with right.lease():
            goal = right.goal("motor.turn_to", position=2.0)
            first.kill()
            wait_for(lambda: not online(client, "left"), 20, "the board that was plugged out")
            assert goal.wait(20).state == v1.COMMAND_STATE_SUCCEEDED
        # It comes back at another port: its serial number finds it.
        desk.plugged["E1"] = desk.board("port-z").port
        wait_for(lambda: online(client, "left"), 20, "the board at its new port")
        wait_for(lambda: turns(client, "left", 0.2), 60, "a turn of the one that is left")


def test_what_a_board_prints_reaches_the_hub(desk: Desk, hub: HubProcess) -> None:
    board = desk.board("port-a")
    with (
        SerialBridge([BoardAt(robot="board-1", port=board.port)], hub.url),
        robolink.connect(hub.url, name="test", roles=ROLES) as client,
        client.watch(notices=True) as events,
    ):
        wait_for(lambda: online(client, "board-1"), 20, "the board")
        with Path(board.port).open("wb", buffering=0) as line:
            line.write(b"\x03")
        texts: list[str] = []

        def told() -> bool:
            event = events.next(0.1)
            if event is not None and event.notice.kind == "board-log":
                texts.append(event.notice.text)
            return "robolink: interrupted; outputs are safe" in texts

        wait_for(told, 20, "the board's last words")
        # What it prints while it is offline is told once it is back: a hub takes no notice of a robot it does not see.
        wait_for(lambda: told() and any("MicroPython" in text for text in texts), 20, "the banner")


# Parts.


def test_a_board_is_found_by_its_serial_number_and_the_list_is_not_read_too_often() -> None:
    now, reads = 0.0, 0
    ports = [FoundPort("/dev/ttyACM1", "B7"), FoundPort("/dev/ttyACM0", "A1"), FoundPort("/dev/ttyS0")]

    def lister() -> list[FoundPort]:
        nonlocal reads
        reads += 1
        return ports

    found = PortList(lister, clock=lambda: now)
    assert found.path_of("A1") == "/dev/ttyACM0"
    ports = [FoundPort("/dev/ttyACM5", "A1"), FoundPort("/dev/ttyACM6", "A1")]
    assert found.path_of("A1") == "/dev/ttyACM0" and reads == 1
    now = LOOK_S
    assert found.path_of("A1") == "/dev/ttyACM5", "the first port of a board with two"
    with pytest.raises(PortError, match="serial number B7 is plugged in"):
        found.path_of("B7")
    now += LOOK_S
    ports = []
    with pytest.raises(PortError, match="none"):
        found.path_of("A1")


def test_a_list_that_cannot_be_read_is_a_port_error() -> None:
    def lister() -> list[FoundPort]:
        raise OSError("no such device")

    with pytest.raises(PortError, match="cannot be read: no such device"):
        PortList(lister).now()


def test_links_in_a_folder_are_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "pty"
    target.touch()
    links = tmp_path / "links"
    links.mkdir()
    (links / "E10").symlink_to(target)
    (links / "E2").symlink_to(target)
    (links / "GONE").symlink_to(tmp_path / "nothing")
    monkeypatch.setenv("ROBOLINK_PORTS", str(links))
    listed = [each.serial for each in list_serial_ports() if each.path.startswith(str(links))]
    assert listed == ["E2", "E10"]
    monkeypatch.setenv("ROBOLINK_PORTS", str(tmp_path / "no-folder"))
    list_serial_ports()


@pytest.mark.parametrize(
    ("boards", "plugged", "words"),
    [
        ([], "", "no board to serve"),
        ([{"robot": "a", "port": "/x"}, {"robot": "a", "port": "/y"}], "", "two boards have the name a"),
        ([{"robot": "a", "serial": "E1"}, {"robot": "b", "serial": "E1"}], "", "two robots are on USB E1"),
        ([{"robot": "a"}], "", "either a port or a USB serial number"),
        ([{"robot": "a", "port": "/x", "serial": "E1"}], "", "either a port"),
        ([{"robot": f"r{n}", "port": f"/{n}"} for n in range(MAX_BOARDS + 1)], "", "the limit is 64"),
    ],
)
def test_what_cannot_be_served_is_refused(boards: list[dict[str, str]], plugged: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SerialBridge([BoardAt(**each) for each in boards], NOWHERE, plugged=plugged)


def test_what_is_plugged_in_is_served_once_and_strangers_never(caplog: pytest.LogCaptureFixture) -> None:
    ports = [
        FoundPort("/nowhere/0", "E6614C", "2e8a"),
        FoundPort("/nowhere/1", "M0DEM", "12d1"),
        FoundPort("/nowhere/2", ""),
        FoundPort("/nowhere/3", "NAMED", "2e8a"),
        FoundPort("/nowhere/4", "BYPATH", "2e8a"),
    ]
    named = [BoardAt(robot="arm", serial="NAMED"), BoardAt(robot="leg", port="/nowhere/4")]
    bridge = SerialBridge(named, NOWHERE, plugged="b", lister=lambda: ports)
    with caplog.at_level(logging.WARNING):
        bridge.look()
        bridge.look()
    assert set(bridge.boards) == {"arm", "leg", "b-e6614c"}
    refusals = [text for text in caplog.messages if "is not served" in text]
    assert len(refusals) == 1 and "M0DEM" in refusals[0] and "makes no boards" in refusals[0]
    bridge.close()


def test_two_serial_numbers_that_make_one_name_are_one_board_and_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ports = [FoundPort("/nowhere/0", "A:1"), FoundPort("/nowhere/1", "A.1")]
    bridge = SerialBridge([], NOWHERE, plugged="b", lister=lambda: ports)
    bridge.look()
    assert list(bridge.boards) == ["b-a-1"]
    assert any("A.1" in text and "is not served" in text for text in caplog.messages)
    bridge.close()


def test_plugged_ids_are_labels() -> None:
    assert plugged_id("board", "E6:61_4C..") == "board-e6-61-4c"
    assert len(plugged_id("b", "x" * 200)) == 63


def test_console_forwards_text_and_marks_a_traceback() -> None:
    console = Console()
    for text in (
        "boot",
        "Traceback (most recent call last):",
        'File "main.py", line 3',
        "OSError: 5",
        "again",
    ):
        console.take(text)
    assert console.told(0.0) == [
        ("boot", v1.SEVERITY_INFO),
        ("Traceback (most recent call last):", v1.SEVERITY_ERROR),
        ('File "main.py", line 3', v1.SEVERITY_ERROR),
        ("OSError: 5", v1.SEVERITY_ERROR),
        ("again", v1.SEVERITY_INFO),
    ]


def test_console_is_bounded_and_says_what_it_left_out() -> None:
    console = Console()
    for number in range(500):
        console.take(f"line {number}")
    lines = [text for text, _ in console.told(0.0)]
    assert len(lines) == BURST and lines[0] == "line 0"
    assert console.counters["console_dropped"] == 500 - MAX_WAITING
    told = [text for second in range(1, 60) for text, _ in console.told(float(second))]
    assert told[-1] == f"{500 - MAX_WAITING} more lines of the board were not forwarded"
    assert len(told) == MAX_WAITING - BURST + 1


def test_noise_of_the_line_is_counted_and_not_told() -> None:
    console = Console()
    console.take("\N{REPLACEMENT CHARACTER}}x\N{REPLACEMENT CHARACTER}")
    console.take("")
    assert console.told(0.0) == [("", v1.SEVERITY_INFO)]
    assert console.counters["console_noise"] == 1
