"""What the hot path takes from the heap: nothing, while a base drives, a servo holds, lines are read, the IMU is sampled.

Only on MicroPython, whose heap can be locked: what allocates then raises MemoryError.
"""

import sys

import micropython
from rig import Rig, main
from robolink_board.board import Board
from robolink_board.encoder import Quadrature
from robolink_board.guard import Guard
from robolink_board.imu import Mpu6050

PROFILES = sys.argv[1]


def _locked(work):
    micropython.heap_lock()
    try:
        work()
    finally:
        micropython.heap_unlock()


def _board(rig, now=0):
    return Board("b", rig.parts, lambda: 7, now)


def check_lock_bites():
    try:
        _locked(lambda: [1, 2, 3])
    except MemoryError:
        return
    raise AssertionError("the heap was not locked")


def check_control_of_a_driving_base():
    rig = Rig(PROFILES + "/pico-rover.json")
    base = rig.by_name["base"]
    base._velocity((0.2, 0.7))
    step = base.step
    for _ in range(200):
        rig.world.advance(10)
        micropython.heap_lock()
        step(10)
        micropython.heap_unlock()
    assert base._linear() > 0.15 and rig.reading("base", "theta") > 0.5


class Still:
    # A bus and a converter that answer without a heap: the simulated ones compute in floats.
    def readfrom_mem_into(self, address, register, buffer):
        buffer[0] = 0x68

    def writeto_mem(self, address, register, data):
        pass


def check_sampling_of_the_imu():
    plan = {"address": 0x68, "acceleration_range_g": 2, "gyro_range_deg_s": 500}
    imu = Mpu6050("imu", Still(), plan)
    step = imu.step
    for _ in range(5):
        _locked_step(step)
    assert imu.samples == 5


def _locked_step(step):
    micropython.heap_lock()
    step(10)
    micropython.heap_unlock()


def check_ticks_of_a_whole_board_between_its_readings():
    rig = Rig(PROFILES + "/motor-board.json")
    board, now = _board(rig), 0
    rig.by_name["motor"]._velocity((2.0,))
    velocity = rig.member("motor", "velocity")
    velocity.streams, velocity.dies = True, 1000000
    guard = Guard(_NoHardware(), board.off, 250, 0)
    for tick in range(1, 100):
        rig.world.advance(10)
        now += 10
        if tick % 10 == 0:
            board.step(now)  # readings: they are written onto the heap, 10 times a second
            continue
        micropython.heap_lock()
        board.step(now)
        guard.feed(now)
        micropython.heap_unlock()
    assert rig.robot["motor"].speed > 1.5


class _NoHardware:
    pass


def check_edges_of_an_encoder():
    # A hard interrupt cannot allocate: it would be lost, and the count with it.
    class Pin:
        level = 0

        def value(self):
            return self.level

    a, b = Pin(), Pin()
    counter = Quadrature(a, b)
    counter.count = (1 << 29) - 2
    edge = counter.edge
    for step in range(40):
        a.level, b.level = ((1, 0), (1, 1), (0, 1), (0, 0))[step % 4]
        micropython.heap_lock()
        edge(a)
        micropython.heap_unlock()
    assert counter.value() == 38


def check_outputs_go_off_without_a_heap():
    # The last moment may be a MemoryError.
    rig = Rig(PROFILES + "/pico-rover.json")
    board = _board(rig)
    rig.by_name["base"]._velocity((0.2, 0.0))
    rig.run(300)
    micropython.heap_lock()
    board.off()
    micropython.heap_unlock()
    rig.world.advance(500)
    assert rig.robot["base.left"].speed == 0


main(globals())
