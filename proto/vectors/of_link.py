"""Cases of the serial link: what comes and what its owner does, written here; what it does then, recorded from ours."""

from __future__ import annotations

from typing import Any, Final

from link_peer import LinkPeer
from link_player import TOLD, play

from robolink import v1
from robolink.core._link_fragment import MAX_PART_BYTES, fragment
from robolink.core._link_session import frame_of
from robolink.core.frame import Frame

PEER_NONCE: Final = 0x0A7E0D03  # with bytes that a frame must escape
PEER_SESSION: Final = 0x51510001
UP_MS: Final = 30


def xorshift(seed: int, count: int) -> list[int]:
    """Numbers that a small board makes as easily."""
    found = []
    for _ in range(count):
        seed ^= seed << 13 & 0xFFFFFFFF
        seed ^= seed >> 17
        seed ^= seed << 5 & 0xFFFFFFFF
        found.append(seed)
    return found


class Case:
    """One case as it is written: the other side's bytes, and calls."""

    def __init__(self, name: str, *, number: int, role: str = "board", needs: tuple[str, ...] = ()) -> None:
        """The peer under test makes its numbers from `number`."""
        self.random = xorshift(number, 8)
        self.nonce = self.random[1]
        self.seed = self.nonce ^ PEER_NONCE
        self.said: dict[str, Any] = {
            "name": name,
            "role": role,
            "needs": list(needs),
            "random_seed": number,
            "random": self.random,
            "largest_message": 1024,
            "fragment_credit": 2048,
            "seeds": [0, self.seed],
            "shown": [],
            "steps": [],
        }
        self._seq = 0

    def at(self, ms: int, *data: bytes, call: tuple[str, list[Any]] | None = None) -> Case:
        """A step."""
        step: dict[str, Any] = {"at": ms}
        if data:
            step["in"] = b"".join(data).hex()
        if call is not None:
            step["call"] = list(call)
        self.said["steps"].append(step)
        return self

    def show(self, *kinds: int) -> Case:
        """Kinds that the case speaks of, of those that are skipped."""
        self.said["shown"] += kinds
        return self

    def session(self, *, nonce: int, peer_nonce: int = PEER_NONCE) -> Case:
        """Frames from here on are of that session."""
        self.nonce, self.seed, self._seq = nonce, nonce ^ peer_nonce, 0
        self.said["seeds"].append(self.seed)
        return self

    def hello(self, **changed: Any) -> bytes:
        """The other side's HELLO; it knows us, and is not up yet."""
        hello = v1.SerialHello(major=1, session_id=PEER_SESSION, nonce=PEER_NONCE, echo_nonce=self.nonce)
        hello.largest_message, hello.fragment_credit = 600, 1200
        for name, value in changed.items():
            setattr(hello, name, value)
        return frame_of(hello).to_bytes(0)

    def up(self) -> Case:
        """Both greet; up at UP_MS."""
        return self.at(0).at(UP_MS, self.hello(established=True))

    def frame(self, message: Any, *, ack: int = 0, seq: int | None = None) -> bytes:
        """The other side's frame; sequenced kinds are numbered on, unless `seq` says otherwise."""
        frame = message if isinstance(message, Frame) else frame_of(message)
        if seq is None:
            seq = self._seq if frame.kind < 32 else 0
            self._seq += frame.kind < 32
        return Frame(kind=frame.kind, seq=seq & 0xFF, ack=ack, body=frame.body).to_bytes(self.seed)

    def beat(self, ack: int = 0) -> bytes:
        """An empty one."""
        return self.frame(Frame(kind=v1.SERIAL_FRAME_KIND_BEAT), ack=ack)

    def silence(self, *, until: int, since: int = UP_MS, ack: int = 0) -> Case:
        """Nothing but beats."""
        for ms in range(since + 41, until, 41):
            self.at(ms, self.beat(ack))
        return self

    def recorded(self) -> dict[str, Any]:
        """With what the Python link does."""
        played = [play(self.said, LinkPeer(self.said, late_s)) for late_s in (0.0, 1e-6)]
        for step, *did in zip(self.said["steps"], *played, strict=True):
            # Which of two calls a beat falls to is nobody's concern.
            one, other = [{name: each[name] for name in TOLD if name != "acked"} for each in did]
            if one != other:
                raise SystemExit(
                    f"{self.said['name']}: less than a millisecond matters at {step['at']}: {one}, {other}"
                )
        for step, did in zip(self.said["steps"], played[0], strict=True):
            step |= {"out": did["out"], "events": did["events"]}
            if "call" in step:
                step["result"] = did["result"]
            if did["acked"] is not None and self._sequenced(step):
                step["acked"] = did["acked"]
        return self.said

    def _sequenced(self, step: dict[str, Any]) -> bool:
        """Whether a frame comes in it that is acknowledged at once; other acknowledgements ride on beats."""
        peer, chunks = LinkPeer(self.said), bytes.fromhex(step.get("in", "")).split(b"\x7e")
        found = [peer.decode(chunk, seed) for chunk in chunks for seed in self.said["seeds"][1:]]
        return any(each is not None and each[0] < 32 for each in found)


def query(number: int) -> v1.SerialQuery:
    """A small sequenced message to a board."""
    return v1.SerialQuery(command_id=bytes((number, 0x7E, 0x03)))


def update(number: int, text: str = "") -> tuple[str, list[Any]]:
    """A board's owner sends one."""
    message = v1.SerialUpdate(command_id=bytes((number,)), state=v1.COMMAND_STATE_RUNNING, text=text)
    return "send", [v1.SERIAL_FRAME_KIND_UPDATE, message.SerializeToString(deterministic=True).hex()]


def parts(message: Any) -> list[Frame]:
    """Its fragments."""
    frame = frame_of(message)
    return [fragment(frame, at) for at in range(0, len(frame.body), MAX_PART_BYTES)]


def data(offset: int, part: bytes) -> Frame:
    """A frame of an image."""
    return Frame(kind=v1.SERIAL_FRAME_KIND_BULK_DATA, body=offset.to_bytes(3, "little") + part)


def link() -> dict[str, Any]:
    """All of them."""
    # Beside this module; it imports the tools above.
    import of_link_host
    import of_link_lanes
    import of_link_session

    made = [*of_link_session.cases(), *of_link_lanes.cases(), *of_link_host.cases()]
    return {
        "about": "Cases of the serial link, each on a fresh end of it; vectors/README.md says how to play them.",
        "cases": [each.recorded() for each in made],
    }
