"""An arm of hobby servos: move_to goals and joint velocity setpoints, each joint on a ramp of its own speed.

A hobby servo tells nothing: its position is where its pulses have led it, and named so. Nobody knows where it stands before
its first order, so there are no pulses before that. A joint with a potentiometer tells what it measures.
"""

from robolink_board.component import ARM, SERVO, Component
from robolink_board.member import field, goal, reading, setpoint, setting

PERIOD_US = 20000
ARRIVED_RAD = 0.002


class Joint:
    def __init__(self, pwm, plan, measure=None):
        # plan: name, minimum_us, maximum_us, minimum_rad, maximum_rad, home_rad, max_speed_rad_s.
        self.name = plan["name"]
        self.minimum, self.maximum = plan["minimum_rad"], plan["maximum_rad"]
        self.max_speed = plan["max_speed_rad_s"]
        self.measure = measure
        self._pwm = pwm
        self._low_us = plan["minimum_us"]
        self._us_per_rad = (plan["maximum_us"] - plan["minimum_us"]) / (self.maximum - self.minimum)
        self.attached = False
        # Where the pulses lead; measured where it can be.
        self.place = measure() if measure else plan["home_rad"]
        self.target = self.place

    def step(self, ms, speed):
        most = speed * ms / 1000
        self.place += max(-most, min(most, self.target - self.place))
        if self.attached:
            self._pulse()

    def attach(self):
        if not self.attached:
            if self.measure:
                self.place = max(self.minimum, min(self.maximum, self.measure()))
            self.attached = True
            self._pulse()

    def release(self):
        self.attached = False
        self.target = self.place
        self._pwm.duty_u16(0)

    def hold(self):
        self.target = self.place

    def _pulse(self):
        microseconds = self._low_us + (self.place - self.minimum) * self._us_per_rad
        self._pwm.duty_u16(int(microseconds * 65535 / PERIOD_US + 0.5))

    def position(self):
        return self.measure() if self.measure else self.place


class ServoArm(Component):
    moves = True
    # Without its pulses a hobby servo gives way.
    can_cut = True

    def __init__(self, name, joints, at_end="hold", description="an arm of hobby servos"):
        # at_end: "hold" keeps the pulses when the program ends, "release" takes them away.
        self.name, self.description = name, description
        self.type = ARM if len(joints) > 1 else SERVO
        self._joints, self._at_end = joints, at_end
        self._rates = [0.0] * len(joints)
        self.speed_fraction = 0.5
        self.members = [
            setting(
                "speed_fraction",
                lambda: self.speed_fraction,
                self._set_fraction,
                unit="1",
                minimum=0.05,
                maximum=1.0,
                default=0.5,
                description="of each joint's greatest speed",
            )
        ]
        self.members.extend(self._reading(joint) for joint in joints)
        self.members.extend(self._orders(joints))

    def _orders(self, joints):
        return (
            goal(
                "move_to",
                self._move_to,
                args=[field(j.name, unit="rad", minimum=j.minimum, maximum=j.maximum) for j in joints],
                results=[field(j.name, unit="rad") for j in joints],
                description="all joints, together at the end; the first order after power-up may jump",
            ),
            setpoint(
                "velocity",
                self._velocity,
                args=[field(j.name, unit="rad/s", minimum=-j.max_speed, maximum=j.max_speed) for j in joints],
                description="turn at these speeds while setpoints come",
            ),
        )

    @staticmethod
    def _reading(joint):
        said = "measured" if joint.measure else "where its pulses have led it; not measured"
        # Not the joint's plain name: an argument may have that, a property of a component not the method's.
        return reading(joint.name + "_position", joint.position, unit="rad", description=said)

    def _set_fraction(self, value):
        self.speed_fraction = value

    def _speed(self, joint):
        return joint.max_speed * self.speed_fraction

    def _move_to(self, run, *targets):
        joints = self._joints
        for joint in joints:
            joint.attach()
        for at, joint in enumerate(joints):
            joint.target = targets[at]
        slowest = max(abs(j.target - j.place) / self._speed(j) for j in joints)
        for at, joint in enumerate(joints):
            # Joints with a shorter way go slower: all arrive together.
            self._rates[at] = abs(joint.target - joint.place) / slowest if slowest else 0.0
        try:
            while True:
                left = max(abs(j.target - j.place) / self._speed(j) for j in joints)
                if left * max(self._speed(j) for j in joints) <= ARRIVED_RAD:
                    return tuple(joint.position() for joint in joints)
                run.feedback("moving", max(0.0, min(1.0, 1.0 - left / slowest)))
                yield
        finally:
            self.safe()

    def _velocity(self, values):
        for at, joint in enumerate(self._joints):
            rate = values[at]
            self._rates[at] = min(abs(rate), self._speed(joint))
            if rate > 0:
                joint.target = joint.maximum
            elif rate < 0:
                joint.target = joint.minimum
            else:
                joint.hold()
            if rate:
                joint.attach()

    def step(self, ms):
        for at in range(len(self._joints)):
            joint = self._joints[at]
            if joint.target != joint.place:
                joint.step(ms, self._rates[at])

    def safe(self):
        for joint in self._joints:
            joint.hold()

    def cut(self):
        for joint in self._joints:
            joint.release()

    def off(self):
        if self._at_end == "release":
            self.cut()
        else:
            self.safe()

    def standstill(self):
        for joint in self._joints:
            if abs(joint.target - joint.place) > ARRIVED_RAD:
                return False
        return True
