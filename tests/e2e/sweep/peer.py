"""A client below the SDK's faces: sends any header it likes, and notes everything that it sends and is told.

The session, its resends and its lease renewals are the SDK's own; only what goes into a command's header is ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.client._core import ClientCore
from robolink.client._leases import Wish
from robolink.client._requests import HeldLease, OpenCommand
from robolink.core.envelope import decode_header
from robolink.errors import RobolinkError
from robolink.transports.lanes import Lane
from tests.e2e.sweep.history import History
from tests.e2e.sweep.plan import ROBOT

REQUEST_S: Final = 2.0
POLL_S: Final = 0.05
ROLES: Final = (v1.ROLE_MAINTAIN, v1.ROLE_SAFETY)


class Peer:
    """One connection.

    Args:
        heard: Told each command's id (hex) and state, in the I/O thread.
    """

    def __init__(self, url: str, history: History, heard: Callable[[str, int], None]) -> None:
        self._history, self._heard, self.who = history, heard, history.who
        self._online = threading.Event()
        self.core = ClientCore(
            url, name=self.who, roles=ROLES, keys=None, timeout_s=REQUEST_S, safety_url=None
        )
        self._session = session = self.core.session
        # Each update, each event and each grant passes here, whoever asked for it.
        self._take_update = session._update
        session._update = self._update  # type: ignore[method-assign]
        session.on_event = self._event
        self._ask_lease = session.leases._ask
        session.leases._ask = self._lease_asked  # type: ignore[method-assign]

    def connect(self, timeout_s: float) -> None:
        """Wait for the hub, then watch the robot."""
        self.core.connected().result(timeout_s)
        self.core.watch([], twins=False, commands=self.who == "client0")
        self.await_robot(timeout_s)

    def close(self) -> None:
        """Say goodbye."""
        self.core.close()

    def await_robot(self, timeout_s: float) -> None:
        """Wait until the hub is here and shows the robot as online; go on after the timeout."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self._session._lanes[Lane.CONTROL].connected:
                # An event tells of a change alone, and one that came before our watch was told to nobody.
                if self._online.wait(POLL_S):
                    return
                infos = self.outcome(self.core.robots()) or []
                if any(each.robot == ROBOT and each.online for each in infos):
                    self._online.set()
            else:
                self._online.clear()
                time.sleep(POLL_S)

    # What comes.

    def _update(self, header: v1.Header, body: v1.CommandUpdate) -> None:
        asked = header.correlation_id != body.command_id
        self._note_update(body, q=header.correlation_id.hex() if asked else "")
        self._take_update(header, body)

    def _note_update(self, body: v1.CommandUpdate, **more: Any) -> None:
        late = body.late_outcome.state if body.HasField("late_outcome") else 0
        command = body.command_id.hex()
        self._history.note("update", id=command, state=body.state, cause=body.cause, late=late, **more)
        self._heard(command, body.state)

    def _event(self, event: v1.Event) -> None:
        if event.HasField("command"):
            self._note_update(event.command, q="event")
        elif event.HasField("robot") and event.robot.robot == ROBOT:
            (self._online.set if event.robot.online else self._online.clear)()

    # Commands.

    def send(
        self,
        command: bytes,
        body: v1.Command,
        ttl_ms: int,
        note: dict[str, Any],
        *,
        bare: bool,
        token: list[int] | None,
        older: bool,
    ) -> list[str]:
        """Send a command, by the rules or not; its frames."""
        frames: list[str] = []
        sent = threading.Event()

        def run(now: float) -> None:
            following = OpenCommand(id=command, robot=ROBOT, method=body.method, frames=[])
            self._session.submit(following, body, ttl_ms=ttl_ms, now=now)
            header = decode_header(following.frames[0])
            if bare:
                header.ClearField("lease")
            if token is not None:
                header.lease.epoch, header.lease.sequence = token
            if older:
                header.stop_generation = max(0, header.stop_generation - 1)
            following.frames[0] = header.SerializeToString()
            frames.extend(each.hex() for each in following.frames)
            lease = [header.lease.epoch, header.lease.sequence] if header.HasField("lease") else None
            self._history.note(
                "send", id=command.hex(), gen=header.stop_generation, lease=lease, frames=frames, **note
            )
            sent.set()

        self.core.endpoint.post(run)
        sent.wait(REQUEST_S)
        return frames

    def send_again(self, command: str, frames: list[str]) -> None:
        """The same bytes once more, of whatever life."""

        def run(_now: float) -> None:
            self._history.note("resend", id=command)
            self._session._outbox.append((Lane.CONTROL, [bytes.fromhex(each) for each in frames]))

        self.core.endpoint.post(run)

    def follows(self, command: str) -> bool:
        """Whether the SDK still sends it again, or waits for its end."""
        return self._session.commands.follows(bytes.fromhex(command))

    def ask(self, command: bytes) -> Future[Any]:
        """Its present state; noted with the question that it answers."""

        def run(now: float) -> Future[Any]:
            query = v1.CommandQuery(command_id=command)
            future = self._session.request(query, now=now, timeout_s=REQUEST_S, robot=ROBOT)
            self._history.note("ask", id=command.hex(), q=next(reversed(self._session._requests)).hex())
            return future

        return self.core._post(run)

    def request(self, body: Message) -> Future[Any]:
        """Any request, without a note."""
        return self.core._request(body, ROBOT)

    # Leases.

    def _lease_asked(self, held: HeldLease, **how: Any) -> Future[Any]:
        future = self._ask_lease(held, **how)

        def granted(done: Future[Any]) -> None:
            if done.exception() is None:
                token = done.result().token
                self._history.note("leased", component=held.component, token=[token.epoch, token.sequence])

        future.add_done_callback(granted)
        return future

    def lease(self, component: str, how: str = "") -> Future[Any]:
        """Get one: if it is free, or by asking its owner, or by taking it."""
        wish = {
            "": Wish(),
            "ask": Wish(request_s=0.5, reason="the script says so"),
            "take": Wish(take=True, reason="the script says so"),
        }[how]
        leases = self._session.leases
        return self.core._post(
            lambda now: leases.acquire(ROBOT, component, now=now, timeout_s=REQUEST_S, wish=wish)
        )

    def give(self, component: str) -> None:
        """Give it back; noted once the hub has said so."""
        token = None

        def run(now: float) -> Future[Any]:
            nonlocal token
            held = self._session.leases._held.get((ROBOT, component))
            # The SDK shares one lease between its users: the last one gives it back.
            if held is not None and held.token is not None and held.users == 1:
                token = [held.token.epoch, held.token.sequence]
            return self._session.leases.release(ROBOT, component, now=now, timeout_s=REQUEST_S)

        def given(done: Future[Any]) -> None:
            if done.exception() is None and token is not None:
                self._history.note("gave", component=component, token=token)

        self.core._post(run).add_done_callback(given)

    # Stops.

    def stop(self, number: int) -> Future[Any]:
        """Stop the robot; noted when asked and when answered."""
        self._history.note("stop_ask", n=number)
        future = self.core.stop([ROBOT], v1.STOP_LEVEL_SOFT_HOLD, "the script says so")

        def answered(done: Future[Any]) -> None:
            if done.exception() is None:
                result = done.result()[0]
                verdict = v1.StopVerdict.Name(result.verdict).removeprefix("STOP_VERDICT_")
                self._history.note("stop_ack", n=number, gen=result.generation, verdict=verdict)

        future.add_done_callback(answered)
        return future

    def release(self, number: int) -> Future[Any]:
        """Release the newest stop that this session has heard of."""

        def run(now: float) -> Future[Any]:
            generation = self._session.generation(ROBOT)
            self._history.note("release_ask", n=number, gen=generation)
            body = v1.Release(targets=[v1.ReleaseTarget(robot=ROBOT, generation=generation)])
            return self._session.request(body, now=now, timeout_s=REQUEST_S, lane=Lane.SAFETY)

        future = self.core._post(run)

        def answered(done: Future[Any]) -> None:
            if done.exception() is None:
                result = done.result().results[0]
                self._history.note("release_ack", n=number, gen=result.generation, cause=result.cause)

        future.add_done_callback(answered)
        return future

    def look(self, number: object) -> Future[Any]:
        """The robot as the hub shows it."""
        self._history.note("look_ask", n=number)
        future = self.core.robots()

        def answered(done: Future[Any]) -> None:
            for info in done.result() if done.exception() is None else ():
                if info.robot == ROBOT:
                    stop = info.authority.stop
                    self._history.note(
                        "look", n=number, gen=stop.generation, latched=stop.latched, online=info.online
                    )

        future.add_done_callback(answered)
        return future

    def outcome(self, future: Future[Any]) -> Any:
        """What it resolves with; None if it does not."""
        try:
            return future.result(REQUEST_S + 1.0)
        except (RobolinkError, TimeoutError):
            return None
