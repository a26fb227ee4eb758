"""`robolink ros2 scan`: what is in the graph, what robot that is, and the mapping file for it. Only `look` touches ROS 2."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from robolink_ros2.describe import FOLLOW, GRIP, NAVIGATE

ODOMETRY: Final = "nav_msgs/msg/Odometry"
TWISTS: Final = ("geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped")
# By type: the component that it makes, its type, and the name of the stream.
SENSORS: Final = {
    "sensor_msgs/msg/BatteryState": ("battery", "battery", "state"),
    "sensor_msgs/msg/Imu": ("imu", "imu", "imu"),
    "sensor_msgs/msg/LaserScan": ("lidar", "sensor", "scan"),
    "sensor_msgs/msg/Range": ("range", "sensor", "range"),
    "sensor_msgs/msg/Image": ("camera", "camera", "image"),
    "sensor_msgs/msg/CompressedImage": ("camera", "camera", "compressed"),
    "sensor_msgs/msg/PointCloud2": ("cloud", "sensor", "points"),
}
# Of every node, or of ROS 2 itself: no part of a robot.
PLUMBING: Final = (
    "rcl_interfaces/",
    "action_msgs/",
    "rosgraph_msgs/",
    "type_description_interfaces/",
    "lifecycle_msgs/",
)


class Graph(NamedTuple):
    """Name to type of what there is.

    Attributes:
        published: Topics that somebody publishes.
        taken: Topics that somebody subscribes to.
        joints: Names of the joints that joint states tell of; empty where none was heard.
        frame: In which the odometry is; "" where none was heard.
        missing: Types that are not installed here.
    """

    published: dict[str, str]
    taken: dict[str, str]
    services: dict[str, str]
    actions: dict[str, str]
    nodes: list[str]
    joints: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    frame: str = ""


def look(domain_id: int | None, namespace: str, wait_s: float) -> Graph:
    """Join the graph, wait for discovery, and look. Raises ConfigError without rclpy."""
    from robolink_ros2.node import Ros

    ros = Ros(domain_id)
    try:
        node = ros.node("robolink_scan")
        until = time.monotonic() + wait_s
        heard: dict[str, None] = {}
        frames: set[str] = set()
        listened: set[str] = set()
        told = {
            # Several broadcasters may share the topic.
            "sensor_msgs/msg/JointState": lambda message: heard.update(dict.fromkeys(message.name)),
            ODOMETRY: lambda message: frames.add(message.header.frame_id),
        }
        while time.monotonic() < until:
            time.sleep(0.2)
            graph = _seen(node.node, namespace)
            for kind, take in told.items():
                topic, _ = _find(graph.published, kind)
                if topic and kind not in listened:
                    listened.add(kind)
                    node.listen(topic, kind, take)
        return _seen(node.node, namespace)._replace(joints=tuple(heard), frame=next(iter(frames), ""))
    finally:
        ros.close()


def _seen(node: Any, namespace: str) -> Graph:
    from rclpy.action import get_action_names_and_types

    from robolink_ros2.node import resolve

    inside = namespace.rstrip("/") + "/" if namespace else "/"

    def of(pairs: Iterable[tuple[str, list[str]]]) -> dict[str, str]:
        return {
            name: types[0]
            for name, types in sorted(pairs)
            if name.startswith(inside) and "/_" not in name and not types[0].startswith(PLUMBING)
        }

    topics = of(node.get_topic_names_and_types())
    mine = node.get_fully_qualified_name()
    published = {n: t for n, t in topics.items() if node.count_publishers(n)}
    taken = {n: t for n, t in topics.items() if node.count_subscribers(n)}
    services, actions = of(node.get_service_names_and_types()), of(get_action_names_and_types(node))
    nodes = [f"{space.rstrip('/')}/{name}" for name, space in node.get_node_names_and_namespaces()]
    missing = set()
    for ros_type in {*topics.values(), *services.values(), *actions.values()}:
        try:
            resolve(ros_type)
        except LookupError:
            missing.add(ros_type)
    others = sorted(n for n in nodes if n != mine and n.startswith(inside))
    return Graph(published, taken, services, actions, others, missing=frozenset(missing))


def summary(graph: Graph) -> str:
    """What the robot is, in a line or two."""
    parts = []
    if any(each in TWISTS for each in graph.taken.values()):
        parts.append("a mobile base")
    if "trajectory_msgs/msg/JointTrajectory" in graph.taken.values() or FOLLOW in graph.actions.values():
        parts.append("an arm")
    parts += sorted({SENSORS[each][0] for each in graph.published.values() if each in SENSORS})
    what = ", ".join(parts) or "nothing that the bridge knows by its type"
    counts = f"{len(graph.nodes)} nodes, {len(graph.published)} topics, {len(graph.services)} services"
    return f"seen: {what} ({counts}, {len(graph.actions)} actions)"


class _Writer:
    """Lines of YAML with their comments."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, depth: int, text: str, comment: str = "") -> None:
        line = "  " * depth + text
        self.lines.append(f"{line:<48}# {comment}" if comment else line)


def mapping_text(graph: Graph, *, robot: str, namespace: str, domain_id: int | None) -> str:
    """The file, commented, ready to use. What is not mapped stands in comments, to be taken up by hand."""
    out = _Writer()
    out.add(0, "# Which ROS 2 interfaces make this robot; written by `robolink ros2 scan`.")
    out.add(0, "# Only what stands here leaves ROS 2. Stop is a software stop, not safety rated.")
    out.add(0, "# Run it: robolink ros2 bridge --config THIS-FILE")
    if domain_id is not None:
        out.add(0, f"domain_id: {domain_id}")
    out.add(0, f"robot: {robot}", "its id at the hub")
    if namespace:
        out.add(0, f"namespace: {namespace}")
    out.add(0, "use_sim_time: " + ("true" if "/clock" in graph.published else "false"))
    out.add(0, "clock: shared", "measured: the robot's clock is not kept together with ours")
    out.add(0, "components:")
    used = _base(out, graph) | _arm(out, graph) | _sensors(out, graph) | _health(out, graph)
    _rest(out, graph, used)
    return "\n".join(out.lines) + "\n"


def _find(names: dict[str, str], *types: str) -> tuple[str, str]:
    """The first, preferring the shortest name: /cmd_vel before /cmd_vel_nav."""
    found = sorted(
        (name for name, each in names.items() if each in types), key=lambda name: (len(name), name)
    )
    return (found[0], names[found[0]]) if found else ("", "")


def _base(out: _Writer, graph: Graph) -> set[str]:
    cmd_vel, kind = _find(graph.taken, *TWISTS)
    odom, _ = _find(graph.published, ODOMETRY)
    if not cmd_vel and not odom:
        return set()
    out.add(1, "base:")
    out.add(2, "type: base")
    if cmd_vel:
        out.add(
            2,
            f"velocity: {{topic: {cmd_vel}, type: {kind}, max_linear: 1.0, max_angular: 2.0}}",
            "check the limits",
        )
    if odom:
        out.add(2, "streams:")
        out.add(3, f"odometry: {{topic: {odom}, rate_hz: 30}}")
    action, kind = _find(graph.actions, NAVIGATE)
    goal, _ = _find(graph.taken, "geometry_msgs/msg/PoseStamped")
    if action and kind not in graph.missing:
        out.add(2, f"navigate_to: {{action: {action}, frame_id: map}}")
    elif goal and odom:
        why = f"{NAVIGATE} is not installed here" if action else "progress is measured by the odometry"
        if graph.frame:
            out.add(2, f"navigate_to: {{topic: {goal}, frame_id: {graph.frame}}}", why)
        else:
            out.add(2, f"# navigate_to: {{topic: {goal}, frame_id: ?}}", "the odometry's; none was heard")
    return {cmd_vel, odom, action, goal}


def _arm(out: _Writer, graph: Graph) -> set[str]:
    states, _ = _find(graph.published, "sensor_msgs/msg/JointState")
    topic, _ = _find(graph.taken, "trajectory_msgs/msg/JointTrajectory")
    action, kind = _find(graph.actions, FOLLOW)
    grip, grip_kind = _find(graph.actions, GRIP)
    if not states:
        return set()
    out.add(1, "arm:")
    out.add(2, "type: arm")
    out.add(2, "streams:")
    out.add(3, f"joint_states: {{topic: {states}, rate_hz: 30}}")
    by = f"action: {action}" if action and kind not in graph.missing else f"topic: {topic}" if topic else ""
    if by and graph.joints:
        out.add(
            2,
            f"trajectory: {{{by}, joints: [{', '.join(graph.joints)}]}}",
            "only the joints of this controller",
        )
    elif by:
        out.add(2, f"# trajectory: {{{by}, joints: [?]}}", "no joint state was heard: name the joints")
    if grip and grip_kind not in graph.missing:
        out.add(1, "gripper:")
        out.add(2, "type: gripper")
        out.add(
            2, f"gripper: {{action: {grip}, minimum: 0.0, maximum: 0.1}}", "m; for a stop: joint, streams"
        )
    return {states, topic, action, grip}


def _sensors(out: _Writer, graph: Graph) -> set[str]:
    used: set[str] = set()
    names: dict[str, int] = {}
    for topic, kind in graph.published.items():
        if kind not in SENSORS:
            continue
        component, type_, stream = SENSORS[kind]
        names[component] = names.get(component, 0) + 1
        name = component if names[component] == 1 else f"{component}_{names[component]}"
        extra = ", thin: 2, rate_hz: 10" if stream in ("image", "points") else ""
        out.add(1, f"{name}:")
        out.add(2, f"type: {type_}")
        out.add(2, "streams:")
        out.add(3, f"{stream}: {{topic: {topic}{extra}}}", "every 2nd pixel or point" if extra else "")
        used.add(topic)
    return used


def _health(out: _Writer, graph: Graph) -> set[str]:
    topic, _ = _find(graph.published, "diagnostic_msgs/msg/DiagnosticArray")
    if topic:
        out.add(1, "health:")
        out.add(2, "type: generic")
        out.add(2, f"diagnostics: {topic}")
    return {topic}


def _rest(out: _Writer, graph: Graph, used: set[str]) -> None:
    """What has no meaning of its own: shown as it would be mapped."""

    def note(name: str, text: str, ros_type: str) -> None:
        away = "  (its type is not installed here)" if ros_type in graph.missing else ""
        out.add(2, f"#   {name}: {text}{away}")

    out.add(1, "# What else is there; take away the # of what shall leave ROS 2, and give it a name.")
    out.add(1, "# other:")
    out.add(2, "# type: generic")
    sections = (
        ("streams", graph.published, "topic"),
        ("calls", graph.services, "service"),
        ("goals", graph.actions, "action"),
    )
    for section, found, word in sections:
        rest = {name: kind for name, kind in found.items() if name not in used}
        if rest:
            out.add(2, f"# {section}:")
        for name, kind in rest.items():
            member = name.strip("/").replace("/", "_").lower()
            note(member, f"{{{word}: {name}, type: {kind}}}", kind)
    if graph.nodes:
        out.add(2, "# settings:")
        out.add(2, f"#   speed: {{node: {graph.nodes[0]}, parameter: NAME, type: double}}")
