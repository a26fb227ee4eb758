"""The controller: its step response in injected time, its ramp, what it does at its limits; the numbers it may use."""

import sys

from rig import Rig, main, near
from robolink_board.encoder import WRAP, Measured, Quadrature
from robolink_board.pid import FULL, Pid
from robolink_board.trig import ONE, TURN, cosine, sine

PROFILES = sys.argv[1]


def _response(rig, speed, ms):
    wheel, seen = rig.by_name["motor"].hardware, []
    wheel.drive(speed)
    rig.run(ms, lambda: seen.append(rig.robot["motor"].speed))
    return seen


def check_step_response():
    rig = Rig(PROFILES + "/motor-board.json")
    seen = _response(rig, 5.0, 2000)
    rise = [at for at, speed in enumerate(seen) if speed >= 4.5][0] * 10
    assert 200 <= rise <= 400, "rises with its ramp of 20 rad/s2, not at once and not for ever: %d ms" % rise
    assert max(seen) <= 5.0 * 1.15, "overshoots by %.2f" % (max(seen) / 5.0)
    for speed in seen[100:]:
        near(speed, 5.0, 0.1)
    near(rig.reading("motor", "speed"), 5.0, 0.1)
    down = _response(rig, 0.0, 1000)
    assert down[-1] == 0.0
    assert rig.level(2) == rig.level(3) == 1.0, "brakes: both inputs of its driver are high"


def check_backwards_is_the_same():
    seen = _response(Rig(PROFILES + "/motor-board.json"), -5.0, 2000)
    near(seen[-1], -5.0, 0.1)
    assert min(seen) >= -5.0 * 1.15


def check_load_is_made_up_for():
    rig = Rig(PROFILES + "/motor-board.json")
    _response(rig, 5.0, 1500)
    rig.robot["motor"].load = 0.2
    sagging = _response(rig, 5.0, 100)
    assert min(sagging) < 4.6
    near(_response(rig, 5.0, 1500)[-1], 5.0, 0.1)


def check_slow_and_uneven_ticks():
    rig = Rig(PROFILES + "/motor-board.json")
    wheel = rig.by_name["motor"].hardware
    wheel.drive(4.0)
    for ms in (10, 30, 10, 60, 20, 10, 40, 10, 15, 25) * 10:
        rig.world.advance(ms)
        wheel.update(ms)
    near(rig.robot["motor"].speed, 4.0, 0.15)


def check_saturated_it_does_not_wind_up():
    pid = Pid(0.02, 0.5, 0.0, 0.05, 1000)
    pid.wanted = 50000
    for _ in range(500):
        pid.step(0, 10)
    assert pid.duty == FULL
    pid.wanted = 0
    steps = 0
    while pid.step(1000, 10) > 0:
        steps += 1
        assert steps < 30, "still full of what it summed up"


def check_derivative_brakes_a_rise():
    duties = []
    for kd in (0.0, 0.002):
        pid = Pid(0.02, 0.0, kd, 0.0, 1000)
        pid.wanted = 5000
        for speed in (0, 1000, 2000, 3000):
            duty = pid.step(speed, 10)
        duties.append(duty)
    assert duties[1] < duties[0]


def check_nothing_wanted_and_standing_is_nothing():
    pid = Pid(0.02, 0.5, 0.0, 0.05, 20)
    pid.wanted = 2000
    for _ in range(50):
        pid.step(500, 10)
    pid.wanted = 0
    for _ in range(50):
        pid.step(0, 10)
    assert pid.duty == 0


class Pin:
    def __init__(self):
        self.level = 0

    def value(self):
        return self.level


def check_quadrature_counts_all_four_edges_both_ways_and_wraps():
    a, b = Pin(), Pin()
    counter = Quadrature(a, b)
    phases = ((1, 0), (1, 1), (0, 1), (0, 0))
    for _ in range(3):
        for a.level, b.level in phases:
            counter.edge(None)
    assert counter.value() == 12
    for a.level, b.level in ((0, 1), (1, 1), (1, 0), (0, 0)) * 5:
        counter.edge(None)
    assert counter.value() == WRAP + 1 - 8, "below zero it wraps"
    a.level, b.level = 1, 1
    counter.edge(None)
    assert counter.value() == WRAP + 1 - 8, "a jump over two edges has no direction"


class Source:
    def __init__(self, count):
        self.count = count

    def value(self):
        return self.count & WRAP


def check_position_and_speed_go_on_across_the_wrap():
    source = Source(WRAP - 20)
    measured = Measured(source, 1000)
    for _ in range(10):
        source.count += 10
        measured.step(10)
    assert measured.counts == 100
    near(measured.speed, 1000 * 6.2832, 7)
    for _ in range(20):
        source.count -= 10
        measured.step(10)
    assert measured.counts == -100
    near(measured.speed, -1000 * 6.2832, 7)
    for _ in range(5):
        measured.step(10)
    assert measured.speed == 0


def check_sine_is_right_all_around():
    import math

    for angle in range(-TURN, TURN, 9973):
        near(sine(angle) / ONE, math.sin(angle / 1e6), 2e-4)
        near(cosine(angle) / ONE, math.cos(angle / 1e6), 2e-4)


main(globals())
