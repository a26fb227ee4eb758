"""Cases of a board's link: handshake, restarts, sequence, window, noise, silence."""

from __future__ import annotations

from collections.abc import Iterator

from of_link import Case, query, update

from robolink import v1
from robolink.core.frame import Frame


def cases() -> Iterator[Case]:
    """A board's, without what it may leave out."""
    yield from _handshakes()
    yield from _restarts()
    yield from _sequence()
    yield from _noise()


def _handshakes() -> Iterator[Case]:
    case = Case("handshake that the board begins", number=101)
    yield case.at(0).at(250).at(260, case.hello(established=True)).at(300)
    case = Case("handshake that the host begins", number=102)
    yield case.at(0).at(10, case.hello(echo_nonce=0)).at(30, case.hello(established=True)).at(60)
    case = Case("a host that is not established yet is answered", number=103)
    yield case.at(0).at(20, case.hello()).at(40, case.hello(established=True)).at(60, case.beat())
    case = Case("HELLO without an echo of this nonce does not bring it up", number=104)
    yield case.at(0).at(20, case.hello(echo_nonce=0x99999999)).at(50)
    case = Case("its own HELLO is no host", number=105)
    yield case.at(0).at(20, case.hello(nonce=case.nonce)).at(50)
    case = Case("frames before the HELLO are nothing", number=106)
    yield case.at(0).at(20, case.frame(query(1)), case.beat(1)).at(50)
    case = Case("another major is refused, and talked to once it fits", number=107)
    case.at(0).at(20, case.hello(major=2, minor=7)).at(50, case.hello(major=2, minor=7, established=True))
    yield case.at(80).at(90, case.hello(established=True)).at(120, case.frame(query(1)))
    case = Case("another major ends a session", number=108).up()
    yield case.at(60, case.hello(major=3, nonce=0x33333333)).at(90)
    case = Case("a newer minor and unknown fields do no harm", number=109)
    yield case.at(0).at(20, case.hello(minor=9, established=True)).at(40, case.frame(query(1)))
    case = Case("the HELLO tells the stop", number=110)
    case.at(0, call=("stop_state", [7, True])).at(20, case.hello(established=True, stop_generation=3))
    yield case.at(40, case.hello(established=False))


def _restarts() -> Iterator[Case]:
    case = Case("the host starts anew", number=201).up()
    case.at(50, case.frame(query(1))).at(60, case.hello(nonce=0x22222222, session_id=77, echo_nonce=0))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(80, case.hello(nonce=0x22222222, session_id=77, established=True))
    yield case.at(100, case.frame(query(2))).at(120)
    case = Case("the host greets anew in the same boot", number=202).up()
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(60, case.hello(nonce=0x22222222, established=True))
    yield case.at(80, case.frame(query(1))).at(100)
    case = Case("a frame of the former session is noise", number=203).up()
    old = case.frame(query(1))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(60, case.hello(nonce=0x22222222, established=True)).at(80, old)
    yield case.at(100, case.frame(query(2))).at(120)
    case = Case(
        "the board was reset: the host's frames are of nobody, its HELLO brings the board up", number=204
    )
    stale = Case("", number=205)
    case.at(0, stale.beat()).at(40, stale.frame(query(1))).at(60, case.hello(echo_nonce=0x44444444))
    yield case.at(90, case.hello(established=True)).at(120, case.frame(query(2)))
    case = Case("silence ends the session, and another begins", number=206).up().at(200).at(230)
    case.session(nonce=case.random[2])
    yield case.at(260, case.hello(established=True)).at(290, case.frame(query(1))).at(320)
    case = Case("what waited when the session ended is dropped", number=207).up()
    case.at(50, call=update(1)).at(60, case.hello(nonce=0x22222222, echo_nonce=0))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    yield case.at(80, case.hello(nonce=0x22222222, established=True)).at(250, case.beat())
    case = Case("beats keep it up", number=208).up()
    yield case.silence(until=700).at(720)
    case = Case("a HELLO of this session changes nothing", number=209).up()
    case.at(50, case.frame(query(1))).at(70, case.hello(established=True)).at(90, case.hello())
    yield case.at(110, case.frame(query(2)))


def _sequence() -> Iterator[Case]:
    case = Case("in sequence, each once", number=301).up()
    yield case.at(50, *(case.frame(query(n)) for n in range(3))).at(70, case.frame(query(3)))
    case = Case("the same frame twice is handed on once", number=302).up()
    one = case.frame(query(1))
    yield case.at(50, one, one).at(70, one).at(90, case.frame(query(2)))
    case = Case("behind a gap nothing is taken until it is filled", number=303).up()
    frames = [case.frame(query(n)) for n in range(4)]
    yield case.at(50, frames[0], frames[2], frames[3]).at(70, *frames[1:])
    case = Case("window full: four go, the rest waits", number=304).up()
    for number in range(7):
        case.at(40, call=update(number))
    case.at(60, case.beat()).at(70, case.beat(2)).at(80, case.beat(4)).at(90, case.beat(7))
    yield case.at(120, case.beat(7))
    case = Case("what is not acknowledged goes again after 100 ms, all of it", number=305).up()
    case.at(40, call=update(1)).at(50, call=update(2)).at(90, case.beat()).at(136, case.beat())
    yield (
        case.at(145, case.beat())
        .at(200, case.beat(1))
        .at(290, case.beat(1))
        .at(307, case.beat(2))
        .at(440, case.beat(2))
    )
    case = Case("an acknowledgement of what was not sent is nothing", number=306).up()
    case.at(40, call=update(1)).at(60, case.beat(9)).at(100, case.beat(200)).at(145, case.beat())
    yield case.at(160, case.beat(1)).at(300, case.beat(1))
    case = Case("best effort is outside of sequence", number=307).up()
    reading = v1.SerialReadings(stamp_ns=5).SerializeToString().hex()
    case.at(40, call=("send", [v1.SERIAL_FRAME_KIND_READINGS, reading])).at(60, call=update(1))
    yield case.at(80, case.beat(1)).at(200, case.beat(1))
    case = Case("sequence numbers wrap", number=308).up()
    for first in range(0, 264, 8):
        case.at(40 + first * 2, *(case.frame(query(n & 0xFF)) for n in range(first, first + 8)))
    yield case
    case = Case("a stop is outside of sequence and comes through a gap", number=309).up()
    lost = case.frame(query(1))
    stop = case.frame(v1.SerialStop(level=v1.STOP_LEVEL_SOFT_HOLD, generation=4))
    yield case.at(50, case.frame(query(2)), stop).at(80, stop).at(90, lost)
    case = Case("a fence and what follows it come in order", number=310).up()
    fence = v1.SerialFence(lease_epoch=1, lease_sequence=9, stop_generation=2)
    command = v1.SerialCommand(command_id=b"a", member=5, lease=9, generation=2)
    first, second = case.frame(fence), case.frame(command)
    yield case.at(50, second).at(60, first, second)


def _noise() -> Iterator[Case]:
    case = Case("noise with 0x03 between frames", number=401).up()
    noise = bytes.fromhex("0003ff7d037e7e037e11137e20")
    yield case.at(50, noise, b"\x7e", case.frame(query(1))).at(70, b"\x03\x03", case.frame(query(2)))
    case = Case("a frame in pieces", number=402).up()
    wire = case.frame(query(1))
    yield case.at(50, wire[:3]).at(60, wire[3:5]).at(80, wire[5:]).at(100)
    case = Case("a bent frame is dropped and comes again", number=403).up()
    wire = case.frame(query(1))
    bent = bytes((wire[0], *wire[1:5], wire[5] ^ 1, *wire[6:]))
    yield case.at(50, bent).at(70, wire).at(90)
    case = Case("a frame that ends within an escape", number=404).up()
    yield case.at(50, b"\x7e\x21\x00\x00\x01\x02\x03\x04\x7d\x7e", case.frame(query(1))).at(70)
    case = Case("no flag for longer than any frame", number=405).up()
    yield case.at(50, bytes(range(0x80, 0x100)) * 6).at(70, b"\x7e", case.frame(query(1))).at(90)
    case = Case("one flag between two frames is enough", number=406).up()
    one, two = case.frame(query(1)), case.frame(query(2))
    yield case.at(50, one[:-1] + two).at(70)
    case = Case(
        "an unknown kind and a body that is none are counted, and acknowledged if sequenced", number=407
    ).up()
    case.at(50, case.frame(Frame(kind=31, body=b"x")), case.frame(Frame(kind=200)))
    case.at(70, case.frame(Frame(kind=v1.SERIAL_FRAME_KIND_CANCEL, body=b"\xff")), case.frame(query(1)))
    yield case.at(90)
    case = Case("text of a REPL is noise to a board", number=408)
    case.at(0, b"\x02\x03\x04").at(20, b">>> import x\r\n").at(40, case.hello(established=True))
    yield case.at(60, case.frame(query(1)))
