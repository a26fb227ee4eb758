"""The quality of a line as its robot tells it: readings, a stream, and what a bad line does to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.core.link import LinkQuality
from robolink_serial.board import BoardAt
from robolink_serial.bridge import SerialBridge
from robolink_serial.quality import COMPONENT, PERIOD_S, WINDOW, QualityWatch, add_to
from robolink_sims.board import BoardSim
from robolink_sims.serial_faults import LineProfile
from robolink_sims.serial_line import FaultyLine
from tests.bridges.serial.conftest import BOARD, ROLES
from tests.conftest import HubProcess, wait_for


def quality(probes: int, answered: int, **more: object) -> LinkQuality:
    known = {"round_trip_s": 0.01, "heard_age_s": 0.02, "bad_frames": 3, "resent": 4, "report": None} | more
    return LinkQuality(
        probes=probes,
        answered=answered,
        round_trip_mean_s=None,
        round_trip_min_s=None,
        **known,  # type: ignore[arg-type]
    )


def test_component_is_added_once_and_never_over_the_boards_own() -> None:
    sheet = v1.Sheet(model="x")
    assert add_to(sheet)
    assert not add_to(sheet)
    (made,) = sheet.components
    assert made.name == COMPONENT and made.streams[0].schema == "Values"
    assert {"round_trip", "loss", "age", "bad_frames"} <= {each.field.name for each in made.properties}


def test_loss_is_of_the_last_half_minute() -> None:
    watch = QualityWatch()
    assert "loss" not in watch.values(quality(0, 0), 1)
    assert watch.values(quality(10, 5), 1)["loss"] == 0.5
    told = {}
    for second in range(WINDOW + 5):
        told = watch.values(quality(10 + second, 5 + second), 2)
    assert told == {"round_trip": 0.01, "loss": 0.0, "age": 0.02, "bad_frames": 3, "resent": 4, "sessions": 2}


def test_what_is_not_known_is_left_out_and_the_boards_word_is_kept() -> None:
    watch = QualityWatch()
    assert "round_trip" not in watch.values(quality(1, 0, round_trip_s=None), 1)
    told = watch.values(quality(1, 1, report=v1.SerialLinkReport(bad_frames=7, resent=8)), 1)
    assert (told["board_bad_frames"], told["board_resent"]) == (7, 8)


def test_it_is_told_once_a_period() -> None:
    watch = QualityWatch()
    assert [watch.due(now) for now in (10.0, 10.5, 10.0 + PERIOD_S)] == [True, False, True]


@pytest.mark.board
def test_bad_line_is_seen_at_the_hub_and_commands_go_on(
    board: BoardSim, hub: HubProcess, tmp_path: Path
) -> None:
    with (
        FaultyLine(tmp_path / "port", board.port, seed=6) as line,
        SerialBridge([BoardAt(robot=BOARD, port=line.port)], hub.url),
        robolink.connect(hub.url, name="test", roles=ROLES) as client,
    ):
        robot = client.robot(BOARD)
        wait_for(
            lambda: any(each.robot == BOARD and each.online for each in client.robots()), 30, "the board"
        )

        def reading(name: str) -> v1.Value | None:
            told = robot.twin.get(f"link.{name}")[f"link.{name}"].reported
            return told.value if told.HasField("value") else None

        wait_for(lambda: reading("round_trip"), 20, "a round trip")
        with robot.stream("link.quality") as samples:
            sample = samples.next(20)
            assert sample is not None
            assert {"age", "sessions"} <= {each.name for each in sample.payload.values}
        # One fault in some hundred bytes, both ways: frames are bent, and sent again.
        line.set_profile(LineProfile(corrupt=0.002, drop=0.001, noise=0.001))
        with robot.lease():

            def turned(position: float) -> bool:
                goal = robot.goal("motor.turn_to", position=position)
                return goal.wait(40).state == v1.COMMAND_STATE_SUCCEEDED

            assert wait_for(lambda: turned(0.2), 60, "a goal on a bad line")
        wait_for(lambda: (found := reading("bad_frames")) and found.int_value > 0, 20, "bad frames")
