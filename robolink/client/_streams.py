"""Telemetry at the subscriber: newest only, the age of each sample, stale ones dropped and counted.

A thread with a SUB socket of its own per stream: samples never pass through the control lane's thread.
"""

from __future__ import annotations

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
from robolink.transports.lanes import Keys, subscriber

POLL_MS: Final = 100
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


class StreamReader:
    """One subscription.

    Attributes:
        counters: `stale`, `malformed`, `gaps` (samples lost on the way), `replaced` (newer ones came first).
    """

    def __init__(
        self, url: str, topic: str, site_ns: Callable[[float], int], *, keys: Keys | None, max_age_s: float
    ) -> None:
        """Subscribe."""
        self.channel: Channel[StreamSample] = Channel(1)
        self.counters: Counter[str] = Counter()
        self._topic, self._site_ns, self._max_age_s = topic, site_ns, max_age_s
        self._seq = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = subscriber(self._context, url, keys)
        self._socket.setsockopt(zmq.RCVTIMEO, POLL_MS)
        self._socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"stream {topic}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping:
                # Not `poll` and then a read: pyzmq makes a poller anew for each.
                try:
                    frames = self._socket.recv_multipart()
                except zmq.Again:
                    continue
                self._take(frames)
        finally:
            # Both here: two threads that end one ZeroMQ context at the same time wait for each other for ever.
            self._socket.close(0)
            self._context.term()

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
        self._stopping = True
        self.channel.close()
        self._thread.join(2.0)
