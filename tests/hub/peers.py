"""Raw peers for the hub's tests: they speak the lanes without the SDKs, so that they can break every rule."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import zmq
from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header, new_session_id
from robolink.core.values import named

T = TypeVar("T", bound=Message)

SHEET = v1.Sheet(
    model="test-robot",
    stop_levels=[v1.STOP_LEVEL_SOFT_HOLD],
    components=[
        v1.Component(
            name="base",
            type=v1.COMPONENT_TYPE_BASE,
            methods=[
                v1.Method(
                    name="go",
                    kind=v1.METHOD_KIND_GOAL,
                    motion=True,
                    args=[v1.Field(name="x", type=v1.VALUE_TYPE_DOUBLE, unit="m", minimum=-5, maximum=5)],
                ),
                v1.Method(name="ping", kind=v1.METHOD_KIND_CALL),
            ],
            properties=[
                v1.Property(
                    field=v1.Field(name="max_speed", type=v1.VALUE_TYPE_DOUBLE, minimum=0, maximum=2),
                    access=v1.ACCESS_READ_WRITE,
                ),
                v1.Property(
                    field=v1.Field(name="distance", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_ONLY
                ),
            ],
            setpoints=[
                v1.SetpointInfo(name="velocity", fields=[v1.Field(name="vx", type=v1.VALUE_TYPE_DOUBLE)])
            ],
        )
    ],
)


OPEN: list[zmq.Socket[Any]] = []


class RawPeer:
    """One DEALER with everything that came in kept in order."""

    def __init__(self, context: zmq.Context[Any], url: str, session_id: int | None = None) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(url)
        OPEN.append(self.socket)  # Closed by the context's fixture: a dropped socket would be a warning.
        self.sender = Sender(session_id or new_session_id())
        self.got: list[tuple[v1.Header, Message]] = []

    def send(self, body: Message, **header: Any) -> bytes:
        """Send a message; its id."""
        frames = self.sender.encode(body, **({"sent_ns": time.monotonic_ns()} | header))
        self.socket.send_multipart(frames)
        return decode_header(frames[0]).message_id

    def expect(
        self,
        kind: type[T],
        match: Callable[[v1.Header, T], bool] = lambda _h, _b: True,
        timeout_s: float = 10,
    ) -> tuple[v1.Header, T]:
        """The first message of that kind that matches, among those that came or will come; it is taken out."""
        until = time.monotonic() + timeout_s
        while True:
            for index, (header, body) in enumerate(self.got):
                if isinstance(body, kind) and match(header, body):
                    del self.got[index]
                    return header, body
            left_ms = int((until - time.monotonic()) * 1000)
            if left_ms <= 0 or not self.socket.poll(left_ms):
                raise AssertionError(
                    f"no {kind.__name__} came; there are {[type(b).__name__ for _, b in self.got]}"
                )
            header_bytes, body_bytes = self.socket.recv_multipart()
            header = decode_header(header_bytes)
            self.got.append((header, decode_body(header, body_bytes)))

    def reply(self, kind: type[T], body: Message, **header: Any) -> T:
        """Send, and wait for the answer to just that."""
        message_id = self.send(body, **header)
        return self.expect(kind, lambda h, _b: h.correlation_id == message_id)[1]

    def update(self, command_id: bytes, *states: int) -> v1.CommandUpdate:
        """The next update of a command in one of these states."""
        return self.expect(
            v1.CommandUpdate, lambda _h, b: b.command_id == command_id and (not states or b.state in states)
        )[1]


class RawDriver(RawPeer):
    """A driver of one robot on both lanes; it answers nothing by itself."""

    def __init__(
        self,
        context: zmq.Context[Any],
        hub: Any,
        robot: str = "r1",
        *,
        generation: int = 0,
        session_id: int | None = None,
    ) -> None:
        super().__init__(context, hub.url, session_id)
        self.robot = robot
        self.safety = RawPeer(context, f"tcp://127.0.0.1:{hub.port + 1}", self.sender.session_id)
        self.sheet = SHEET
        self.stop = v1.StopState(generation=generation, latched=bool(generation))

    def hello(self, *, live: tuple[bytes, ...] = ()) -> v1.HelloReply:
        """Hello on both lanes; the control lane's answer."""
        robot = v1.RobotHello(robot=self.robot, stop=self.stop)
        self.safety.reply(
            v1.HelloReply, v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[robot])
        )
        robot.sheet.CopyFrom(self.sheet)
        hello = v1.Hello(
            kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[robot], live_command_ids=live
        )
        return self.reply(v1.HelloReply, hello)

    def outcome(self, command_id: bytes, state: int, **more: Any) -> None:
        """Write a state of a command."""
        update = v1.CommandUpdate(command_id=command_id, robot=self.robot, state=state, **more)  # type: ignore[arg-type]
        self.send(update, correlation_id=command_id)


class RawClient(RawPeer):
    """A client on both lanes with all roles."""

    def __init__(self, context: zmq.Context[Any], hub: Any, name: str = "anna") -> None:
        super().__init__(context, hub.url)
        self.safety = RawPeer(context, f"tcp://127.0.0.1:{hub.port + 1}", self.sender.session_id)
        self.name = name
        self.lease: v1.LeaseToken | None = None

    def hello(self, roles: tuple[int, ...] = (v1.ROLE_MAINTAIN, v1.ROLE_SAFETY)) -> v1.HelloReply:
        """Hello on both lanes; the control lane's answer."""
        hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name=self.name, roles=roles)  # type: ignore[arg-type]
        self.safety.reply(v1.HelloReply, hello)
        return self.reply(v1.HelloReply, hello)

    def acquire(self, robot: str = "r1", component: str = "") -> v1.LeaseReply:
        """Take a lease and keep its token."""
        request = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot=robot, component=component)
        answer = self.reply(v1.LeaseReply, request)
        self.lease = answer.token
        return answer

    def command(self, method: str, robot: str = "r1", *, generation: int = 0, **more: Any) -> bytes:
        """Send a command with plain arguments; its id."""
        header = {key: more.pop(key) for key in ("ttl_ms", "sent_ns", "message_id") if key in more}
        options = {key: more.pop(key) for key in ("preempt", "on_disconnect") if key in more}
        return self.send(
            v1.Command(method=method, args=named(more), **options),
            destination=robot,
            lease=self.lease,
            stop_generation=generation,
            **({"ttl_ms": 5000} | header),
        )

    def counters(self) -> dict[str, int]:
        """What the hub has counted."""
        status = self.reply(v1.Status, v1.StatusQuery())
        return {each.name: each.value for each in status.counters}
