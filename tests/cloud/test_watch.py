"""The watcher by itself, in injected time: pages, where it goes on, what it does about each way a watch can end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from robolink.cloud._errors import ApiStatusError
from robolink.cloud._watch import ABSENT_AGAIN_S, AGAIN_MAX_S, Ask, Change, Watcher
from robolink.errors import ConnectionLostError


def watcher(**more: Any) -> Watcher:
    return Watcher("default", "devices", jitter=lambda: 1.0, **more)


def query(ask: Ask | float) -> dict[str, list[str]]:
    assert isinstance(ask, Ask)
    return parse_qs(urlsplit(ask.path).query)


def page(*names: str, version: str = "7", more: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": version} | ({"continue": more} if more else {})
    return {"metadata": metadata, "items": [{"metadata": {"name": name}} for name in names]}


def event(kind: str, name: str = "a", version: str = "8") -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}


def listed() -> Watcher:
    made = watcher()
    made.page(page("a"))
    return made


def test_a_list_in_pages_is_one_change() -> None:
    made = watcher(selector="robolink.io/model=x")
    first = made.next(0.0)
    assert isinstance(first, Ask) and first.verb == "list"
    assert query(first)["labelSelector"] == ["robolink.io/model=x"]
    assert made.page(page("a", more="next")) is None
    assert query(made.next(0.0))["continue"] == ["next"]
    assert not made.listed
    change = made.page(page("b"))
    assert change is not None and change.everything
    assert [each["metadata"]["name"] for each in change.put] == ["a", "b"]
    assert made.listed


def test_a_watch_goes_on_from_the_last_version_heard_bookmarks_too() -> None:
    made = listed()
    assert query(made.next(0.0))["resourceVersion"] == ["7"]
    assert made.event(event("MODIFIED", version="9")) == Change(
        put=[event("MODIFIED", version="9")["object"]]
    )
    assert made.event(event("BOOKMARK", version="12")) is None
    assert made.event(event("DELETED", version="13")) == Change(removed="a")
    made.ended(5.0)
    wait = made.next(5.0)
    assert isinstance(wait, float) and wait > 5.0, "not in a tight loop"
    assert query(made.next(wait))["resourceVersion"] == ["13"]
    assert made.event(event("RENAMED")) is None
    assert made.counters["unknown_events"] == 1


def test_gone_means_a_list_at_once_as_status_and_as_event() -> None:
    made = listed()
    made.failed(ApiStatusError("too old", status=410), 3.0)
    ask = made.next(3.0)
    assert isinstance(ask, Ask) and ask.verb == "list"
    made.page(page("a", version="20"))
    error = {
        "type": "ERROR",
        "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"},
    }
    with pytest.raises(ApiStatusError) as caught:
        made.event(error)
    made.failed(caught.value, 4.0)
    again = made.next(4.0)
    assert isinstance(again, Ask) and again.verb == "list"
    assert made.counters["gone"] == 2 and made.error is None


def test_failures_wait_longer_each_time_and_keep_the_place() -> None:
    made, now, waits = listed(), 0.0, []
    for _ in range(9):
        made.failed(ConnectionLostError("broke"), now)
        at = made.next(now)
        assert isinstance(at, float)
        waits.append(at - now)
        now = at
    assert waits == sorted(waits) and waits[-1] == AGAIN_MAX_S
    assert made.error is not None
    assert query(made.next(now))["resourceVersion"] == ["7"]
    made.event(event("MODIFIED"))
    assert made.error is None
    made.failed(ApiStatusError("busy", status=429, retry_after_s=17.0), now)
    assert made.next(now) == now + 17.0


def test_a_resource_that_is_not_there_is_looked_for_again() -> None:
    for optional in (True, False):
        made = watcher(optional=optional)
        made.failed(ApiStatusError("no such resource", status=404), 0.0)
        assert made.next(0.0) == ABSENT_AGAIN_S
        assert made.listed is optional
        ask = made.next(ABSENT_AGAIN_S)
        assert isinstance(ask, Ask) and ask.verb == "list"


def test_an_expired_page_begins_the_list_anew() -> None:
    made = watcher()
    made.page(page("a", more="next"))
    made.failed(ApiStatusError("expired", status=410), 0.0)
    assert "continue" not in query(made.next(0.0))
    change = made.page(page("b"))
    assert change is not None and [each["metadata"]["name"] for each in change.put] == ["b"]
