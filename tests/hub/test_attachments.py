"""Raw bytes behind a sample, through a real hub: whole, also when they are longer than a frame may be."""

from __future__ import annotations

import os

import robolink
from robolink import v1
from robolink.robot import Camera, Driver, Robot, Stream
from tests.conftest import HubProcess, wait_for


class Eye(Camera):
    frames = Stream("Image", rate_hz=30, frame_id="eye")


class Watcher(Robot):
    """It sees."""

    vendor, model, version = "robolink", "watcher", "1"
    eye = Eye()

    def stop(self, level: v1.StopLevel) -> None:
        """Nothing moves."""


def test_an_image_arrives_whole(hub: HubProcess) -> None:
    watcher = Watcher("watcher-1")
    driver = Driver(hub.url)
    driver.add(watcher)
    with (
        driver,
        robolink.connect(hub.url, name="viewer") as seen,
        seen.robot("watcher-1").stream("eye.frames") as frames,
    ):
        for size in (1, 100_000, 3 << 20):
            data = os.urandom(size)

            def shown(data: bytes = data) -> bool:
                watcher.eye.frames.publish(v1.Image(height=1, width=len(data)), attachment=data)
                sample = frames.next(0.2)
                return sample is not None and sample.attachment == data

            wait_for(shown, what=f"an image of {size} bytes")
