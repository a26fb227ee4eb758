"""The client's session without I/O: the same bytes again, outcomes once, hello before all, leases renewed and lost."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from robolink import v1
from robolink.client._requests import OpenCommand
from robolink.client._session import ClientSession
from robolink.core.envelope import Sender, decode_body, decode_header, new_message_id
from robolink.errors import ConnectionLostError, RejectedError, TransportTimeoutError
from robolink.transports.lanes import Lane

B = TypeVar("B", bound=Message)


class Rig:
    """A session and the hub it talks to, by hand. Times in monotonic s."""

    def __init__(self) -> None:
        self.now = 100.0
        self.hub = Sender(77)
        self.session = ClientSession(name="anna", roles=[v1.ROLE_OPERATE])
        self.sent: list[tuple[Lane, list[bytes], v1.Header, Message]] = []
        self.session.start(self.now)
        self.collect()

    def collect(self) -> None:
        for lane, frames in self.session.take_outbox():
            header = decode_header(frames[0])
            self.sent.append((lane, frames, header, decode_body(header, frames[1])))

    def take(self, kind: type[B]) -> list[tuple[list[bytes], v1.Header, B]]:
        found = [(f, h, b) for _lane, f, h, b in self.sent if isinstance(b, kind)]
        self.sent = [each for each in self.sent if not isinstance(each[3], kind)]
        return found

    def say(self, body: Message, *, lane: Lane = Lane.CONTROL, **header: Any) -> None:
        frames = self.hub.encode(body, sent_ns=int(self.now * 1e9), received_ns=int(self.now * 1e9), **header)
        self.session.receive(lane, frames, self.now)
        self.collect()

    def welcome(self, hub_session: int = 77) -> None:
        for lane in Lane:
            hellos = [each for each in self.sent if each[0] is lane and isinstance(each[3], v1.Hello)]
            if not hellos:
                continue
            timeouts = v1.Timeouts(
                beat_ms=500, peer_lost_ms=1500, lease_renew_ms=1000, lease_stale_ms=3000, resend_ms=100
            )
            reply = v1.HelloReply(hub_session_id=hub_session, timeouts=timeouts)
            self.say(reply, lane=lane, correlation_id=hellos[-1][2].message_id)
        self.take(v1.Hello)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            timer = self.session.next_timer()
            if timer is None or timer > until:
                break
            self.now = max(self.now, timer)
            self.session.handle_timer(self.now)
            self.collect()
        self.now = until

    def submit(self) -> OpenCommand:
        command = OpenCommand(id=new_message_id(), robot="r1", method="base.go", frames=[])
        self.session.submit(command, v1.Command(method="base.go"), ttl_ms=5000, now=self.now)
        self.collect()
        return command

    def update(self, command: OpenCommand, state: v1.CommandState, **more: Any) -> None:
        body = v1.CommandUpdate(command_id=command.id, robot="r1", state=state, **more)
        self.say(body, correlation_id=command.id)


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.welcome()
    return made


def test_an_unanswered_command_is_sent_again_byte_by_byte_ever_more_slowly(rig: Rig) -> None:
    command = rig.submit()
    rig.advance(0.75)
    sends = [frames for frames, _h, _b in rig.take(v1.Command)]
    assert len(sends) == 4, "at 0, 0.1, 0.3, 0.7 s"
    assert all(frames == command.frames for frames in sends)
    rig.update(command, v1.COMMAND_STATE_ACCEPTED)
    rig.advance(1.0)
    assert not rig.take(v1.Command)


def test_what_comes_after_the_outcome_changes_nothing(rig: Rig) -> None:
    command = rig.submit()
    rig.update(command, v1.COMMAND_STATE_SUCCEEDED)
    rig.update(command, v1.COMMAND_STATE_FAILED)
    assert command.terminal.result(0).state == v1.COMMAND_STATE_SUCCEEDED
    rig.take(v1.Command)
    rig.advance(5)
    assert not rig.take(v1.Command)
    assert not rig.take(v1.CommandQuery)


def test_an_accepted_command_is_asked_for_and_one_that_the_hub_lost_is_sent_as_it_was(rig: Rig) -> None:
    command = rig.submit()
    rig.update(command, v1.COMMAND_STATE_ACCEPTED)
    rig.take(v1.Command)
    for _ in range(5):
        rig.advance(0.4)
        rig.say(v1.Beat())
    assert rig.take(v1.CommandQuery)
    rig.update(command, v1.COMMAND_STATE_UNSPECIFIED)
    assert [frames for frames, _h, _b in rig.take(v1.Command)] == [command.frames]


def test_hello_until_answered_and_again_when_the_hub_does_not_know_us() -> None:
    rig = Rig()
    rig.advance(1.1)
    assert len(rig.take(v1.Hello)) == 6, "three on each lane"
    rig.advance(0.5)
    rig.welcome()
    rig.advance(0.3)
    assert not rig.take(v1.Hello)
    future = rig.session.request(v1.StatusQuery(), now=rig.now, timeout_s=5)
    rig.collect()
    asked = rig.sent[-1][2].message_id
    rig.say(v1.Error(cause=v1.CAUSE_NO_HELLO), correlation_id=asked)
    rig.advance(0.01)
    before = len(rig.sent)
    rig.welcome(hub_session=78)
    rig.advance(0.01)
    again = [h.message_id for _l, _f, h, _b in rig.sent[before - 1 :]]
    assert asked in again, "asked again, once the hub knows us"
    rig.say(v1.Status(), correlation_id=asked)
    assert future.done()


def test_a_request_ends_with_its_answer_its_refusal_or_its_timeout(rig: Rig) -> None:
    def ask() -> tuple[Any, bytes]:
        future = rig.session.request(v1.StatusQuery(), now=rig.now, timeout_s=1.0, robot="r1")
        rig.collect()
        return future, rig.sent[-1][2].message_id

    answered, message_id = ask()
    rig.say(v1.Status(), correlation_id=message_id)
    assert isinstance(answered.result(0), v1.Status)
    refused, message_id = ask()
    rig.say(v1.Error(cause=v1.CAUSE_DENIED, text="no"), correlation_id=message_id)
    with pytest.raises(RejectedError, match="no"):
        refused.result(0)
    late, message_id = ask()
    rig.advance(1.1)
    with pytest.raises(TransportTimeoutError):
        late.result(0)
    rig.say(v1.Status(), correlation_id=message_id)  # After its time: nobody waits.
    open_one, _ = ask()
    rig.session.closing(rig.now)
    with pytest.raises(ConnectionLostError):
        open_one.result(0)


def test_a_lease_is_renewed_told_when_lost_and_taken_anew_from_a_new_hub(rig: Rig) -> None:
    granted = rig.session.leases.acquire("r1", "", now=rig.now, timeout_s=1)
    rig.collect()
    request = rig.take(v1.LeaseRequest)[0][1]
    token = v1.LeaseToken(epoch=1, sequence=5)
    rig.say(v1.LeaseReply(token=token), correlation_id=request.message_id)
    assert granted.done()
    assert rig.session.leases.token("r1", "base") == token
    rig.say(v1.Beat())
    rig.advance(1.0)
    assert [b.action for _f, _h, b in rig.take(v1.LeaseRequest)] == [v1.LEASE_ACTION_RENEW]
    rig.say(v1.LeaseLost(robot="r1", token=token, reason="taken by the site"))
    assert rig.session.leases.token("r1", "base") is None
    assert rig.session.leases.lost("r1", "") == "taken by the site"
    rig.session.setpoint("r1", "base", v1.Setpoint(), ttl_ms=300, now=rig.now)
    rig.collect()
    assert not rig.take(v1.Setpoint), "nothing is sent without authority"
    assert rig.session.counters["setpoint_without_lease"] == 1
    rig.advance(2.0)  # The hub is silent: gone.
    assert rig.session.counters["hub_lost"] == 2, "on both lanes"
    rig.welcome(hub_session=78)
    assert [b.action for _f, _h, b in rig.take(v1.LeaseRequest)] == [v1.LEASE_ACTION_ACQUIRE]


def test_commands_carry_the_newest_stop_generation_heard_on_either_lane(rig: Rig) -> None:
    stop = v1.StopState(generation=3, latched=True)
    rig.say(v1.Authority(robot="r1", stop=stop), lane=Lane.SAFETY)
    rig.say(v1.Authority(robot="r1", stop=v1.StopState(generation=2)))
    rig.submit()
    assert rig.take(v1.Command)[0][1].stop_generation == 3


def test_what_cannot_be_read_is_counted(rig: Rig) -> None:
    for frames in ([b""], [b"\xff\xff", b""], [v1.Header(major=1, body_type=9999).SerializeToString(), b"x"]):
        rig.session.receive(Lane.CONTROL, frames, rig.now)
    assert rig.session.counters["malformed"] == 3
