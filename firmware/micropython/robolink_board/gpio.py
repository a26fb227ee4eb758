"""Digital lines: inputs as readings, outputs as calls and readings. A line that can move something needs a lease."""

from robolink_board import messages
from robolink_board.component import GPIO, Component
from robolink_board.member import call, field, reading


class Line:
    def __init__(self, pin, name, output=False, inverted=False, moves=True, safe=False):
        # `moves`: what hangs on this output can move. `safe`: its level, as said, when nobody is in charge.
        self.name, self.output, self.moves = name, output, output and moves
        self._pin, self._inverted, self._safe = pin, inverted, safe

    def get(self):
        return bool(self._pin.value()) != self._inverted

    def set(self, on):
        self._pin.value(1 if on != self._inverted else 0)

    def safe(self):
        self.set(self._safe)

    def is_safe(self):
        return self.get() == self._safe


class Gpio(Component):
    type = GPIO

    def __init__(self, name, lines, description="digital lines"):
        self.name, self.description = name, description
        self._moving = [line for line in lines if line.moves]
        self._outputs = [line for line in lines if line.output]
        self.moves = self.can_cut = bool(self._moving)
        members = [
            reading(
                line.name,
                line.get,
                changes=True,
                type=messages.BOOL,
                description="ordered" if line.output else "measured",
            )
            for line in lines
        ]
        for line in self._outputs:
            members.append(
                call(
                    "set_" + line.name,
                    self._setter(line),
                    args=(field("on", type=messages.BOOL),),
                    motion=line.moves,
                    description="switch the line" + ("; it can move something" if line.moves else ""),
                )
            )
        self.members = tuple(members)

    @staticmethod
    def _setter(line):
        def run(on):
            line.set(on)

        return run

    def safe(self):
        # A stop leaves alone what cannot move: a lamp may go on telling.
        for line in self._moving:
            line.safe()

    def off(self):
        for line in self._outputs:
            line.safe()

    def standstill(self):
        for line in self._moving:
            if not line.is_safe():
                return False
        return True
