"""The safety lane's door, fuzzed without sockets: whatever comes in, a stop still stops, and only who may releases.

Each field of each message is put out of shape, one at a time, and of the header of a stop and a release; then messages
that are wrong in many ways. What is tested here is a software stop, not safety rated.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import example, given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.envelope import BODY_OF_TYPE, decode_header
from robolink.errors import RemoteProtocolError
from tests.hub.messages import BROKEN, encoded, filled, mutated, paths
from tests.hub.scene import Scene, deliver
from tests.hub.walk import FUZZ, Walk, odd

STATE = v1.StopState(generation=1, level=v1.STOP_LEVEL_CUT, reason="the driver says so", stopped_by="driver")
VALID: dict[type[Message], Message] = {
    v1.Hello: v1.Hello(
        kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[v1.RobotHello(robot="r1", stop=STATE)]
    ),
    v1.Stop: v1.Stop(robots=["r1"], level=v1.STOP_LEVEL_SOFT_HOLD, reason="it smokes"),
    v1.StopReport: v1.StopReport(
        result=v1.StopResult(robot="r1", verdict=v1.STOP_VERDICT_STOPPED, generation=1, standstill_ms=120)
    ),
    v1.Release: v1.Release(targets=[v1.ReleaseTarget(robot="r1", generation=0)]),
}
# Who may send it: from there in its whole depth.
RIGHT = {v1.Hello: "driver", v1.StopReport: "driver", v1.Release: "boss"}
LANE = (v1.Hello, v1.Stop, v1.StopReport, v1.Release, v1.Beat, v1.BeatReply, v1.Goodbye)


def valid(kind: type[Message]) -> Message:
    return VALID.get(kind) or kind.FromString(filled(kind.DESCRIPTOR))


def header_of(scene: Scene, name: str, kind: type[Message]) -> v1.Header:
    return v1.Header.FromString(scene.frames(name, kind())[0])


def stop_and_check(scene: Scene, name: str, frames: list[bytes]) -> None:
    """A message; if it is a stop of r1 by one who may, then r1 is stopped, and its driver is told at once."""
    latch = scene.desk.latches["r1"]
    generation, latched = latch.generation, latch.latched
    sent = deliver(scene, "safety", name, frames)
    try:
        header = decode_header(frames[0])
        body = v1.Stop.FromString(frames[1])
    except (RemoteProtocolError, DecodeError):
        return
    meant = (
        name in ("client", "boss")
        and name.encode() in scene.desk._peers
        and (not body.robots or "r1" in body.robots)
    )
    if header.body_type == v1.BODY_TYPE_STOP and meant and len(frames[1]) <= 256 * 1024:
        assert latch.latched
        assert latch.generation == generation + 1
        orders = [each for each in scene.bodies("driver", sent) if isinstance(each, v1.StopOrder)]
        assert [each.stop for each in orders if each.robot == "r1"] == [latch.state()]
        assert scene.broker.site.machines["r1"].latch.state() == latch.state()
        assert latch.level in v1.StopLevel.values() and latch.level
    elif header.body_type == v1.BODY_TYPE_STOP:
        assert (latch.generation, latch.latched) == (generation, latched)


def cases(kind: type[Message], *, deep: bool) -> Iterator[tuple[str, bytes]]:
    body = valid(kind)
    yield "as it should be", body.SerializeToString()
    for path in paths(kind.DESCRIPTOR):
        if len(path) == 1 or (deep and "sheet" not in {each.name for each in path}):
            for what, wire in odd(path):
                yield what, mutated(body, path, wire)
    yield from BROKEN.items()


@pytest.mark.parametrize("kind", BODY_OF_TYPE.values(), ids=lambda kind: kind.DESCRIPTOR.name)
def test_each_field_of_each_message(kind: type[Message], tmp_path: Path) -> None:
    every = Walk(tmp_path, "safety", stop_and_check)
    for name in ("driver", "client", "boss", "stranger"):
        if kind not in LANE and name != "client":
            continue
        for what, body in cases(kind, deep=name == RIGHT.get(kind, "client")):

            def frames(scene: Scene, n: str = name, b: bytes = body) -> list[bytes]:
                return [header_of(scene, n, kind).SerializeToString(), b]

            every.step(name, f"{name}: {what}", frames)
    every.end()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("client", v1.Stop), ("boss", v1.Release), ("driver", v1.Hello), ("driver", v1.StopReport)],
)
def test_each_field_of_the_header(name: str, kind: type[Message], tmp_path: Path) -> None:
    every = Walk(tmp_path, "safety", stop_and_check)
    body = valid(kind).SerializeToString()
    for path in paths(v1.Header.DESCRIPTOR):
        for what, wire in odd(path):

            def frames(scene: Scene, p: Any = path, w: bytes = wire) -> list[bytes]:
                return [mutated(header_of(scene, name, kind), p, w), body]

            every.step(name, f"{name}: {what}", frames)
    every.end()


def test_each_field_of_an_awaited_report(tmp_path: Path) -> None:
    """The driver's verdict on a stop that waits for it: one answer, and nothing in it that a reader trips over."""
    every = Walk(tmp_path, "safety", report_and_check)
    for path in paths(v1.StopReport.DESCRIPTOR):
        for what, wire in odd(path):
            body = mutated(VALID[v1.StopReport], path, wire)
            every.step("driver", what, lambda _scene, b=body: [b"", b])  # type: ignore[misc]
    every.end()


def report_and_check(scene: Scene, name: str, frames: list[bytes]) -> None:
    asked = scene.frames("client", v1.Stop(robots=["r1"]))
    order = next(
        decode_header(each[0])
        for identity, each in scene.safety("client", asked)
        if identity == "driver" and decode_header(each[0]).body_type == v1.BODY_TYPE_STOP_ORDER
    )
    before = len(scene.sent)
    header = header_of(scene, name, v1.StopReport)
    header.correlation_id = order.message_id
    scene.safety(name, [header.SerializeToString(), frames[1]])
    scene.tick(2_000_000_000)
    replies = [each for each in scene.bodies("client", scene.sent[before:]) if isinstance(each, v1.StopReply)]
    assert len(replies) == 1
    assert [each.robot for each in replies[0].results] == ["r1"]
    result = replies[0].results[0]
    assert result.verdict in v1.StopVerdict.values() and result.verdict
    assert result.generation == scene.desk.latches["r1"].generation
    assert math.isfinite(result.standstill_ms) and result.standstill_ms >= 0


@pytest.mark.parametrize("generation", [2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_the_last_generations(tmp_path: Path, generation: int) -> None:
    """However high a driver counts: it can be stopped, again and again, and released, and the hub starts again."""
    scene = Scene(tmp_path)
    state = v1.StopState(generation=generation)
    deliver(
        scene,
        "safety",
        "driver",
        scene.frames(
            "driver",
            v1.Hello(
                kind=v1.PEER_KIND_DRIVER,
                major=1,
                name="driver",
                robots=[v1.RobotHello(robot="r1", stop=state)],
            ),
        ),
    )
    for _ in range(3):
        stop_and_check(scene, "client", scene.frames("client", v1.Stop(robots=["r1"])))
    target = v1.ReleaseTarget(robot="r1", generation=scene.desk.latches["r1"].generation)
    deliver(scene, "safety", "boss", scene.frames("boss", v1.Release(targets=[target])))
    assert not scene.desk.latches["r1"].latched
    scene.restart()
    scene.close()


def test_only_who_may_releases(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    # A driver of another robot may add itself to r3's, so that it is stopped too: it releases nothing by that.
    right = v1.Release(targets=[v1.ReleaseTarget(robot="r3", generation=5)])
    unlatched = v1.StopState(generation=50)
    bodies = (
        right,
        v1.Hello(
            kind=v1.PEER_KIND_CLIENT, major=1, name="x", robots=[v1.RobotHello(robot="r3", stop=unlatched)]
        ),
        v1.Hello(
            kind=v1.PEER_KIND_HUB, major=1, name="x", robots=[v1.RobotHello(robot="r3", stop=unlatched)]
        ),
        v1.Hello(
            kind=v1.PEER_KIND_DRIVER, major=1, name="x", robots=[v1.RobotHello(robot="r3", stop=unlatched)]
        ),
        v1.StopReport(result=v1.StopResult(robot="r3", verdict=v1.STOP_VERDICT_STOPPED, generation=50)),
        v1.Authority(robot="r3", stop=unlatched),
        v1.ReleaseOrder(robot="r3", generation=5),
    )
    for name in ("client", "driver", "stranger"):
        for body in bodies:
            deliver(scene, "safety", name, scene.frames(name, body))
            deliver(scene, "control", name, scene.frames(name, body))
            assert scene.desk.latches["r3"].latched
            assert scene.broker.site.machines["r3"].latch.latched
            if name != "stranger":
                scene.greet(name)
    for generation in (0, 4, 6, 2**32 - 1):
        wrong = v1.Release(targets=[v1.ReleaseTarget(robot="r3", generation=generation)])
        deliver(scene, "safety", "boss", scene.frames("boss", wrong))
        assert scene.desk.latches["r3"].latched
    deliver(scene, "safety", "boss", scene.frames("boss", right))
    assert not scene.desk.latches["r3"].latched
    scene.close()


NAMES = st.sampled_from(("client", "client", "driver", "boss", "stranger"))
BODIES = st.sampled_from(LANE).flatmap(lambda kind: st.tuples(st.just(kind), encoded(kind.DESCRIPTOR)))
LETTERS = st.lists(st.tuples(NAMES, BODIES), min_size=1, max_size=12)


@FUZZ
@given(letters=LETTERS)
@example(letters=[("client", (v1.Stop, v1.Stop(robots=["r1"], level=77).SerializeToString()))])  # type: ignore[arg-type]
@example(letters=[("driver", (v1.Hello, v1.Hello(kind=99, major=1).SerializeToString()))])  # type: ignore[arg-type]
def test_any_messages_in_a_row(tmp_path: Path, letters: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    scene = Scene(folder)
    try:
        for name, (kind, body) in letters:
            deliver(scene, "safety", name, [header_of(scene, name, kind).SerializeToString(), body])
        scene.tick(20_000_000)
        scene.probe()
        scene.tick(2_000_000_000)
        scene.restart()
    finally:
        scene.close()
        shutil.rmtree(folder)
