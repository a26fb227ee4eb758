"""Cases of what a board's link may leave out: fragments, site time, probes, images."""

from __future__ import annotations

from collections.abc import Iterator

from of_link import PEER_SESSION, UP_MS, Case, data, parts, query, update

from robolink import v1
from robolink.core._link_fragment import MAX_PART_BYTES, fragment
from robolink.core.frame import Frame


def cases() -> Iterator[Case]:
    """Each names what it needs."""
    yield from _fragments()
    yield from _time()
    yield from _probes()
    yield from _bulk()


def long_command(size: int) -> v1.SerialCommand:
    """A body of more than `size` bytes."""
    text = bytes(at * 7 & 0xFF for at in range(size))
    return v1.SerialCommand(command_id=b"long", member=1, args=[v1.Value(bytes_value=text)])


def _case(name: str, number: int) -> Case:
    return Case(name, number=number, needs=("fragments",)).up()


def _fragments() -> Iterator[Case]:
    case = _case("a body in fragments is handed on once, whole", 501)
    yield case.at(50, *map(case.frame, parts(long_command(500)))).at(70, case.frame(query(1)))
    case = _case("fragments with a gap", 502)
    frames = [case.frame(each) for each in parts(long_command(700))]
    yield case.at(50, frames[0], *frames[2:]).at(70, *frames[1:])
    case = _case("fragments one at a time, CREDIT passes between them", 503)
    first, *rest = [case.frame(each) for each in parts(long_command(600))]
    credit = v1.SerialCredit(fragment_bytes=5000)
    again = [case.frame(each, seq=at + 2) for at, each in enumerate(parts(long_command(600))[1:])]
    case.at(50, first).at(60, case.frame(credit, seq=1)).at(70, *again)
    assert len(rest) == len(again)
    yield case
    case = _case("a fragment of another kind drops the open body", 504)
    frames = parts(long_command(400))
    other = Frame(kind=v1.SERIAL_FRAME_KIND_FRAGMENT, body=b"\x04\x10\x00abc")
    case.at(50, case.frame(frames[0]), case.frame(other))
    yield case.at(70, *map(case.frame, parts(long_command(300))))
    case = _case("a fragment that leaves out a part drops the open body", 512)
    # What is left of it would be a message all the same: one field, many times.
    whole = Frame(kind=v1.SERIAL_FRAME_KIND_CANCEL, body=b"\x10\x07" * 350)
    first, _, third = (fragment(whole, at) for at in range(0, 700, MAX_PART_BYTES))
    yield case.at(50, case.frame(first), case.frame(third)).at(70, case.frame(query(1)))
    case = _case("fragments that cannot be: no part, of a best effort kind, of fragments, too long", 505)
    for at, body in enumerate(("040000", "21000061", "18000061", "19000061", "04ffff61")):
        wire = case.frame(Frame(kind=v1.SERIAL_FRAME_KIND_FRAGMENT, body=bytes.fromhex(body)))
        case.at(50 + 3 * at, wire)
    yield case.at(80, case.frame(query(1)))
    case = _case("a session ends within a body: nothing of it is left", 506)
    frames = parts(long_command(400))
    case.at(50, case.frame(frames[0])).at(60, case.hello(nonce=0x22222222, echo_nonce=0))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(80, case.hello(nonce=0x22222222, established=True))
    yield case.at(100, case.frame(frames[1]), *map(case.frame, parts(long_command(300))))
    case = _case("credit comes back: bodies in all far beyond the first credit", 507)
    for at in range(9):
        case.at(50 + 20 * at, *map(case.frame, parts(long_command(900 - at))))
    yield case
    case = _case("a long body of its own goes in fragments, and in order", 508)
    case.at(50, call=update(1, "x" * 500)).at(60, call=update(2)).at(80, case.beat(2))
    yield case.at(100, case.beat(4)).at(120, case.beat(4))
    case = _case("a long body is sent again as it was", 509)
    case.at(50, call=update(1, "y" * 300)).at(90, case.beat()).at(130, case.beat()).at(155, case.beat(1))
    yield case.at(190, case.beat(1)).at(230, case.beat(1)).at(262, case.beat(2)).at(290, case.beat(2))
    case = _case("longer than the host takes: refused before it goes", 510)
    yield case.at(50, call=update(1, "z" * 700)).at(60, call=update(2)).at(80, case.beat(1))
    case = Case("a host that takes no fragments", number=511)
    case.at(0).at(UP_MS, case.hello(established=True, largest_message=0, fragment_credit=0))
    yield case.at(50, call=update(1, "z" * 300)).at(60, call=update(2, "z" * 200)).at(80, case.beat(1))


def answer(
    sent: int, site_us: int, *, away_us: int = 0, error_us: int = 0, clock_id: int = 1
) -> v1.SerialTime:
    """Site time to a query that left at `sent` ms."""
    at = 7_000_000_000_000 + site_us * 1000
    return v1.SerialTime(
        sent=sent, received_ns=at, sent_ns=at + away_us * 1000, error_us=error_us, clock_id=clock_id
    )


def _timed(name: str, number: int) -> Case:
    case = Case(name, number=number, needs=("time",)).up()
    return case.show(v1.SERIAL_FRAME_KIND_TIME_QUERY)


def _time() -> Iterator[Case]:
    case = _timed("asks for the time at once and each second", 601)
    yield case.silence(until=1300).at(1310)
    case = _timed("learns site time: error is half the way, a tick and the host's own", 602)
    case.at(40, case.frame(answer(30, 5000, away_us=2000, error_us=70)))
    yield case.at(41, call=("site", [])).at(52, call=("site", []))
    case = _timed("the error grows with its age, a worse sample is not believed, a better one is", 603)
    case.at(40, case.frame(answer(30, 0))).at(140, case.beat(), call=("site", []))
    case.at(150, case.frame(answer(100, 70_000))).at(151, call=("site", []))
    yield case.at(160, case.frame(answer(156, 131_000))).at(161, call=("site", []))
    case = _timed("another clock id is believed at once", 604)
    case.at(40, case.frame(answer(30, 0))).at(50, call=("site", []))
    yield case.at(150, case.frame(answer(60, 9_000_000, clock_id=2))).at(151, call=("site", []))
    case = _timed("answers to nothing it asked", 605)
    case.at(40, case.frame(answer(90, 0)), case.frame(v1.SerialTime(sent=30, received_ns=9, sent_ns=8)))
    yield case.at(50, call=("site", []))
    case = _timed("a new session with the same host forgets nothing, another host is another clock", 606)
    case.at(40, case.frame(answer(30, 0)))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(60, case.hello(nonce=0x22222222, established=True)).at(70, call=("site", []))
    case.session(nonce=case.nonce, peer_nonce=0x23232323)
    hello = case.hello(nonce=0x23232323, session_id=PEER_SESSION + 1, established=True)
    yield case.at(90, hello).at(100, call=("site", []))


def _probes() -> Iterator[Case]:
    case = Case("a probe is answered at once", number=701, needs=("report",)).up()
    case.at(50, case.frame(v1.SerialProbe(number=5)))
    yield case.at(60, case.frame(v1.SerialProbe(number=6)), case.frame(query(1)))


def _bulk() -> Iterator[Case]:
    def bulk(name: str, number: int) -> Case:
        return Case(name, number=number, needs=("bulk",)).up()

    image = bytes(range(256)) * 2
    opened = ("open_bulk", [9, len(image), 0, 300])
    case = bulk("an image in order, with credit as it is taken", 801).at(50, call=opened)
    for at, begin in enumerate(range(0, len(image), 100)):
        case.at(60 + 10 * at, case.frame(data(begin, image[begin : begin + 100])))
    yield case.at(130, call=("end_bulk", [])).at(160, case.beat()).at(250, case.beat())
    case = bulk("data out of place is told once, twice does no harm", 802).at(50, call=opened)
    case.at(60, case.frame(data(100, image[100:150]))).at(63, case.frame(data(150, image[150:200])))
    case.at(70, case.frame(data(0, image[:100]))).at(80, case.frame(data(0, image[:100])))
    yield case.at(90, case.frame(data(100, image[100:200]))).at(100, case.frame(data(200, image[200:300])))
    case = bulk("no data beyond the credit, none without a part, none before a transfer", 803)
    case.at(40, case.frame(data(0, b"ab"))).at(50, call=opened)
    case.at(60, case.frame(data(0, image[:200])), case.frame(data(200, image[200:440])))
    yield case.at(80, case.frame(data(200, b"")))
    case = bulk("without news its word comes again", 804).at(50, call=opened)
    yield case.silence(since=50, until=400)
    case = bulk("goes on where it was, and in a new session says so", 805)
    case.at(50, call=("open_bulk", [9, len(image), 256, 300]))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(80, case.hello(nonce=0x22222222, established=True))
    yield case.at(100, case.frame(data(256, image[256:300])))
    case = bulk("commands go before an image", 806).at(50, call=opened)
    part = case.frame(data(0, image[:100]))
    yield case.at(60, part, case.frame(query(1))).at(70, call=update(1)).at(90, case.beat(1))
