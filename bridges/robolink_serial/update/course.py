"""The course of one update at the host, as a state machine: announce, send, verify, boot, confirm, or tell why not.

Sans-IO: it takes what the link tells and gives messages. Whether a board may be updated is not its word (the maintenance goal
around it has that), and it sends nothing of an image that image.py has not read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from google.protobuf.message import Message

from robolink import v1
from robolink_serial.update.image import Image

ANSWER_S: Final = 3.0
TRIES: Final = 4
# The board hashes, then resets and starts: slow flash, a slow chip.
VERIFY_S: Final = 120.0
# A board on trial goes back after 30 s by itself; it needs a moment for both starts.
TRIAL_S: Final = 75.0
# So long the line may be away before it is given up; what has come stays at the board.
AWAY_S: Final = 30.0
NEVER: Final = float("inf")

State = v1.SerialSlotState


class Phase(StrEnum):
    """Where it is; feedback of the goal names it."""

    ANNOUNCING = "announcing"
    SENDING = "sending"
    VERIFYING = "verifying"
    BOOTING = "booting"
    TRIAL = "trial"
    CONFIRMING = "confirming"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why it ended; what runs on the board now is what ran before, unless `text` says otherwise."""

    cause: v1.Cause
    text: str


class Update:
    """One image to one board.

    Attributes:
        phase: See Phase.
        progress: 0 to 1, of what is sent.
        failure: Once FAILED.
        slot: Where it goes.
        bulk: The image's bytes, once the board waits for them; the owner starts the link's bulk lane and sets it to None.

    Args:
        image: Checked.
        transfer: A number that the board has not seen.
        now: Monotonic s.
    """

    def __init__(self, image: Image, *, transfer: int, now: float) -> None:
        self.image, self.transfer = image, transfer
        self.phase = Phase.ANNOUNCING
        self.progress = 0.0
        self.failure: Failure | None = None
        self.slot = ""
        self.bulk: bytes | None = None
        self._digest, self._size = image.sha256, len(image.data)
        self._outbox = deque[Message](self._announcement()[:1])
        self._began = False
        self._tries = 0
        self._due_s = now + ANSWER_S
        self._away_s = NEVER
        self._phase_ends_s = NEVER

    def _announcement(self) -> list[Message]:
        begin = v1.SerialImageBegin(
            transfer=self.transfer,
            version=self.image.version,
            size=len(self.image.data),
            sha256=self.image.sha256,
            files=len(self.image.files),
        )
        files = [
            v1.SerialImageFile(
                transfer=self.transfer, index=index, path=each.path, size=len(each.data), sha256=each.sha256
            )
            for index, each in enumerate(self.image.files)
        ]
        return [begin, *files]

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.phase in (Phase.DONE, Phase.FAILED)

    # To the board.

    def next_message(self) -> Message | None:
        """What waits to be sent; `sent` once the link has taken it."""
        return self._outbox[0] if self._outbox else None

    def sent(self) -> None:
        """It did."""
        self._outbox.popleft()

    def _order(self, action: v1.SerialImageAction, now: float) -> None:
        self._outbox.clear()
        self._outbox.append(v1.SerialImageOrder(transfer=self.transfer, action=action, slot=self.slot))
        self._due_s = now + ANSWER_S

    # From the board.

    def up(self, *, same_peer: bool, now: float) -> None:
        """A session stands."""
        self._away_s = NEVER
        if self.ended:
            return
        if self.phase in (Phase.BOOTING, Phase.TRIAL, Phase.CONFIRMING):
            if not same_peer:
                self.phase = Phase.TRIAL
            self._order(v1.SERIAL_IMAGE_ACTION_TELL, now)
        elif not same_peer:
            self._again(
                now
            )  # A board that was reset has no open transfer any more; what has come it has kept.
        elif self.phase is not Phase.SENDING:
            self._repeat(now)

    def _again(self, now: float) -> None:
        self.phase, self._began = Phase.ANNOUNCING, False
        self.transfer += 1
        self._outbox = deque(self._announcement()[:1])
        self._due_s = now + ANSWER_S

    def down(self, now: float) -> None:
        """The session is over."""
        if self._away_s == NEVER:
            limit = TRIAL_S if self.phase in (Phase.BOOTING, Phase.TRIAL) else AWAY_S
            self._away_s = now + limit
        self._due_s = NEVER

    def bulk_progress(self, next_offset: int, now: float) -> None:
        """The board has everything before that."""
        if self.phase is not Phase.SENDING:
            return
        self.progress = next_offset / self._size
        if next_offset >= self._size:
            self._enter(Phase.VERIFYING, now, VERIFY_S)
            self._order(v1.SERIAL_IMAGE_ACTION_VERIFY, now)

    def state(self, state: v1.SerialImageState, now: float) -> None:
        """The board tells."""
        if self.ended:
            return
        self._tries = 0
        if state.cause:
            self._fail(state.cause, state.text or "the board refuses")
            return
        ours = next((each for each in state.slots if each.sha256 == self._digest and each.name), None)
        if self.phase is Phase.ANNOUNCING:
            self._announced(state, ours, now)
        elif self.phase is Phase.VERIFYING:
            self._verified(ours, now)
        elif self.phase is Phase.BOOTING:
            # Its reset follows; its link goes down and comes again.
            self._due_s = NEVER
        elif self.phase is Phase.TRIAL:
            self._tried(state, ours, now)
        elif (
            self.phase is Phase.CONFIRMING
            and ours is not None
            and ours.state == State.SERIAL_SLOT_STATE_CONFIRMED
        ):
            self.phase = Phase.DONE

    def _announced(self, state: v1.SerialImageState, ours: v1.SerialSlot | None, now: float) -> None:
        if state.transfer != self.transfer:
            return
        if not self._began:
            self._began = True
            self.slot = ours.name if ours is not None else ""
            self._outbox = deque(self._announcement()[1:])
            self._due_s = now + ANSWER_S
        elif not self._outbox:
            self.phase, self.progress = Phase.SENDING, state.next_offset / self._size
            self._due_s = NEVER
            if state.next_offset >= self._size:
                self.bulk_progress(self._size, now)
            else:
                self.bulk = self.image.data

    def _verified(self, ours: v1.SerialSlot | None, now: float) -> None:
        if ours is not None and ours.state == State.SERIAL_SLOT_STATE_VERIFIED:
            self.slot = ours.name
            self._enter(Phase.BOOTING, now, TRIAL_S)
            self._order(v1.SERIAL_IMAGE_ACTION_BOOT, now)
        else:
            self._due_s = NEVER  # It hashes; its word comes by itself.

    def _tried(self, state: v1.SerialImageState, ours: v1.SerialSlot | None, now: float) -> None:
        running = next((each for each in state.slots if each.running), v1.SerialSlot())
        if ours is not None and ours.running and ours.name == self.slot:
            self._enter(Phase.CONFIRMING, now, TRIAL_S)
            self._order(v1.SERIAL_IMAGE_ACTION_CONFIRM, now)
        elif ours is not None and ours.state == State.SERIAL_SLOT_STATE_ROLLED_BACK:
            self._fail(
                v1.CAUSE_DRIVER_ERROR,
                f"version {self.image.version} did not hold its trial: the board went back to slot "
                f"{running.name} {running.version}".rstrip(),
            )
        else:
            self._due_s = NEVER  # It has not been reset yet.

    # Time.

    def next_timer(self) -> float:
        """When `handle_timer` wants to be called, monotonic s."""
        return NEVER if self.ended else min(self._due_s, self._away_s, self._phase_ends_s)

    def handle_timer(self, now: float) -> None:
        """Say again what was not answered; give up what takes too long."""
        if self.ended:
            return
        if now >= self._away_s:
            text = "the board has not come back"
            if self.phase in (Phase.BOOTING, Phase.TRIAL):
                text += f" from the trial of slot {self.slot}; it goes back by itself once it is reset"
            else:
                text += "; what has come stays there, and the next update goes on"
            self._fail(v1.CAUSE_UNREACHABLE, text)
        elif now >= self._phase_ends_s:
            self._fail(v1.CAUSE_DRIVER_ERROR, f"{self.phase} took too long")
        elif now >= self._due_s:
            self._tries += 1
            if self._tries >= TRIES:
                self._fail(
                    v1.CAUSE_UNREACHABLE,
                    f"the board did not answer while {self.phase}: has its firmware slots?",
                )
            else:
                self._repeat(now)

    def _repeat(self, now: float) -> None:
        self._due_s = now + ANSWER_S
        if self.phase is Phase.ANNOUNCING:
            announcement = self._announcement()
            self._outbox = deque(announcement[1:] if self._began else announcement[:1])
        elif self.phase is Phase.VERIFYING:
            self._order(v1.SERIAL_IMAGE_ACTION_VERIFY, now)
        elif self.phase is Phase.BOOTING:
            self._order(v1.SERIAL_IMAGE_ACTION_BOOT, now)
        elif self.phase is Phase.CONFIRMING:
            self._order(v1.SERIAL_IMAGE_ACTION_CONFIRM, now)
        elif self.phase is Phase.TRIAL:
            self._order(v1.SERIAL_IMAGE_ACTION_TELL, now)

    def _enter(self, phase: Phase, now: float, limit_s: float) -> None:
        self.phase, self._phase_ends_s = phase, now + limit_s

    def _fail(self, cause: v1.Cause, text: str) -> None:
        self.phase = Phase.FAILED
        self._outbox.clear()
        self.failure = Failure(cause=cause, text=text)
