"""The serial link: two of them on a line that loses, bends and doubles bytes; HELLO, beats, fence, stop, text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core._link_table import TRANSITIONS, LinkInput
from robolink.core._link_window import MAX_QUEUED_FRAMES, Window
from robolink.core.frame import Frame
from robolink.core.link import Down, LinkState, LogLine, Refused, Up
from robolink.errors import FrameTooLongError, LocalProtocolError
from tests.core.serial_line import LinkEnd, two_links


def query(number: int) -> v1.SerialQuery:
    return v1.SerialQuery(command_id=number.to_bytes(4, "big"))


def numbers(end: LinkEnd) -> list[int]:
    return [int.from_bytes(each.command_id, "big") for each in end.messages(v1.SerialQuery)]


def test_every_state_knows_every_input_that_can_come() -> None:
    for state, row in TRANSITIONS.items():
        missing = set(LinkInput) - set(row)
        assert missing <= {LinkInput.SILENCE, LinkInput.MATCH}, (
            f"{state}: only an established link falls silent"
        )


def test_both_sides_are_up_and_know_each_other() -> None:
    host, board, line = two_links()
    board.link.sheet_hash, board.link.stop_generation, board.link.stop_latched = 77, 4, True
    took = line.until(lambda: host.link.up and board.link.up)
    assert took < 0.2
    (up,) = host.of(Up)
    assert (up.peer.sheet_hash, up.peer.stop_generation, up.peer.stop_latched) == (77, 4, True)
    assert up.peer.session_id == board.link.session_id
    assert not up.same_peer


def test_beats_alone_keep_it_up_and_are_often_enough() -> None:
    host, board, line = two_links()
    line.run(5)
    assert not host.of(Down) and not board.of(Down)
    assert host.link.times.beat_s <= 0.06
    assert not host.link.counters and not board.link.counters


def test_silence_ends_it_and_it_heals_as_the_same_session() -> None:
    host, board, line = two_links()
    line.run(0.5)
    line.cut = True
    line.run(0.3)
    assert host.of(Down) and not host.link.up and not board.link.up
    line.cut = False
    assert line.until(lambda: host.link.up and board.link.up) < 1.0
    assert host.of(Up)[-1].same_peer


@pytest.mark.parametrize("restarted", ["host", "board"])
def test_heals_within_a_second_when_one_side_starts_anew(restarted: str) -> None:
    host, board, line = two_links()
    line.run(0.5)
    fresh = LinkEnd(now=line.now, host=restarted == "host")
    setattr(line, restarted, fresh)
    other = board if restarted == "host" else host
    seen = len(other.of(Up))
    took = line.until(lambda: fresh.link.up and len(other.of(Up)) > seen and other.link.up)
    assert took < 1.0
    assert not other.of(Up)[-1].same_peer
    line.run(1)
    assert fresh.link.up and other.link.up


def test_other_major_is_refused_in_words_with_both_versions() -> None:
    host, board, line = two_links(major=2, minor=3)
    line.run(2)
    (refused,) = host.of(Refused)
    assert "1.0" in refused.text and "2.3" in refused.text and "update" in refused.text
    assert len(board.of(Refused)) == 1
    assert host.link.state is LinkState.REFUSED
    line.board = fixed = LinkEnd(now=line.now, host=False, major=2)
    line.until(lambda: host.link.up and fixed.link.up, 2)


def test_same_major_talks_at_the_lower_minor() -> None:
    host, board, line = two_links(minor=5)
    line.run(0.3)
    assert host.of(Up)[0].minor == board.of(Up)[0].minor == 0


def test_frame_of_an_old_session_is_noise() -> None:
    host, board, line = two_links()
    line.run(0.3)
    host.link.send(query(1))
    old = host.link.data_to_send(line.now)
    line.host = LinkEnd(now=line.now)
    line.run(0.5)
    board.receive(old, line.now)
    line.run(0.3)
    assert numbers(board) == []
    assert board.link.up


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0, 0.5))
def test_sequenced_messages_come_once_in_order_and_it_heals(seed: int, rate: float) -> None:
    host, board, line = two_links(seed, rate)
    sent = 0
    for _ in range(40):
        for end in (host, board):
            if end.link.up:
                end.link.send(query(sent))
                sent += 1
        line.run(0.03)
    for end in (host, board):
        assert numbers(end) == sorted(set(numbers(end)))
    line.faults.rate = 0.0  # type: ignore[attr-defined]
    line.until(lambda: host.link.up and board.link.up)
    line.run(0.3)
    if not rate:
        assert sorted(numbers(host) + numbers(board)) == list(range(sent))
    # Whatever happened before: now everything comes, both ways.
    for end in (host, board):
        end.events.clear()
        for number in range(20):
            end.link.send(query(number))
    line.run(1)
    assert numbers(host) == numbers(board) == list(range(20))


@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(1, 60), max_size=60))
def test_any_bytes_at_any_time_never_raise(data: bytes, cuts: list[int]) -> None:
    host, _, line = two_links()
    line.run(0.3)
    at = 0
    for size in [*cuts, len(data)]:
        host.receive(data[at : at + size], line.now)
        at += size
    line.run(0.5)
    assert host.link.up


def test_setpoint_waits_for_the_fence_and_leaves_with_what_is_left() -> None:
    host, board, line = two_links()
    line.run(0.3)
    host.link.set_fence((3, 9), 2)
    host.link.send_setpoint(v1.SerialSetpoint(member=1, values=[1.0]), line.now + 0.3)
    host.link.send_setpoint(v1.SerialSetpoint(member=1, values=[2.0]), line.now + 0.3)
    sent = host.link.data_to_send(line.now)
    board.receive(sent, line.now)
    board.step(line.now)
    assert board.messages(v1.SerialFence) and not board.messages(v1.SerialSetpoint)
    line.run(0.1)
    (setpoint,) = board.messages(v1.SerialSetpoint)
    assert list(setpoint.values) == [2.0], "newest wins"
    assert 0 < setpoint.ttl_ms < 300


def test_setpoint_that_waited_too_long_is_dropped_and_counted_but_zero_is_not() -> None:
    host, board, line = two_links()
    line.run(0.3)
    line.cut = True
    host.link.set_fence((1, 1), 0)
    host.link.send_setpoint(v1.SerialSetpoint(member=1, values=[1.0]), line.now + 0.05)
    host.link.send_setpoint(v1.SerialSetpoint(member=2, values=[0.0]), line.now)
    line.run(0.08)
    line.cut = False
    line.run(0.15)
    assert [each.member for each in board.messages(v1.SerialSetpoint)] == [2]
    assert host.link.counters["setpoints_too_late"] == 1


def test_stop_overtakes_what_waits_and_is_sent_until_it_is_answered() -> None:
    host, board, line = two_links()
    line.run(0.3)
    for number in range(30):
        host.link.send(query(number))
    host.link.send_setpoint(v1.SerialSetpoint(member=1, values=[1.0]), line.now + 1)
    host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 7)
    line.run(0.01)
    assert isinstance(board.of(object)[1].message, v1.SerialStop), "before every query"
    line.run(0.2)
    assert len(board.messages(v1.SerialStop)) > 3
    board.link.send(v1.SerialStopState(generation=7, latched=True))
    line.run(0.05)
    seen = len(board.messages(v1.SerialStop))
    line.run(0.3)
    assert len(board.messages(v1.SerialStop)) == seen
    assert not board.messages(v1.SerialSetpoint), "what waited before the stop is gone"


def test_stop_given_while_down_reaches_the_board_first() -> None:
    host, board, line = two_links()
    host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 3)
    line.until(lambda: board.messages(v1.SerialStop))


def test_text_between_frames_becomes_lines() -> None:
    host, _, line = two_links()
    line.run(0.3)
    host.receive(b"Traceback (most recent call last):\r\n  File", line.now)
    line.run(0.3)
    host.receive(b"boot ok\r\n", line.now)
    line.run(0.3)
    lines = [each.text for each in host.of(LogLine)]
    assert lines == ["Traceback (most recent call last):", "File", "boot ok"]
    assert host.link.up


def test_prompt_gets_ctrl_d_after_200_ms_and_no_hello_meanwhile() -> None:
    end, now, sent = LinkEnd(), 0.0, b""
    end.receive(b"MicroPython v1.29\r\n>>> ", now)
    for _ in range(39):
        now += 0.005
        sent += end.step(now)
    assert sent == b""
    assert end.step(0.21).startswith(b"\x03\x04")
    assert end.link.counters["prompts_left"] == 1


def test_prompt_in_a_session_is_only_text() -> None:
    host, _, line = two_links()
    line.run(0.3)
    host.receive(b">>> ", line.now)
    line.run(0.5)
    assert host.link.counters.get("prompts_left", 0) == 0


def test_raw_repl_is_left_now_and_then() -> None:
    end = LinkEnd()
    sent = b"".join(end.step(n * 0.01) for n in range(150))
    assert sent.count(b"\x02") == 1
    board = LinkEnd(host=False)
    assert b"\x02" not in b"".join(board.step(n * 0.01) for n in range(150))


def test_repl_whose_cursor_a_beat_has_moved_gets_its_line_cleared() -> None:
    end = LinkEnd()
    end.step(0.0)
    # Seen on MicroPython: the frame's Ctrl-A went to the start of the line, what follows is written anew each time.
    end.receive(b"~!\x08\x08R~!\x08\x08=~!\x08\x08~~!\x1b[5D=~", 0.01)
    assert end.step(0.02).startswith(b"\x03")


def test_repl_that_echoes_gets_its_line_cleared() -> None:
    end = LinkEnd()
    hello = end.step(0.0)
    end.receive(bytes(byte for byte in hello if 0x20 <= byte < 0x7F), 0.01)
    assert end.step(0.02) == b"\x03"
    assert not end.of(LogLine)


def test_own_hello_from_a_loop_in_the_line_is_no_peer() -> None:
    end = LinkEnd()
    for number in range(100):
        end.receive(end.step(number * 0.02), number * 0.02)
    assert not end.link.up and not end.of(Up)
    assert end.link.counters["own_hello"] > 10


def test_callers_faults_are_named() -> None:
    host, _, line = two_links()
    with pytest.raises(LocalProtocolError, match="does not answer"):
        host.link.send(query(1))
    line.run(0.3)
    with pytest.raises(LocalProtocolError, match="Sheet is no message"):
        host.link.send(v1.Sheet())
    with pytest.raises(FrameTooLongError, match="4096"):
        host.link.send(v1.SerialUpdate(text="x" * 5000))
    with pytest.raises(FrameTooLongError, match="247"):
        host.link.send(v1.SerialFeedback(phase="x" * 300))
    with pytest.raises(FrameTooLongError, match="247"):
        host.link.send_setpoint(v1.SerialSetpoint(member=1, values=[0.0] * 40), line.now + 1)
    for number in range(MAX_QUEUED_FRAMES):
        host.link.send(query(number))
    with pytest.raises(LocalProtocolError, match="64 frames"):
        host.link.send(query(0))


def test_lost_port_ends_the_session() -> None:
    host, _, line = two_links()
    line.run(0.3)
    host.link.lost(line.now, "port vanished")
    line.run(0.01)
    assert host.of(Down)[-1].text == "port vanished"
    line.until(lambda: host.link.up)


def test_bad_bodies_and_unknown_kinds_are_counted() -> None:
    host, board, line = two_links()
    line.run(0.3)
    seed = board.link._decoder.seed
    expected = host.link._session.window.expected
    host.receive(Frame(kind=v1.SERIAL_FRAME_KIND_UPDATE, seq=expected, body=b"\xff").to_bytes(seed), line.now)
    host.receive(Frame(kind=200).to_bytes(seed), line.now)
    assert host.link.counters["bad_bodies"] == host.link.counters["unknown_kinds"] == 1


def test_sequence_wraps() -> None:
    host, board, line = two_links()
    line.run(0.3)
    for number in range(600):
        host.link.send(query(number))
        if number % 40 == 0:
            line.run(0.2)
    line.run(1)
    assert numbers(board) == list(range(600))


@given(st.lists(st.integers(0, 255), max_size=30))
def test_a_wrong_ack_acknowledges_nothing_that_was_not_sent(acks: list[int]) -> None:
    window = Window(size=4, resend_s=0.1)
    for _ in range(MAX_QUEUED_FRAMES):
        window.send(Frame(kind=1))
    sent = len(list(window.frames(0.0)))
    done = 0
    for ack in acks:
        done += window.take_ack(ack, 0.0)
        assert done <= sent
        sent += len(list(window.frames(0.0)))
    assert len(window) == MAX_QUEUED_FRAMES - done
