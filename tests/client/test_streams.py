"""A stream's socket and its two readers, the caller that waits and the thread: over real ZeroMQ, without a hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import zmq

from robolink import v1
from robolink.client._streams import StreamReader, StreamSample
from tests.conftest import wait_for

TOPIC = "r/base/odometry"


class Seen(StreamReader):
    """Notes which thread took each sample."""

    readers: list[str]

    def _take(self, frames: list[bytes]) -> None:
        self.__dict__.setdefault("readers", []).append(threading.current_thread().name)
        super()._take(frames)


class Robot:
    """Publishes numbered samples."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)  # A full queue is waited for.
        self.url = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.reader = Seen(self.url, TOPIC, lambda at: int(at * 1e9), keys=None, max_age_s=1e9)
        self.socket.recv()  # Its subscription is here.
        self.seq = 0

    def publish(self) -> None:
        self.seq += 1
        sample = v1.Sample(seq=self.seq, stamp_ns=1, odometry=v1.Odometry(x=float(self.seq)))
        self.socket.send_multipart([TOPIC.encode(), sample.SerializeToString()])


@pytest.fixture
def robot() -> Iterator[Robot]:
    made = Robot()
    yield made
    made.reader.close()
    made.socket.close(0)
    made.context.term()


def test_who_waits_reads_the_socket_itself(robot: Robot) -> None:
    def next_by() -> str:
        robot.publish()
        sample = robot.reader.channel.get(10)
        assert sample is not None
        assert sample.sample.seq == robot.seq
        return robot.reader.readers[-1]

    # The first may come by the thread, which had the socket until then.
    wait_for(lambda: next_by() == threading.current_thread().name, what="a sample by our own hands")


def test_who_came_while_another_had_the_socket_reads_it_once_that_is_over(robot: Robot) -> None:
    def next_by() -> str:
        caller = threading.Thread(target=robot.reader.channel.get, args=(10,), name="caller")
        with robot.reader._turn:  # As another reader that gets nothing.
            asked_s = robot.reader._pulled_s
            caller.start()
            wait_for(lambda: robot.reader._pulled_s != asked_s, what="the caller's wait")
        robot.publish()
        caller.join(20)
        return robot.reader.readers[-1]

    # Where this machine holds the caller up for long, the thread is in time.
    wait_for(lambda: next_by() == "caller", 10, "a sample by the caller's hands")


def test_while_nobody_waits_the_thread_keeps_the_socket_empty_and_counts(robot: Robot) -> None:
    robot.publish()
    assert robot.reader.channel.get(10) is not None
    for _ in range(50):
        robot.publish()
    wait_for(lambda: robot.reader.counters["replaced"] == 49, what="all but the newest as replaced")
    sample = robot.reader.channel.get(10)
    assert sample is not None
    assert sample.payload.x == 51.0
    assert robot.reader.channel.get(0) is None
    assert robot.reader.counters["gaps"] == 0


def test_what_waited_in_the_socket_is_passed_over_for_the_newest(robot: Robot) -> None:
    robot.publish()
    wait_for(lambda: robot.reader.channel.get(1), what="the first")
    seen: list[int] = []
    # Some of these are taken by us and some by the thread: each once, and in order.
    for _ in range(200):
        robot.publish()
        robot.publish()
        if (sample := robot.reader.channel.get(1)) is not None:
            seen.append(sample.sample.seq)
    while (sample := robot.reader.channel.get(0.2)) is not None:
        seen.append(sample.sample.seq)
    assert seen == sorted(set(seen))
    assert seen[-1] == robot.seq
    assert len(seen) + robot.reader.channel.dropped == robot.seq - 1


def test_several_callers_and_the_thread_take_each_sample_once(robot: Robot) -> None:
    taken: list[list[StreamSample]] = [[] for _ in range(3)]

    def run(mine: list[StreamSample]) -> None:
        try:
            while True:
                if (sample := robot.reader.channel.get()) is not None:
                    mine.append(sample)
        except StopIteration:
            return

    callers = [threading.Thread(target=run, args=(mine,)) for mine in taken]
    for each in callers:
        each.start()
    for _ in range(2000):
        robot.publish()
    wait_for(lambda: sum(map(len, taken)) + robot.reader.channel.dropped == 2000, what="all of them")
    robot.reader.close()
    for each in callers:
        each.join(10)
        assert not each.is_alive(), "the end of the stream ends each caller's wait"
    numbers = [sample.sample.seq for mine in taken for sample in mine]
    assert len(numbers) == len(set(numbers))
    assert 2000 in numbers


def test_a_close_elsewhere_ends_the_read_of_a_caller(robot: Robot) -> None:
    robot.publish()
    wait_for(lambda: robot.reader.channel.get(1), what="the first")
    closing = threading.Timer(0.05, robot.reader.close)
    closing.start()
    with pytest.raises(StopIteration):
        robot.reader.channel.get()
    closing.join()
