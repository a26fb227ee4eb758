"""What both faces of the client share: every call as a future. The faces only wait, each in its own way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from robolink import v1
from robolink.channels import Channel, settle
from robolink.client._errors import refusal
from robolink.client._futures import EventChannel, outcome, then
from robolink.client._leases import Wish
from robolink.client._requests import OpenCommand
from robolink.client._session import ClientSession
from robolink.client._streams import StreamReader
from robolink.core.envelope import new_message_id
from robolink.core.sheet import SheetIndex
from robolink.core.values import Plain, named, to_value, values_to_dict
from robolink.errors import ConnectionLostError, LeaseError, RejectedError, SettingRejectedError
from robolink.transports.discovery import hub_address, resolve
from robolink.transports.endpoint import Endpoint
from robolink.transports.lanes import Keys, Lane, beside

COMMAND_TTL_S: Final = 5.0
NO_HUB_HINT: Final = "is the hub running? start one: robolink hub"
STOP_MARGIN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a command is sent; what is None is the method's or the hub's own.

    Attributes:
        ttl_s: Must begin within this time of sending, s.
        on_disconnect: What happens to the goal when this client goes.
        max_duration_s: The driver ends it then, s.
        preempt: End a running goal of the same component instead of being answered BUSY.
        command_id: 16 bytes; the same id never runs twice.
    """

    ttl_s: float = COMMAND_TTL_S
    on_disconnect: v1.OnDisconnect | None = None
    max_duration_s: float | None = None
    preempt: bool = False
    command_id: bytes | None = None


class ClientCore:
    """One connection; see `Hub` and `AsyncHub` for what each call means.

    Args:
        url: The hub's control lane.
        safety_url: Its safety lane; "" for the port after.
        timeout_s: For requests.
    """

    def __init__(
        self,
        url: str | None,
        *,
        name: str,
        roles: Iterable[v1.Role],
        keys: Keys | None,
        timeout_s: float,
        safety_url: str | None,
        safety_only: bool = False,
        cloud: bool = False,
    ) -> None:
        """Start to connect."""
        target = resolve(hub_address(url), keys)
        self.url = target.url
        self.timeout_s = timeout_s
        self.keys = keys = target.keys
        lanes = (Lane.SAFETY,) if safety_only else tuple(Lane)
        self.session = ClientSession(
            name=name or f"client-{os.getpid()}", roles=roles, lanes=lanes, cloud=cloud
        )
        self._sheets: dict[str, tuple[str, SheetIndex]] = {}
        self._channels: list[Channel[v1.Event]] = []
        self._streams: list[StreamReader] = []
        self.session.on_event = self._event
        self.endpoint = Endpoint(
            self.session,
            control_url="" if safety_only else self.url,
            safety_url=safety_url or target.safety_url or beside(self.url, 1),
            keys=keys,
            name="robolink-client",
        )
        self.endpoint.start()

    def connected(self) -> Future[v1.HelloReply]:
        """The hub's welcome."""
        return self.session.ready

    def close(self) -> None:
        """Say goodbye; whoever waits gets ConnectionLostError."""
        for stream in self._streams:
            stream.close()
        for channel in self._channels:
            channel.close()
        self.endpoint.close()

    # Every call goes through the I/O thread, since only it touches the session.

    def _post(self, call: Callable[[float], Future[Any]]) -> Future[Any]:
        out: Future[Any] = Future()

        def run(now: float) -> None:
            try:
                inner = call(now)
            except Exception as exc:  # noqa: BLE001  # handed to the waiter, whatever it is
                # Handed to the waiter; the I/O thread goes on.
                settle(out, error=exc)
                return
            inner.add_done_callback(lambda done: settle(out, *outcome(done)))

        self.endpoint.post(run)
        return out

    def _request(
        self, body: Any, robot: str = "", *, lane: Lane = Lane.CONTROL, timeout_s: float = 0
    ) -> Future[Any]:
        wait_s = timeout_s or self.timeout_s
        return self._post(
            lambda now: self.session.request(body, now=now, timeout_s=wait_s, robot=robot, lane=lane)
        )

    # Queries.

    def robots(self) -> Future[list[v1.RobotInfo]]:
        """All robots, page by page."""
        out: Future[list[v1.RobotInfo]] = Future()
        found: list[v1.RobotInfo] = []

        def page(done: Future[Any]) -> None:
            error = done.exception()
            if error is not None:
                settle(out, error=error if isinstance(error, Exception) else ConnectionLostError(str(error)))
                return
            found.extend(done.result().robots)
            if done.result().more:
                self._request(v1.RobotsQuery(after=found[-1].robot)).add_done_callback(page)
            else:
                settle(out, found)

        self._request(v1.RobotsQuery()).add_done_callback(page)
        return out

    def audit(self, after: int) -> Future[list[v1.AuditRecord]]:
        """The newest audit records."""
        return then(self._request(v1.AuditQuery(after_seq=after)), lambda reply: list(reply.records))

    def trace(self, command_id: bytes) -> Future[v1.Trace]:
        """The way of one command."""
        return self._request(v1.TraceQuery(command_id=command_id))

    @property
    def synced(self) -> bool:
        """Whether the offset to site time is measured."""
        return self.session.clock.synced

    @property
    def clock_error_s(self) -> float | None:
        """Bound of the offset's error."""
        return self.session.clock.error_ns / 1e9 if self.synced else None

    def now_ns(self) -> int:
        """Site time."""
        return self.session.site_ns(time.monotonic())

    def status(self) -> Future[v1.Status]:
        """The hub's counters."""
        return self._request(v1.StatusQuery())

    def describe(self, robot: str) -> Future[v1.Description]:
        """A robot's sheet; kept for typing arguments."""

        def keep(description: v1.Description) -> v1.Description:
            self._sheets[robot] = (description.sheet_hash, SheetIndex(description.sheet))
            return description

        return then(self._request(v1.Describe(robot=robot), robot), keep)

    def index(self, robot: str) -> SheetIndex | None:
        """The sheet last described."""
        found = self._sheets.get(robot)
        return found[1] if found is not None else None

    # Leases.

    def acquire(self, robot: str, component: str, wish: Wish) -> Future[v1.LeaseReply]:
        """Get a lease."""
        leases = self.session.leases
        return self._post(
            lambda now: leases.acquire(robot, component, now=now, timeout_s=self.timeout_s, wish=wish)
        )

    def decline(self, robot: str, component: str) -> Future[v1.LeaseReply]:
        """Keep it."""
        leases = self.session.leases
        return self._post(lambda now: leases.decline(robot, component, now=now, timeout_s=self.timeout_s))

    def give_back(self, robot: str, component: str) -> Future[v1.LeaseReply]:
        """Give it back."""
        leases = self.session.leases
        return self._post(lambda now: leases.release(robot, component, now=now, timeout_s=self.timeout_s))

    # Commands.

    def submit(
        self,
        robot: str,
        method: str,
        options: Options | None,
        args: Mapping[str, Plain],
        *,
        accepted: Future[v1.CommandUpdate] | None = None,
    ) -> OpenCommand:
        """Send a command; follow it by what is returned, and its acceptance by the future given."""
        options = options or Options()
        body = _command(method, options, args)
        command = OpenCommand(
            id=options.command_id or new_message_id(),
            robot=robot,
            method=method,
            frames=[],
            accepted=accepted,
        )
        ttl_ms = max(1, int(options.ttl_s * 1000))
        self.endpoint.run(lambda now: self.session.submit(command, body, ttl_ms=ttl_ms, now=now))
        return command

    def check(
        self, robot: str, method: str, options: Options | None, args: Mapping[str, Plain]
    ) -> Future[v1.CommandCheckReply]:
        """A dry run."""
        options = options or Options()
        body = v1.CommandCheck(command=_command(method, options, args))
        ttl_ms = max(1, int(options.ttl_s * 1000))
        return self._post(
            lambda now: self.session.check(robot, body, ttl_ms=ttl_ms, now=now, timeout_s=self.timeout_s)
        )

    @staticmethod
    def results(update: v1.CommandUpdate) -> dict[str, Plain]:
        """What the method returned."""
        return values_to_dict(v1.Values.FromString(update.result))

    def cancel(self, command: OpenCommand, reason: str) -> Future[v1.CommandUpdate]:
        """Ask to cancel; the outcome follows by itself."""
        return self._request(v1.CommandCancel(command_id=command.id, reason=reason), command.robot)

    def follow(self, robot: str, command_id: bytes) -> Future[OpenCommand]:
        """A command by its id."""
        return self._post(lambda now: self.session.follow(robot, command_id, now=now))

    def query(self, robot: str, command_id: bytes) -> Future[v1.CommandUpdate]:
        """Present state of any command."""
        return self._request(v1.CommandQuery(command_id=command_id), robot)

    # Setpoints.

    def setpoint(self, robot: str, name: str, fields: Mapping[str, float]) -> None:
        """Send one; raises what was refused since the last one."""
        component, _, short = name.partition(".")
        info = self._setpoint_info(robot, component, short, fields)
        if self.session.leases.token(robot, component) is None:
            why = self.session.leases.lost(robot, component)
            raise LeaseError(
                f"{robot}/{component} needs a lease to be moved ({why})",
                robot=robot,
                hint="with robot.lease(): …",
            )
        refused, self.session.setpoint_refusal = self.session.setpoint_refusal, None
        if refused is not None:
            raise refused
        body = v1.Setpoint(name=short, values=[float(fields.get(each.name, 0.0)) for each in info.fields])
        ttl_ms = info.ttl_ms or self.session.timeouts.setpoint_ttl_ms
        self.endpoint.run(lambda now: self.session.setpoint(robot, component, body, ttl_ms=ttl_ms, now=now))

    def _setpoint_info(
        self, robot: str, component: str, short: str, fields: Mapping[str, float]
    ) -> v1.SetpointInfo:
        index = self.index(robot)
        info = index.setpoint(component, short) if index is not None else None
        if info is None:
            raise RejectedError(
                f"{robot} has no setpoint {component}.{short}", robot=robot, cause=v1.CAUSE_UNSUPPORTED
            )
        unknown = set(fields) - {each.name for each in info.fields}
        if unknown:
            known = ", ".join(each.name for each in info.fields)
            raise ValueError(f"{component}.{short} has no field {sorted(unknown)[0]!r}; there are: {known}")
        return info

    # Twin.

    def twin_get(self, robot: str, names: Iterable[str]) -> Future[dict[str, v1.PropertyState]]:
        """Properties by name."""
        request = self._request(v1.TwinGet(robot=robot, names=list(names)), robot)
        return then(request, lambda reply: {each.name: each for each in reply.properties})

    def twin_set(self, robot: str, name: str, value: Plain, if_version: int | None) -> Future[int]:
        """Write a setting; its new desired version."""

        def check(reply: v1.TwinWriteReply) -> int:
            if reply.cause:
                raise refusal(reply.cause, reply.text, robot=robot, version=reply.version)
            return reply.version

        body = v1.TwinWrite(robot=robot, name=name, value=to_value(value), if_version=if_version)
        return then(self._request(body, robot), check)

    @staticmethod
    def observed(robot: str, state: v1.PropertyState, version: int) -> bool:
        """Whether the driver has applied that version; raises if it has refused it."""
        if state.observed.version < version:
            return False
        if state.observed.version == version and state.observed.verdict == v1.VERDICT_REJECTED:
            raise SettingRejectedError(
                f"{robot} refuses {state.name}: {state.observed.text}",
                robot=robot,
                cause=state.observed.cause,
                hint="see its limits: robolink describe",
            )
        return True

    # Events and streams.

    def watch(
        self, robots: Iterable[str], *, twins: bool, commands: bool, notices: bool = False
    ) -> Channel[v1.Event]:
        """A channel of events; all watches of one connection share one watch at the hub."""
        kinds = {"robot": True, "twin_delta": twins, "command": commands, "notice": notices}
        channel = EventChannel(frozenset(robots), frozenset(kind for kind, on in kinds.items() if on))
        self._channels.append(channel)
        self._watch_all()
        return channel

    def unwatch(self, channel: Channel[v1.Event]) -> None:
        """End one."""
        channel.close()
        if channel in self._channels:
            self._channels.remove(channel)

    def _watch_all(self) -> None:
        kinds = {kind for each in self._channels if isinstance(each, EventChannel) for kind in each.kinds}
        body = v1.Watch(twins="twin_delta" in kinds, commands="command" in kinds, notices="notice" in kinds)
        self._post(lambda now: self.session.watch(body, now=now, timeout_s=self.timeout_s))

    def _event(self, event: v1.Event) -> None:
        for channel in list(self._channels):
            if isinstance(channel, EventChannel) and channel.wants(event):
                channel.put(event)

    def stream(self, robot: str, name: str, *, max_age_s: float) -> StreamReader:
        """A reader of one telemetry stream."""
        reply = self.session.hello_reply
        if reply is None:
            raise ConnectionLostError("not connected to a hub yet", hint=NO_HUB_HINT)
        component, _, short = name.partition(".")
        reader = StreamReader(
            reply.telemetry_subscribe_endpoint,
            f"{robot}/{component}/{short}",
            self.session.site_ns,
            keys=self.keys,
            max_age_s=max_age_s,
        )
        self._streams = [*(each for each in self._streams if not each.channel.closed), reader]
        return reader

    # Stop: the safety lane alone.

    def stop(
        self, robots: Iterable[str] | None, level: v1.StopLevel, reason: str
    ) -> Future[list[v1.StopResult]]:
        """Software stop, not safety rated; None: every robot."""
        body = v1.Stop(robots=list(robots or ()), level=level, reason=reason)
        wait_s = max(self.timeout_s, self.session.timeouts.stop_answer_ms / 1000 + STOP_MARGIN_S)
        request = self._request(body, lane=Lane.SAFETY, timeout_s=wait_s)
        return then(request, lambda reply: list(reply.results))

    def release(self, robots: Iterable[str] | None) -> Future[list[v1.ReleaseResult]]:
        """End the software stop; None: every robot that is stopped."""

        def send(now: float) -> Future[Any]:
            known = self.session.authorities
            names = list(robots) if robots is not None else [r for r, a in known.items() if a.stop.latched]
            targets = [
                v1.ReleaseTarget(robot=name, generation=self.session.generation(name)) for name in names
            ]
            body = v1.Release(targets=targets)
            return self.session.request(body, now=now, timeout_s=self.timeout_s, lane=Lane.SAFETY)

        return then(self._post(send), lambda reply: list(reply.results))


def _command(method: str, options: Options, args: Mapping[str, Plain]) -> v1.Command:
    return v1.Command(
        method=method,
        args=named(args),
        on_disconnect=options.on_disconnect or v1.ON_DISCONNECT_UNSPECIFIED,
        max_duration_ms=int((options.max_duration_s or 0) * 1000),
        preempt=options.preempt,
    )
