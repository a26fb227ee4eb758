"""The site's time on its way through the bridge to the board."""

from __future__ import annotations

from tests.bridges.serial.resets.stepped import SITE, Stepped


def test_board_learns_it_and_knows_how_wrong_it_may_be() -> None:
    run = Stepped(seed=5)
    run.until_up()
    run.run(2.5, sending=False)
    site, now = run._board.link.site, run._ms()
    error_us = site.error_us(now)
    assert error_us is not None and error_us < 50_000
    assert abs(site.ns(now) - SITE.at(run.now)) <= error_us * 1000
