"""The guard: a loop that hangs, a watchdog that nobody feeds, a REPL that must live, a Ctrl-C at the worst moment."""

import sys

from rig import Rig, main, near
from robolink_board import guard, hardware

PROFILES = sys.argv[1]


class Driving:
    def __init__(self):
        self.rig = Rig(PROFILES + "/pico-rover.json")
        self.world = self.rig.world
        self.base = self.rig.by_name["base"]
        self.base._velocity((0.25, 0.0))
        self.guard = guard.Guard(hardware, self.base.off, 250, 2000, clock=lambda: self.world.now_ms)
        self.guard.start()
        for _ in range(50):
            self.rig.run(10)
            self.guard.feed(self.world.now_ms)
        assert self.speed() > 1

    def speed(self):
        return self.rig.robot["base.left"].speed


def check_hanging_loop_is_stopped_first_and_reset_later():
    on = Driving()
    on.world.advance(240)
    assert on.speed() > 1, "not late yet"
    on.world.advance(400)
    assert on.speed() == 0 and on.guard.late == 1
    assert not on.world.bitten
    on.world.advance(1500)
    assert on.world.bitten
    assert on.guard.late == 1, "one hang is counted once"


def check_fed_loop_is_left_alone():
    on = Driving()
    for _ in range(500):
        on.rig.run(10)
        on.guard.feed(on.world.now_ms)
    assert on.guard.late == 0 and not on.world.bitten
    near(on.rig.reading("base", "linear_x"), 0.25, 0.02)


def check_after_the_end_the_repl_lives():
    on = Driving()
    on.base.off()
    on.guard.end()
    on.world.advance(30000)
    assert not on.world.bitten and on.speed() == 0


def check_boot_feeds_until_the_program_does():
    rig = Rig(PROFILES + "/pico-rover.json")
    guard.boot(hardware, 2000)
    rig.world.advance(10000)
    assert not rig.world.bitten
    made = guard.Guard(hardware, lambda: None, 250, 2000, clock=lambda: rig.world.now_ms)
    made.start()
    rig.world.advance(2500)
    assert rig.world.bitten, "who has begun must feed"


def check_profile_without_a_watchdog_has_none():
    rig = Rig(PROFILES + "/pico-rover.json")
    guard.boot(hardware, 0)
    guard.Guard(hardware, lambda: None, 250, 0, clock=lambda: rig.world.now_ms).start()
    rig.world.advance(60000)
    assert not rig.world.bitten


def check_second_ctrl_c_does_not_keep_outputs_on():
    on, tries = Driving(), []

    def off():
        tries.append(1)
        if len(tries) == 1:
            raise KeyboardInterrupt
        on.base.off()

    guard.uninterrupted(off)
    on.world.advance(500)
    assert len(tries) == 2 and on.speed() == 0


main(globals())
