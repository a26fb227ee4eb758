"""Two links under faults that Hypothesis chooses, and some seconds of the soak: nothing lost, nothing twice, healed in 1 s."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.core.link_soak import soak
from tests.core.link_world import BAD, CLEAN, World

SIDES = st.sampled_from(["host", "board"])


class LinkMachine(RuleBasedStateMachine):
    """Rules are what may happen; World checks."""

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        self.world = World(seed)

    @rule(side=SIDES, long=st.booleans(), times=st.integers(1, 5))
    def say(self, side: str, long: bool, times: int) -> None:
        for _ in range(times):
            self.world.owners[side].say(long)

    @rule(by=st.floats(0, 4))
    def faults(self, by: float) -> None:
        self.world.set_rates(BAD.scaled(by))

    @rule()
    def clean(self) -> None:
        self.world.set_rates(CLEAN)

    @rule(seconds=st.floats(0, 0.5))
    def stuck(self, seconds: float) -> None:
        self.world.stuck(seconds)

    @rule(side=SIDES)
    def reset(self, side: str) -> None:
        self.world.reset(side)

    @rule()
    def stop(self) -> None:
        self.world.stop()

    @rule()
    def image(self) -> None:
        self.world.send_image()

    @rule(seconds=st.floats(0.001, 0.4))
    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule()
    def heal(self) -> None:
        self.world.heal()

    @invariant()
    def queues_are_bounded(self) -> None:
        if hasattr(self, "world"):
            for owner in self.world.owners.values():
                assert len(owner.link._session.window) <= 64

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.heal()


TestLinkMachine = LinkMachine.TestCase
TestLinkMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("seed", range(3))
def test_a_while_of_the_soak(seed: int) -> None:
    told = soak(seed, 40.0)
    assert told.resets and told.faults and told.messages > 100
