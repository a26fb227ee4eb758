"""One client process of the sweep: plays its script, notes what it sends and is told, and comes back after a kill.

`python -m tests.e2e.sweep.workload HUB HISTORY SEED CLIENT`. It goes beneath the SDK's faces, to send what a good
client never sends (a stolen lease, an older stop generation, the same frames after a restart). It judges nothing.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.core import twincmd
from robolink.core.command import TERMINAL
from robolink.core.values import named
from robolink.errors import RobolinkError, TwinConflictError
from tests.e2e.sweep.history import History, read
from tests.e2e.sweep.peer import Peer
from tests.e2e.sweep.plan import MOTION, ROBOT, Act, command_id, plan_of

CONNECT_S: Final = 60.0
# How long the script waits for a hub or a robot that is away, before it goes on all the same.
PATIENCE_S: Final = 2.0
SETTLE_S: Final = 60.0
ASK_EVERY_S: Final = 0.15
STEP_S: Final = 0.02


class Ending:
    """SIGTERM has come. Not an Event: one that is set by a handler while its thread waits for it can hang for ever."""

    def __init__(self) -> None:
        self.come = False
        signal.signal(signal.SIGTERM, self._come)

    def _come(self, *_: object) -> None:
        self.come = True

    def wait(self, seconds: float) -> None:
        """For so long, or until it comes."""
        until = time.monotonic() + seconds
        while not self.come and time.monotonic() < until:
            time.sleep(min(STEP_S, seconds))


class Worker:
    """One life of one client."""

    def __init__(self, url: str, path: Path, seed: int, client: int) -> None:
        self.path, self.seed, self.client = path, seed, client
        self.script = plan_of(seed).scripts[client]
        self.history = History(path, f"client{client}")
        past = [each for each in read(path) if each["who"] == self.history.who]
        self.done = {each["n"] for each in past if each["e"] == "act"}
        # Ids sent by any life, with their frames; a twin command has none.
        self.sent = {each["id"]: each.get("frames") for each in past if each["e"] == "send"}
        self.accepted = {each["id"] for each in past if each["e"] == "update" and each["state"] in _ALIVE}
        self.life = sum(each["e"] == "up" for each in past)
        self.versions: dict[str, int] = {}
        self.states: dict[str, int] = {}
        self.history.note("up", life=self.life)
        self.peer = Peer(url, self.history, self._heard)
        self.waiting: list[Future[Any]] = []

    def _heard(self, command: str, state: int) -> None:
        self.states[command] = state
        if state in _ALIVE:
            self.accepted.add(command)

    def run(self, ending: Ending) -> None:
        """All that is left of the script, then ask until everything has ended."""
        self.peer.connect(CONNECT_S)
        self._come_back()
        for act in self.script:
            if act.index in self.done:
                continue
            if act.index % 4:
                self.peer.await_robot(PATIENCE_S)
            time.sleep(act.wait_ms / 1e3)
            self.history.note("act", n=act.index, kind=act.kind)
            _ACTS[act.kind](self, act)
        self._settle(ending)
        while not ending.come:
            ending.wait(1.0)
        self.peer.close()

    def _come_back(self) -> None:
        for position, (each, frames) in enumerate(self.sent.items()):
            self.peer.ask(bytes.fromhex(each))
            if frames and position % 3 == self.life % 3:
                self.peer.send_again(each, frames)

    def _settle(self, ending: Ending) -> None:
        until = time.monotonic() + SETTLE_S
        while not ending.come:
            self.waiting = [each for each in self.waiting if not each.done()]
            asked = {each: self.peer.ask(bytes.fromhex(each)) for each in self.sent}
            open_ids = []
            for each, answer in asked.items():
                state = self._state(answer)
                if state is None or (state not in TERMINAL and (state or self.peer.follows(each))):
                    open_ids.append(each)
            if not open_ids and not self.waiting:
                self.history.note("done", life=self.life)
                return
            if time.monotonic() > until:
                self.history.note("gave_up", life=self.life, open=open_ids, waiting=len(self.waiting))
                return
            ending.wait(ASK_EVERY_S)

    @staticmethod
    def _state(answer: Future[Any]) -> int | None:
        try:
            return int(answer.result(3.0).state)
        except (RobolinkError, TimeoutError):
            return None

    # Commands.

    def order(self, act: Act) -> None:
        """A command of its own."""
        self._send(act, command_id(self.seed, self.client, act.index))

    def _send(self, act: Act, command: bytes, *, add: int = 0, how: str = "") -> None:
        says = act.says
        body = v1.Command(
            method=says["method"],
            args=named({"number": says["number"] + add, "ms": says["ms"]}),
            on_disconnect=says["on_disconnect"],
            preempt=says["preempt"],
        )
        note = {
            "method": says["method"],
            "number": says["number"] + add,
            "motion": says["method"].partition(".")[2] in MOTION,
            "how": how,
            "life": self.life,
        }
        token = self._others_token() if how == "stolen" else None
        self.sent[command.hex()] = self.peer.send(
            command, body, says["ttl_ms"], note, bare=how == "bare", token=token, older=how == "older"
        )

    def _others_token(self) -> list[int] | None:
        granted = [each for each in read(self.path) if each["e"] == "leased" and each["who"] != self.peer.who]
        return granted[-1]["token"] if granted else [1, 999]

    def again(self, act: Act) -> None:
        """The same command once more: byte by byte, or made anew with the same id and body."""
        first = self.script[act.says["of"]]
        command = command_id(self.seed, self.client, first.index)
        frames = self.sent.get(command.hex())
        if frames and act.index % 2:
            self.peer.send_again(command.hex(), frames)
        else:
            self._send(first, command, how="again")

    def reuse(self, act: Act) -> None:
        """An id that stands for another body already."""
        first = self.script[act.says["of"]]
        self._send(first, command_id(self.seed, self.client, first.index), add=500_000, how="reuse")

    def rogue(self, act: Act) -> None:
        """A motion without right."""
        self._send(act, command_id(self.seed, self.client, act.index), how=act.says["how"])

    def cancel(self, act: Act) -> None:
        """Some recent command, perhaps another client's."""
        command = command_id(self.seed, act.says["client"], act.says["of"])
        self.peer.request(v1.CommandCancel(command_id=command, reason="the script says so"))

    def ask(self, act: Act) -> None:
        """What has become of some command, perhaps another client's."""
        self.peer.ask(command_id(self.seed, act.says["client"], act.says["of"]))

    def cmd(self, act: Act) -> None:
        """A command through the twin; delivered twice now and then."""
        says = act.says
        order = twincmd.TwinCommand(
            id=f"s{self.seed}c{self.client}n{act.index}",
            method=says["method"],
            args=(("number", str(says["number"])), ("ms", str(says["ms"]))),
            issued_ms=time.time_ns() // 1_000_000,
        )
        command = twincmd.command_id(ROBOT, order.id).hex()
        self.sent[command] = None
        motion = says["method"].partition(".")[2] in MOTION
        self.history.note(
            "send", id=command, number=says["number"], motion=motion, twin=True, method=says["method"]
        )
        for _ in range(2 if says["twice"] else 1):
            self.waiting.append(self.peer.core.twin_set(ROBOT, "cmd", twincmd.encode(order), None))

    # Authority.

    def lease(self, act: Act) -> None:
        """Ask for the right to move a component."""
        self.waiting.append(self.peer.lease(act.says["component"], act.says.get("how", "")))

    def give(self, act: Act) -> None:
        """Give it back."""
        self.peer.give(act.says["component"])

    def stop(self, act: Act) -> None:
        """Software stop, not safety rated."""
        self.waiting.append(self.peer.stop(act.index))

    def release(self, act: Act) -> None:
        """Its end."""
        self.waiting.append(self.peer.release(act.index))

    def look(self, act: Act) -> None:
        """What the hub says of the robot's latch."""
        self.waiting.append(self.peer.look(act.index))

    # Twin.

    def write(self, act: Act) -> None:
        """A setting; with the version it has seen, with an old one, or with none."""
        name, value, seen = act.says["name"], act.says["value"], self.versions.get(act.says["name"], 0)
        if_version = {"plain": None, "right": seen, "stale": max(0, seen - 1)}[act.says["how"]]
        self.history.note("write_ask", n=act.index, name=name, value=value, if_version=if_version)
        future = self.peer.core.twin_set(ROBOT, name, value, if_version)
        self.waiting.append(future)

        def answered(done: Future[Any]) -> None:
            error = done.exception()
            version = done.result() if error is None else getattr(error, "version", 0)
            conflict = isinstance(error, TwinConflictError)
            if error is None or conflict:
                self.versions[name] = version
            what = "write_ack" if error is None else "write_conflict" if conflict else "write_failed"
            self.history.note(
                what, n=act.index, name=name, value=value, version=version, why=str(error or "")
            )

        future.add_done_callback(answered)


_ALIVE: Final = frozenset(v1.CommandState.values()) - {
    v1.COMMAND_STATE_UNSPECIFIED,
    v1.COMMAND_STATE_RECEIVED,
    v1.COMMAND_STATE_REJECTED,
}
_ACTS: Final[dict[str, Callable[[Worker, Act], None]]] = {
    "count": Worker.order,
    "think": Worker.order,
    "push": Worker.order,
    "walk": Worker.order,
    "again": Worker.again,
    "reuse": Worker.reuse,
    "rogue": Worker.rogue,
    "cancel": Worker.cancel,
    "ask": Worker.ask,
    "cmd": Worker.cmd,
    "lease": Worker.lease,
    "give": Worker.give,
    "stop": Worker.stop,
    "release": Worker.release,
    "look": Worker.look,
    "write": Worker.write,
}


def main(arguments: list[str]) -> None:
    """Play it; SIGTERM ends it in good order."""
    url, path, seed, client = arguments
    ending = Ending()
    with contextlib.suppress(KeyboardInterrupt):
        Worker(url, Path(path), int(seed), int(client)).run(ending)


if __name__ == "__main__":
    main(sys.argv[1:])
