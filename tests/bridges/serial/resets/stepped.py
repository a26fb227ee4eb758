"""The bridge's code and the board's program in injected time, with resets of both and a faulty line between. No hub, no port.

What a hub's driver would do stands here as a few doubles; everything that speaks to the line is the real thing.
"""

from __future__ import annotations

import random
import threading
from typing import Any, Final

from robolink import v1
from robolink.core.clock import SiteTime
from robolink.robot import StopView
from robolink_serial.board import BoardAt, ServedBoard
from robolink_sims.serial_faults import LineFaults, LineProfile, LineWay
from tests.bridges.serial.resets.checker import Record
from tests.firmware import FIRMWARE

from robolink_board.board import Board  # type: ignore[import-not-found]  # isort: skip
from tests.bridges.serial.resets.ledger import Ledger  # isort: skip

assert FIRMWARE.exists()

STEP_S: Final = 0.01
# A board boots, and a bridge is started, within this time.
BOOT_S: Final = (0.02, 0.4)
TICKS_PERIOD: Final = 1 << 30
MAX_OPEN: Final = 12


class _Order:
    """One command, for the handler; ends once, and says so."""

    def __init__(self, number: int, method: str, end: Any, lease: tuple[int, int] = (1, 1)) -> None:
        self.lease_epoch, self.lease_sequence = lease
        self.id, self.method, self.args = number.to_bytes(16, "big"), method, {"number": number}
        self.stop_generation, self.max_duration_s = 0, 10.0
        self.on_disconnect = v1.ON_DISCONNECT_CANCEL
        self.cancel_requested: v1.CommandState | None = None
        self._end = end

    def succeed(self, **_: Any) -> None:
        self._end(self, "SUCCEEDED")

    def fail(self, text: str, cause: v1.Cause = v1.CAUSE_DRIVER_ERROR) -> None:
        self._end(self, f"FAILED {v1.Cause.Name(cause).removeprefix('CAUSE_')}")

    def ended(self, state: v1.CommandState, text: str = "") -> None:
        self._end(self, v1.CommandState.Name(state).removeprefix("COMMAND_STATE_"))

    def feedback(self, **_: Any) -> None:
        return


SITE = SiteTime(offset_ns=10**15, error_us=40, clock_id=1)


class _Driver:
    """What the bridge needs of the vendor SDK: it takes a robot, and listens to nothing."""

    connected = True
    lease = (0, 0)
    stop = StopView(0, latched=False)

    def __init__(self) -> None:
        self.handler: Any = None
        self.notices: list[tuple[str, str]] = []

    def add(self, handler: Any) -> None:
        self.handler = handler
        handler.attached(self)

    def remove(self, _robot: str) -> None:
        self.handler = None

    def report(self, *_: Any, **__: Any) -> None:
        return

    publish = quality = report

    def notice(self, text: str, *, kind: str, severity: v1.Severity) -> None:
        self.notices.append((kind, text))

    def site_time(self) -> SiteTime:
        """As if a hub had told it."""
        return SITE


class Stepped:
    """One run.

    Args:
        seed: Of everything that is random.
        profile: Of the line, all the time.
        board: Makes the board; another one to break a promise on purpose.

    Attributes:
        history: What happened; see checker.py.
    """

    def __init__(self, seed: int, profile: LineProfile | None = None, board: Any = Board) -> None:
        self.random = random.Random(seed)
        self.line = LineFaults(seed, profile)
        self.history: list[Record] = []
        self.now, self._make_board = 100.0, board
        self._sent = 0
        self._open: dict[int, _Order] = {}
        self._board: Any = None
        self._bridge: ServedBoard | None = None
        self._driver = _Driver()
        self._starts = {"board": self.now, "bridge": self.now}

    # What resets do.

    def reset(self, who: str) -> None:
        """Power off at once; it runs again a little later."""
        self.tell("reset", who=who)
        self._starts[who] = self.now + self.random.uniform(*BOOT_S)
        if who == "board":
            self._board = None
        elif self._bridge is not None:
            self._bridge.line.close()
            self._bridge, self._driver = None, _Driver()
            # What a driver had open when it was killed, its hub calls lost: nobody knows how it ended.
            for order in list(self._open.values()):
                self._end(order, "LOST")

    def interrupt(self, seconds: float) -> None:
        """The line carries nothing for a while; both run on, and what is open is asked for afterwards."""
        self.line.cut()
        self.run(seconds)
        self.line.heal()
        self.run(self.random.uniform(0.0, 0.6))

    def tell(self, event: str, **more: Any) -> None:
        """One record."""
        self.history.append({"t": self.now, "e": event, **more})

    def _start(self) -> None:
        for who in [who for who, at in self._starts.items() if self.now >= at]:
            del self._starts[who]
            self.tell("running", who=who)
            if who == "board":
                self._board = self._make_board(
                    model="ledger-board",
                    components=(Ledger(lambda event, number: self.tell(event, n=number)),),
                    random_u32=lambda: self.random.getrandbits(32),
                    now=self._ms(),
                )
            else:
                self._start_bridge()

    def _start_bridge(self) -> None:
        self._driver = _Driver()
        at = BoardAt(robot="board-1", port="stepped")
        bridge = ServedBoard(
            at,
            self._driver,
            threading.Lock(),
            lambda: "stepped",
            clock=lambda: self.now,  # type: ignore[arg-type]
        )
        handle = bridge.link_event

        def noted(event: Any, session: int) -> None:
            if type(event).__name__ in ("Up", "Down"):
                self.tell(type(event).__name__.lower())
            handle(event, session)

        bridge.link_event = noted  # type: ignore[method-assign]
        self._bridge = bridge

    def _ms(self) -> int:
        return round(self.now * 1000) % TICKS_PERIOD

    def lose(self) -> None:
        """The port vanishes and is there again, sooner than the board's watchdog: what had not left is lost."""
        assert self._bridge is not None
        self._bridge.line._lost("the port vanished")

    def order(self, method: str, lease: tuple[int, int] = (1, 1)) -> int:
        """One command; its number."""
        self._sent += 1
        order = self._open[self._sent] = _Order(self._sent, method, self._end, lease)
        self.tell("send", n=self._sent)
        self._driver.lease = max(self._driver.lease, lease)
        self._driver.handler.on_command(order)
        return self._sent

    def board_counts_stops(self, generation: int) -> None:
        """As if it had been stopped so often, and released, while it belonged to another hub."""
        self._board.generation = generation
        self._board._tell_stop()
        self.lose()

    def hub_counts_stops(self, generation: int) -> None:
        """The hub has told its own number."""
        self._driver.stop = StopView(generation, latched=False)

    @property
    def notices(self) -> list[tuple[str, str]]:
        """Kind and text of each."""
        return self._driver.notices

    def cancel(self, number: int) -> None:
        """End that one."""
        order = self._open[number]
        order.cancel_requested = v1.COMMAND_STATE_CANCELED
        self._driver.handler.on_cancel(order, order.cancel_requested)

    # Time.

    def step(self) -> None:
        """10 ms, a board's own tick."""
        self.now += STEP_S
        self._start()
        if self._bridge is not None:
            data, _ = self._bridge.line.due()
            self.line.submit(LineWay.TO_BOARD, data, self.now)
            self._bridge.line.give_out()
        if self._board is not None:
            self._board.step(self._ms())
            self.line.submit(LineWay.TO_HOST, bytes(self._board.data_to_send(self._ms())), self.now)
        for way, data in self.line.due(self.now):
            if way is LineWay.TO_BOARD and self._board is not None:
                self._board.receive(data, self._ms())
            elif way is LineWay.TO_HOST and self._bridge is not None:
                self._bridge.line.take(data)
                self._bridge.line.give_out()

    def run(self, seconds: float, *, sending: bool = True) -> None:
        """Time goes on, commands come at random."""
        for _ in range(round(seconds / STEP_S)):
            self.step()
            if sending and self._driver.handler is not None and self.random.random() < 0.3:
                self._order()

    def _order(self) -> None:
        if len(self._open) >= MAX_OPEN:
            return
        method = self.random.choice(("ledger.mark", "ledger.mark", "ledger.work"))
        busy = any(each.method == "ledger.work" for each in self._open.values())
        self.order("ledger.mark" if busy else method)

    def _end(self, order: _Order, state: str) -> None:
        number = order.args["number"]
        self._open.pop(number, None)
        self.tell("end", n=number, state=state)

    def until_up(self, limit_s: float = 30.0) -> None:
        """Both run and the line stands."""
        until = self.now + limit_s
        while self._starts or self.history[-1:] == [] or not self._up():
            self.step()
            if self.now > until:
                return

    def _up(self) -> bool:
        last = next(
            (each["e"] for each in reversed(self.history) if each["e"] in ("up", "down", "reset")), ""
        )
        return last == "up" and self._driver.handler is not None

    def at_rest(self) -> None:
        """No more commands; all that is open ends."""
        self.until_up()
        self.run(3.0, sending=False)
        self.tell("quiet")

    def resets(self, count: int) -> None:
        """Board and bridge by turns, at random moments, some before the last one is healed."""
        for number in range(count):
            if self.random.random() < 0.85:
                self.until_up()
            self.run(self.random.uniform(0.0, 0.4))
            if self.random.random() < 0.2:
                self.interrupt(self.random.uniform(0.1, 0.6))
                self.until_up()
                self.run(0.5, sending=False)
                self.tell("quiet")
            self.reset("board" if number % 2 == 0 else "bridge")
        self.at_rest()
