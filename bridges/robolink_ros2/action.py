"""An action of somebody else: send, feedback, cancel, result, and whether its server still lives. Over `node.py`.

A goal's id in ROS 2 is the command's id in Robolink, so both logs name the same thing.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from robolink_ros2.node import RosNode, resolve
from robolink_ros2.service import Client

log = logging.getLogger(__name__)

# action_msgs/GoalStatus
SUCCEEDED: Final = 4
CANCELED: Final = 5
ABORTED: Final = 6
# action_msgs/srv/CancelGoal
GOES: Final = 0
UNKNOWN: Final = 2
TERMINATED: Final = 3
PROBE_EVERY_S: Final = 0.5
# A cancel that is not answered, or refused, is asked again so often.
AGAIN_S: Final = 0.5
# A goal that its server has not answered may be accepted so much later: until then "unknown" does not mean that it never runs.
UNKNOWN_S: Final = 30.0


def cancels(response: Any) -> bool:
    """Whether the goal is being cancelled, or has ended. rclpy's servers refuse a cancel by naming no goal."""
    code = response.return_code
    return code == TERMINATED or (code == GOES and bool(response.goals_canceling))


class ActionEnd:
    """The client of one action.

    Raises:
        LookupError: The type is not installed.
    """

    def __init__(self, owner: RosNode, name: str, ros_type: str) -> None:
        """Not waited for."""
        self.name, self.type = name, resolve(ros_type)
        self._client = owner.ros.rclpy.action.ActionClient(owner.node, self.type, name)
        self._in_executor: Callable[..., object] = owner.ros.executor.create_task
        self._probe: Client = owner.client(f"{name}/_action/cancel_goal", "action_msgs/srv/CancelGoal")

    def ready(self) -> bool:
        """Whether the graph knows a server."""
        return bool(self._client.server_is_ready())

    def send(self, goal: Any, goal_id: bytes, on_change: Callable[[], None]) -> SentGoal:
        """Send one goal; `on_change` is called whenever `SentGoal` has news."""
        sent = SentGoal(self._client, self._probe, goal_id, on_change)
        # There, since rclpy notes who waits for an answer after it has sent the request: one that is quicker would be dropped.
        self._in_executor(sent.send, goal)
        return sent


class SentGoal:
    """One goal on its way.

    Attributes:
        accepted: None until the server has answered.
        error: Why it could not be sent, or "".
        feedback: The newest message, or None.
        status: Of the end, or 0; `result` beside it.
    """

    def __init__(self, client: Any, probe: Client, goal_id: bytes, on_change: Callable[[], None]) -> None:
        """Not sent yet."""
        self.accepted: bool | None = None
        self.error = ""
        self.feedback: Any = None
        self.status, self.result = 0, None
        self._client, self._probe, self._on_change = client, probe, on_change
        self._id = goal_id
        self._cancelling = self._answered = False
        self._lock = threading.Lock()
        self.sent_at = self._alive_at = self._probed_at = time.monotonic()
        self._asked_at = -math.inf
        # What rclpy keeps of a question that was not answered is given up with the next one.
        self._unask: Callable[[], None] = lambda: None
        self._unprobe: Callable[[], None] = lambda: None

    def send(self, goal: Any) -> None:
        """In the executor's thread."""
        with self._lock:
            if self._cancelling:
                self.accepted = False
        if self.accepted is None:
            try:
                uuid = importlib.import_module("unique_identifier_msgs.msg").UUID(uuid=list(self._id))
                future = self._client.send_goal_async(
                    goal, feedback_callback=self._on_feedback, goal_uuid=uuid
                )
                future.add_done_callback(self._on_answer)
            except Exception as exc:  # of a message or the middleware: the goal's thread tells it
                log.exception("a goal could not be sent")
                self.error, self.accepted = f"{type(exc).__name__}: {exc}", False
        self._heard()

    def _on_feedback(self, message: Any) -> None:
        self.feedback = message.feedback
        self._heard()

    def _heard(self) -> None:
        self._alive_at = time.monotonic()
        self._on_change()

    def _on_answer(self, future: Any) -> None:
        handle = None if future.cancelled() or future.exception() else future.result()
        self.accepted = bool(handle is not None and handle.accepted)
        if self.accepted and handle is not None:
            handle.get_result_async().add_done_callback(self._on_result)
            # It was given up while the server thought about it: it must not run on.
            with self._lock:
                self._asked_at = -math.inf
            self.look()
        self._heard()

    def _on_result(self, future: Any) -> None:
        found = None if future.cancelled() or future.exception() else future.result()
        self.status, self.result = (ABORTED, None) if found is None else (found.status, found.result)
        self._heard()

    def over(self) -> bool:
        """Whether it has ended, never began, or a cancel of it was answered: nothing is left to be asked."""
        return bool(self.status) or self.accepted is False or self._answered

    def cancel(self) -> None:
        """Ask to cancel it by its id, which is ours: it may run although its acceptance was not heard. `look` asks again."""
        with self._lock:
            self._cancelling = True
        self.look()

    def look(self) -> None:
        """Ask again for a cancel that was not answered."""
        with self._lock:
            now = time.monotonic()
            if not self._cancelling or self.over() or now - self._asked_at < AGAIN_S:
                return
            self._asked_at = now
            self._unask()
            request = self._probe.type.Request()
            request.goal_info.goal_id.uuid = list(self._id)
            self._unask = self._probe.send(request, self._on_cancel)

    def _on_cancel(self, response: Any) -> None:
        if response is None:
            return
        late = time.monotonic() - self.sent_at > UNKNOWN_S
        forgotten = response.return_code == UNKNOWN and (self.accepted is not None or late)
        if forgotten or cancels(response):
            self._answered = True
        self._heard()

    def silent_s(self) -> float:
        """Since when the server has said nothing. Asks it, if it is silent: the cancel of a goal that nobody has sent."""
        now = time.monotonic()
        if now - self._alive_at > PROBE_EVERY_S and now - self._probed_at > PROBE_EVERY_S:
            self._probed_at = now
            self._unprobe()
            request = self._probe.type.Request()
            request.goal_info.goal_id.uuid = list(os.urandom(16))
            self._unprobe = self._probe.send(
                request, lambda response: self._heard() if response is not None else None
            )
        return now - self._alive_at

    def gone(self) -> bool:
        """Whether the graph knows no server any more."""
        return not self._client.server_is_ready()
