"""The endpoint moves what a session says, from its own thread or the caller's: nothing stays behind when they overlap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq

from robolink.transports import endpoint as module
from robolink.transports.endpoint import Endpoint
from robolink.transports.lanes import Lane

SOON_S = 10.0


class Script:
    """A session that keeps what comes, and sends what it is told."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Lane, list[bytes]]] = []
        self.received: list[bytes] = []
        self.came = threading.Condition()
        self.timer: float | None = None
        self.timers: list[threading.Thread] = []
        self.gate = threading.Event()
        self.gate.set()
        self.inside = threading.Event()

    def start(self, now: float) -> None:
        self.outbox.append((Lane.CONTROL, [b"hello"]))

    def receive(self, lane: Lane, frames: list[bytes], now: float) -> None:
        with self.came:
            self.received.append(frames[0])
            self.came.notify_all()
        self.inside.set()
        self.gate.wait(SOON_S)

    def next_timer(self) -> float | None:
        return self.timer

    def handle_timer(self, now: float) -> None:
        self.timer = None
        with self.came:
            self.timers.append(threading.current_thread())
            self.came.notify_all()

    def take_outbox(self) -> list[tuple[Lane, list[bytes]]]:
        out, self.outbox = self.outbox, []
        return out

    def unsent(self, lane: Lane, frames: list[bytes]) -> None:
        self.outbox.append((lane, frames))

    def closing(self, now: float) -> None:
        self.outbox.append((Lane.CONTROL, [b"goodbye"]))

    def say(self, word: bytes, who: list[threading.Thread]) -> None:
        who.append(threading.current_thread())
        self.outbox.append((Lane.CONTROL, [word]))

    def wait_for(self, word: bytes) -> None:
        with self.came:
            assert self.came.wait_for(lambda: word in self.received, SOON_S), f"{word!r} stayed behind"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    # No second look: what is not noticed at once is never noticed.
    monkeypatch.setattr(module, "MAX_WAIT_S", 3600.0)
    return Script()


@pytest.fixture
def echoed(script: Script) -> Iterator[Endpoint]:
    """An endpoint whose peer sends everything back."""
    with zmq.Context() as context:
        router = context.socket(zmq.ROUTER)
        port = router.bind_to_random_port("tcp://127.0.0.1")
        stop = threading.Event()

        def echo() -> None:
            while not stop.is_set():
                if router.poll(20):
                    router.send_multipart(router.recv_multipart())
            router.close(0)

        thread = threading.Thread(target=echo)
        thread.start()
        endpoint = Endpoint(script, control_url=f"tcp://127.0.0.1:{port}", safety_url="")
        endpoint.start()
        # Its socket sends only once it is connected.
        until = time.monotonic() + SOON_S
        while not script.received and time.monotonic() < until:
            endpoint.post(lambda _now: None)
            with script.came:
                script.came.wait(0.01)
        script.wait_for(b"hello")
        yield endpoint
        script.gate.set()
        endpoint.close()
        stop.set()
        thread.join()


def test_an_idle_endpoint_sends_from_the_callers_thread(echoed: Endpoint, script: Script) -> None:
    who: list[threading.Thread] = []
    for number in range(2000):
        word = b"%d" % number
        echoed.run(lambda _now, word=word: script.say(word, who))  # type: ignore[misc]
        script.wait_for(word)
    assert who.count(threading.current_thread()) > len(who) // 2


def test_a_busy_endpoint_does_it_later_and_in_order(echoed: Endpoint, script: Script) -> None:
    script.gate.clear()
    script.inside.clear()
    who: list[threading.Thread] = []
    echoed.post(lambda _now: script.say(b"first", who))
    assert script.inside.wait(SOON_S)
    echoed.post(lambda _now: script.say(b"second", who))
    echoed.run(lambda _now: script.say(b"third", who))
    assert len(who) == 1, "nobody else may touch the session meanwhile"
    script.gate.set()
    script.wait_for(b"third")
    assert script.received[-3:] == [b"first", b"second", b"third"]
    assert threading.current_thread() not in who


def test_calls_from_many_threads_all_come_through(echoed: Endpoint, script: Script) -> None:
    who: list[threading.Thread] = []

    def many(start: int) -> None:
        for number in range(start, start + 200):
            (echoed.run if number % 2 else echoed.post)(lambda _now, n=number: script.say(b"%d" % n, who))  # type: ignore[misc]
            if number % 50 == 0:
                script.wait_for(b"%d" % number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, range(0, 800, 200)))
    for number in range(800):
        script.wait_for(b"%d" % number)
    assert len(script.received) == 801, "each once"


def test_a_timer_that_a_call_begins_is_kept(echoed: Endpoint, script: Script) -> None:
    def begin(now: float) -> None:
        script.timer = now + 0.02

    echoed.run(begin)
    with script.came:
        assert script.came.wait_for(lambda: script.timers, SOON_S)
    assert threading.current_thread() not in script.timers


def test_what_a_call_raises_is_the_callers(echoed: Endpoint, script: Script) -> None:
    def fail(_now: float) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        echoed.run(fail)
    echoed.run(lambda _now: script.say(b"after", []))
    script.wait_for(b"after")


def test_after_the_end_nothing_is_sent_and_nothing_hangs(echoed: Endpoint, script: Script) -> None:
    echoed.close()
    echoed.run(lambda _now: script.say(b"late", []))
    echoed.post(lambda _now: script.say(b"late", []))
    assert script.outbox == []
