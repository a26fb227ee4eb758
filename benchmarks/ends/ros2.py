"""ROS 2's ends: a plain rclpy robot (a topic, images, an action), and who receives: bare rclpy, a raw relay, a client of the hub.

Times are this machine's monotonic clock, carried inside the messages.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from typing import Any, Final

from benchmarks.measure import latency, percentile
from benchmarks.processes import end_with_parent, say_ready
from robolink.transports.lanes import beside

ROBOT: Final = "ros-1"
DIGITS: Final = 20
WAIT_S: Final = 60.0
SMALL_HZ: Final = 200.0

MAPPING: Final = """
robot: ros-1
components:
  bench:
    streams:
      small: {topic: small, type: std_msgs/msg/String}
      image: image
    goals:
      count: {action: count, type: test_msgs/action/Fibonacci, motion: false}
"""


def node(domain: int, name: str) -> Any:
    """A node of plain rclpy."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    import rclpy

    rclpy.init(domain_id=domain)
    return rclpy.create_node(name)


def robot(options: argparse.Namespace) -> None:
    """Publish, and serve the action, until we are ended."""
    import rclpy
    from rclpy.action import ActionServer
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    from std_msgs.msg import String
    from test_msgs.action import Fibonacci

    me = node(options.domain, "bench_robot")
    best = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    small, image = me.create_publisher(String, "small", best), me.create_publisher(Image, "image", best)
    picture = Image(height=1000, width=1000, step=1000, encoding="mono8")
    picture.data = bytes(1_000_000)

    def execute(handle: Any) -> Any:
        handle.succeed()
        return Fibonacci.Result(sequence=[0, 1])

    def tell_small() -> None:
        small.publish(String(data=f"{time.monotonic_ns():0{DIGITS}}".ljust(options.bytes, ".")))

    def tell_image() -> None:
        picture.header.frame_id = str(time.monotonic_ns())
        image.publish(picture)

    server = ActionServer(me, Fibonacci, "count", execute)
    if options.what == "image":
        me.create_timer(1.0 / options.image_hz, tell_image)
    elif options.what == "small":
        me.create_timer(1.0 / SMALL_HZ, tell_small)
    say_ready()
    rclpy.spin(me)
    server.destroy()


def told(ages_us: list[float]) -> dict[str, float]:
    """Ages of messages as they came, us."""
    half = len(ages_us) // 2
    start, end = statistics.median(ages_us[:half]), statistics.median(ages_us[half:])
    found = {"p50_us": percentile(ages_us, 50), "p99_us": percentile(ages_us, 99)}
    return found | {"start_us": start, "end_us": end, "growth_us": end - start}


def bare(options: argparse.Namespace) -> dict[str, float]:
    """A subscriber, or an action client, of plain rclpy."""
    import rclpy
    from rclpy.action import ActionClient
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image
    from std_msgs.msg import String
    from test_msgs.action import Fibonacci

    me = node(options.domain, "bench_bare")
    ages: list[float] = []
    best = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    if options.what == "action":
        client = ActionClient(me, Fibonacci, "count")
        if not client.wait_for_server(WAIT_S):
            raise SystemExit("no action server")

        def one() -> None:
            sent = client.send_goal_async(Fibonacci.Goal(order=1))
            rclpy.spin_until_future_complete(me, sent)
            rclpy.spin_until_future_complete(me, sent.result().get_result_async())

        found = latency(one, calls=options.goals, warmup=5)
        return {"p50_us": found.p50_us, "p99_us": found.p99_us}
    if options.what == "image":
        me.create_subscription(
            Image, "image", lambda m: ages.append((time.monotonic_ns() - int(m.header.frame_id)) / 1e3), best
        )
    else:
        me.create_subscription(
            String, "small", lambda m: ages.append((time.monotonic_ns() - int(m.data[:DIGITS])) / 1e3), best
        )
    until = time.monotonic() + WAIT_S + options.samples
    while len(ages) < options.samples + options.warmup and time.monotonic() < until:
        rclpy.spin_once(me, timeout_sec=1.0)
    return told(ages[options.warmup :])


def relay(options: argparse.Namespace) -> None:
    """Without Robolink: rclpy's own wait set, and each message on by raw pyzmq: to the hub's telemetry proxy, or to who reads."""
    import rclpy
    import zmq
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from std_msgs.msg import String

    me = node(options.domain, "bench_relay")
    out: zmq.Socket[bytes] = zmq.Context().socket(zmq.PUB)
    if options.direct:
        out.bind(options.hub)
    else:
        out.connect(beside(options.hub, 2))
    best = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    taken = me.create_subscription(String, "small", lambda message: None, best).handle
    context = me.context.handle
    waiting = rclpy_implementation.WaitSet(1, 0, 0, 0, 0, 0, context)
    say_ready()
    with taken, context:
        while rclpy.ok():
            waiting.clear_entities()
            waiting.add_subscription(taken)
            waiting.wait(1_000_000_000)
            if (found := taken.take_message(String, False)) is not None:
                out.send_multipart([b"small", found[0].data.encode()])


def relayed(options: argparse.Namespace) -> dict[str, float]:
    """What the relay sends, by raw pyzmq: from the hub's telemetry proxy, or from itself."""
    import zmq

    read: zmq.Socket[bytes] = zmq.Context().socket(zmq.SUB)
    read.connect(options.hub if options.direct else beside(options.hub, 3))
    read.subscribe(b"small")
    ages: list[float] = []
    while len(ages) < options.samples + options.warmup:
        text = read.recv_multipart()[1]
        ages.append((time.monotonic_ns() - int(text[:DIGITS])) / 1e3)
    return told(ages[options.warmup :])


def through(options: argparse.Namespace) -> dict[str, float]:
    """A client of the hub."""
    import robolink

    with robolink.connect(options.hub, name="bench", timeout_s=WAIT_S) as hub:
        until = time.monotonic() + WAIT_S
        while not any(each.online for each in hub.robots()):
            if time.monotonic() > until:
                raise SystemExit("the bridge's robot did not come online")
            time.sleep(0.1)
        handle = hub.robot(ROBOT)
        if options.what == "action":
            found = latency(
                lambda: handle.goal("bench.count", order=1).wait(WAIT_S), calls=options.goals, warmup=5
            )
            return {"p50_us": found.p50_us, "p99_us": found.p99_us}
        ages: list[float] = []
        ways: list[tuple[float, float, float]] = []
        with handle.stream(f"bench.{options.what}", max_age_s=WAIT_S) as samples:
            until = time.monotonic() + WAIT_S + options.samples
            while len(ages) < options.samples + options.warmup and time.monotonic() < until:
                sample = samples.next(1.0)
                if sample is None:
                    continue
                now = time.monotonic_ns()
                image = options.what == "image"
                text = sample.sample.frame_id if image else sample.payload.values[0].value.string_value
                ages.append((now - int(text[:DIGITS])) / 1e3)
                # The bridge stamps what has no stamp when it takes it; the client's thread tells the age from there.
                taken = time.monotonic_ns() - (hub.now_ns() - sample.sample.stamp_ns)
                dds, way = (taken - int(text[:DIGITS])) / 1e3, sample.age_s * 1e6
                ways.append((dds, way, ages[-1] - dds - way))
        stages = (statistics.median(each) for each in zip(*ways[options.warmup :], strict=True))
        names = ("dds_us", "way_us", "hand_us")
        return told(ages[options.warmup :]) | dict(zip(names, stages, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["robot", "bare", "relay", "relayed", "through"])
    parser.add_argument("--what", choices=["small", "image", "action"], required=True)
    parser.add_argument("--domain", type=int, required=True)
    parser.add_argument("--hub", default="")
    parser.add_argument("--direct", action="store_true", help="relay without a hub: --hub is where")
    for name in ("samples", "warmup", "goals", "bytes", "image-hz"):
        parser.add_argument(f"--{name}", type=int, default=1)
    options = parser.parse_args()
    end_with_parent()
    if options.role in ("robot", "relay"):
        (robot if options.role == "robot" else relay)(options)
        return
    receive = {"bare": bare, "relayed": relayed, "through": through}[options.role]
    print(json.dumps(receive(options)), flush=True)


if __name__ == "__main__":
    main()
