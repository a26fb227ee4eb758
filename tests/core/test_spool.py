"""What is kept for an absent peer: in order, bounded, the least worthy goes first and is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink.core.spool import Rank, Spool

ITEMS = st.lists(st.tuples(st.sampled_from(Rank), st.integers()), max_size=60)


@given(ITEMS, st.integers(1, 20))
def test_what_is_kept_comes_back_in_order_and_the_rest_is_counted(
    items: list[tuple[Rank, int]], limit: int
) -> None:
    spool: Spool[tuple[int, Rank]] = Spool(limit)
    for place, (rank, _) in enumerate(items):
        spool.put(rank, (place, rank))
    dropped = sum(spool.dropped.values())
    kept = spool.take_all()
    assert len(kept) + dropped == len(items) and len(kept) <= limit
    assert kept == sorted(kept)
    assert not len(spool) and spool.take_all() == []


@given(ITEMS, st.integers(1, 20))
def test_an_event_goes_only_when_nothing_else_is_left_to_go(
    items: list[tuple[Rank, int]], limit: int
) -> None:
    spool: Spool[Rank] = Spool(limit)
    for rank, _ in items:
        spool.put(rank, rank)
        kept = spool.dropped[Rank.EVENT]
    if items and kept:
        events = sum(rank is Rank.EVENT for rank, _ in items)
        assert events > limit, "an event was dropped although lower ones could have gone"


def test_a_spool_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        Spool(0)
