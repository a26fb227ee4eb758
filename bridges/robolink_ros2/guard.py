"""A process of its own that ends what the bridge began in ROS 2, should the bridge be killed: zero velocity, goals cancelled.

It is told by a pipe what to end, and acts only when the pipe ends without a goodbye. It never begins anything.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Self

from robolink_ros2 import config
from robolink_ros2.action import UNKNOWN, cancels

log = logging.getLogger(__name__)

GOODBYE: Final = "goodbye"
READY: Final = "ready"
ZEROS: Final = 10
ZERO_PERIOD_S: Final = 0.05
CANCEL_S: Final = 3.0
# A goal whose server was not found yet, or does not answer, is cancelled again so often.
AGAIN_S: Final = 0.5
HOLD_PERIOD_S: Final = 0.1
# So often a server may not know a goal, which it may be about to accept, before that counts as its answer.
UNKNOWN_TIMES: Final = 3
COMMAND: Final = (sys.executable, "-m", "robolink_ros2.guard")
# A goal waits so long until the guard was told of it; one that does not read so long is replaced.
TOLD_S: Final = 1.0
RESTART_S: Final = 2.0


def serialized(message: Any) -> str:
    """A ROS 2 message as it goes over the pipe."""
    from rclpy.serialization import serialize_message

    return str(serialize_message(message).hex())


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
    """For who needs none: a test of parts, a dry run.

    Attributes:
        restarts: How often the process was replaced.
    """

    restarts = 0

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

    def look(self) -> None:
        """Called a few times a second."""

    def close(self) -> None:
        """Nothing."""


class Pipe:
    """One process and the thread that writes to it: nobody else waits for a guard that does not read."""

    def __init__(self, first: Iterable[dict[str, Any]]) -> None:
        """Start it; it is there once it is in the graph, and nobody waits for that."""
        # A session of its own: Ctrl-C is the bridge's to handle, and it says goodbye.
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, text=True, start_new_session=True, stdout=subprocess.DEVNULL
        )
        self._lines = deque(json.dumps(each) for each in first)
        # Newest only: an old one is of no use, and a guard that does not read makes no queue of them.
        self._holds: dict[str, str] = {}
        self._turn = threading.Condition()
        self._writing = self._closing = False
        self._thread = threading.Thread(target=self._write, name="guard's pipe", daemon=True)
        self._thread.start()

    def put(self, what: dict[str, Any]) -> None:
        """One line, in its turn."""
        line = json.dumps(what)
        with self._turn:
            if "hold" in what:
                self._holds[what["hold"]] = line
            else:
                self._holds.pop(what.get("unhold", ""), None)
                self._lines.append(line)
            self._turn.notify_all()

    def written(self, timeout_s: float) -> bool:
        """Wait until all of it is in the pipe."""
        with self._turn:
            return self._turn.wait_for(lambda: not (self._lines or self._holds or self._writing), timeout_s)

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            while (line := self._next()) is not None:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
        except OSError:
            log.error("the guard is gone: until it is replaced, goals in ROS 2 go on if the bridge is killed")
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _next(self) -> str | None:
        with self._turn:
            self._writing = False
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._lines or self._holds or self._closing)
            self._writing = True
            if self._lines:
                return self._lines.popleft()
            return self._holds.pop(next(iter(self._holds))) if self._holds else None

    def close(self, timeout_s: float) -> None:
        """End the pipe behind its last line; one that does not end in time is killed."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._thread.join(TOLD_S)


class Guard(NoGuard):
    """The bridge's end of the pipe.

    Args:
        mapping: Whose velocities and actions there are.
        domain_id: As the bridge's.
    """

    def __init__(self, mapping: config.BridgeConfig, domain_id: int | None) -> None:
        """Start the process."""
        velocities = [
            [each.namespace, part.velocity.topic, part.velocity.type]
            for each in mapping.robots
            for part in each.components.values()
            if part.velocity is not None
        ]
        actions = [[each.namespace, name] for each in mapping.robots for name in actions_of(each)]
        self._first = {"domain_id": domain_id, "velocities": velocities, "actions": actions}
        self._lock = threading.Lock()
        # What it knows: another one in its place is told the same.
        self._watch = Watch()
        self._pipe, self._begun_at = Pipe([self._first]), time.monotonic()

    def tell(self, **what: Any) -> None:
        """One line; nobody waits."""
        if "message" in what:
            what["message"] = serialized(what["message"])
        with self._lock:
            self._watch.hear(what)
            self._pipe.put(what)

    def goal(self, action: str, goal_id: bytes) -> None:
        """Known to the guard before it is sent."""
        super().goal(action, goal_id)
        if not self._pipe.written(TOLD_S):
            log.error("the guard does not read: it is replaced")
            self._pipe.process.kill()

    def look(self) -> None:
        """Replace it if it has died."""
        with self._lock:
            code, now = self._pipe.process.poll(), time.monotonic()
            if code is None or self._watch.goodbye or now - self._begun_at < RESTART_S:
                return
            log.error("the guard has ended (%s): another one is started", code)
            self._pipe.close(0.0)
            self.restarts += 1
            self._pipe, self._begun_at = Pipe([self._first, *self._watch.lines()]), now

    def close(self) -> None:
        """Say goodbye; what has not ended by then it ends."""
        self.look()
        self.tell(goodbye=True)
        self._pipe.close(CANCEL_S + 2.0)

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

    def lines(self) -> list[dict[str, Any]]:
        """What tells another one the same."""
        goals = [{"goal": action, "id": goal_id} for goal_id, action in self.goals.items()]
        holds = [
            {"hold": topic, "type": kind, "message": data.hex()} for topic, (kind, data) in self.holds.items()
        ]
        return [*goals, *holds]

    def to_end(self) -> bool:
        """Whether anything is left to be ended: the bridge went without a word, or left a goal open."""
        return not self.goodbye or bool(self.goals or self.holds)


class Cancel:
    """One goal that must end: asked again until its server answers."""

    def __init__(self, goal_id: str, client: Any) -> None:
        """Not asked yet."""
        self._id, self._client = list(bytes.fromhex(goal_id)), client
        self._asked_at = -AGAIN_S
        self._unknown, self.answered = 0, False

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
        if response is None:
            return
        # A refusal is no answer to leave it at.
        self._unknown += response.return_code == UNKNOWN
        if cancels(response) or self._unknown >= UNKNOWN_TIMES:
            self.answered = True


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
            if topic in self._held:
                continue
            try:
                self._held[topic] = next(iter(self._nodes.values())).publish(topic, kind)
            except Exception:  # whatever its type or name is: the others are ended all the same
                self._held[topic] = None
                log.exception("%s cannot be held", topic)

    def end(self, watch: Watch) -> None:
        """The bridge is dead: cancel its goals, hold what knows no cancel, zero velocity; until all of them are reached."""
        self.prepare(watch)
        cancels = [
            Cancel(goal_id, client)
            for goal_id, action in watch.goals.items()
            for name, client in self._clients
            if name == action
        ]
        held = [(self._held[topic], data) for topic, (_, data) in watch.holds.items() if self._held[topic]]
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


def listen(lines: Iterable[str], watch: Watch, ender: Ender) -> None:
    """Hear the bridge until its lines end; one that is torn, as by a kill in the middle of it, is their end."""
    try:
        for line in lines:
            watch.hear(json.loads(line))
            ender.prepare(watch)
    except Exception:  # whatever a line holds: what was heard before it is ended
        log.exception("a line that cannot be read counts as the end of the bridge")
    if watch.to_end():
        log.warning("the bridge is gone, and %d goals are left: they end, velocity is zero", len(watch.goals))
        ender.end(watch)


def main() -> int:
    """Read the bridge's words until they end."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    # Who stops a service sends that to all of it; we end with the pipe, after the bridge.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    lines = iter(sys.stdin)
    first = next(lines, "")
    if not first:
        return 0
    ender = Ender(json.loads(first))
    listen(lines, Watch(), ender)
    ender.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
