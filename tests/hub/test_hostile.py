"""Hostile peers at a real hub: sizes, deaf readers, foreign versions, changed faces, floods. The others are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import zmq

from robolink import v1
from robolink.core.envelope import MAX_BODY_BYTES, MINOR, Sender, new_session_id
from robolink.hub.sockets import MAX_MESSAGE_BYTES
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import OPEN, SHEET, RawClient, RawDriver, RawPeer

HEADER = v1.Header(major=1, message_id=b"h" * 16, body_type=v1.BODY_TYPE_DESCRIBE).SerializeToString()
SMALL_QUEUES = "[limits]\nsend_queue = 4\n"


def serves(*peers: RawPeer) -> None:
    """Each of them is answered."""
    for peer in peers:
        assert peer.reply(v1.BeatReply, v1.Beat())


def refused(client: RawClient) -> int:
    counters = client.counters()
    return sum(count for name, count in counters.items() if name.startswith("refused_"))


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([b""], id="one empty frame"),
        pytest.param([b"", b""], id="two empty frames"),
        pytest.param([b""] * 10_000, id="10,000 empty frames"),
        pytest.param([HEADER, b"", *[b"x" * 100] * 10_000], id="10,000 attachments"),
        pytest.param(
            [HEADER, b"\x0a\xff\xff\x3f" + b"r" * (MAX_BODY_BYTES - 4)], id="a body at the limit, cut short"
        ),
        pytest.param([HEADER, b"x" * MAX_MESSAGE_BYTES], id="a body of 1 MiB"),
        pytest.param([b"x" * MAX_MESSAGE_BYTES, b""], id="a header of 1 MiB"),
        pytest.param([b"x" * MAX_MESSAGE_BYTES] * 8, id="8 frames of 1 MiB"),
        pytest.param([HEADER, b"x" * (MAX_MESSAGE_BYTES + 1)], id="a body over 1 MiB"),
        pytest.param([b"x" * (16 * MAX_MESSAGE_BYTES)], id="a frame of 16 MiB"),
    ],
)
def test_sizes(frames: list[bytes], shared: tuple[HubProcess, Any]) -> None:
    hub, context = shared
    client, stranger = RawClient(context, hub), RawClient(context, hub, "stranger")
    client.hello()
    stranger.hello()
    too_long = any(len(each) > MAX_MESSAGE_BYTES for each in frames)
    before = refused(client)
    for peer in (stranger, stranger.safety):
        peer.socket.send_multipart(frames)
        if too_long:
            # libzmq itself ends that connection; on a new one the hub does not know who it is.
            assert peer.socket.poll(0) == 0 or peer.expect(v1.Error)
        elif frames[0] != HEADER or len(frames) == 2:
            assert peer.expect(v1.Error)[1].text
        serves(client, client.safety)
    if not too_long and (frames[0] != HEADER or len(frames) == 2):
        assert refused(client) == before + 1
    wait_for(lambda: comes_back(stranger), what="an answer to a new hello")


def comes_back(peer: RawClient) -> bool:
    """A message that ended the connection may have taken the first hello with it."""
    try:
        hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name=peer.name)
        peer.send(hello)
        peer.expect(v1.HelloReply, timeout_s=0.5)
    except AssertionError:
        return False
    return True


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One hub for all sizes: it must outlive them all."""
    hub = HubProcess(tmp_path_factory.mktemp("shared"))
    hub.start()
    context: zmq.Context[Any] = zmq.Context()
    yield hub, context
    while OPEN:
        OPEN.pop().close(0)
    context.destroy(linger=0)
    hub.stop()


class Deaf(RawPeer):
    """It sends, and never reads: its queues are as small as they can be."""

    def __init__(self, context: zmq.Context[Any], url: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.RCVHWM, 1), (zmq.RCVBUF, 4096)):
            self.socket.setsockopt(option, value)
        self.socket.connect(url)
        OPEN.append(self.socket)
        self.sender = Sender(new_session_id())
        self.got = []


def big_sheet() -> v1.Sheet:
    sheet = v1.Sheet()
    sheet.CopyFrom(SHEET)
    sheet.description = "x" * 100_000
    return sheet


def test_a_client_that_never_reads(make_hub: Callable[..., HubProcess], context: zmq.Context[Any]) -> None:
    hub = make_hub(SMALL_QUEUES)
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    robot = v1.RobotHello(robot="r1", sheet=big_sheet())
    driver.reply(v1.HelloReply, v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[robot]))
    client.hello()
    deaf = Deaf(context, hub.url)
    deaf.send(v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="deaf", roles=[v1.ROLE_OBSERVE]))
    deaf.send(v1.Watch(twins=True, commands=True))

    def unsent() -> int:
        for _ in range(20):
            deaf.send(v1.Describe(robot="r1"))
        serves(client, client.safety, driver, driver.safety)
        command = client.command("base.ping")
        assert driver.expect(v1.Command, lambda h, _b: h.message_id == command)
        driver.outcome(command, v1.COMMAND_STATE_SUCCEEDED)
        assert client.update(command, v1.COMMAND_STATE_SUCCEEDED)
        return sum(count for name, count in client.counters().items() if name.startswith("unsent_"))

    wait_for(unsent, timeout_s=60, what="the count of what could not be sent")


def test_a_driver_that_never_reads(make_hub: Callable[..., HubProcess], context: zmq.Context[Any]) -> None:
    hub = make_hub(SMALL_QUEUES + "[timeouts]\nstop_answer_ms = 100\n")
    other, client = RawDriver(context, hub, "r2"), RawClient(context, hub)
    deaf, deaf_safety = Deaf(context, hub.url), Deaf(context, f"tcp://127.0.0.1:{hub.port + 1}")
    other.hello()
    client.hello()
    robots = [v1.RobotHello(robot="r1", sheet=SHEET)]
    hello = v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="deaf", robots=robots)
    deaf.send(hello)
    deaf_safety.send(hello)

    def served() -> bool:
        return any(
            each.robot == "r1" and each.online for each in client.reply(v1.Robots, v1.RobotsQuery()).robots
        )

    wait_for(served, what="r1")
    ended = []

    def cannot_be_reached() -> bool:
        deaf.send(v1.Beat())
        deaf_safety.send(v1.Beat())
        serves(other, other.safety)
        body = v1.Command(method="base.ping", claimed_by="x" * 200_000)
        command = client.send(body, destination="r1", ttl_ms=5000)
        update = client.update(command)
        if update.state == v1.COMMAND_STATE_ACCEPTED:
            serves(client)  # What the socket refused is told before this answer.
            got = [b for _h, b in client.got if isinstance(b, v1.CommandUpdate) and b.command_id == command]
            ended.extend(each for each in got if each.state == v1.COMMAND_STATE_CANCELED)
        return bool(ended) or update.state == v1.COMMAND_STATE_REJECTED

    wait_for(cannot_be_reached, timeout_s=60, what="UNREACHABLE")
    assert all(each.cause == v1.CAUSE_UNREACHABLE for each in ended)
    assert client.counters().get("unsent_command", 0) >= len(ended)
    # A stop of both: the deaf one delays nobody, and nothing says that it stands.
    asked = client.safety.send(v1.Stop())
    order = other.safety.expect(v1.StopOrder)
    result = v1.StopResult(robot="r2", verdict=v1.STOP_VERDICT_STOPPED, standstill_ms=5)
    other.safety.send(v1.StopReport(result=result), correlation_id=order[0].message_id)
    reply = client.safety.expect(v1.StopReply, lambda h, _b: h.correlation_id == asked)[1]
    verdicts = {each.robot: each.verdict for each in reply.results}
    assert verdicts["r2"] == v1.STOP_VERDICT_STOPPED
    assert verdicts["r1"] in (v1.STOP_VERDICT_STOPPING, v1.STOP_VERDICT_UNREACHABLE)


def test_versions(driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess) -> None:
    for peer in (RawPeer(context, hub.url), RawPeer(context, f"tcp://127.0.0.1:{hub.port + 1}")):
        for major in (0, 2, 2**32 - 1):
            header = v1.Header(major=major, message_id=b"v" * 16, body_type=v1.BODY_TYPE_HELLO)
            peer.socket.send_multipart([header.SerializeToString(), b""])
            error = peer.expect(v1.Error)[1]
            assert error.cause == v1.CAUSE_VERSION
            assert str(major) in error.text and "1" in error.text
        for minor in (0, MINOR, MINOR + 1, 2**32 - 1):
            hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, minor=minor, name="minor")
            reply = peer.reply(v1.HelloReply, hello)
            assert (reply.major, reply.minor) == (1, min(minor, MINOR))
    stranger = RawPeer(context, hub.url)
    for major in (0, 2):
        hello = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=major, name="other major")
        assert stranger.reply(v1.Error, hello).cause == v1.CAUSE_VERSION
    for kind in (v1.PEER_KIND_UNSPECIFIED, v1.PEER_KIND_HUB, 9):
        hello = v1.Hello(kind=kind, major=1, name="other kind")  # type: ignore[arg-type]
        assert stranger.reply(v1.Error, hello).cause in (v1.CAUSE_INVALID, v1.CAUSE_DENIED)
    assert stranger.reply(v1.Error, v1.RobotsQuery()).cause == v1.CAUSE_NO_HELLO
    assert client.counters()["refused_version"] >= 5
    serves(client, client.safety, driver, driver.safety)


def test_a_second_hello_of_another_kind(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    as_client = v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="driver", roles=[v1.ROLE_OPERATE])
    driver.reply(v1.HelloReply, as_client)
    listed = client.reply(v1.Robots, v1.RobotsQuery()).robots
    assert [(each.robot, each.online) for each in listed] == [("r1", False)]
    # Its robot is free at once for another driver, and what the first one says of it counts no more.
    second = RawDriver(context, hub)
    assert second.hello()
    report = v1.PropertyReport(robot="r1", properties=[v1.PropertyState(name="base.distance")])
    assert driver.reply(v1.Error, report).cause == v1.CAUSE_DENIED
    as_driver = v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="anna")
    as_driver.robots.add(robot="r1").sheet.CopyFrom(SHEET)
    assert client.reply(v1.Error, as_driver).cause == v1.CAUSE_ROBOT_TAKEN
    # The refused hello has changed nothing: she still is a client, and may command.
    command = client.command("base.ping")
    assert second.expect(v1.Command, lambda h, _b: h.message_id == command)


def test_floods(driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess) -> None:
    flooder = RawClient(context, hub, "flooder")
    flooder.hello(roles=(v1.ROLE_OPERATE,))
    for _ in range(2000):
        flooder.send(v1.Setpoint(name="velocity", values=[1.0]), destination="r1/base", ttl_ms=300)
    serves(client, client.safety)
    serves(flooder)
    assert client.counters()["setpoint_no_lease"] == 2000
    # One id, many times: it runs once.
    frames = flooder.sender.encode(
        v1.Command(method="base.ping"), sent_ns=client_ns(client), destination="r1", ttl_ms=9000
    )
    for _ in range(500):
        flooder.socket.send_multipart(frames)
    serves(flooder, driver)
    assert len([1 for _, body in driver.got if isinstance(body, v1.Command)]) == 1
    # Many sessions on one connection are one peer.
    peers = client.reply(v1.Status, v1.StatusQuery()).peers
    for _ in range(300):
        flooder.sender = Sender(new_session_id())
        flooder.send(v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="flooder", roles=[v1.ROLE_OPERATE]))
    serves(flooder)
    assert client.reply(v1.Status, v1.StatusQuery()).peers == peers
    for _ in range(300):
        flooder.safety.send(v1.Stop(robots=["r1"], reason="again"))
    stopped = client.safety.reply(v1.StopReply, v1.Stop(robots=["nobody"]))
    assert stopped.results[0].verdict == v1.STOP_VERDICT_UNREACHABLE
    newest = driver.safety.expect(v1.StopOrder, lambda _h, b: b.stop.generation == 300)[1]
    assert newest.stop.latched
    serves(client, driver, driver.safety)


def client_ns(client: RawClient) -> int:
    """Site time, from an answer of the hub."""
    message_id = client.send(v1.Beat())
    return client.expect(v1.BeatReply, lambda h, _b: h.correlation_id == message_id)[0].sent_ns


def test_more_peers_than_the_hub_holds(
    make_hub: Callable[..., HubProcess], context: zmq.Context[Any]
) -> None:
    hub = make_hub("[limits]\npeers = 5\n")
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    client.hello()
    crowd = [RawPeer(context, hub.url) for _ in range(10)]
    causes = []
    for peer in crowd:
        asked = peer.send(v1.Hello(kind=v1.PEER_KIND_CLIENT, major=1, name="crowd"))
        serves(driver, driver.safety, client, client.safety)
        answers = (v1.HelloReply, v1.Error)
        wait_for(lambda p=peer: p.socket.poll(0), what="an answer")
        body = peer.expect(answers, lambda h, _b, a=asked: h.correlation_id == a)[1]  # type: ignore[arg-type]
        causes.append(body.cause if isinstance(body, v1.Error) else 0)
    assert causes.count(v1.CAUSE_BUSY) >= 5
    assert 0 in causes
    command = client.command("base.ping")
    assert driver.expect(v1.Command, lambda h, _b: h.message_id == command)
