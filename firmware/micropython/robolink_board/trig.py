"""Sine in integers for odometry: micro-radians in, sine times 2**14 out; right to 1 in 10,000. Allocates nothing."""

import math
from array import array

TURN = 6283185
QUARTER = TURN // 4
ONE = 1 << 14
STEPS = 128
_TABLE = array("h", [round(ONE * math.sin(math.pi / 2 * at / STEPS)) for at in range(STEPS + 1)] + [ONE])


def wrap(angle):
    # Into -half a turn .. half a turn.
    angle %= TURN
    return angle - TURN if angle > TURN // 2 else angle


def sine(angle):
    angle %= TURN
    sign = 1
    if angle >= 2 * QUARTER:
        angle, sign = angle - 2 * QUARTER, -1
    if angle > QUARTER:
        angle = max(2 * QUARTER - angle, 0)
    place = angle * STEPS
    at, rest = place // QUARTER, place % QUARTER
    low = _TABLE[at]
    return sign * (low + (_TABLE[at + 1] - low) * (rest >> 10) // (QUARTER >> 10))


def cosine(angle):
    return sine(angle + QUARTER)
