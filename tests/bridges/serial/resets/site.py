"""A real hub, a real board on MicroPython, bridges that are killed and started again, and one who orders all the while.

Everything is a process of its own and writes into the history; who orders sits here.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

import robolink
from robolink import v1
from robolink.client import RobotHandle
from robolink.core.violation import cause_name, state_name
from robolink.errors import CommandError, DeadlineExceededError, RobolinkError
from robolink_sims.board import BoardSim, firmware_folder
from tests.bridges.serial.resets.history import Reader, Teller
from tests.conftest import HubProcess

ROBOT: Final = "board-1"
# Commands that may be open at once.
OPEN: Final = 8
GAP_S: Final = 0.03
# A hub keeps what its driver left open for so long, and then some.
END_S: Final = 60.0
WAIT_S: Final = 60.0
LEDGER: Final = Path(__file__).with_name("ledger.py")
MAIN: Final = """
import time
from ledger import Ledger
from robolink_board import app


def tell(event, number):
    with open("{path}", "a") as file:
        file.write('{{"t": %.6f, "e": "%s", "n": %d, "who": "board"}}\\n' % (time.time(), event, number))


def parts(path, parts=app._parts):
    told, found, limits, fault = parts(path)
    return told, found + [Ledger(tell)], limits, fault


app._parts = parts
board = app.make_board("profile.json")
tell("running", 0)
app.run(board)
"""


def run_bridge(port: str, hub: str, path: Path) -> None:
    """A bridge in a process of its own, until it is killed."""
    from robolink_serial.board import BoardAt
    from robolink_serial.bridge import SerialBridge

    tell = Teller(path)
    bridge = SerialBridge([BoardAt(robot=ROBOT, port=port)], hub)
    board = bridge.boards[ROBOT]
    handle = board.link_event

    def noted(event: Any, session: int) -> None:
        if type(event).__name__ in ("Up", "Down"):
            tell(type(event).__name__.lower())
        handle(event, session)

    board.link_event = noted  # type: ignore[method-assign]
    tell("running", who="bridge")
    bridge.run()


class Site:
    """One site; a context manager.

    Args:
        folder: Everything is kept in.
        seed: Of the moments; what happens between them is up to the machine.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._folder, self._told = folder, folder / "history"
        self._told.mkdir(parents=True)
        self.reader = Reader(self._told)
        self._tell = Teller(self._told / "client.jsonl")
        # A long run keeps more commands in its ten minutes than a hub is set up for.
        self._hub = HubProcess(folder, "limits = {commands_per_robot = 1_000_000}")
        self._board: BoardSim | None = None
        self._bridges = 0
        self._bridge: Any = None
        # Interpreter and imports are there already: a bridge is up as soon as it can be.
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["robolink_serial.bridge", "tests.bridges.serial.resets.site"])
        self._ending = threading.Event()
        self._slots = threading.Semaphore(OPEN)
        self._working = threading.Lock()
        self._pool = ThreadPoolExecutor(OPEN)
        self._orders: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._hub.start()
        program = self._folder / "program"
        shutil.copytree(firmware_folder(), program)
        shutil.copyfile(LEDGER, program / "ledger.py")
        (program / "main.py").write_text(MAIN.format(path=self._told / "board.jsonl"))
        self._board = BoardSim(program)
        self._start_bridge()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._pool.shutdown(cancel_futures=True)
        if self._bridge is not None:
            self._bridge.kill()
            self._bridge.join()
        if self._board is not None:
            self._board.close()
        self._hub.stop()

    def _start_bridge(self) -> None:
        assert self._board is not None
        self._bridges += 1
        path = self._told / f"bridge{self._bridges % 2}.jsonl"
        self._bridge = self._processes.Process(
            target=run_bridge, args=(self._board.port, self._hub.url, path), daemon=True
        )
        self._bridge.start()

    def reset(self, who: str) -> None:
        """The button of the board, or kill -9 of the bridge and a new one."""
        self._tell("reset", who=who)
        if who == "board":
            assert self._board is not None
            self._board.reset()
        else:
            self._bridge.kill()
            self._bridge.join()
            self._start_bridge()

    # Ordering.

    def _order_all_the_while(self, robot: RobotHandle) -> None:
        number = 0
        while not self._ending.wait(GAP_S):
            if not self._slots.acquire(timeout=0.1):
                continue
            number += 1
            work = self._random.random() < 0.3 and self._working.acquire(blocking=False)
            self._orders.append(self._pool.submit(self._order, robot, number, work))

    def _order(self, robot: RobotHandle, number: int, work: bool) -> None:
        self._tell("send", n=number)
        state = "LOST, nobody answered"
        try:
            update = robot.goal("ledger.work" if work else "ledger.mark", number=number).wait(END_S)
            state = f"{state_name(update.state)} {cause_name(update.cause) if update.cause else ''}".strip()
        except DeadlineExceededError as exc:
            state = f"LOST, {exc}"
        except CommandError as exc:
            state = f"REJECTED {cause_name(exc.cause) if exc.cause else exc}"
        except RobolinkError as exc:
            state = f"LOST, {exc}"
        finally:
            self._tell("end", n=number, state=state)
            if work:
                self._working.release()
            self._slots.release()

    # The run.

    def _works(self, begun: int) -> bool:
        """Whether a command that was sent in a session since the last reset has succeeded."""
        self.reader.new()
        news = sorted(self.reader.records[begun:], key=lambda record: record["t"])
        ran: set[str] = {"board", "bridge"}
        sent: set[int] = set()
        up = begun == 0
        for record in news:
            if record["e"] == "reset":
                ran.discard(record["who"])
                up, sent = False, set()
            elif record["e"] == "running":
                ran.add(record["who"])
            elif record["e"] == "up":
                up = len(ran) == 2
            elif record["e"] == "send" and up:
                sent.add(record["n"])
            elif record["e"] == "end" and record["n"] in sent and record["state"] == "SUCCEEDED":
                return True
        return False

    def _wait(self, what: Callable[[], bool], limit_s: float) -> bool:
        until = time.monotonic() + limit_s
        while not what():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def play(self, resets: int, say: Callable[[int], None] = lambda _: None) -> None:
        """Board and bridge by turns, each at a random moment after commands succeed again; some before that."""
        roles = (v1.ROLE_OPERATE, v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)
        with robolink.connect(self._hub.url, name="resets", roles=roles) as client:
            robot = client.robot(ROBOT)
            if not self._wait(
                lambda: any(each.robot == ROBOT and each.online for each in client.robots()), WAIT_S
            ):
                raise RuntimeError(f"{ROBOT} did not come online; see {self._folder}")
            with robot.lease():
                orderer = threading.Thread(target=self._order_all_the_while, args=(robot,))
                orderer.start()
                try:
                    self._resets(resets, say)
                finally:
                    self._ending.set()
                    orderer.join()
                for order in self._orders:
                    order.result()
        self._tell("quiet")
        self.reader.new()

    def _resets(self, resets: int, say: Callable[[int], None]) -> None:
        begun = 0
        for number in range(resets):
            if self._random.random() < 0.9:
                self._wait(lambda since=begun: self._works(since), WAIT_S)
            time.sleep(self._random.uniform(0.0, 0.4))
            self.reader.new()
            begun = len(self.reader.records)
            self.reset("board" if number % 2 == 0 else "bridge")
            say(number + 1)
        self._wait(lambda: self._works(begun), WAIT_S)

    def states(self) -> Counter[str]:
        """How commands ended."""
        return Counter(each["state"].split(",")[0] for each in self.reader.records if each["e"] == "end")


def available() -> bool:
    """Whether MicroPython is here."""
    from robolink_sims.board import micropython_executable

    try:
        subprocess.run([micropython_executable(), "-c", ""], check=True, timeout=30)
    except (RobolinkError, OSError, subprocess.SubprocessError):
        return False
    return True
