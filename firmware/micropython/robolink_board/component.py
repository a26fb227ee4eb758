"""What every component has, and the types of the standard. A component moves things; whether it may is board.py's to say."""

BASE, ARM, GRIPPER, MOTOR, SERVO, SENSOR, IMU, BATTERY, CAMERA, GPIO, GENERIC = range(1, 12)


class Component:
    name = ""
    type = GENERIC
    description = ""
    members = ()
    # Whether it can move anything at all, and whether it can take the power from what moves.
    moves = False
    can_cut = False
    # Why nothing of this board may move now, in words; empty: it may.
    forbids = ""

    def step(self, ms):
        # Once a tick, with the milliseconds since the last one. Allocates nothing where that can be helped.
        pass

    def safe(self):
        # Decelerate and hold; `step` is called on.
        pass

    def off(self):
        # Outputs to their safe level at once: the program ends or hangs, and no step comes after this. May be called
        # at any moment, also within an exception or a timer.
        self.cut()

    def cut(self):
        # Take the power from what moves. The next order to move brings it back, nothing else does.
        self.safe()

    def standstill(self):
        # As measured.
        return True
