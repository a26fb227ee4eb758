"""`drive` on a real pseudo-terminal with a real simulated base: keys move it, letting go stops it, x latches a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from robolink.client import Hub
from tests.cli.conftest import BASE, Run
from tests.cli.terminal import Terminal
from tests.conftest import wait_for

LIMIT_S = 30.0


@pytest.fixture
def drive(site: str) -> Iterator[Terminal]:
    terminal = Terminal(site, "drive", BASE)
    yield terminal
    terminal.close()


def hold(terminal: Terminal, key: bytes, until: Callable[[], bool], what: str) -> None:
    """As a keyboard repeats a key that is held, until the condition is true."""

    def pressed() -> bool:
        terminal.type(key)
        time.sleep(0.03)  # The keyboard's own repeat.
        return until()

    wait_for(pressed, LIMIT_S, what)


def test_keys_drive_letting_go_stands_still_and_x_stops(drive: Terminal, client: Hub) -> None:
    base = client.robot(BASE)
    wait_for(lambda: "commanded" in drive.text, LIMIT_S, "the line")
    assert "software stop, not safety rated" in drive.text
    with base.stream("base.odometry", max_age_s=60) as odometry:

        def speed() -> float:
            sample = odometry.next(1.0)
            return sample.payload.linear_x if sample is not None else float("nan")

        hold(drive, b"\x1b[A", lambda: speed() > 0.1, "motion forwards")
        wait_for(lambda: abs(speed()) < 1e-3, LIMIT_S, "standstill after the key was let go")
        hold(drive, b"s", lambda: speed() < -0.05, "motion backwards")
        drive.type(b"x")
        try:
            wait_for(lambda: "STOPPED" in drive.text, LIMIT_S, "the stop's verdict")
            (info,) = client.robots()
            assert info.authority.stop.latched
            assert info.authority.stop.reason == "stop key of robolink drive"
            wait_for(lambda: abs(speed()) < 1e-3, LIMIT_S, "standstill")
            drive.type(b"w")
            wait_for(lambda: "nothing moves before" in drive.text, LIMIT_S, "why it does not move")
            assert abs(speed()) < 1e-3
        finally:
            base.release()
    drive.type(b"q")
    assert wait_for(lambda: drive.ended() is not None, LIMIT_S, "the end") and drive.ended() == 0
    wait_for(lambda: not client.robots()[0].authority.leases, LIMIT_S, "the lease given back")


def test_ctrl_c_is_an_orderly_end(drive: Terminal) -> None:
    wait_for(lambda: "commanded" in drive.text, LIMIT_S, "the line")
    drive.type(b"\x03")
    wait_for(lambda: drive.ended() is not None, LIMIT_S, "the end")
    assert drive.ended() == 0
    assert "Traceback" not in drive.text


def test_who_asks_for_the_lease_is_shown_and_gets_it_by_y(drive: Terminal, client: Hub) -> None:
    wait_for(lambda: "commanded" in drive.text, LIMIT_S, "the lines")
    lease = client.robot(BASE).lease("base", reason="my turn", request_s=60)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(lease.acquire)
        wait_for(lambda: "somebody asks for the lease: my turn" in drive.text, LIMIT_S, "the question")
        drive.type(b"y")
        asked.result(60)
    assert client.robots()[0].authority.leases[0].owner == "somebody"
    lease.release()
    wait_for(lambda: drive.ended() is not None, LIMIT_S, "the end")
    assert drive.ended() == 0


def test_while_somebody_else_holds_it_it_says_whose_it_is(site: str, client: Hub) -> None:
    with client.robot(BASE).lease("base"):
        terminal = Terminal(site, "drive", BASE)
        try:
            wait_for(lambda: terminal.ended() is not None, LIMIT_S, "the end")
            assert terminal.ended() == 1
            assert "somebody" in terminal.text
            assert f"robolink why {BASE}" in " ".join(terminal.text.split())
        finally:
            terminal.close()


def test_without_a_terminal_it_refuses(run: Run) -> None:
    done = run("drive", BASE)
    assert done.returncode == 2
    assert "terminal" in done.stderr
