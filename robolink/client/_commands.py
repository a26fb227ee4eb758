"""The open commands of one session: sent again until the hub has them, asked for until they have ended.

Sans-IO. A frame that was sent is never built anew: the same id may run at most once, so its bytes stay the same.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from robolink import v1
from robolink.channels import settle
from robolink.client._errors import refusal
from robolink.client._requests import OpenCommand

if TYPE_CHECKING:
    from robolink.client._session import ClientSession

MAX_RESEND_S: Final = 1.0
ASK_AGAIN_S: Final = 2.0


class CommandKeeper:
    """Those of one session; each leaves with its outcome."""

    def __init__(self, session: ClientSession) -> None:
        """None yet."""
        self._session = session
        self._open: dict[bytes, OpenCommand] = {}

    def submit(self, command: OpenCommand, frames: list[bytes], now: float) -> None:
        """Send a command and follow it."""
        command.frames = frames
        command.wait_s = self._session.timeouts.resend_ms / 1000
        command.again_s = now + command.wait_s
        self._open[command.id] = command
        self._session.send_again(frames)

    def follow(self, robot: str, command_id: bytes, now: float) -> Future[OpenCommand]:
        """Follow one that another session has sent, or an earlier one of ours; resolves once the hub has told of it."""
        found: Future[OpenCommand] = Future()
        command = self._open.get(command_id)
        if command is not None:
            settle(found, command)
            return found
        command = OpenCommand(
            id=command_id, robot=robot, method=command_id.hex(), frames=[], accepted=Future()
        )
        self._open[command_id] = command

        def told(first: Future[v1.CommandUpdate]) -> None:
            error = first.exception()
            settle(found, command, error if isinstance(error, Exception) else None)

        assert command.accepted is not None
        command.accepted.add_done_callback(told)
        self._ask(command, now)
        return found

    def follows(self, command_id: bytes) -> bool:
        """Whether it is sent again, or its end waited for."""
        return command_id in self._open

    def _ask(self, command: OpenCommand, now: float) -> None:
        command.again_s = now + ASK_AGAIN_S
        self._session.query(command.robot, command.id)

    def update(self, body: v1.CommandUpdate, now: float) -> None:
        """The hub tells a state."""
        command = self._open.get(body.command_id)
        if command is None:
            return
        if body.state == v1.COMMAND_STATE_UNSPECIFIED:
            self._unknown(command)
        elif command.take(body):
            del self._open[body.command_id]
        else:
            command.again_s = now + ASK_AGAIN_S

    def _unknown(self, command: OpenCommand) -> None:
        """The hub never had it, or has lost it: the same frames again; it runs at most once."""
        if not command.frames:
            text = f"the hub keeps no command {command.id.hex()}: it ended long ago or never came"
            self.refused(command.id, refusal(v1.CAUSE_INVALID, text, robot=command.robot))
            return
        if command.last is not None:
            self._session.counters["command_forgotten_by_hub"] += 1
        self._session.send_again(command.frames)

    def feedback(self, command_id: bytes, body: v1.CommandFeedback) -> None:
        """Something measured on its way."""
        command = self._open.get(command_id)
        if command is not None:
            command.feedback.put(body)

    def refused(self, command_id: bytes, error: Exception) -> bool:
        """The hub answers with an error; False if that is no command of ours."""
        command = self._open.pop(command_id, None)
        if command is not None:
            command.fail(error)
        return command is not None

    def welcomed(self) -> None:
        """After a hello: whatever is open is asked for."""
        for command in self._open.values():
            self._session.query(command.robot, command.id)

    def closing(self, error: Exception) -> None:
        """Nobody will hear of the outcomes here."""
        for command in self._open.values():
            command.fail(error)

    def timers(self) -> list[float]:
        """When they are due."""
        return [command.again_s for command in self._open.values()]

    def handle_timer(self, now: float) -> None:
        """Send or ask again what is due."""
        for command in self._open.values():
            if command.again_s > now:
                continue
            if command.last is not None or not command.frames:
                self._ask(command, now)  # An update may have been lost on a full queue.
                continue
            command.wait_s = min(command.wait_s * 2, MAX_RESEND_S)
            command.again_s = now + command.wait_s
            self._session.send_again(command.frames)
