"""Cases of a host's link: fence before setpoint, the stop first, REPLs, site time, probes, images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from of_link import UP_MS, Case, update

from robolink import v1


class HostCase(Case):
    """The other side is a board."""

    def __init__(self, name: str, number: int) -> None:
        """Up at UP_MS, unless it is written otherwise."""
        super().__init__(name, number=number, role="host")

    def up(self) -> HostCase:
        """The board greets, and is up."""
        self.at(0).at(UP_MS, self.hello(established=True))
        return self


def setpoint(member: int, value: float, ttl_ms: int = 300) -> tuple[str, list[Any]]:
    """The owner streams."""
    message = v1.SerialSetpoint(member=member, values=[value], lease=9)
    return "send_setpoint", [message.SerializeToString(deterministic=True).hex(), ttl_ms]


def cases() -> Iterator[Case]:
    """A host's."""
    yield from _orders()
    yield from _stops()
    yield from _lines()
    yield from _lanes()


def _orders() -> Iterator[Case]:
    case = HostCase("a setpoint waits until its fence is acknowledged", 901).up()
    case.at(50, call=("set_fence", [1, 9, 0])).at(55, call=setpoint(3, 1.0)).at(60, call=setpoint(3, 2.0))
    yield case.at(80, case.beat()).at(91, case.beat(1)).at(100, call=setpoint(3, 3.0)).at(120, case.beat(1))
    case = HostCase("a setpoint that is too old is not sent, a zero is", 902).up()
    case.at(50, call=("set_fence", [1, 9, 0])).at(55, call=setpoint(3, 1.0, 20)).at(
        56, call=setpoint(4, 0.0, 20)
    )
    yield case.at(91, case.beat(1)).at(120, case.beat(1))
    case = HostCase("without a fence no setpoint leaves", 903).up()
    yield case.at(50, call=setpoint(3, 1.0)).at(100, case.beat())
    case = HostCase("the same fence is sent once", 904).up()
    case.at(50, call=("set_fence", [1, 9, 0])).at(60, call=("set_fence", [1, 9, 0]))
    yield case.at(70, call=("set_fence", [1, 9, 1])).at(90, case.beat(2))


def _stops() -> Iterator[Case]:
    case = HostCase("a stop goes first, and again until it is answered", 911).up()
    query = v1.SerialQuery(command_id=b"q").SerializeToString().hex()
    for _ in range(6):
        case.at(50, call=("send", [v1.SERIAL_FRAME_KIND_QUERY, query]))
    case.at(55, call=("send_stop", [v1.STOP_LEVEL_SOFT_HOLD, 4])).at(90, case.beat(4)).at(130, case.beat(4))
    older = case.frame(v1.SerialStopState(generation=3, latched=True), ack=6)
    answer = case.frame(v1.SerialStopState(generation=4, latched=True), ack=6)
    yield case.at(150, older).at(180, answer).at(250, case.beat(6))
    case = HostCase("a stop while it is down is the first thing to leave", 912)
    case.at(10, call=("send_stop", [v1.STOP_LEVEL_CUT, 9]))
    yield case.at(UP_MS, case.hello(established=True)).at(80, case.beat())
    case = HostCase("a stop drops the setpoints that wait", 913).up()
    case.at(50, call=("set_fence", [1, 9, 0])).at(55, call=setpoint(3, 1.0))
    yield case.at(60, call=("send_stop", [v1.STOP_LEVEL_SOFT_HOLD, 1])).at(91, case.beat(1))


def _lines() -> Iterator[Case]:
    case = HostCase("a friendly prompt is left after 200 ms", 921)
    yield case.at(10, b"MicroPython\r\n>>> ").at(203).at(215).at(250)
    case = HostCase("a raw REPL is left after a second", 922)
    yield case.at(990).at(1010)
    case = HostCase("its own HELLO from a loop is no board", 923)
    yield case.at(0).at(20, case.hello(nonce=case.nonce)).at(40)
    case = HostCase("silence ends the session", 924).up().at(205).at(240)
    case.session(nonce=case.random[2])
    yield case.at(260, case.hello(established=True)).at(280, case.beat())
    case = HostCase("beats of its own", 925).up()
    case.silence(until=400).show(v1.SERIAL_FRAME_KIND_BEAT)
    yield case


def _lanes() -> Iterator[Case]:
    time_kind = v1.SERIAL_FRAME_KIND_TIME_QUERY
    case = HostCase("a probe at once and each second", 931).up()
    yield case.silence(until=1300)
    case = HostCase("site time is told to a board that asks, once it is known", 932).up()
    case.at(50, case.frame(v1.SerialTimeQuery(sent=5))).at(60, call=("site_time", [5_000_000_000, 40, 3]))
    yield case.at(70, case.frame(v1.SerialTimeQuery(sent=6))).show(time_kind)
    case = HostCase("an image under the board's credit", 933).up()
    image = bytes(range(256)) * 4
    case.at(50, call=("send_bulk", [9, image.hex()])).at(60, case.beat())

    def word(offset: int, credit: int, transfer: int = 9) -> bytes:
        return case.frame(v1.SerialBulkCredit(transfer=transfer, next_offset=offset, credit=credit))

    case.at(70, word(0, 300, 8)).at(80, word(0, 300)).at(90, word(244, 300)).at(100, word(300, 500))
    case.at(110, word(300, 500)).at(150, case.beat()).at(190, case.beat()).at(221, case.beat())
    yield case.at(230, word(800, 224)).at(240, word(1024, 0)).at(270, case.beat())
    case = HostCase("no image in a new session before the board's word", 934).up()
    case.at(50, call=("send_bulk", [9, image.hex()])).at(60, word(0, 300))
    case.session(nonce=case.nonce, peer_nonce=0x22222222)
    case.at(80, case.hello(nonce=0x22222222, established=True)).at(110, case.beat())
    yield case.at(120, word(244, 100)).at(150, case.beat())
    case = HostCase("a long body waits for credit", 935).up()
    for number in range(3):
        case.at(50, call=update(number, "x" * 500))
    case.at(70, case.beat(4)).at(90, case.beat(6)).at(
        110, case.frame(v1.SerialCredit(fragment_bytes=1800), ack=6)
    )
    yield case.at(130, case.beat(9))
