"""The conversation of WORKED.md: who says what to whom, with fixed ids and times. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header
from robolink.core.timeouts import DEFAULTS

HEAD: Final = """# One conversation, byte by byte

Written by `worked.py`; do not edit. A hub, a driver that serves `turtle-1`, and a client: hello, lease, goal, feedback, stop,
release. The stop is a software stop, not safety rated. Frames are shown as a DEALER sends and gets them; the hub's ROUTER sees
the peer's identity before them. Ids and sessions are fixed here and random in life. Messages that come for the first time are
taken apart field by field; of the others the body is told in words. A protobuf field is its tag, eight times its number plus the
wire type, and its value. Beats and renewals are left out."""

MS: Final = 1_000_000
ROBOT: Final = "turtle-1"
SESSIONS: Final = {"hub": 0x4855425F30303031, "client": 0x434C49454E543031, "driver": 0x4452495645523031}
# The safety lane is a process of its own, so its starts are counted by themselves.
SAFETY_SESSION: Final = 0x5341464554593031
MARKS: Final = {"hub": 0xA0, "client": 0xC0, "driver": 0xD0}
NAMES: Final = {"client": "my-app", "driver": "turtle-driver"}
LANES: Final = ("control", "safety")
RELEASED_MS: Final = 5001
TOKEN: Final = v1.LeaseToken(epoch=1, sequence=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One message on its way."""

    number: int
    sender: str
    receiver: str
    lane: str
    frames: list[bytes]
    text: str
    detail: bool

    @property
    def header(self) -> v1.Header:
        """Decoded."""
        return decode_header(self.frames[0])

    @property
    def body(self) -> Message:
        """Decoded."""
        return decode_body(self.header, self.frames[1])


@dataclass(frozen=True, slots=True)
class Words:
    """Text between messages."""

    title: str
    text: str


class Script:
    """Numbers steps and ids, and counts each sender's messages on each lane."""

    def __init__(self) -> None:
        """Nobody has said anything."""
        self._senders = {(who, lane): Sender(SESSIONS[who]) for who in SESSIONS for lane in LANES}
        self._senders["hub", "safety"] = Sender(SAFETY_SESSION)
        self._ids = dict.fromkeys(MARKS, 0)
        self._number = 0
        # Of the newest message of each kind: what answers refer to.
        self.ids: dict[str, bytes] = {}

    def say(
        self,
        sender: str,
        receiver: str,
        body: Message,
        text: str = "",
        *,
        lane: str = "control",
        at_ms: float = 0,
        answers: str = "",
        detail: bool = False,
        **header: Any,
    ) -> Step:
        """A message of its own.

        Args:
            at_ms: Site time of sending; 0: the sender has none yet.
            answers: Name of the message answered, which arrived 0.1 ms before.
        """
        sent_ns = int(at_ms * MS)
        if answers:
            header["correlation_id"] = self.ids[answers]
            if sender == "hub":
                header["received_ns"] = sent_ns - MS // 10
        frames = self._senders[sender, lane].encode(
            body, sent_ns=sent_ns, message_id=self._new_id(sender), **header
        )
        self.ids[type(body).DESCRIPTOR.name] = decode_header(frames[0]).message_id
        return self._step(sender, receiver, lane, frames, text, detail=detail)

    def pass_on(self, step: Step, receiver: str, text: str, *, detail: bool = False) -> Step:
        """The same body from the hub, with the source (and a command with the hub's session) in its header."""
        header = step.header
        header.source = NAMES[step.sender]
        if isinstance(step.body, v1.Command):
            header.session_id = SESSIONS["hub"]
        return self._step(
            "hub", receiver, step.lane, [header.SerializeToString(), step.frames[1]], text, detail=detail
        )

    def _new_id(self, who: str) -> bytes:
        self._ids[who] += 1
        return bytes((MARKS[who],)) * 14 + self._ids[who].to_bytes(2, "big")

    def _step(
        self, sender: str, receiver: str, lane: str, frames: list[bytes], text: str, *, detail: bool
    ) -> Step:
        self._number += 1
        return Step(
            number=self._number,
            sender=sender,
            receiver=receiver,
            lane=lane,
            frames=frames,
            text=text,
            detail=detail,
        )


def sheet() -> v1.Sheet:
    """A base with one goal."""
    base = v1.Component(name="base", type=v1.COMPONENT_TYPE_BASE)
    base.methods.add(
        name="drive",
        kind=v1.METHOD_KIND_GOAL,
        args=[v1.Field(name="x", type=v1.VALUE_TYPE_DOUBLE, unit="m", minimum=-50, maximum=50)],
        motion=True,
        max_duration_ms=120_000,
    )
    return v1.Sheet(model="turtle", components=[base], stop_levels=[v1.STOP_LEVEL_SOFT_HOLD])


def stop_state(*, latched: bool = False, generation: int = 0) -> v1.StopState:
    """The latch of the robot before, and under, the stop."""
    if not latched:
        return v1.StopState(generation=generation)
    return v1.StopState(
        generation=generation, latched=True, level=v1.STOP_LEVEL_SOFT_HOLD, reason="test", stopped_by="my-app"
    )


def released() -> v1.StopState:
    """The latch after the release: whose stop it was, and whose release, is still told."""
    return v1.StopState(
        generation=1, reason="test", stopped_by="my-app", released_by="my-app", released_ns=RELEASED_MS * MS
    )


def authority(stop: v1.StopState, *, leased: bool = False) -> v1.Authority:
    """Who may move it."""
    holders = [v1.LeaseHolder(owner="my-app", token=TOKEN)] if leased else []
    return v1.Authority(robot=ROBOT, stop=stop, leases=holders)


def hello_reply(name: str, *, safety: bool = False, roles: tuple[v1.Role, ...] = ()) -> v1.HelloReply:
    """What the hub says of itself. A hub's safety lane names no endpoints."""
    reply = v1.HelloReply(
        major=1,
        hub_name="robolink",
        name=name,
        roles=roles,
        authorities=[authority(stop_state())],
        timeouts=DEFAULTS,
        hub_session_id=SAFETY_SESSION if safety else SESSIONS["hub"],
    )
    if not safety:
        reply.safety_endpoint = "tcp://127.0.0.1:5571"
        reply.telemetry_publish_endpoint = "tcp://127.0.0.1:5572"
        reply.telemetry_subscribe_endpoint = "tcp://127.0.0.1:5573"
        reply.lease_epoch = 1
    return reply


def conversation() -> Iterator[Step | Words]:
    """All of it, in the order in which it leaves."""
    script = Script()
    yield from hellos(script)
    yield from lease(script)
    goal = yield from running(script)
    yield from stopping(script, goal)
    yield from releasing(script)


def hellos(script: Script) -> Iterator[Step | Words]:
    """Driver on both lanes, safety first; client."""
    yield Words(
        "Hello", "The driver says hello where it can be stopped before it says hello where it can be moved."
    )
    robot = v1.RobotHello(robot=ROBOT, stop=stop_state())
    hello = v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name=NAMES["driver"], robots=[robot])
    text = "It has no site time yet: `sent_ns` is 0 and so not written. `stop` is there and empty: generation 0, not latched."
    yield script.say("driver", "hub", hello, text, lane="safety", detail=True)
    reply = hello_reply(NAMES["driver"], safety=True)
    text = "`correlation_id` is the hello's `message_id`. Site time is 1 s."
    yield script.say("hub", "driver", reply, text, lane="safety", at_ms=1000, answers="Hello", detail=True)
    hello.robots[0].sheet.CopyFrom(sheet())
    yield script.say("driver", "hub", hello, "The same with the sheet.", detail=True)
    text = (
        "The driver sent its hello at 7000.0 ms of its own clock and has this at 7000.4 ms. Round trip: 0.4 - 0.1 = 0.3 ms. "
        "Offset: ((1001.9 - 7000.0) + (1002.0 - 7000.4)) / 2 = -5998.25 ms, with an error of at most 0.15 ms."
    )
    yield script.say("hub", "driver", hello_reply(NAMES["driver"]), text, at_ms=1002, answers="Hello")
    roles = (v1.ROLE_OPERATE, v1.ROLE_SAFETY)
    hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name=NAMES["client"], roles=roles)
    yield script.say(
        "client", "hub", hello, "The client asks for two roles: to move, and to release.", detail=True
    )
    yield script.say("hub", "client", hello_reply(NAMES["client"], roles=roles), at_ms=1010, answers="Hello")
    yield script.say("client", "hub", hello, lane="safety", at_ms=1011)
    reply = hello_reply(NAMES["client"], roles=roles, safety=True)
    yield script.say("hub", "client", reply, lane="safety", at_ms=1012, answers="Hello")


def lease(script: Script) -> Iterator[Step | Words]:
    """Acquire."""
    yield Words(
        "Lease", "The client asks for the right to move the whole robot. From here on it renews each second."
    )
    request = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot=ROBOT)
    yield script.say("client", "hub", request, at_ms=1020, destination=ROBOT, detail=True)
    text = "Every client hears of it."
    changed = authority(stop_state(), leased=True)
    yield script.say("hub", "client", changed, text, at_ms=1021, destination=ROBOT)
    reply = v1.LeaseReply(token=TOKEN, owner="my-app")
    yield script.say("hub", "client", reply, at_ms=1021, answers="LeaseRequest", detail=True)


def drive(script: Script, at_ms: float, text: str, *, detail: bool = False) -> Step:
    """A goal of the client, under the generation that it knows: 0."""
    args = [v1.NamedValue(name="x", value=v1.Value(double_value=2.5))]
    command = v1.Command(method="base.drive", args=args)
    header = {"destination": ROBOT, "ttl_ms": 5000, "lease": TOKEN}
    return script.say("client", "hub", command, text, at_ms=at_ms, detail=detail, **header)


def update(goal: Step, state: v1.CommandState, at_ms: float, **more: Any) -> v1.CommandUpdate:
    """A state of the goal."""
    command_id = goal.header.message_id
    return v1.CommandUpdate(command_id=command_id, robot=ROBOT, state=state, time_ns=int(at_ms * MS), **more)


def running(script: Script) -> Any:
    """The goal, its states and its feedback; gives the goal's step."""
    text = "`message_id` is the command's id. Were there no answer within 100 ms, these bytes would be sent again as they are."
    yield Words("Goal and feedback", "Drive 2.5 m ahead.")
    goal = drive(script, 1030, text, detail=True)
    yield goal
    about: dict[str, Any] = {"destination": ROBOT, "correlation_id": goal.header.message_id}
    text = "The command is on disk now. It goes to the client and to the driver."
    accepted = update(goal, v1.COMMAND_STATE_ACCEPTED, 1031)
    yield script.say("hub", "client", accepted, text, at_ms=1031, **about)
    text = "The client's header but for `source` and `session_id`; the body is the same bytes."
    yield script.pass_on(goal, "driver", text, detail=True)
    started = update(goal, v1.COMMAND_STATE_RUNNING, 1033)
    yield script.say("driver", "hub", started, "A goal says at once that it runs.", at_ms=1033, **about)
    started.time_ns = 1034 * MS
    yield script.say("hub", "client", started, "With the time at which the hub kept it.", at_ms=1034, **about)
    feedback = v1.CommandFeedback(phase="driving", progress=0.25, eta_s=3.0)
    told = script.say(
        "driver", "hub", feedback, "Measured, at most ten a second.", at_ms=1533, detail=True, **about
    )
    yield told
    yield script.pass_on(told, "client", "Passed on unread.")
    return goal


def stopping(script: Script, goal: Step) -> Iterator[Step | Words]:
    """Stop, verdict, outcome, and an order that comes too late."""
    text = "On the safety lane; no lease, no generation, and a clock would not be needed (software stop, not safety rated)."
    yield Words("Stop", text)
    stop = v1.Stop(robots=[ROBOT], level=v1.STOP_LEVEL_SOFT_HOLD, reason="test")
    yield script.say("client", "hub", stop, lane="safety", at_ms=2000, detail=True)
    latched = stop_state(latched=True, generation=1)
    order = v1.StopOrder(robot=ROBOT, stop=latched)
    text = "Before the disk and before any answer. The generation is 1 now."
    yield script.say("hub", "driver", order, text, lane="safety", at_ms=2000.1, detail=True)
    yield script.say("hub", "client", authority(latched), lane="safety", at_ms=2000.1)
    news = authority(latched, leased=True)
    text = "The control lane tells it too, with the leases."
    yield script.say("hub", "client", news, text, at_ms=2000.5, destination=ROBOT)
    text = "The driver ends the goal."
    about: dict[str, Any] = {"destination": ROBOT, "correlation_id": goal.header.message_id}
    ended = update(goal, v1.COMMAND_STATE_STOPPED, 2001, cause=v1.CAUSE_LATCHED, text="stopped by my-app")
    yield script.say("driver", "hub", ended, text, at_ms=2001, **about)
    ended.time_ns = 2002 * MS
    yield script.say("hub", "client", ended, at_ms=2002, **about)
    ack = v1.CommandUpdateAck(command_id=goal.header.message_id)
    yield script.say("hub", "driver", ack, "Kept: the driver need not send it again.", at_ms=2002)
    text = "Standstill was measured 180 ms after the order came."
    result = v1.StopResult(robot=ROBOT, verdict=v1.STOP_VERDICT_STOPPED, generation=1, standstill_ms=180.0)
    report = v1.StopReport(result=result)
    yield script.say(
        "driver", "hub", report, text, lane="safety", at_ms=2181, answers="StopOrder", destination=ROBOT
    )
    reply = v1.StopReply(results=[result])
    yield script.say("hub", "client", reply, lane="safety", at_ms=2182, answers="Stop", detail=True)
    late = drive(
        script, 2300, "An order of somebody who has not heard of the stop: its header says generation 0."
    )
    yield late
    refused = v1.CommandUpdate(
        command_id=late.header.message_id,
        robot=ROBOT,
        state=v1.COMMAND_STATE_REJECTED,
        cause=v1.CAUSE_LATCHED,
        text="turtle-1 is stopped (generation 1, by my-app: test); release it first",
        time_ns=2301 * MS,
    )
    about = {"destination": ROBOT, "correlation_id": late.header.message_id}
    yield script.say("hub", "client", refused, at_ms=2301, **about)


def releasing(script: Script) -> Iterator[Step | Words]:
    """Release, lease back, goodbye."""
    text = (
        "The newest generation is named, so that a stop in the meantime is not undone. Nothing moves by it."
    )
    yield Words("Release", text)
    release = v1.Release(targets=[v1.ReleaseTarget(robot=ROBOT, generation=1)])
    yield script.say("client", "hub", release, lane="safety", at_ms=5000, detail=True)
    order = v1.ReleaseOrder(robot=ROBOT, generation=1, released_ns=RELEASED_MS * MS)
    yield script.say("hub", "driver", order, lane="safety", at_ms=RELEASED_MS)
    yield script.say("hub", "client", authority(released()), lane="safety", at_ms=RELEASED_MS)
    news = authority(released(), leased=True)
    yield script.say("hub", "client", news, at_ms=RELEASED_MS, destination=ROBOT)
    reply = v1.ReleaseReply(results=[v1.ReleaseResult(robot=ROBOT, generation=1)])
    yield script.say("hub", "client", reply, lane="safety", at_ms=RELEASED_MS, answers="Release", detail=True)
    yield Words(
        "",
        "A new goal now needs `stop_generation` 1, and to be sent after 5001 ms. This client gives its lease back and goes.",
    )
    request = v1.LeaseRequest(action=v1.LEASE_ACTION_RELEASE, robot=ROBOT, token=TOKEN)
    yield script.say("client", "hub", request, at_ms=5010, destination=ROBOT)
    back = v1.LeaseReply(token=TOKEN, owner="my-app")
    yield script.say("hub", "client", back, at_ms=5011, answers="LeaseRequest")
    yield script.say("hub", "client", authority(released()), at_ms=5011, destination=ROBOT)
    yield script.say("client", "hub", v1.Goodbye(), "An empty body is a frame of no bytes.", at_ms=5020)
