"""A serial line without hardware or clock: two ends stepped by hand, and bytes that get lost, bent or doubled."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from robolink.core.link import Link, LinkEvent, LinkTimes

STEP_S = 0.005


class End(Protocol):
    def receive(self, data: bytes, now: float) -> None: ...
    def step(self, now: float) -> bytes: ...


class LinkEnd:
    """A Link with what it has said so far."""

    def __init__(self, now: float = 0.0, **options: Any) -> None:
        self.link = Link(now=now, **options)
        self.events: list[LinkEvent] = []

    def receive(self, data: bytes, now: float) -> None:
        self.link.receive(data, now)
        self._collect()

    def step(self, now: float) -> bytes:
        self.link.handle_timer(now)
        data = self.link.data_to_send(now)
        self._collect()
        return data

    def _collect(self) -> None:
        while (event := self.link.next_event()) is not None:
            self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.events if isinstance(each, kind)]

    def messages(self, kind: type) -> list[Any]:
        return [e.message for e in self.events if hasattr(e, "message") and isinstance(e.message, kind)]


class Faults:
    """Does to a chunk of bytes what a bad cable does; `rate` 0..1 of the chunks. Seeded, so that it repeats."""

    def __init__(self, seed: int, rate: float) -> None:
        self.rate = rate
        self._random = random.Random(seed)
        self.done = 0

    def __call__(self, data: bytes) -> bytes:
        if not data or self._random.random() >= self.rate:
            return data
        self.done += 1
        at = self._random.randrange(len(data))
        return self._random.choice(
            (
                lambda: b"",
                lambda: data[:at],
                lambda: data[at:],
                lambda: data + data,
                lambda: data[:at] + bytes((data[at] ^ 1 << self._random.randrange(8),)) + data[at + 1 :],
                lambda: data[:at] + self._random.randbytes(self._random.randrange(1, 40)) + data[at:],
            )
        )()


class Line:
    """Both ends and the time between them."""

    def __init__(self, host: End, board: End, faults: Callable[[bytes], bytes] = lambda data: data) -> None:
        self.host, self.board, self.faults = host, board, faults
        self.now = 0.0
        self.cut = False

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            down, up = self.host.step(self.now), self.board.step(self.now)
            if not self.cut:
                self.board.receive(self.faults(down), self.now)
                self.host.receive(self.faults(up), self.now)

    def until(self, condition: Callable[[], Any], limit_s: float = 1.0) -> float:
        """Run until it is true; how long that took, s."""
        began = self.now
        while not condition():
            assert self.now - began < limit_s, f"not within {limit_s} s"
            self.run(STEP_S)
        return self.now - began


def two_links(seed: int = 1, rate: float = 0.0, **host: Any) -> tuple[LinkEnd, LinkEnd, Line]:
    numbers = random.Random(seed)
    ends = [
        LinkEnd(
            **{
                "host": is_host,
                "random_u32": lambda: numbers.getrandbits(32),
                "times": LinkTimes(),
                **options,
            }
        )
        for is_host, options in ((True, host), (False, {}))
    ]
    return ends[0], ends[1], Line(ends[0], ends[1], Faults(seed, rate))
