"""A process of its own that ends what the bridge began in ROS 2, should the bridge be killed: zero velocity, goals cancelled.

It is told by a pipe what to end, and acts only when the pipe ends without a goodbye. It never begins anything.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from typing import Any, Final, Self

from robolink_ros2 import config

log = logging.getLogger(__name__)

GOODBYE: Final = "goodbye"
READY: Final = "ready"
ZEROS: Final = 10
ZERO_PERIOD_S: Final = 0.05
CANCEL_S: Final = 3.0
# A goal whose server was not found yet, or does not answer, is cancelled again so often.
AGAIN_S: Final = 0.5
HOLD_PERIOD_S: Final = 0.1


class Holding:
    """What a goal on a topic, which knows no cancel, is replaced by: newest only."""

    def __init__(self, guard: Guard | NoGuard, topic: str, ros_type: str) -> None:
        """Nothing to hold yet."""
        self._guard, self._topic, self._type = guard, topic, ros_type
        self._told_at = 0.0

    def update(self, message: Any) -> None:
        """The message that says: stay here."""
        now = time.monotonic()
        if now - self._told_at >= HOLD_PERIOD_S:
            self._told_at = now
            self._guard.tell(hold=self._topic, type=self._type, message=message)

    def close(self) -> None:
        """The goal has ended."""
        self._guard.tell(unhold=self._topic)


class NoGuard:
    """For who needs none: a test of parts, a dry run."""

    def tell(self, **what: Any) -> None:
        """Nobody."""

    def goal(self, action: str, goal_id: bytes) -> None:
        """A goal begins."""
        self.tell(goal=action, id=goal_id.hex())

    def ended(self, goal_id: bytes) -> None:
        """It has ended, or its cancel was answered."""
        self.tell(ended=goal_id.hex())

    def holding(self, topic: str, ros_type: str) -> Holding:
        """While a goal on a topic runs."""
        return Holding(self, topic, ros_type)

    def close(self) -> None:
        """Nothing."""


class Guard(NoGuard):
    """The bridge's end of the pipe.

    Args:
        mapping: Whose velocities and actions there are.
        domain_id: As the bridge's.
    """

    def __init__(self, mapping: config.BridgeConfig, domain_id: int | None) -> None:
        """Start the process; it is there once it is in the graph, and nobody waits for that."""
        command = [sys.executable, "-m", "robolink_ros2.guard"]
        # A session of its own: Ctrl-C is the bridge's to handle, and it says goodbye.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, text=True, start_new_session=True, stdout=subprocess.DEVNULL
        )
        self._lock = threading.Lock()
        self._domain_id = domain_id
        velocities = [
            [each.namespace, part.velocity.topic, part.velocity.type]
            for each in mapping.robots
            for part in each.components.values()
            if part.velocity is not None
        ]
        actions = [[each.namespace, name] for each in mapping.robots for name in actions_of(each)]
        self.tell(domain_id=domain_id, velocities=velocities, actions=actions)

    def tell(self, **what: Any) -> None:
        """One line; a guard that is gone is said once, and the rest goes on."""
        if "message" in what:
            from rclpy.serialization import serialize_message

            what["message"] = serialize_message(what["message"]).hex()
        with self._lock:
            pipe = self._process.stdin
            if pipe is None or pipe.closed:
                return
            try:
                pipe.write(json.dumps(what) + "\n")
                pipe.flush()
            except OSError:
                log.error("the guard is gone: if the bridge is killed now, goals in ROS 2 go on")
                with contextlib.suppress(OSError):
                    pipe.close()

    def close(self) -> None:
        """Say goodbye."""
        self.tell(goodbye=True)
        with self._lock:
            if self._process.stdin is not None and not self._process.stdin.closed:
                self._process.stdin.close()
        try:
            self._process.wait(CANCEL_S + 2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        """Running."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()


def actions_of(robot: config.RobotConfig) -> set[str]:
    """Every action that a robot's mapping names."""
    found = {goal.action for part in robot.components.values() for goal in part.goals.values()}
    for part in robot.components.values():
        found |= {
            each.action for each in (part.navigate_to, part.trajectory, part.gripper) if each and each.action
        }
    return found


class Watch:
    """The guard's own state: what is to be ended. Pure."""

    def __init__(self) -> None:
        """Nothing."""
        self.goals: dict[str, str] = {}
        self.holds: dict[str, tuple[str, bytes]] = {}
        self.goodbye = False

    def hear(self, line: dict[str, Any]) -> None:
        """One line of the bridge."""
        if "goal" in line:
            self.goals[line["id"]] = line["goal"]
        elif "ended" in line:
            self.goals.pop(line["ended"], None)
        elif "hold" in line:
            self.holds[line["hold"]] = (line["type"], bytes.fromhex(line["message"]))
        elif "unhold" in line:
            self.holds.pop(line["unhold"], None)
        elif line.get(GOODBYE):
            self.goodbye = True


class Cancel:
    """One goal that must end: asked again until its server answers."""

    def __init__(self, goal_id: str, client: Any) -> None:
        """Not asked yet."""
        self._id, self._client = list(bytes.fromhex(goal_id)), client
        self._asked_at = -AGAIN_S
        self.answered = False

    def ask(self) -> None:
        """Ask, if its server is found, and not too often."""
        now = time.monotonic()
        if self.answered or now - self._asked_at < AGAIN_S or not self._client.ready():
            return
        self._asked_at = now
        request = self._client.type.Request()
        request.goal_info.goal_id.uuid = self._id
        self._client.send(request, self._heard)

    def _heard(self, response: Any) -> None:
        self.answered = self.answered or response is not None


class Ender:
    """Everything ready in the graph beforehand: discovery takes longer than a robot may go on."""

    def __init__(self, first: dict[str, Any]) -> None:
        """Join."""
        from robolink_ros2.node import GUARD_NAME, Ros

        self._ros = Ros(first["domain_id"])
        nodes = {space: self._ros.node(GUARD_NAME, space) for space in self._spaces(first)}
        self._outs = [nodes[space].publish(topic, kind) for space, topic, kind in first["velocities"]]
        self._clients = [
            (name, nodes[space].client(f"{name}/_action/cancel_goal", "action_msgs/srv/CancelGoal"))
            for space, name in first["actions"]
        ]
        self._nodes, self._held = nodes, dict[str, Any]()

    @staticmethod
    def _spaces(first: dict[str, Any]) -> set[str]:
        return {each[0] for each in (*first["velocities"], *first["actions"])} or {""}

    def prepare(self, watch: Watch) -> None:
        """Find those who take what is held now: at the end there is no time for that."""
        for topic, (kind, _) in watch.holds.items():
            if topic not in self._held:
                self._held[topic] = next(iter(self._nodes.values())).publish(topic, kind)

    def end(self, watch: Watch) -> None:
        """The bridge is dead: cancel its goals, hold what knows no cancel, zero velocity; until all of them are reached."""
        self.prepare(watch)
        cancels = [
            Cancel(goal_id, client)
            for goal_id, action in watch.goals.items()
            for name, client in self._clients
            if name == action
        ]
        held = [(self._held[topic], data) for topic, (_, data) in watch.holds.items()]
        outs = [*self._outs, *(out for out, _ in held)]
        begun, sent = time.monotonic(), 0
        while time.monotonic() - begun < CANCEL_S:
            for cancel in cancels:
                cancel.ask()
            for out in self._outs:
                out.send(out.type())
            for out, data in held:
                out.send(data)
            sent = sent + 1 if all(out.listeners() for out in outs) else 0
            if sent >= ZEROS and all(each.answered for each in cancels):
                return
            time.sleep(ZERO_PERIOD_S)

    def close(self) -> None:
        """Leave the graph."""
        self._ros.close()


def main() -> int:
    """Read the bridge's words until they end."""
    lines = iter(sys.stdin)
    first = next(lines, "")
    if not first:
        return 0
    watch, ender = Watch(), Ender(json.loads(first))
    for line in lines:
        watch.hear(json.loads(line))
        ender.prepare(watch)
    if not watch.goodbye:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
        log.warning("the bridge is gone without a goodbye: %d goals end, velocity is zero", len(watch.goals))
        ender.end(watch)
    ender.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
