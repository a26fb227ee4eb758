"""Telemetry at the subscriber: newest only, the age of each sample, stale ones dropped and counted.

A SUB socket of its own per stream: samples never pass through the control lane's thread. Who waits for one reads the socket
itself, as a hand-over between threads costs a wake-up; while nobody does, a thread keeps it empty.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import zmq
from google.protobuf.message import DecodeError

from robolink import v1
from robolink.channels import Channel
from robolink.transports.lanes import TELEMETRY_HWM, Keys, subscriber

# Who has the socket waits no longer at once; shorter than below, so that a caller that waits for its turn keeps the thread away.
POLL_MS: Final = 50
# As long after a caller last asked the thread leaves the socket to it: its queue holds 0.1 s of 10,000 samples a second.
CALLERS_S: Final = 0.1
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSample:
    """One sample as it is handed to the app.

    Attributes:
        topic: "robot/component/stream".
        sample: With stamp and sequence.
        payload: The message inside: Odometry, LaserScan, Image, Values …
        age_s: Since it was measured, by the measured clock offset, s.
        attachment: Raw bytes, of an image or a point cloud.
    """

    topic: str
    sample: v1.Sample
    payload: Any
    age_s: float
    attachment: bytes = b""


class _Newest(Channel[StreamSample]):
    """The newest sample; whoever waits for one calls `pull` until it is there, each time for at most so many seconds."""

    def __init__(self, pull: Callable[[float], None]) -> None:
        super().__init__(1)
        self._pull = pull

    @property
    def filled(self) -> bool:
        return bool(self._items)

    def get(self, timeout_s: float | None = None) -> StreamSample | None:
        until = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while (item := self.take()) is None:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            self._pull(left_s)
        return item


class StreamReader:
    """One subscription.

    Attributes:
        counters: `stale`, `malformed`, `gaps` (samples lost on the way), `replaced` (newer ones came first).
    """

    def __init__(
        self, url: str, topic: str, site_ns: Callable[[float], int], *, keys: Keys | None, max_age_s: float
    ) -> None:
        """Subscribe."""
        self.channel = _Newest(self._pull)
        self.counters: Counter[str] = Counter()
        self._topic, self._site_ns, self._max_age_s = topic, site_ns, max_age_s
        self._seq = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = subscriber(self._context, url, keys)
        self._socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        # Who has the turn reads; a ZeroMQ socket is for one thread at a time.
        self._turn, self._pulled_s = threading.Lock(), float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"stream {topic}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if time.monotonic() - self._pulled_s < CALLERS_S:
                    self._stopping.wait(CALLERS_S)
                    continue
                with self._turn:
                    self._read(POLL_MS)
        finally:
            # Both here: two threads that end one ZeroMQ context at the same time wait for each other for ever.
            with self._turn:
                self._socket.close(0)
                self._context.term()

    def _pull(self, timeout_s: float) -> None:
        """In a caller's thread: read what comes, or wait for whoever reads; not for long, as the caller asks again."""
        self._pulled_s = time.monotonic()
        wait_s = min(POLL_MS / 1000, timeout_s)
        if not self._turn.acquire(timeout=wait_s):
            return
        try:
            if not (self._stopping.is_set() or self.channel.filled):
                self._read(max(1, int(wait_s * 1000)))
        finally:
            self._turn.release()

    def _read(self, timeout_ms: int) -> None:
        """All that has come, else the next message within that time."""
        taken = False
        with contextlib.suppress(zmq.Again):
            for _ in range(TELEMETRY_HWM):
                self._take(self._socket.recv_multipart(zmq.NOBLOCK))
                taken = True
        if taken:
            return
        # Not `poll` and then a read: pyzmq makes a poller anew for each.
        self._socket.setsockopt(zmq.RCVTIMEO, timeout_ms)
        with contextlib.suppress(zmq.Again):
            self._take(self._socket.recv_multipart())

    def _take(self, frames: list[bytes]) -> None:
        if len(frames) < 2:
            self.counters["malformed"] += 1
            return
        if frames[0] != self._topic.encode():
            return  # "base/odometry" also matches "base/odometry_raw": not ours.
        try:
            sample = v1.Sample.FromString(frames[1])
        except DecodeError:
            self.counters["malformed"] += 1
            return
        if self._seq and sample.seq > self._seq + 1:
            self.counters["gaps"] += sample.seq - self._seq - 1
        self._seq = sample.seq
        age_s = (self._site_ns(time.monotonic()) - sample.stamp_ns) / SECOND_NS
        if age_s > self._max_age_s:
            self.counters["stale"] += 1
            return
        kind = sample.WhichOneof("payload")
        payload = getattr(sample, kind) if kind else None
        self.channel.put(
            StreamSample(
                topic=self._topic,
                sample=sample,
                payload=payload,
                age_s=max(0.0, age_s),
                attachment=frames[2] if len(frames) == 3 else b"".join(frames[2:]),
            )
        )
        self.counters["replaced"] = self.channel.dropped

    def close(self) -> None:
        """End it; from any thread, and as often as one likes."""
        self._stopping.set()
        self.channel.close()
        self._thread.join(2.0)
