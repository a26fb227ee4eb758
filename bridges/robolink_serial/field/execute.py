"""`robolink board exec`: the real mpremote on a port that is ours for so long, and the board's program started again after it."""

from __future__ import annotations

from dataclasses import dataclass

from robolink_serial.field.claim import Ask, claimed
from robolink_serial.field.session import NoHelloError, Session
from robolink_serial.field.show import say
from robolink_serial.field.tool import mpremote

BACK_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed.

    Attributes:
        arguments: mpremote's, behind `connect PORT`.
        resume: Without a soft reset before.
        restart: Start the program again, where no bridge does it.
    """

    path: str
    ask: Ask
    arguments: list[str]
    resume: bool = False
    restart: bool = True


def execute(wish: Wish) -> int:
    """Run it; mpremote's exit code.

    Raises:
        RobolinkError: The port cannot be had.
    """
    with claimed(wish.path, wish.ask, say) as claim:
        code = mpremote(claim.path, [*(["resume"] if wish.resume else []), *wish.arguments])
        if wish.restart and not claim.robot:
            _restart(claim.path)
    return code


def _restart(path: str) -> None:
    """The link finds the prompt by itself and starts main.py."""
    with Session(path) as session:
        try:
            session.wait_up(BACK_S)
        except NoHelloError:
            say("the board has no Robolink program that answers; it stays as mpremote left it")
