"""A board's component that tells of each command it runs: a call that is done at once, a goal that takes ten ticks.

It runs on MicroPython and in CPython, where the board's folder is on the path.
"""

from robolink_board import messages
from robolink_board.component import Component
from robolink_board.member import call, field, goal

TICKS = 10


class Ledger(Component):
    name = "ledger"
    moves = True
    description = "tells what it has run"

    def __init__(self, tell):
        # tell(event, number)
        self.tell = tell
        number = field("number", type=messages.INT)
        self.members = (
            call("mark", self._mark, args=(number,)),
            goal("work", self._work, args=(number,)),
        )

    def _mark(self, number):
        self.tell("begin", number)
        self.tell("done", number)

    def _work(self, run, number):
        self.tell("begin", number)
        for _ in range(TICKS):
            yield
        self.tell("done", number)
