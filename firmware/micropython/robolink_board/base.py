"""A base on two driven wheels: velocity setpoints, drive and turn goals, odometry. The pose is from the wheels alone.

Its odometry counts in micrometres and micro-radians, so that a tick allocates nothing on a board.
"""

from robolink_board import messages
from robolink_board.component import BASE, Component
from robolink_board.member import Refused, call, field, goal, reading, setpoint, setting
from robolink_board.trig import ONE, cosine, sine, wrap

ARRIVED_M = 0.005
ARRIVED_RAD = 0.02
# Speed towards the end of a goal, per m or rad that is left.
GAIN = 2.0
SLOWEST = 0.15


class Odometry:
    # Pose from the counts of both wheels; um and urad, with what the divisions leave over kept.
    def __init__(self, counts_per_turn, radius_m, track_m):
        self._per_turn = counts_per_turn
        self._round_um = int(2 * 3.141592653589793 * radius_m * 1e6 + 0.5)
        self._track_um = int(track_m * 1e6 + 0.5)
        self.reset()

    def reset(self):
        self.x = self.y = self.theta = 0
        self._way_rest = self._turn_rest = self._angle_rest = self._x_rest = self._y_rest = 0

    def add(self, left, right):
        # Counts since the last one; how far it went, um.
        if not left and not right:
            return 0
        way = (left + right) * self._round_um + self._way_rest
        step = way // (2 * self._per_turn)
        self._way_rest = way - step * 2 * self._per_turn
        turn = (right - left) * self._round_um + self._turn_rest
        difference = turn // self._per_turn
        self._turn_rest = turn - difference * self._per_turn
        # urad = um of difference * 1e6 / track; in two parts, so that no product grows over 2**30.
        rough = difference * 1000 // self._track_um
        fine = (difference * 1000 - rough * self._track_um) * 1000 + self._angle_rest
        change = fine // self._track_um
        self._angle_rest = fine - change * self._track_um
        change += rough * 1000
        middle = self.theta + change // 2
        x = step * cosine(middle) + self._x_rest
        y = step * sine(middle) + self._y_rest
        self.x += x // ONE
        self.y += y // ONE
        self._x_rest, self._y_rest = x % ONE, y % ONE
        self.theta = wrap(self.theta + change)
        return step


class DifferentialBase(Component):
    type = BASE
    moves = True

    def __init__(self, name, left, right, odometry, geometry, description="two driven wheels"):
        # geometry: radius_m, track_m, max_speed_m_s, max_turn_rad_s.
        self.name, self.description = name, description
        self._left, self._right, self.odometry = left, right, odometry
        self._radius, self._track = geometry["wheel_radius_m"], geometry["track_m"]
        self.can_cut = left.can_cut and right.can_cut
        self._distance = 0
        most, turn = geometry["max_speed_m_s"], geometry["max_turn_rad_s"]
        self.max_speed, self.max_turn_rate = most / 2, turn / 2
        # mrad/s of a wheel for 1 m/s and for 1 rad/s of the base.
        self._per_m_s = 1000 / self._radius
        self._per_rad_s = 1000 * self._track / 2 / self._radius
        self.members = self._settings(most, turn) + self._measured() + self._orders(most, turn)

    def _settings(self, most, turn):
        def set_speed(value):
            self.max_speed = value

        def set_turn(value):
            self.max_turn_rate = value

        return (
            setting(
                "max_speed",
                lambda: self.max_speed,
                set_speed,
                unit="m/s",
                minimum=most / 100,
                maximum=most,
                default=self.max_speed,
            ),
            setting(
                "max_turn_rate",
                lambda: self.max_turn_rate,
                set_turn,
                unit="rad/s",
                minimum=turn / 100,
                maximum=turn,
                default=self.max_turn_rate,
            ),
        )

    def _measured(self):
        place = self.odometry
        return (
            reading("x", lambda: place.x / 1e6, unit="m", description="by its wheels, from where it began"),
            reading("y", lambda: place.y / 1e6, unit="m"),
            reading("theta", lambda: place.theta / 1e6, unit="rad"),
            reading("linear_x", self._linear, unit="m/s", description="measured"),
            reading("angular_z", self._angular, unit="rad/s", description="measured"),
            reading("distance", lambda: self._distance / 1e6, unit="m", description="driven so far"),
            reading(
                "fault",
                self._fault,
                changes=True,
                type=messages.STRING,
                description="of a wheel; empty: none",
            ),
        )

    def _orders(self, most, turn):
        return (
            goal(
                "drive",
                self._drive,
                args=(field("distance", unit="m", minimum=-50, maximum=50),),
                results=(field("distance", unit="m", description="measured"),),
                max_duration_ms=300000,
                description="straight on, back when negative, and stand",
            ),
            goal(
                "turn",
                self._turn,
                args=(field("angle", unit="rad", minimum=-31.5, maximum=31.5),),
                results=(field("angle", unit="rad", description="measured"),),
                description="on the spot, to the left when positive",
            ),
            setpoint(
                "velocity",
                self._velocity,
                args=(
                    field("linear_x", unit="m/s", minimum=-most, maximum=most),
                    field("angular_z", unit="rad/s", minimum=-turn, maximum=turn),
                ),
                description="drive so while setpoints come",
            ),
            call(
                "reset_pose",
                self._reset_pose,
                description="here is x 0, y 0, theta 0; refused while it drives",
            ),
        )

    def _want(self, linear, angular):
        # As a vector: a limit makes it slower on the same curve.
        over = max(abs(linear) / self.max_speed, abs(angular) / self.max_turn_rate, 1.0)
        forward, turn = linear / over * self._per_m_s, angular / over * self._per_rad_s
        self._left.want(int(forward - turn))
        self._right.want(int(forward + turn))

    def _velocity(self, values):
        self._want(values[0], values[1])

    def _drive(self, run, distance):
        began, heading, sign = self._distance_signed(), self.odometry.theta, 1 if distance > 0 else -1
        try:
            while True:
                self._raise_fault()
                driven = self._distance_signed() - began
                left = (distance - driven) * sign
                if left <= ARRIVED_M:
                    self._want(0.0, 0.0)
                    if self.standstill():
                        return (driven,)
                else:
                    run.feedback("driving", max(0.0, min(1.0, 1.0 - left / (distance * sign))))
                    slow = max(GAIN * left, SLOWEST * self.max_speed)
                    # Keeps the heading that it began with: two wheels are never quite alike.
                    error = wrap(heading - self.odometry.theta) / 1e6
                    self._want(sign * min(self.max_speed, slow), GAIN * error)
                yield
        finally:
            self.safe()

    def _turn(self, run, angle):
        turned, last, sign = 0, self.odometry.theta, 1 if angle > 0 else -1
        try:
            while True:
                self._raise_fault()
                turned += wrap(self.odometry.theta - last)
                last = self.odometry.theta
                left = (angle - turned / 1e6) * sign
                if left <= ARRIVED_RAD / 2:
                    self._want(0.0, 0.0)
                    if self.standstill():
                        return (turned / 1e6,)
                else:
                    run.feedback("turning", max(0.0, min(1.0, 1.0 - left / (angle * sign))))
                    slow = max(GAIN * left, SLOWEST * self.max_turn_rate)
                    self._want(0.0, sign * min(self.max_turn_rate, slow))
                yield
        finally:
            self.safe()

    def _reset_pose(self):
        if not self.standstill():
            raise Refused(messages.BUSY, "%s drives" % self.name)
        self.odometry.reset()

    def _raise_fault(self):
        fault = self._fault()
        if fault:
            raise OSError(fault)

    def _fault(self):
        return self._left.fault or self._right.fault

    def _distance_signed(self):
        return (self._left.position() + self._right.position()) / 2 * self._radius

    def _linear(self):
        return (self._left.speed() + self._right.speed()) / 2 * self._radius

    def _angular(self):
        return (self._right.speed() - self._left.speed()) * self._radius / self._track

    def step(self, ms):
        left, right = self._left, self._right
        left.update(ms)
        right.update(ms)
        # One wheel alone would turn it in circles.
        if left.fault and not right.fault:
            right.want(0)
        elif right.fault and not left.fault:
            left.want(0)
        way = self.odometry.add(left.counts_moved(), right.counts_moved())
        self._distance += way if way >= 0 else -way

    def safe(self):
        self._left.want(0)
        self._right.want(0)

    def cut(self):
        self._left.cut()
        self._right.cut()

    def off(self):
        try:
            self._left.off()
        finally:
            self._right.off()

    def standstill(self):
        return self._left.standstill() and self._right.standstill()
