"""Sections 8.3 and 8.4: hub and driver check a command in that order. One that breaks every rule is mended rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from robolink import v1
from robolink.core.age import MAX_TTL_MS
from robolink.core.envelope import Sender
from robolink.core.violation import cause_name, state_name
from robolink.transports.lanes import Lane
from tests.proto.hub import Hub
from tests.robot import rig as robots

MS = 1_000_000
NOW_NS = 10_000 * MS
ROBOT = "arm-1"


def sheet() -> v1.Sheet:
    """An arm with a mode, and a goal that one mode allows."""
    arm = v1.Component(name="arm", type=v1.COMPONENT_TYPE_ARM)
    arm.methods.add(
        name="move",
        kind=v1.METHOD_KIND_GOAL,
        args=[v1.Field(name="x", type=v1.VALUE_TYPE_DOUBLE, minimum=-1, maximum=1)],
        motion=True,
        modes=["auto"],
    )
    arm.properties.add(field=v1.Field(name="mode", type=v1.VALUE_TYPE_STRING), access=v1.ACCESS_READ_ONLY)
    return v1.Sheet(model="arm", components=[arm], mode_property="arm.mode")


class Site:
    """A hub with a client and a robot, and one order that is mended step by step."""

    def __init__(self, folder: Path) -> None:
        self.hub = Hub(folder)
        self.now_ns = NOW_NS
        self._senders = {name: Sender(at) for at, name in enumerate(("app", "driver", "other"), 20)}
        self.body = v1.Command(method="arm.fly", args=[number(float("nan"))])
        self.header: dict[str, Any] = {"destination": "arm-2", "ttl_ms": MAX_TTL_MS + 1, "sent_ns": 0}

    def say(self, who: str, body: Message, lane: str = "control", **header: Any) -> list[Message]:
        header.setdefault("sent_ns", self.now_ns)
        frames = self._senders[who].encode(body, **header)
        self.hub.hear(who, lane, frames, self.now_ns)
        return [body for receiver, _, _, body in self.hub.take(self.now_ns) if receiver == who]

    def hello(self, who: str, *roles: v1.Role) -> None:
        for lane in ("control", "safety"):
            self.say(who, v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name=who, roles=roles), lane)

    def driver_comes(self) -> None:
        robot = v1.RobotHello(robot=ROBOT, sheet=sheet())
        for lane in ("safety", "control"):
            hello = v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[robot])
            self.say("driver", hello, lane)

    def mode(self, mode: str) -> None:
        reported = v1.Reported(value=v1.Value(string_value=mode), time_ns=NOW_NS, quality=v1.QUALITY_GOOD)
        state = v1.PropertyState(name="arm.mode", reported=reported)
        self.say("driver", v1.PropertyReport(robot=ROBOT, properties=[state]))

    def lease(self, who: str) -> v1.LeaseToken:
        request = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot=ROBOT)
        return next(each.token for each in self.say(who, request) if isinstance(each, v1.LeaseReply))

    def verdict(self) -> str:
        """What the order is answered, as a dry run and in earnest."""
        header = dict(self.header)
        dry = self.say("app", v1.CommandCheck(command=self.body), **header)[-1]
        assert isinstance(dry, v1.CommandCheckReply)
        update = self.say("app", self.body, **header)[-1]
        assert isinstance(update, v1.CommandUpdate)
        assert cause_name(dry.cause) == cause_name(update.cause)
        return cause_name(update.cause) if update.cause else state_name(update.state)


def number(x: float) -> v1.NamedValue:
    return v1.NamedValue(name="x", value=v1.Value(double_value=x))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.hub.journal.close()


def test_rule_by_rule(site: Site) -> None:
    site.driver_comes()
    site.mode("manual")
    site.say("driver", v1.Goodbye())
    site.hello("other", v1.ROLE_OPERATE, v1.ROLE_SAFETY)
    site.say("other", v1.Stop(), "safety")
    site.hello("app", v1.ROLE_OBSERVE)
    assert site.verdict() == "DENIED"
    site.hello("app", v1.ROLE_OPERATE)
    assert site.verdict() == "UNKNOWN_ROBOT"
    site.header["destination"] = ROBOT
    assert site.verdict() == "UNSUPPORTED"
    site.body.method = "arm.move"
    assert site.verdict() == "INVALID"
    site.body.args[0].CopyFrom(number(1.5))
    assert site.verdict() == "LIMIT"
    site.body.args[0].CopyFrom(number(0.5))
    assert site.verdict() == "UNREACHABLE"
    site.driver_comes()
    site.mode("manual")
    assert site.verdict() == "LIMIT"
    site.header["ttl_ms"] = 100
    assert site.verdict() == "NO_TIMESYNC"
    site.header["sent_ns"] = NOW_NS + 1001 * MS
    assert site.verdict() == "NO_TIMESYNC"
    site.header["sent_ns"] = NOW_NS - 101 * MS
    assert site.verdict() == "TOO_LATE"
    site.hub.broker.site.started_ns = NOW_NS - 50 * MS
    site.header["sent_ns"] = NOW_NS - 60 * MS
    assert site.verdict() == "TOO_LATE", "a former hub may have judged it"
    site.header["sent_ns"] = NOW_NS
    assert site.verdict() == "MODE"
    site.mode("auto")
    authority_rules(site)


def authority_rules(site: Site) -> None:
    """The latch, the lease and the busy component of an order that is right in all else."""
    assert site.verdict() == "LATCHED"
    site.say("other", v1.Release(targets=[v1.ReleaseTarget(robot=ROBOT, generation=1)]), "safety")
    assert site.verdict() == "LATCHED", "the stop generation is an old one"
    site.header["stop_generation"] = 1
    assert site.verdict() == "LATCHED", "it was sent before the release"
    site.now_ns += MS
    site.header["sent_ns"] = site.now_ns
    assert site.verdict() == "NO_LEASE"
    token = site.lease("other")
    other = {**site.header, "lease": token}
    site.say("other", site.body, **other)
    assert site.verdict() == "NO_LEASE"
    request = v1.LeaseRequest(action=v1.LEASE_ACTION_RELEASE, robot=ROBOT, token=token)
    site.say("other", request)
    site.header["lease"] = site.lease("app")
    assert site.verdict() == "BUSY", "the goal of the former owner has not ended yet"
    site.body.preempt = True
    assert site.verdict() == "ACCEPTED"


class Robot:
    """A driver's session and one order of its hub that is mended step by step; each try has an id of its own."""

    def __init__(self) -> None:
        self.rig = robots.Rig()
        self.rig.connect()
        self.body = v1.Command(method="wheels.fly", args=[number(float("nan"))])
        self.header: dict[str, Any] = {"ttl_ms": 100, "sent_ns": self.rig.site_ns() - 200 * MS}

    def stop(self, generation: int) -> None:
        state = v1.StopState(generation=generation, latched=True, level=v1.STOP_LEVEL_SOFT_HOLD)
        self.rig.to(Lane.SAFETY, v1.StopOrder(robot=robots.ROBOT, stop=state))

    def verdict(self) -> str:
        self.rig.sent.clear()
        self.rig.to(Lane.CONTROL, self.body, destination=robots.ROBOT, **self.header)
        updates = [body for _, _, body in self.rig.sent if isinstance(body, v1.CommandUpdate)]
        if not updates:
            return "dropped"
        state = state_name(updates[0].state)
        return f"{state} {cause_name(updates[0].cause)}" if updates[0].cause else state


def test_rule_by_rule_at_the_driver() -> None:
    robot = Robot()
    robot.stop(3)
    present, robot.rig.sender = robot.rig.sender, Sender(robot.rig.hub_session + 1)
    assert robot.verdict() == "dropped", "another hub's session"
    robot.rig.sender = present
    assert robot.verdict() == "FAILED UNSUPPORTED"
    robot.body.method = "wheels.go"
    assert robot.verdict() == "STOPPED LATCHED"
    robot.rig.to(Lane.SAFETY, v1.ReleaseOrder(robot=robots.ROBOT, generation=3))
    assert robot.verdict() == "STOPPED LATCHED", "the stop generation is an old one"
    robot.header["stop_generation"] = 3
    robot.rig.to(Lane.SAFETY, v1.Goodbye())
    assert robot.verdict() == "FAILED UNREACHABLE"
    robot.rig.stops[robots.ROBOT] = v1.StopState(generation=3)
    robot.rig.advance(0.2)
    robot.rig.answer_hello(Lane.SAFETY)
    assert robot.verdict() == "FAILED TOO_LATE"
    robot.header["ttl_ms"] = 5000
    assert robot.verdict() == "FAILED INVALID"
    robot.body.args[0].CopyFrom(number(51))
    assert robot.verdict() == "FAILED LIMIT"
    robot.body.args[0].CopyFrom(number(1))
    assert robot.verdict() == "RUNNING"
    assert robot.verdict() == "FAILED BUSY"
    robot.body.preempt = True
    assert robot.verdict() == "CANCELING"
