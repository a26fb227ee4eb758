"""A profile's parts on the simulated chip, in injected time. Runs on MicroPython and on CPython, so it asks little of either."""

import sys

from robolink_board import build, hardware, profile
from wiring import wire_up
from world import world

TICK_MS = 10


class Rig:
    def __init__(self, given, change=None):
        # given: the path of a profile, or one as data; `change(plan)` before it is built.
        world.clear()
        world.manual = True
        self.plan = profile.load(given) if isinstance(given, str) else profile.check(given)
        if change:
            change(self.plan)
        self.world = world
        self.robot = wire_up(world, self.plan)
        build.safe_pins(self.plan, hardware)
        self.parts = build.components(self.plan, hardware)
        self.by_name = {part.name: part for part in self.parts}

    def run(self, ms, each=None):
        for _ in range(ms // TICK_MS):
            world.advance(TICK_MS)
            for part in self.parts:
                part.step(TICK_MS)
            if each:
                each()

    def member(self, part, name):
        for one in self.by_name[part].members:
            if one.field["name"] == name:
                return one
        raise KeyError(name)

    def reading(self, part, name):
        return self.member(part, name).get()

    def goal(self, part, name, *args, most_ms=20000):
        # Runs it to its end: results and how long it took.
        told = Told()
        work, began = self.member(part, name).run(told, *args), world.now_ms
        while world.now_ms - began < most_ms:
            try:
                next(work)
            except StopIteration as end:
                return end.value, world.now_ms - began, told
            self.run(TICK_MS)
        raise AssertionError("%s is not over after %d ms" % (name, most_ms))

    def level(self, pin):
        return world.wire(pin).part()


class Told:
    def __init__(self):
        self.progress = []

    def feedback(self, phase, progress):
        self.progress.append(progress)


def near(value, wanted, tolerance):
    assert abs(value - wanted) <= tolerance, "%s is not within %s of %s" % (value, tolerance, wanted)


def raises(kind, words, work):
    try:
        work()
    except kind as error:
        assert words in str(error), str(error)
        return error
    raise AssertionError("no %s" % words)


def main(checks):
    # `checks` is a module's globals(): every function that begins with check_, each by itself.
    names = sorted(name for name in checks if name.startswith("check_"))
    for name in names:
        checks[name]()
    print(sys.implementation.name, len(names))
