"""A thousand resets in injected time, on good and bad lines; and the checker, which finds what is broken on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from robolink_sims.serial_faults import LineProfile
from tests.bridges.serial.resets.checker import Record, check, healings
from tests.bridges.serial.resets.stepped import Board, Stepped

BAD = LineProfile(drop=3e-4, corrupt=3e-4, duplicate=3e-4, noise=3e-4, split=1e-3)


def counts(history: list[Record]) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in history:
        found[record["e"]] = found.get(record["e"], 0) + 1
    return found


def test_a_thousand_resets_heal_within_a_second_and_no_command_is_lost_or_run_twice() -> None:
    run = Stepped(seed=1)
    run.resets(1000)
    assert check(run.history) == []
    told = counts(run.history)
    assert told["reset"] == 1000 and told["send"] > 5000 and told["done"] > 4000
    # Injected time: this is no figure of this machine, but what the rules of the line give.
    took = [seconds for _, _, seconds in healings(run.history)]
    assert len(took) > 800
    assert max(took) < 1.0  # type: ignore[type-var]


def test_resets_on_a_bad_line() -> None:
    run = Stepped(seed=2, profile=BAD)
    run.resets(100)
    # A frame that is lost may end a session, so only what a bad line cannot excuse is asked.
    broken = [text for text in check(run.history) if not text.startswith("undisturbed")]
    assert broken == []
    assert run.line.counters["drop"] > 20


@pytest.mark.parametrize("leaves", [True, False], ids=["goes-with-its-session", "has-no-session"])
def test_cancel_given_at_a_short_break_of_the_line_reaches_the_board(
    monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    monkeypatch.setattr("tests.bridges.serial.resets.ledger.TICKS", 200)
    run = Stepped(seed=4)
    run.until_up()
    goal = run.order("ledger.work")
    run.run(0.1, sending=False)
    assert counts(run.history)["begin"] == 1
    if leaves:
        run.cancel(goal)
        run.lose()
    else:
        run.lose()
        run.cancel(goal)
    run.run(0.5, sending=False)
    ends = [each["state"] for each in run.history if each["e"] == "end"]
    assert ends == ["CANCELED"], "long before the goal's own end"


def test_board_that_counts_more_stops_than_its_hub_is_told_once() -> None:
    run = Stepped(seed=5)
    run.until_up()
    run.board_counts_stops(7)
    for _ in range(2):
        run.run(5.0, sending=False)
        run.lose()
    ((kind, text),) = run.notices
    assert kind == "stop-generation"
    assert "stop generation 7, the hub only 0" in text


def test_hub_that_has_not_yet_told_its_stops_is_waited_for() -> None:
    run = Stepped(seed=6)
    run.until_up()
    run.board_counts_stops(7)
    run.run(1.0, sending=False)
    run.hub_counts_stops(7)
    run.run(5.0, sending=False)
    assert run.notices == []


def test_leases_on_two_components_of_one_board_do_not_exclude_each_other() -> None:
    run = Stepped(seed=7)
    run.until_up()
    for number, lease in enumerate([(1, 6), (1, 5), (1, 6)], 1):
        assert run.order("ledger.work", lease=lease) == number
        run.run(0.5, sending=False)
    assert [each["state"] for each in run.history if each["e"] == "end"] == ["SUCCEEDED"] * 3


class Forgetful(Board):  # type: ignore[misc]
    """A board that does not know what it has run: what comes again runs again."""

    def _known(self, command_id: bytes) -> None:
        return None


def test_checker_finds_a_board_that_forgets() -> None:
    run = Stepped(seed=3, board=Forgetful)
    run.resets(0)
    run.run(1.0)
    # The same order once more: a host that is not sure.
    handler: Any = run._driver.handler
    for number in range(1, 4):
        order = run._open.get(number) or type("Again", (), {})()
        order.__dict__.update(vars(_order_like(run, number)))
        handler.on_command(order)
        run.run(0.2, sending=False)
    run.at_rest()
    assert any(text.startswith("once: ") for text in check(run.history))


def _order_like(run: Stepped, number: int) -> Any:
    from tests.bridges.serial.resets.stepped import _Order

    return _Order(number, "ledger.mark", lambda *_: None)


def record(t: float, e: str, **more: Any) -> Record:
    return {"t": t, "e": e, **more}


GOOD = [
    record(0.0, "running", who="board"),
    record(0.1, "running", who="bridge"),
    record(0.2, "up"),
    record(1.0, "send", n=1),
    record(1.1, "begin", n=1),
    record(1.2, "done", n=1),
    record(1.3, "end", n=1, state="SUCCEEDED"),
    record(1.4, "send", n=3),
    record(1.6, "end", n=3, state="SUCCEEDED"),
    record(1.5, "begin", n=3),
    record(1.5, "done", n=3),
    record(2.0, "send", n=2),
    record(2.1, "begin", n=2),
    record(2.2, "reset", who="board"),
    record(2.3, "end", n=2, state="FAILED DISCONNECTED"),
    record(2.5, "running", who="board"),
    record(2.75, "up"),
]


def test_checker_is_content_with_what_is_right_and_measures_from_both_running() -> None:
    assert check(GOOD) == []
    assert healings(GOOD) == [(2.2, "board", pytest.approx(0.25))]


@pytest.mark.parametrize(
    ("without", "more", "rule"),
    [
        (None, record(1.15, "begin", n=1), "once"),
        (14, None, "none_lost"),
        (6, record(1.3, "end", n=1, state="FAILED UNREACHABLE"), "true"),
        (5, None, "true"),
        (None, record(3.0, "begin", n=9), "true"),
        (None, record(1.5, "end", n=3, state="CANCELED"), "undisturbed_succeeds"),
        (16, None, "heals"),
        (14, record(2.9, "quiet"), "answered"),
    ],
)
def test_checker_finds_each_break(without: int | None, more: Record | None, rule: str) -> None:
    history = [each for at, each in enumerate(GOOD) if at != without] + ([more] if more else [])
    assert any(text.startswith(f"{rule}: ") for text in check(history)), check(history)
