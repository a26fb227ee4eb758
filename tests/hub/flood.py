"""Publishes telemetry at a rate through a hub's proxy: `python -m tests.hub.flood URL RATE`."""

from __future__ import annotations

import sys
import time

import zmq

from robolink import v1
from robolink.transports.lanes import publisher

BATCH = 20


def main(url: str, rate: float) -> None:
    """Until killed."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = publisher(context, url)
    sample = v1.Sample(odometry=v1.Odometry(child_frame_id="x" * 60)).SerializeToString()
    due = time.monotonic()
    while True:
        for _ in range(BATCH):
            socket.send_multipart([b"flood/base/odometry", sample])
        due += BATCH / rate
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
