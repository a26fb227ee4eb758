"""Back to what ran before: one order, a reset, and the board's word of what it runs now. Sans-IO, as course.py."""

from __future__ import annotations

from collections import deque

from google.protobuf.message import Message

from robolink import v1
from robolink_serial.update.course import ANSWER_S, NEVER, TRIAL_S, TRIES, Failure, Phase


class Rollback:
    """See `Update`; `progress` stays 0.

    Args:
        now: Monotonic s.
    """

    def __init__(self, *, now: float) -> None:
        self.phase = Phase.BOOTING
        self.progress = 0.0
        self.failure: Failure | None = None
        self.running = ""
        self._outbox = deque[Message]([v1.SerialImageOrder(action=v1.SERIAL_IMAGE_ACTION_ROLLBACK)])
        self._due_s, self._ends_s = now + ANSWER_S, now + TRIAL_S
        self._answered = self._was_reset = False
        self._tries = 0

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.phase in (Phase.DONE, Phase.FAILED)

    def next_message(self) -> Message | None:
        """What waits to be sent; `sent` once the link has taken it."""
        return self._outbox[0] if self._outbox else None

    def sent(self) -> None:
        """It did."""
        self._outbox.popleft()

    def up(self, *, same_peer: bool, now: float) -> None:
        """A session stands."""
        # An order that got lost with a session is said again; after the reset it would go back once more.
        self._was_reset = self._was_reset or not same_peer
        action = v1.SERIAL_IMAGE_ACTION_TELL if self._was_reset else v1.SERIAL_IMAGE_ACTION_ROLLBACK
        self._say(action, now)

    def down(self, now: float) -> None:
        """The session is over."""
        self._due_s = NEVER

    def state(self, state: v1.SerialImageState, now: float) -> None:
        """The board tells."""
        if self.ended:
            return
        running = next((each.name for each in state.slots if each.running), "")
        if state.cause and not self._was_reset:
            self.failure = Failure(cause=state.cause, text=state.text or "the board refuses")
            self.phase = Phase.FAILED
        elif self._was_reset and self._answered:
            self.running, self.phase = running, Phase.DONE
        elif self._was_reset:
            text = f"the board was reset before it had taken the order, and runs {running}; order it again"
            self.failure, self.phase = Failure(cause=v1.CAUSE_DISCONNECTED, text=text), Phase.FAILED
        else:
            self._answered, self._due_s = True, NEVER  # It resets now.

    def next_timer(self) -> float:
        """When `handle_timer` wants to be called, monotonic s."""
        return NEVER if self.ended else min(self._due_s, self._ends_s)

    def handle_timer(self, now: float) -> None:
        """Say it again; give up."""
        self._tries += 1
        if now >= self._ends_s or self._tries >= TRIES:
            self.phase = Phase.FAILED
            self.failure = Failure(
                cause=v1.CAUSE_UNREACHABLE, text="the board did not come back from its reset"
            )
        else:
            self._say(
                v1.SERIAL_IMAGE_ACTION_TELL if self._was_reset else v1.SERIAL_IMAGE_ACTION_ROLLBACK, now
            )

    def _say(self, action: v1.SerialImageAction, now: float) -> None:
        self._outbox.clear()
        self._outbox.append(v1.SerialImageOrder(action=action))
        self._due_s = now + ANSWER_S
