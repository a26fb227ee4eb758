"""Begins the program of a simulated board as a board does: the robot is wired up, then boot.py, then main.py.

`micropython -i start.py [boot]`; with `boot` no main.py, as after a soft reset from a raw REPL.
"""

import os
import sys

_here = __file__.rsplit("/", 1)[0]
# As on a board: the root, what is frozen in, lib; behind them the chip.
sys.path[:] = ["", ".frozen", "lib", _here]


def _wire():
    # By the simulator's own copy of the checks: what lies in the flash may be broken.
    from world import world

    path = list(sys.path)
    sys.path[:] = [os.getenv("ROBOLINK_CHIP_FIRMWARE") or "", _here]
    try:
        from robolink_board import profile
        from wiring import wire_up

        wire_up(world, profile.load("profile.json"))
    except Exception:
        # No profile, or one that cannot be: a bench without a robot. The firmware has the words for it.
        world.clear()
    for name in [each for each in sys.modules if each.startswith("robolink_board")]:
        sys.modules.pop(name)
    sys.path[:] = path


def _run(name):
    try:
        os.stat(name)
    except OSError:
        return
    execfile(name, globals())  # noqa: F821  # MicroPython's


_wire()
_run("boot.py")
if sys.argv[1:] != ["boot"]:
    _run("main.py")
