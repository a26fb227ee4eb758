"""The ROS 2 bridge beside bare rclpy: a small topic, an action, and images of 1 MB."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from typing import Final

from benchmarks.ends.ros2 import MAPPING
from benchmarks.scenario import Bench, Figures, Goal, Metric, Scenario
from benchmarks.scenarios.common import loopback, start_hub

DOMAINS: Final = itertools.count(os.getpid() % 50)


def no_rclpy() -> str:
    """Why it cannot be measured here."""
    missing = [name for name in ("rclpy", "test_msgs", "yaml") if importlib.util.find_spec(name) is None]
    return f"no {', '.join(missing)} (extra ros2)" if missing else ""


def measure(bench: Bench, path: str) -> Figures:
    figures: Figures = {}
    for what in ("small",) if path in ("relay", "direct") else ("small", "action", "image"):
        domain = str(next(DOMAINS) % 50 + 50)
        common = [
            "--what",
            what,
            "--domain",
            domain,
            *bench.arguments("warmup", "goals", "bytes", "image_hz"),
        ]
        count = bench.size("images" if what == "image" else "samples")
        common.append(f"--samples={count}")
        bench.children.start("robot", "ends.ros2", ["robot", *common])
        if path == "bare":
            found = bench.children.result("receiver", "ends.ros2", ["bare", *common], bench.timeout_s)
        elif path in ("relay", "direct"):
            own = ["--direct", "--hub", loopback()]
            common += own if path == "direct" else ["--hub", start_hub(bench, name=f"hub-{what}")]
            bench.children.start("relay", "ends.ros2", ["relay", *common])
            found = bench.children.result("receiver", "ends.ros2", ["relayed", *common], bench.timeout_s)
        else:
            url = start_hub(bench, name=f"hub-{what}")
            mapping = bench.folder / "mapping.yaml"
            mapping.write_text(MAPPING)
            command = [sys.executable, "-m", "robolink.cli", "ros2", "bridge", "--config", str(mapping)]
            bench.children.program("bridge", [*command, "--hub", url, "--domain-id", domain])
            arguments = ["through", *common, "--hub", url]
            found = bench.children.result("receiver", "ends.ros2", arguments, bench.timeout_s)
        bench.children.end()
        figures |= {f"{what}_{name}": value for name, value in found.items()}
    return figures


SCENARIO: Final = Scenario(
    name="ros2",
    title="ROS 2 through the bridge",
    peers={
        "bare": "bare rclpy",
        "direct": "raw relay without a hub: wait set, pyzmq",
        "relay": "raw relay: wait set, pyzmq, the hub's proxy",
        "robolink": "Robolink: bridge, hub, client",
    },
    bases={"bare": "bare", "relay": "relay"},
    tables=(
        (
            "topic of {bytes} bytes",
            (Metric("small_p50_us", "age p50, us"), Metric("small_p99_us", "p99, us")),
        ),
        (
            "where that age goes, medians",
            (
                Metric("small_dds_us", "robot to bridge, us", compared=False),
                Metric("small_way_us", "bridge, hub, client's thread, us", compared=False),
                Metric("small_hand_us", "to the caller, us", compared=False),
            ),
        ),
        ("action", (Metric("action_p50_us", "round trip p50, us"), Metric("action_p99_us", "p99, us"))),
        (
            "images of 1 MB at {image_hz} Hz",
            (
                Metric("image_p50_us", "age p50, us"),
                Metric("image_p99_us", "p99, us"),
                Metric("image_start_us", "in the first half, us", compared=False),
                Metric("image_end_us", "in the second, us", compared=False),
                Metric("image_growth_us", "growth of the age, us", compared=False),
            ),
        ),
    ),
    measure=measure,
    sizes={"bytes": 128, "samples": 1000, "warmup": 50, "goals": 100, "image_hz": 30, "images": 600},
    quick={"samples": 200, "goals": 20, "images": 60},
    rounds=3,
    goals=(
        Goal(
            text="age of a small message, p50",
            path="robolink",
            metric="small_p50_us",
            base="bare",
            at_most=1.3,
        ),
        Goal(
            text="growth of the age of images",
            path="robolink",
            metric="image_growth_us",
            at_most=2000,
            unit="us",
        ),
    ),
    packages=("pyzmq", "protobuf", "ros-jazzy-rclpy"),
    notes="""A plain rclpy robot publishes; received by a bare rclpy subscriber, or behind bridge and hub by a client of the SDK.
Age: from publishing to the receiver's code, one clock. Growth: median of the second half of {images} images less that of the
first half. The action does nothing; a round trip is goal, acceptance and result.

The raw relays are what ZeroMQ costs by itself, with a hub in the path and without: rclpy's own wait set instead of its executor, raw
pyzmq; no conversion, no sheet, no stamp, no thread of a client. Where the relay by the hub's proxy is over the goal, the goal cannot be
met by any SDK with a hub in the path on such a machine; where the one without a hub is, by none over ZeroMQ.""",
    needs={"bare": no_rclpy, "direct": no_rclpy, "relay": no_rclpy, "robolink": no_rclpy},
)
