"""An action of somebody else: send, feedback, cancel, result, and whether its server still lives. Over `node.py`.

A goal's id in ROS 2 is the command's id in Robolink, so both logs name the same thing.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from robolink_ros2.node import Client, RosNode, resolve

# action_msgs/GoalStatus
SUCCEEDED: Final = 4
CANCELED: Final = 5
ABORTED: Final = 6
PROBE_EVERY_S: Final = 0.5


class ActionEnd:
    """The client of one action.

    Raises:
        LookupError: The type is not installed.
    """

    def __init__(self, owner: RosNode, name: str, ros_type: str) -> None:
        """Not waited for."""
        self.name, self.type = name, resolve(ros_type)
        self._client = owner.ros.rclpy.action.ActionClient(owner.node, self.type, name)
        self._probe: Client = owner.client(f"{name}/_action/cancel_goal", "action_msgs/srv/CancelGoal")

    def ready(self) -> bool:
        """Whether the graph knows a server."""
        return bool(self._client.server_is_ready())

    def send(self, goal: Any, goal_id: bytes, on_change: Callable[[], None]) -> SentGoal:
        """Send one goal; `on_change` is called whenever `SentGoal` has news."""
        return SentGoal(self._client, self._probe, goal, goal_id, on_change)


class SentGoal:
    """One goal on its way.

    Attributes:
        accepted: None until the server has answered.
        feedback: The newest message, or None.
        status: Of the end, or 0; `result` beside it.
    """

    def __init__(
        self, client: Any, probe: Client, goal: Any, goal_id: bytes, on_change: Callable[[], None]
    ) -> None:
        """Sent at once."""
        self.accepted: bool | None = None
        self.feedback: Any = None
        self.status, self.result = 0, None
        self._client, self._probe, self._on_change = client, probe, on_change
        self._handle: Any = None
        self._cancelling = False
        self._lock = threading.Lock()
        self._alive_at = self._probed_at = time.monotonic()
        uuid = importlib.import_module("unique_identifier_msgs.msg").UUID(uuid=list(goal_id))
        future = client.send_goal_async(goal, feedback_callback=self._on_feedback, goal_uuid=uuid)
        future.add_done_callback(self._on_answer)

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
            with self._lock:
                self._handle = handle
                cancelling = self._cancelling
            handle.get_result_async().add_done_callback(self._on_result)
            # It was given up while the server thought about it: it must not run on.
            if cancelling:
                handle.cancel_goal_async()
        self._heard()

    def _on_result(self, future: Any) -> None:
        found = None if future.cancelled() or future.exception() else future.result()
        self.status, self.result = (ABORTED, None) if found is None else (found.status, found.result)
        self._heard()

    def cancel(self) -> None:
        """Ask to cancel, now or as soon as it is accepted."""
        with self._lock:
            self._cancelling = True
            handle = self._handle
        if handle is not None and not self.status:
            handle.cancel_goal_async()

    def silent_s(self) -> float:
        """Since when the server has said nothing. Asks it, if it is silent: the cancel of a goal that nobody has sent."""
        now = time.monotonic()
        if now - self._alive_at > PROBE_EVERY_S and now - self._probed_at > PROBE_EVERY_S:
            self._probed_at = now
            request = self._probe.type.Request()
            request.goal_info.goal_id.uuid = list(os.urandom(16))
            self._probe.send(request, lambda response: self._heard() if response is not None else None)
        return now - self._alive_at

    def gone(self) -> bool:
        """Whether the graph knows no server any more."""
        return not self._client.server_is_ready()
