"""What the C board's link does beside commands: fragments under credit, site time, the answer to probes."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.core._link_time import SiteTime
from robolink.core.frame import Frame
from robolink.core.link import LinkTimes
from robolink.errors import FrameTooLongError
from tests.core.serial_line import LinkEnd
from tests.firmware_c.bench import IDS, Bench, value
from tests.firmware_c.peer import Peer, Refused

UPDATE = v1.SERIAL_FRAME_KIND_UPDATE


def setting(text: str, request: int = 1) -> v1.SerialSetting:
    return v1.SerialSetting(member=IDS["text"], request=request, value=value(text))


class TestFragments:
    def test_long_bodies_come_whole_in_order_and_credit_is_given_back(self, bench: Bench) -> None:
        for number in range(8):
            bench.host.link.send(setting("x" * 900, number))
            bench.host.link.send(setting(f"short {number}", 100 + number))
        bench.line.run(2)
        results = bench.host.messages(v1.SerialSettingResult)
        assert [each.request for each in results] == [n for k in range(8) for n in (k, 100 + k)]
        assert {each.text for each in results} == {"text: at most 31 bytes", ""}
        assert "bad_fragment" not in bench.end.state

    def test_on_a_bad_line_too(self, bench: Bench) -> None:
        bench.faults.rate = 0.1
        for number in range(40):
            if bench.host.link.up:
                bench.host.link.send(setting("x" * 500, number))
            bench.line.run(0.1)
        bench.faults.rate = 0.0
        bench.line.until(lambda: bench.host.link.up)
        bench.line.run(1)
        requests = [each.request for each in bench.host.messages(v1.SerialSettingResult)]
        assert requests == sorted(set(requests)) and len(requests) > 10

    def test_host_is_told_what_the_board_takes_at_most(self, bench: Bench) -> None:
        with pytest.raises(FrameTooLongError, match="1024"):
            bench.host.link.send(setting("x" * 1100))

    def test_the_board_sends_them_too_within_the_hosts_credit(self, bench: Bench) -> None:
        update = v1.SerialUpdate(command_id=b"a", text="x" * 700)
        bench.end.send(UPDATE, update.SerializeToString())
        bench.line.run(0.2)
        assert bench.updates()[-1] == update
        with pytest.raises(Refused):
            bench.end.send(UPDATE, v1.SerialUpdate(text="x" * 1500).SerializeToString())
        assert bench.end.state["queue_full"] == 1, "more than its queue holds"

    def test_host_that_takes_none_gets_none(self, host_peer: Peer) -> None:
        none = LinkTimes(largest_message=0, fragment_credit=0)
        bench = Bench(host_peer, host=LinkEnd(times=none)).up()
        with pytest.raises(Refused):
            bench.end.send(UPDATE, v1.SerialUpdate(text="x" * 300).SerializeToString())
        assert bench.end.state["no_credit"] == 1

    @pytest.mark.parametrize(
        ("bodies", "bad"),
        [
            (["050000"], 1),
            (["18000061"], 1),
            (["30000061"], 1),
            (["05ffff61"], 1),
            (["05050061", "04040062"], 1),
            (["05050061", "05050062"], 1),
            (["05020061", "05010062", "05000063"], 0),
        ],
    )
    def test_what_breaks_the_rule_is_dropped_and_counted(
        self, bench: Bench, bodies: list[str], bad: int
    ) -> None:
        for body in bodies:
            state = bench.end.state
            frame = Frame(kind=v1.SERIAL_FRAME_KIND_FRAGMENT, seq=state["expected"], body=bytes.fromhex(body))
            bench.end.receive(frame.to_bytes(state["seed"]), bench.line.now)
        state = bench.end.state
        assert state.get("bad_fragment", 0) == bad
        assert state.get("bad_body", 0) == 1 - bad, "put together, it is handed on"


class TestTime:
    def test_board_learns_site_time_and_stamps_its_readings(self, bench: Bench) -> None:
        assert "site_ns" not in bench.end.state
        assert (
            bench.host.messages(v1.SerialReadings)[-1:] == []
            or not bench.host.messages(v1.SerialReadings)[-1].stamp_ns
        )
        site = SiteTime(offset_ns=777 * 10**9, error_us=40, clock_id=3)
        bench.host.link.lanes.site = site
        bench.line.run(1.5)
        state = bench.end.state
        assert abs(state["site_ns"] - site.at(bench.line.now)) <= state["site_error_us"] * 1000
        assert 1040 <= state["site_error_us"] <= 12000
        reading = bench.host.messages(v1.SerialReadings)[-1]
        assert abs(reading.stamp_ns - site.at(bench.line.now)) < 200 * 10**6
        assert reading.stamp_error_us == pytest.approx(state["site_error_us"], abs=50)

    def test_a_new_clock_replaces_it_and_a_new_host_ends_it(self, bench: Bench) -> None:
        bench.host.link.lanes.site = SiteTime(offset_ns=10**15, clock_id=3)
        bench.line.run(1.5)
        bench.host.link.lanes.site = SiteTime(offset_ns=5 * 10**15, error_us=900_000, clock_id=4)
        bench.line.run(1.5)
        assert bench.end.state["site_ns"] > 4 * 10**15
        bench.line.host = LinkEnd(now=bench.line.now)
        bench.line.run(0.5)
        assert "site_ns" not in bench.end.state


class TestQuality:
    def test_probe_is_answered_with_what_the_board_counted(self, bench: Bench) -> None:
        bench.end.receive(b"~no frame~", bench.line.now)
        bench.line.run(3.2)
        quality = bench.host.link.quality(bench.line.now)
        report = quality.report
        assert report is not None
        assert quality.round_trip_s is not None and quality.round_trip_s <= 0.02
        assert report.bad_frames == 1 and report.frames > 50
        assert report.uptime_ms == pytest.approx(bench.line.now * 1000, abs=1500)
