"""The board itself as a component: memory, why it was reset, how late its loop was, what is wrong with its profile."""

import gc

from robolink_board import messages
from robolink_board.component import GENERIC, Component
from robolink_board.member import reading


class Health(Component):
    name = "board"
    type = GENERIC
    description = "the board itself"

    def __init__(self, reset_cause="", fault=""):
        self._worst_ms = 0
        self._seconds = self._ms = 0
        self.fault = fault
        self.members = (
            reading("free_memory", self._free, slow=True, type=messages.INT, description="bytes"),
            reading("uptime", lambda: float(self._seconds), slow=True, unit="s"),
            reading(
                "longest_tick", self._longest, slow=True, unit="s", description="since the last one told"
            ),
            reading("reset_cause", lambda: reset_cause, slow=True, type=messages.STRING),
            reading(
                "fault", lambda: self.fault, changes=True, type=messages.STRING, description="empty: none"
            ),
        )

    @staticmethod
    def _free():
        # CPython, where the tests of the rules run, has none.
        return gc.mem_free() if hasattr(gc, "mem_free") else 0

    def _longest(self):
        worst, self._worst_ms = self._worst_ms, 0
        return worst / 1000

    def step(self, ms):
        self._ms += ms
        if self._ms >= 1000:
            self._seconds += self._ms // 1000
            self._ms %= 1000
        if ms > self._worst_ms:
            self._worst_ms = ms
