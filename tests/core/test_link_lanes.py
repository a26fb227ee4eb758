"""What the link does beside commands: fragments under credit, site time, quality, images; each rule by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core._link_bulk import MAX_IMAGE_BYTES, BulkReceiver, BulkSender
from robolink.core._link_fragment import MAX_PART_BYTES, Assembler, fragment
from robolink.core._link_table import LinkTimes
from robolink.core._link_time import FORGOTTEN_MS, BoardClock, SiteTime
from robolink.core._link_window import Window
from robolink.core.frame import OVERHEAD_BYTES, Frame
from robolink.core.link import BulkChunk, BulkProgress
from robolink.errors import FrameTooLongError, LocalProtocolError, RemoteProtocolError
from tests.core.serial_line import two_links

UPDATE = v1.SERIAL_FRAME_KIND_UPDATE


class TestOverhead:
    """64 bytes of payload cost 12 at most, before stuffing."""

    def test_of_a_fragment(self) -> None:
        part = fragment(Frame(kind=UPDATE, body=bytes(64)), 0)
        assert len(part.body) + OVERHEAD_BYTES - 64 <= 12

    def test_of_an_image(self) -> None:
        sender = BulkSender(transfer=1, image=bytes(64), in_flight=1024, resend_s=0.1)
        sender.take(v1.SerialBulkCredit(transfer=1, credit=64), 0.0)
        (frame,) = sender.frames(0.0)
        assert len(frame.body) + OVERHEAD_BYTES - 64 <= 12


class TestFragments:
    @given(st.binary(min_size=MAX_PART_BYTES, max_size=2000))
    def test_cut_and_put_together(self, body: bytes) -> None:
        frame, assembler = Frame(kind=UPDATE, body=body), Assembler(largest=2000, credit=2000)
        made = [assembler.take(fragment(frame, at).body) for at in range(0, len(body), MAX_PART_BYTES)]
        assert made[-1] == frame and not any(made[:-1])

    @pytest.mark.parametrize(
        ("bodies", "words"),
        [
            (["110000"], "no part"),
            (["18000061"], "never comes"),
            (["19000061"], "never comes"),
            (["30000061"], "never comes"),
            (["11650061"], "that we take"),
            (["11050061", "12040062"], "does not go on"),
            (["11050061", "11050062"], "does not go on"),
            (["11620061", *["11000062"]], "does not go on"),
        ],
    )
    def test_what_breaks_the_rule_is_refused(self, bodies: list[str], words: str) -> None:
        assembler = Assembler(largest=100, credit=100)
        *first, last = bodies
        for each in first:
            assert assembler.take(bytes.fromhex(each)) is None
        with pytest.raises(RemoteProtocolError, match=words):
            assembler.take(bytes.fromhex(last))
        if not first:
            assert assembler.take(b"\x11\x00\x00x") == Frame(kind=UPDATE, body=b"x")

    def test_without_credit_it_is_refused(self) -> None:
        assembler = Assembler(largest=10, credit=10)
        assert assembler.take(b"\x11\x00\x00" + bytes(10)) is not None
        with pytest.raises(RemoteProtocolError, match="credit"):
            assembler.take(b"\x11\x00\x00x")
        assembler.released(10)
        assert assembler.credit_due and assembler.credit().fragment_bytes == 20
        assert not assembler.credit_due
        assert assembler.take(b"\x11\x00\x00x") is not None

    def test_body_begins_only_when_all_of_it_may_go(self) -> None:
        window = Window(size=4, resend_s=0.1, largest=600, credit=600)
        for _ in range(2):
            window.send(Frame(kind=UPDATE, body=bytes(500)))
        window.send(Frame(kind=1))
        assert len(list(window.frames(0.0))) == 3
        window.take_ack(3, 0.0)
        assert list(window.frames(0.0)) == []
        window.send_ahead(Frame(kind=v1.SERIAL_FRAME_KIND_CREDIT))
        assert [each.kind for each in window.frames(0.0)] == [v1.SERIAL_FRAME_KIND_CREDIT]
        window.take_credit(1000)
        assert [each.kind for each in window.frames(0.0)] == [v1.SERIAL_FRAME_KIND_FRAGMENT] * 3
        window.take_ack(7, 0.0)
        assert [each.kind for each in window.frames(0.0)] == [1]
        window.take_ack(8, 0.0)
        assert window.acknowledged == 3 and not len(window)

    def test_peer_that_takes_none(self) -> None:
        host, board, line = two_links(times=LinkTimes(largest_message=0, fragment_credit=0))
        line.run(0.3)
        with pytest.raises(FrameTooLongError, match="247"):
            board.link.send(v1.SerialUpdate(text="x" * 300))
        host.link.send(v1.SerialCommand(command_id=bytes(300)))
        line.run(0.3)
        assert board.messages(v1.SerialCommand)

    def test_credit_comes_back_when_the_owner_takes_the_body(self) -> None:
        host, board, line = two_links()
        line.run(0.3)
        for number in range(12):
            board.link.send(v1.SerialUpdate(command_id=bytes((number,)), text="x" * 4000))
        collect, host._collect = host._collect, lambda: None  # type: ignore[method-assign]
        line.run(2.0)
        host._collect = collect  # type: ignore[method-assign]
        line.run(0.005)
        assert len(host.messages(v1.SerialUpdate)) == 4, "as many as the credit allowed"
        line.run(2.0)
        assert [each.command_id[0] for each in host.messages(v1.SerialUpdate)] == list(range(12))

    def test_both_wait_for_credit_and_both_go_on(self) -> None:
        host, board, line = two_links()
        line.run(0.3)
        for number in range(30):
            for end in (host, board):
                end.link.send(v1.SerialUpdate(command_id=bytes((number,)), text="x" * 4000))
        line.run(8.0)
        for end in (host, board):
            assert [each.command_id[0] for each in end.messages(v1.SerialUpdate)] == list(range(30))

    def test_stop_passes_between_fragments(self) -> None:
        host, board, line = two_links()
        line.run(0.3)
        host.link.send(v1.SerialCommand(command_id=bytes(4000)))
        line.run(0.01)
        host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
        line.run(0.01)
        assert board.messages(v1.SerialStop) and not board.messages(v1.SerialCommand)


class TestTime:
    def answer(self, sent: int, site_ms: float, **more: int) -> v1.SerialTime:
        at = round(site_ms * 1e6)
        return v1.SerialTime(sent=sent, received_ns=at, sent_ns=at, **more)

    def test_error_is_half_the_way_a_tick_the_hosts_and_its_age(self) -> None:
        clock = BoardClock()
        assert clock.take(self.answer(1000, 5000.0, error_us=30), 1010)
        assert clock.site_ns(1010) == 5005 * 10**6
        assert clock.error_us(1010) == 5000 + 1000 + 30
        assert clock.site_ns(2010) == 6005 * 10**6
        assert clock.error_us(2010) == 6030 + 100

    def test_worse_sample_is_not_believed_until_the_old_one_has_aged(self) -> None:
        clock = BoardClock()
        clock.take(self.answer(0, 0.0), 2)
        assert not clock.take(self.answer(1000, 1000.0), 1004)
        assert clock.take(self.answer(20_000, 20_000.0), 20_004)
        assert clock.take(self.answer(21_000, 9.0, clock_id=7), 21_100), "site time began anew"

    def test_nonsense_is_not_believed(self) -> None:
        clock = BoardClock()
        assert not clock.take(self.answer(1000, 5.0), 990)
        assert not clock.take(v1.SerialTime(sent=0, received_ns=9, sent_ns=8), 5)
        assert clock.site_ns(5) is None and clock.error_us(5) is None

    def test_ticks_wrap_and_old_samples_are_forgotten(self) -> None:
        clock = BoardClock()
        clock.take(self.answer(2**32 - 2, 100.0), 4)
        assert clock.site_ns(1004) == 1103 * 10**6
        assert clock.error_us(FORGOTTEN_MS + 4) is None

    def test_over_the_line(self) -> None:
        host, board, line = two_links()
        line.run(1.5)
        assert board.link.lanes.site_stamp(line.now) is None, "the host knows no site time"
        host.link.lanes.site = site = SiteTime(offset_ns=10**15, error_us=7, clock_id=3)
        line.run(1.1)
        stamp = board.link.lanes.site_stamp(line.now)
        assert stamp is not None
        assert abs(stamp[0] - site.at(line.now)) <= stamp[1] * 1000
        assert stamp[1] < 10_000


class TestQuality:
    def test_round_trips_and_the_boards_state(self) -> None:
        host, board, line = two_links()
        board.link.lanes.free_memory_bytes = 12345
        assert host.link.quality(0.0).round_trip_s is None
        line.run(3.5)
        quality = host.link.quality(line.now)
        assert quality.round_trip_s is not None and quality.round_trip_mean_s is not None
        assert 0 < quality.round_trip_s <= 0.02
        assert (quality.probes, quality.answered, quality.loss_fraction) == (4, 4, 0.0)
        assert quality.report is not None
        assert quality.report.free_memory_bytes == 12345
        assert quality.report.frames > 50 and not quality.report.bad_frames
        assert quality.heard_age_s < 0.06

    def test_probe_without_an_answer_is_loss(self) -> None:
        host, board, line = two_links()
        line.run(0.5)
        take = board.link.lanes.take
        board.link.lanes.take = lambda *_: None  # type: ignore[method-assign]
        line.run(3.0)
        board.link.lanes.take = take  # type: ignore[method-assign]
        quality = host.link.quality(line.now)
        assert quality.probes > quality.answered == 1
        assert 0.5 < quality.loss_fraction < 1.0

    def test_the_wrong_side_does_not_answer(self) -> None:
        host, board, line = two_links()
        line.run(0.3)
        board.link.send(v1.SerialProbe(number=1))
        host.link.send(v1.SerialTimeQuery(sent=1))
        line.run(0.1)
        assert host.link.counters["not_for_this_side"] == board.link.counters["not_for_this_side"] == 1


class TestImages:
    def test_goes_over_and_tells_how_far(self) -> None:
        host, board, line = two_links()
        line.run(0.3)
        image = bytes(range(256)) * 40
        host.link.lanes.send_bulk(5, image)
        line.run(0.2)
        assert not board.of(BulkChunk), "nothing before the board's word"
        board.link.lanes.open_bulk(transfer=5, size=len(image), credit=1000, now=line.now)
        line.run(1.0)
        assert b"".join(each.data for each in board.of(BulkChunk)) == image
        told = [each.next_offset for each in host.of(BulkProgress)]
        assert told == sorted(set(told)) and told[-1] == len(image)
        assert "bulk_out_of_place" not in board.link.counters

    def test_never_more_on_the_way_than_the_credit(self) -> None:
        sender = BulkSender(transfer=1, image=bytes(9000), in_flight=1024, resend_s=0.1)
        assert list(sender.frames(0.0)) == []
        sender.take(v1.SerialBulkCredit(transfer=1, next_offset=0, credit=500), 0.0)
        assert [len(each.body) - 3 for each in sender.frames(0.0)] == [244, 244]
        sender.take(v1.SerialBulkCredit(transfer=1, next_offset=488, credit=9000), 0.0)
        assert sum(len(each.body) - 3 for each in sender.frames(0.0)) <= 1024
        sender.take(v1.SerialBulkCredit(transfer=2, next_offset=0, credit=9000), 0.0)
        assert list(sender.frames(0.01)) == []

    def test_same_word_twice_and_silence_bring_it_again(self) -> None:
        sender = BulkSender(transfer=1, image=bytes(400), in_flight=1024, resend_s=0.1)
        word = v1.SerialBulkCredit(transfer=1, next_offset=0, credit=400)
        sender.take(word, 0.0)
        assert len(list(sender.frames(0.0))) == 2
        sender.take(word, 0.01)
        assert len(list(sender.frames(0.01))) == 2
        assert sender.next_timer() == pytest.approx(0.11)
        assert list(sender.frames(0.1)) == []
        assert len(list(sender.frames(0.12))) == 2
        sender.new_session()
        assert list(sender.frames(9.0)) == []

    def test_out_of_place_is_told_once(self) -> None:
        receiver = BulkReceiver(transfer=1, size=900, next_offset=0, credit=500, repeat_s=0.1, now=0.0)
        assert receiver.credit(0.0) == v1.SerialBulkCredit(transfer=1, next_offset=0, credit=500)
        assert receiver.take(b"\0\0\0ab", 0.01) == b"ab"
        assert receiver.credit(0.01) is None
        word = v1.SerialBulkCredit(transfer=1, next_offset=2, credit=498)
        for offset in (0, 5, 9):
            assert receiver.take(bytes((offset, 0, 0)) + b"ab", 0.02) is None
            assert receiver.credit(0.02) == (word if not offset else None)
        assert receiver.take(b"\2\0\0ab", 0.03) == b"ab"
        receiver.take(b"\x09\0\0ab", 0.03)
        assert receiver.credit(0.03) is not None
        assert receiver.credit(0.12) is None and receiver.credit(0.14) is not None, "said again by itself"

    def test_without_a_word_there_is_no_credit(self) -> None:
        receiver = BulkReceiver(transfer=1, size=900, next_offset=0, credit=500, repeat_s=0.1, now=0.0)
        assert receiver.take(b"\0\0\0ab", 0.0) is None

    def test_image_that_no_offset_reaches_is_refused(self) -> None:
        with pytest.raises(LocalProtocolError, match="limit"):
            BulkSender(transfer=1, image=bytes(MAX_IMAGE_BYTES + 1), in_flight=1, resend_s=1)
