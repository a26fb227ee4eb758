"""The rclpy side: one context and executor thread a process, one node a robot. The only module of the bridge that imports rclpy.

It decides nothing of robots: topics, services and actions as plain calls, and what the graph says.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from robolink.errors import ConfigError
from robolink_ros2.qos import Profile, choose, mismatch
from robolink_ros2.receive import Receiver
from robolink_ros2.runs import Seldom
from robolink_ros2.service import Client

log = logging.getLogger(__name__)

BOTH_WAYS: Final = (
    "source a ROS 2 (Jazzy or later), e.g. `. /opt/ros/jazzy/setup.sh`, or pip install 'robolink[ros2]' "
    "(wheels for Linux x86_64, Python 3.10 to 3.13)"
)
DEPTH: Final = 10
# An older velocity has no use once there is a newer one; of large messages only the newest is taken.
NEWEST: Final = 1
GUARD_NAME: Final = "robolink_guard"
SEQUENCE_JUMP: Final = 1_000_000
# An end is discovered a moment before the node that it belongs to.
NAMELESS: Final = "somebody"
NAMED_S: Final = 2.0
ROUNDS: Final = 5
ROUND_S: Final = 1.0
ROUND_PAUSE_S: Final = 0.02


def resolve(ros_type: str) -> Any:
    """The class of "pkg/msg/Name".

    Raises:
        LookupError: Its package is not installed, or has no such type.
    """
    package, kind, name = ros_type.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.{kind}"), name)
    except (ImportError, AttributeError) as exc:
        raise LookupError(f"type {ros_type} is not installed: install or source {package}") from exc


def import_rclpy() -> Any:
    """The module. Raises ConfigError, whose hint says both ways to get it."""
    try:
        import rclpy
        import rclpy.action
        import rclpy.callback_groups
        import rclpy.event_handler
        import rclpy.executors
        import rclpy.guard_condition
        import rclpy.impl.implementation_singleton
        import rclpy.parameter
        import rclpy.qos
    except ImportError as exc:
        raise ConfigError(f"ROS 2's rclpy cannot be imported: {exc}", hint=BOTH_WAYS) from exc
    return rclpy


class Ros:
    """The process's place in the graph.

    Args:
        domain_id: Else the environment's ROS_DOMAIN_ID.
        threads: Of callbacks; one, unless callbacks wait.

    Raises:
        ConfigError: rclpy cannot be imported.
    """

    def __init__(self, domain_id: int | None = None, *, threads: int = 1) -> None:
        """Join, and start the executor's thread."""
        self.rclpy = rclpy = import_rclpy()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        # Not rclpy's EventsExecutor: on Jazzy a node that is added while it spins waits for ever.
        executors = rclpy.executors
        self.executor = (
            executors.SingleThreadedExecutor(context=self.context)
            if threads == 1
            else executors.MultiThreadedExecutor(threads, context=self.context)
        )
        self._closing, self.errors = False, 0
        self._thread = threading.Thread(target=self._spin, name="rclpy", daemon=True)
        self._thread.start()
        self._nodes: list[RosNode] = []

    def _spin(self) -> None:
        while not self._closing:
            try:
                self.executor.spin()
            except self.rclpy.executors.ExternalShutdownException:
                return  # `close` has shut the context down.
            except Exception:
                # A callback raised, or something was destroyed under the executor: one message is lost, not the robots.
                if not self._closing:
                    self.errors += 1
                    log.exception("the ROS 2 executor goes on after an error")

    def node(self, name: str, namespace: str = "", *, use_sim_time: bool = False) -> RosNode:
        """A node that offers nothing of its own: no parameter services, no log topic."""
        parameter = self.rclpy.parameter.Parameter
        node = self.rclpy.create_node(
            name.replace("-", "_"),
            context=self.context,
            namespace=namespace or None,
            start_parameter_services=False,
            enable_rosout=False,
            parameter_overrides=[parameter("use_sim_time", parameter.Type.BOOL, use_sim_time)],
        )
        self.executor.add_node(node)
        made = RosNode(self, node)
        self._nodes.append(made)
        return made

    def settle(self) -> None:
        """Let the executor do what its callbacks have begun, as the results of goals: it goes on to that in its next rounds."""
        for _ in range(ROUNDS):
            done = threading.Event()
            self.executor.create_task(done.set)
            if not done.wait(ROUND_S):
                return
            time.sleep(ROUND_PAUSE_S)

    def close(self) -> None:
        """Leave the graph."""
        self._closing = True
        for each in self._nodes:
            each.receiver.close()
        # It waits for no callback, although it says so: whoever offers actions has ended theirs before (`Exposed.close`).
        self.executor.shutdown()
        self._thread.join(2.0)
        for each in self._nodes:
            each.node.destroy_node()
        self.rclpy.try_shutdown(context=self.context)


class Out:
    """A topic that we publish."""

    def __init__(self, owner: RosNode, topic: str, ros_type: str, *, latched: bool) -> None:
        """Reliable: matches whoever asks for reliable or best effort."""
        rclpy = owner.ros.rclpy
        self._owner, self.topic, self.type = owner, topic, resolve(ros_type)
        # As the graph has it: two robots may have the same topic in their namespaces.
        self.name = owner.resolved(topic)
        durability = (
            rclpy.qos.DurabilityPolicy.TRANSIENT_LOCAL if latched else rclpy.qos.DurabilityPolicy.VOLATILE
        )
        profile = rclpy.qos.QoSProfile(depth=NEWEST, durability=durability)
        callbacks = rclpy.event_handler.PublisherEventCallbacks(
            incompatible_qos=lambda event: owner.incompatible(topic, Profile(True, latched), ours_offers=True)
        )
        self.publisher = owner.node.create_publisher(self.type, topic, profile, event_callbacks=callbacks)

    def send(self, message: Any) -> bool:
        """Publish; what ROS 2 refuses is counted and logged, and False."""
        try:
            self.publisher.publish(message)
        except RuntimeError as exc:
            # rclpy's RCLError: the middleware's queue is full. The next one, or the robot's own timeout, counts.
            self._owner.counters["publish_failed"] += 1
            self._owner.problem(f"{self.topic} was not published: {exc}")
            return False
        return True

    def listeners(self) -> int:
        """How many subscribe."""
        return int(self.publisher.get_subscription_count())


class In:
    """A topic that we read; its QoS follows what the publishers offer."""

    def __init__(
        self,
        owner: RosNode,
        topic: str,
        ros_type: str,
        callback: Callable[[Any], None],
        *,
        large: bool,
        forced: tuple[bool | None, bool | None],
    ) -> None:
        """Best effort at first: that matches whoever comes."""
        self.topic, self.ros_type, self.type = topic, ros_type, resolve(ros_type)
        self._owner, self._callback, self._large, self._forced = owner, callback, large, forced
        # `source_ns`: when the message that the callback has was sent, by its sender's clock; 0: it is not told.
        self._sequence, self.publishers, self.source_ns = 0, 0, 0
        self.offered_at: float | None = None  # since when it has publishers, monotonic s
        self._told, self._unmatched = "", 0
        self._subscription: Any = None
        self.profile = self._with_forced(Profile())
        self._subscribe(self.profile)

    def _with_forced(self, profile: Profile) -> Profile:
        reliable, latched = self._forced
        return Profile(
            profile.reliable if reliable is None else reliable,
            profile.latched if latched is None else latched,
        )

    def _subscribe(self, wanted: Profile) -> None:
        if self._subscription is not None and wanted == self.profile:
            return
        rclpy, node = self._owner.ros.rclpy, self._owner.node
        policy, durability = rclpy.qos.ReliabilityPolicy, rclpy.qos.DurabilityPolicy
        profile = rclpy.qos.QoSProfile(
            depth=NEWEST if self._large else DEPTH,
            reliability=policy.RELIABLE if wanted.reliable else policy.BEST_EFFORT,
            durability=durability.TRANSIENT_LOCAL if wanted.latched else durability.VOLATILE,
        )
        # No events (`look` tells by the graph what does not match): on Fast DDS an executor that waits for them wakes for data,
        # too, and turns without a pause, holding the GIL, until our receiver has taken it.
        silent = rclpy.event_handler.SubscriptionEventCallbacks(use_default_callbacks=False)
        before = self._subscription
        receiver = self._owner.receiver
        self._subscription = node.create_subscription(
            self.type,
            self.topic,
            lambda message: None,
            profile,
            event_callbacks=silent,
            callback_group=receiver.group,
        )
        self.profile = wanted
        receiver.add(self._subscription, self._take)
        if before is not None:
            receiver.remove(before)
            node.destroy_subscription(before)

    def _take(self, message: Any, info: Any) -> None:
        sequence = info.get("publication_sequence_number") or 0
        gap = sequence - self._sequence - 1
        if self._sequence and self.publishers == 1 and 0 < gap < SEQUENCE_JUMP and not self._large:
            self._owner.counters["lost"] += gap
        self._sequence, self.source_ns = sequence, info.get("source_timestamp") or 0
        self._callback(message)

    def look(self) -> None:
        """Ask the graph, and subscribe anew if another profile fits better."""
        offered = self._owner.offered(self.topic)
        self.publishers = len(offered)
        if not offered:
            self.offered_at, self._unmatched = None, 0
            return
        if self.offered_at is None:
            self.offered_at = time.monotonic()
        others = {type_ for _who, type_, _profile in offered if type_ != self.ros_type}
        if (
            others
            and (told := f"{self.topic} is {', '.join(others)}, mapped as {self.ros_type}") != self._told
        ):
            self._told = told
            self._owner.problem(told)
        wanted = self._with_forced(choose((profile for _who, _type, profile in offered), large=self._large))
        if wanted != self.profile:
            # What raises there is counted, and tried again at the next look.
            self._owner.ros.executor.create_task(self._subscribe, wanted)
            return
        before = self._unmatched
        self._unmatched = sum(bool(mismatch(profile, wanted)) for _who, _type, profile in offered)
        if self._unmatched > before:
            self._owner.incompatible(self.topic, wanted, ours_offers=False)


class Unmatched(NamedTuple):
    """An end of a topic whose QoS does not match ours; told by then at the latest."""

    mine: Profile
    ours_offers: bool
    until: float


class RosNode:
    """One node, and what the bridge does with it."""

    def __init__(self, ros: Ros, node: Any) -> None:
        """Nothing is subscribed or published yet."""
        self.ros, self.node = ros, node
        self.counters: Counter[str] = Counter()
        self.on_problem: Callable[[str], None] = lambda text: None
        self._ins: list[In] = []
        self._unmatched: dict[str, Unmatched] = {}
        self._seldom = Seldom()
        self.receiver = Receiver(ros.rclpy, ros.context, node.get_name())

    def now_ns(self) -> int:
        """The ROS clock; simulated time where that is used."""
        return int(self.node.get_clock().now().nanoseconds)

    def stamp(self, message: Any) -> Any:
        """Put the time now into a header; the message itself."""
        message.header.stamp = self.node.get_clock().now().to_msg()
        return message

    def problem(self, text: str) -> None:
        """Something that people should know of."""
        if self._seldom(text):
            log.warning("%s: %s", self.node.get_name(), text)
        self.on_problem(text)

    def resolved(self, topic: str) -> str:
        """A name as the graph has it."""
        return str(self.node.resolve_topic_name(topic))

    def offered(self, topic: str, *, ours: bool = True) -> list[tuple[str, str, Profile]]:
        """Who publishes it: node, type, profile. `ours`: also this node."""
        found = self.node.get_publishers_info_by_topic(self.resolved(topic))
        return [self._endpoint(each) for each in found if ours or not self._is_ours(each)]

    def _is_ours(self, info: Any) -> bool:
        # The guard only speaks when we are dead.
        mine = (self.node.get_name(), GUARD_NAME)
        return info.node_name in mine

    def _endpoint(self, info: Any) -> tuple[str, str, Profile]:
        qos = self.ros.rclpy.qos
        profile = Profile(
            info.qos_profile.reliability == qos.ReliabilityPolicy.RELIABLE,
            info.qos_profile.durability == qos.DurabilityPolicy.TRANSIENT_LOCAL,
        )
        unknown = info.node_name.startswith("_NODE_NAME_UNKNOWN_")
        who = NAMELESS if unknown else f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        return who, info.topic_type, profile

    def incompatible(self, topic: str, mine: Profile, *, ours_offers: bool) -> None:
        """An end does not match ours: counted; told by `look`, since its node may not be known yet."""
        self.counters["incompatible_qos"] += 1
        self._unmatched[self.resolved(topic)] = Unmatched(mine, ours_offers, time.monotonic() + NAMED_S)

    def _tell_unmatched(self) -> None:
        """Both profiles of what did not match."""
        for name, (mine, ours_offers, until) in list(self._unmatched.items()):
            if ours_offers:
                found = [self._endpoint(each) for each in self.node.get_subscriptions_info_by_topic(name)]
                pairs = [(who, mismatch(mine, profile)) for who, _type, profile in found]
            else:
                pairs = [(who, mismatch(profile, mine)) for who, _type, profile in self.offered(name)]
            texts = [f"{who} {text}" for who, text in pairs if text]
            if (
                texts and not any(each.startswith(f"{NAMELESS} ") for each in texts)
            ) or time.monotonic() > until:
                self._unmatched.pop(name, None)
                self.problem(f"topic {name}: QoS does not match: {'; '.join(texts) or f'ours is {mine}'}")

    def publish(self, topic: str, ros_type: str, *, latched: bool = False) -> Out:
        """A topic of ours. Raises LookupError where the type is not installed."""
        return Out(self, topic, ros_type, latched=latched)

    def listen(
        self,
        topic: str,
        ros_type: str,
        callback: Callable[[Any], None],
        *,
        large: bool = False,
        reliable: bool | None = None,
        latched: bool | None = None,
    ) -> In:
        """A topic to read; `callback` in the receiver's thread. Raises LookupError where the type is not installed."""
        made = In(self, topic, ros_type, callback, large=large, forced=(reliable, latched))
        self._ins.append(made)
        return made

    def look(self) -> None:
        """Ask the graph of every topic that is read."""
        for each in self._ins:
            each.look()
        self._tell_unmatched()

    def missing(self) -> list[str]:
        """Topics that nobody publishes."""
        return [f"topic {each.topic}" for each in self._ins if not each.publishers]

    def client(self, name: str, ros_type: str) -> Client:
        """A service. Raises LookupError where the type is not installed."""
        return Client(self.node, name, resolve(ros_type))
