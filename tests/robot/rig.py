"""The hub's side of a driver session, played by hand: no I/O, no clock. Shared by the sans-IO tests of this room."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header, new_message_id
from robolink.core.values import named
from robolink.robot._actions import Action
from robolink.robot._session import DriverSession
from robolink.transports.lanes import Lane

ROBOT = "turtle-1"
# Site time is far from this machine's clock: whoever mixes them up is far off.
OFFSET_S = 5_000.0
A = TypeVar("A")
B = TypeVar("B", bound=Message)


def number(name: str, limit: float) -> v1.Field:
    return v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, minimum=-limit, maximum=limit)


def make_sheet() -> v1.Sheet:
    goal, call = v1.METHOD_KIND_GOAL, v1.METHOD_KIND_CALL
    wheels = v1.Component(
        name="wheels",
        type=v1.COMPONENT_TYPE_BASE,
        methods=[
            v1.Method(name="go", kind=goal, motion=True, max_duration_ms=60_000, args=[number("x", 50)]),
            v1.Method(name="nudge", kind=call, motion=True),
            v1.Method(name="reset", kind=call),
        ],
        setpoints=[
            v1.SetpointInfo(name="velocity", fields=[number("linear", 1), number("angular", 2)], ttl_ms=300)
        ],
        properties=[
            v1.Property(
                field=v1.Field(name="max_speed", type=v1.VALUE_TYPE_DOUBLE, minimum=0, maximum=1.5),
                access=v1.ACCESS_READ_WRITE,
            ),
            v1.Property(
                field=v1.Field(name="distance", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_ONLY
            ),
        ],
        streams=[v1.StreamInfo(name="odometry", schema="Odometry", rate_hz=20, frame_id="odom")],
    )
    return v1.Sheet(model="turtle", components=[wheels], stop_levels=[v1.STOP_LEVEL_SOFT_HOLD])


class Rig:
    """A session and the hub it talks to.

    Attributes:
        actions: What the session wanted done, since the last `take`.
        sent: What it has sent, decoded, since the last `take_sent`.
    """

    def __init__(self, *robots: str) -> None:
        self.now = 1_000.0
        self.actions: list[Action] = []
        self.sent: list[tuple[Lane, v1.Header, Any]] = []
        self.hub_session = 77
        self.sender = Sender(self.hub_session)
        self.stops: dict[str, v1.StopState] = {}
        self.session = DriverSession(name="rig", session_id=5, emit=self.actions.append)
        for robot in robots or (ROBOT,):
            self.session.add_robot(robot, make_sheet(), self.now)

    # Time.

    def site_ns(self) -> int:
        return int((self.now + OFFSET_S) * 1e9)

    def pump(self) -> None:
        """Decode what the session wants sent."""
        for lane, frames in self.session.take_outbox():
            header = decode_header(frames[0])
            self.sent.append((lane, header, decode_body(header, frames[1])))

    def advance(self, seconds: float, *, beats: bool = True) -> None:
        """Let time pass, timer by timer; the hub answers beats unless it is silent."""
        until = self.now + seconds
        while (timer := self.session.next_timer()) is not None and timer <= until:
            self.now = max(self.now, timer)
            self.session.handle_timer(self.now)
            self.pump()
            if beats:
                self.answer_beats()
        self.now = until

    def answer_beats(self) -> None:
        beats = [(lane, header) for lane, header, body in self.sent if isinstance(body, v1.Beat)]
        self.sent = [each for each in self.sent if not isinstance(each[2], v1.Beat)]
        for lane, header in beats:
            self.to(lane, v1.BeatReply(), correlation_id=header.message_id, received_ns=self.site_ns())

    # From the hub.

    def to(self, lane: Lane, body: Message, **header: Any) -> bytes:
        """One message of the hub; its id."""
        message_id: bytes = header.pop("message_id", None) or new_message_id()
        header.setdefault("sent_ns", self.site_ns())
        frames = self.sender.encode(body, message_id=message_id, **header)
        self.session.receive(lane, frames, self.now)
        self.pump()
        return message_id

    def answer_hello(self, lane: Lane) -> v1.Hello:
        """Answer the newest hello on that lane."""
        self.pump()
        _, header, hello = [each for each in self.sent if each[0] is lane and isinstance(each[2], v1.Hello)][
            -1
        ]
        self.sent = [each for each in self.sent if not (each[0] is lane and isinstance(each[2], v1.Hello))]
        reply = v1.HelloReply(
            major=1, hub_session_id=self.hub_session, telemetry_publish_endpoint="tcp://127.0.0.1:9"
        )
        for robot in hello.robots:
            stop = self.stops.get(robot.robot, v1.StopState())
            reply.authorities.add(robot=robot.robot, stop=stop)
        self.to(lane, reply, correlation_id=header.message_id, received_ns=self.site_ns())
        assert isinstance(hello, v1.Hello)
        return hello

    def connect(self) -> None:
        """Both hellos."""
        self.session.start(self.now)
        self.answer_hello(Lane.SAFETY)
        self.advance(0)
        self.answer_hello(Lane.CONTROL)

    def hello_again(self) -> v1.Hello:
        """The hub has forgotten this driver: it says both hellos anew, the safety lane's first; the control lane's."""
        self.to(Lane.CONTROL, v1.Error(cause=v1.CAUSE_NO_HELLO))
        self.advance(0.1)
        self.answer_hello(Lane.SAFETY)
        self.advance(0.1)
        return self.answer_hello(Lane.CONTROL)

    def command(self, method: str = "wheels.go", *, generation: int = 0, **header: Any) -> bytes:
        """A command as the hub forwards it; its id."""
        args = {"x": 1} if method == "wheels.go" else {}
        body = v1.Command(
            method=method,
            args=named(args),
            on_disconnect=header.pop("on_disconnect", 0),
            max_duration_ms=header.pop("max_duration_ms", 0),
            preempt=header.pop("preempt", False),
        )
        header.setdefault("ttl_ms", 5_000)
        return self.to(
            Lane.CONTROL, body, destination=header.pop("robot", ROBOT), stop_generation=generation, **header
        )

    def setpoint(
        self, *values: float, generation: int = 0, lease: tuple[int, int] = (1, 1), **header: Any
    ) -> None:
        self.to(
            Lane.CONTROL,
            v1.Setpoint(name="velocity", values=values or (0.5, 0.0)),
            destination=f"{ROBOT}/wheels",
            stop_generation=generation,
            lease=v1.LeaseToken(epoch=lease[0], sequence=lease[1]),
            ttl_ms=header.pop("ttl_ms", 300),
            **header,
        )

    def stop(self, generation: int, robot: str = ROBOT) -> bytes:
        stop = v1.StopState(
            generation=generation, latched=True, level=v1.STOP_LEVEL_SOFT_HOLD, stopped_by="anna"
        )
        self.stops[robot] = stop
        return self.to(Lane.SAFETY, v1.StopOrder(robot=robot, stop=stop))

    def release(self, generation: int) -> None:
        self.stops[ROBOT] = v1.StopState(generation=generation)
        self.to(Lane.SAFETY, v1.ReleaseOrder(robot=ROBOT, generation=generation))

    def cancel(self, command_id: bytes, end_state: v1.CommandState = v1.COMMAND_STATE_UNSPECIFIED) -> None:
        self.to(Lane.CONTROL, v1.CommandCancel(command_id=command_id, end_state=end_state), destination=ROBOT)

    def ack(self, command_id: bytes) -> None:
        self.to(Lane.CONTROL, v1.CommandUpdateAck(command_id=command_id))

    # From the handler.

    def finish(self, command_id: bytes, state: v1.CommandState = v1.COMMAND_STATE_SUCCEEDED) -> None:
        self.session.commands.finish(command_id, state, self.now, cause=0, text="", result=b"")
        self.pump()

    # What came of it.

    def take(self, kind: type[A]) -> list[A]:
        """Actions of that kind, removed."""
        found = [each for each in self.actions if isinstance(each, kind)]
        self.actions[:] = [each for each in self.actions if not isinstance(each, kind)]
        return found

    def take_sent(self, kind: type[B]) -> list[B]:
        """Bodies of that kind, removed."""
        self.pump()
        found = [body for _, _, body in self.sent if isinstance(body, kind)]
        self.sent = [each for each in self.sent if not isinstance(each[2], kind)]
        return found

    def states(self) -> list[str]:
        """Names of the states told since the last call."""
        return [v1.CommandState.Name(each.state)[14:] for each in self.take_sent(v1.CommandUpdate)]
