"""What every part of a ROS 2 robot has in common: a running goal, and the part itself. No ROS 2 here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink.robot import Order

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot

PERIOD_S: Final = 0.05
# Discovery takes its time: so long an order waits for the node that carries it out.
PEER_S: Final = 2.0
# The same text is logged again after so long; of more texts than that the oldest is forgotten.
SELDOM_S: Final = 10.0
MAX_TEXTS: Final = 64


class Seldom:
    """What comes a hundred times a second is counted each time and logged now and then."""

    def __init__(self) -> None:
        """Nothing was said."""
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, text: str) -> bool:
        """Whether to log it now."""
        now = time.monotonic()
        with self._lock:
            if now - self._said.get(text, -SELDOM_S) < SELDOM_S:
                return False
            self._said.pop(text, None)
            self._said[text] = now
            if len(self._said) > MAX_TEXTS:
                del self._said[next(iter(self._said))]
            return True


class Run:
    """One order that runs in a thread of its own."""

    def __init__(self, order: Order) -> None:
        """Not begun."""
        self.order = order
        self.news = threading.Event()
        # Called at once when it must end, in whatever thread says so.
        self.abort: Callable[[], None] = lambda: None
        self.lost = ""
        # Set before all else: from then on nothing may be sent that moves by it.
        self.over = False
        self._why: v1.CommandState | None = None

    def end(self, why: v1.CommandState | None = None) -> None:
        """It must end: begin with that now. `why`: the state it ends in, as the order may learn of it later than we do."""
        self._why = self._why or why
        self.over = True
        self.abort()
        self.news.set()

    def wait(self, seconds: float = PERIOD_S) -> None:
        """Until there is news, or so long."""
        self.news.wait(seconds)
        self.news.clear()

    def peer(self, there: Callable[[], bool]) -> bool:
        """Wait for the node that carries it out; False: nobody came. True also if it must end meanwhile: look at `ending`."""
        return wait_until(lambda: there() or self.ending is not None, PEER_S)

    @property
    def ending(self) -> v1.CommandState | None:
        """The state in which it should end, or None."""
        return self.order.cancel_requested or self._why


class Part:
    """Something of a component: a velocity, an arm, an action, a service.

    Attributes:
        methods: Name to what runs a goal or a call of that name.
        drives: Its goals move the component by somebody else's velocity.
    """

    drives = False

    def __init__(self, robot: Ros2Robot, component: str) -> None:
        """Nothing is opened."""
        self.robot, self.component = robot, component
        self.methods: dict[str, Callable[[Run], None]] = {}

    def start(self, node: Any) -> None:
        """Open what it needs in ROS 2."""

    def stand(self) -> None:
        """Whatever moves by it: stop, at once and idempotent."""

    def still(self, since: float) -> bool | None:
        """Measured standstill by something that came after `since`; None: it cannot tell."""
        return None

    def missing(self) -> list[str]:
        """What it waits for."""
        return []

    def look(self) -> None:
        """Called a few times a second, for what only the graph tells."""


def wait_until(condition: Callable[[], bool], timeout_s: float, step_s: float = 0.01) -> bool:
    """Poll; False after the timeout."""
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(step_s)
    return True
