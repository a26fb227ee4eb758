"""The view by itself: what is believed of one Device when answers, events and lists overtake each other."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.cloud._stops import StopOperation
from robolink.cloud._view import DEVICES, FleetView
from robolink.cloud._watch import Change
from tests.cloud.bench import Bench
from tests.cloud.conftest import ROBOT, device


def version(view: FleetView) -> str:
    return str((view.device(ROBOT) or {"metadata": {}})["metadata"].get("resourceVersion", ""))


def at(number: int | str) -> dict[str, Any]:
    return {"metadata": {"name": ROBOT, "resourceVersion": str(number)}}


def seen(number: int | str) -> FleetView:
    view = FleetView()
    view.apply(DEVICES, Change(everything=True, put=[at(number)]))
    return view


@given(st.lists(st.sampled_from(("write", "answer", "watch", "list")), max_size=30))
def test_whatever_overtakes_what_a_device_never_goes_back(steps: list[str]) -> None:
    view, newest, watched, known = seen(9), 9, 9, 9
    asked: int | None = None
    for step in steps:
        if step == "write":
            newest += 1
        elif step == "answer":
            view.answered(at(newest))
            assert int(version(view)) == newest
        elif step == "list" and asked is None:
            asked = newest  # Nothing is watched before it is there.
        elif step == "list" and asked is not None:
            view.apply(DEVICES, Change(everything=True, put=[at(asked)]))
            watched, asked = asked, None
        elif step == "watch" and asked is None and watched < newest:
            watched += 1
            view.apply(DEVICES, Change(put=[at(watched)]))
        assert int(version(view)) >= max(known, watched)
        known = int(version(view))


def test_versions_that_are_no_numbers_are_believed_and_a_list_after_a_restore_too() -> None:
    for old, new in (("b", "a"), ("10", "a"), ("a", "10"), ("", "1"), ("10", "10")):
        view = seen(old)
        view.apply(DEVICES, Change(put=[at(new)]))
        assert version(view) == new
    view = seen(500)
    view.apply(DEVICES, Change(everything=True, put=[at(7)]))
    assert version(view) == "7"


def test_an_answer_makes_no_ghost_of_a_device_that_is_gone() -> None:
    view = seen(5)
    view.apply(DEVICES, Change(removed=ROBOT))
    view.answered(at(6))
    assert view.robots == []


def test_a_late_event_does_not_keep_a_wish_for_a_stop_that_was_heard(bench: Bench) -> None:
    bench.report(stop=("", ""), stop_generation=("", "4"))
    before = device() | {"metadata": {"name": ROBOT, "resourceVersion": str(bench.version)}}
    made = bench.add(StopOperation(ROBOT, v1.STOP_LEVEL_SOFT_HOLD, bench.now))
    bench.engine.news(DEVICES, Change(put=[before]))
    bench.report(stop=("SOFT_HOLD", "SOFT_HOLD"), stop_generation=("", "5"))
    bench.run()
    assert made.done.done()
    assert bench.desired("stop") == ""
