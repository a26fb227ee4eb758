"""A robot of a mapping without hub and wire: real messages go in by topic, and what it publishes and answers is kept."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from robolink import v1
from robolink_ros2 import config
from robolink_ros2.guard import NoGuard
from robolink_ros2.node import resolve
from robolink_ros2.robot import Ros2Robot
from tests.conftest import wait_for

STOPPED = v1.COMMAND_STATE_STOPPED


class Out:
    """A topic with one subscriber."""

    def __init__(self, topic: str, ros_type: str) -> None:
        self.name, self.type, self.sent = topic, resolve(ros_type), list[Any]()

    def send(self, message: Any) -> bool:
        self.sent.append(message)
        return True

    def listeners(self) -> int:
        return 1


class Client:
    """A service that keeps what it is asked, and answers when the test says so."""

    def __init__(self, _name: str, ros_type: str) -> None:
        self.type, self.there = resolve(ros_type), False
        self.asked = list[tuple[Any, Callable[[Any], None]]]()

    def ready(self) -> bool:
        return self.there

    def send(self, request: Any, done: Callable[[Any], None]) -> Callable[[], None]:
        self.asked.append((request, done))
        return lambda: None


class Node:
    """What parts open in the graph."""

    def __init__(self) -> None:
        self.counters, self.receiver = Counter[str](), SimpleNamespace(errors=0)
        self.outs, self.ins = dict[str, Out](), dict[str, list[Callable[[Any], None]]]()
        self.clients = dict[str, Client]()

    def publish(self, topic: str, ros_type: str) -> Out:
        return self.outs.setdefault(topic, Out(topic, ros_type))

    def listen(self, topic: str, _type: str, taken: Callable[[Any], None], **_how: Any) -> None:
        self.ins.setdefault(topic, []).append(taken)

    def client(self, name: str, ros_type: str) -> Client:
        return self.clients.setdefault(name, Client(name, ros_type))

    def stamp(self, message: Any) -> Any:
        return message

    def now_ns(self) -> int:
        return 0

    def resolved(self, name: str) -> str:
        return name

    def look(self) -> None:
        """Nothing changes."""

    def missing(self) -> list[str]:
        return []


class Link:
    """The newest report of each reading, and every notice."""

    def __init__(self) -> None:
        self.reports, self.notices, self.samples = dict[str, Any](), list[str](), list[Any]()

    def report(self, name: str, value: Any) -> None:
        self.reports[name] = value

    def notice(self, text: str, **_how: Any) -> None:
        self.notices.append(text)

    def publish(self, component: str, stream: str, payload: Any, **_how: Any) -> None:
        self.samples.append(payload)

    def quality(self, ok: bool, text: str = "") -> None:
        """Nobody asks."""


class Order:
    """One order, and its end."""

    def __init__(self, method: str, **args: Any) -> None:
        self.id, self.method, self.args, self.motion = method.encode(), method, args, True
        self.cancel_requested: Any = None
        self.told, self.end = list[dict[str, Any]](), list[Any]()
        self.ending = threading.Event()

    def feedback(self, **values: Any) -> None:
        self.told.append(values)

    def _ended(self, *what: Any) -> None:
        self.end.append(what)
        self.ending.set()

    def succeed(self, **results: Any) -> None:
        self._ended(v1.COMMAND_STATE_SUCCEEDED, results)

    def fail(self, text: str, cause: int = 0) -> None:
        self._ended(v1.COMMAND_STATE_FAILED, text)

    def ended(self, state: int, text: str = "") -> None:
        self._ended(state, text)

    def wait(self) -> Any:
        assert self.ending.wait(20), "the order has no end"
        assert len(self.end) == 1
        return self.end[0]


class Told(NoGuard):
    """A guard that keeps what it would publish."""

    def __init__(self) -> None:
        self.holds = dict[str, Any]()

    def tell(self, **what: Any) -> None:
        if "hold" in what:
            self.holds[what["hold"]] = what["message"]


class Stage:
    """One robot of a mapping, attached."""

    def __init__(self, components: dict[str, Any], **robot: Any) -> None:
        # No silence ends a test's order by itself, unless it says so.
        data = {"robot": "r", "lost_after_s": 60.0, "foreign_velocity": "ignore", **robot}
        self.mapping = config.check({**data, "components": components}, "test").robots[0]
        self.node, self.link, self.guard = Node(), Link(), Told()
        ros: Any = SimpleNamespace(node=lambda *_, **__: self.node, errors=0)
        self.robot = Ros2Robot(self.mapping, ros, self.guard)
        self.robot.attached(self.link)  # type: ignore[arg-type]

    def hear(self, topic: str, message: Any) -> None:
        """A message of the robot."""
        for taken in self.node.ins[topic]:
            taken(message)

    def begin(self, method: str, topic: str = "", **args: Any) -> Order:
        """An order; with a topic, once it has published there."""
        order = Order(method, **args)
        before = len(self.node.outs[topic].sent) if topic else 0
        self.robot.on_command(order)  # type: ignore[arg-type]
        if topic:
            wait_for(lambda: len(self.node.outs[topic].sent) > before or order.end, what=f"a goal on {topic}")
        return order

    def cancel(self, order: Order, why: v1.CommandState = v1.COMMAND_STATE_CANCELED) -> None:
        """As the driver does."""
        order.cancel_requested = why
        self.robot.on_cancel(order, why)  # type: ignore[arg-type]

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.robot.close()
