"""One motor as a component: two settings-and-readings' worth of it, a goal that turns it, a velocity setpoint.

It orders speeds and reads what the hardware measured; whether it may move at all is board.py's to say.
"""

from robolink_board.component import MOTOR, Component
from robolink_board.member import field, goal, reading, setpoint, setting

POSITION_TOLERANCE = 0.01
STANDSTILL_SPEED = 0.02
GAIN = 5.0


class Motor(Component):
    name = "motor"
    type = MOTOR
    description = "a motor with an encoder"
    moves = True

    def __init__(self, hardware):
        self.hardware = hardware
        self.max_speed = 2.0
        self.members = (
            setting(
                "max_speed",
                lambda: self.max_speed,
                self._set_max_speed,
                unit="rad/s",
                minimum=0.1,
                maximum=10.0,
                description="of turn_to and of the velocity setpoint",
                default=2.0,
            ),
            reading("position", hardware.position, unit="rad", description="measured"),
            reading("speed", hardware.speed, unit="rad/s", description="measured"),
            goal(
                "turn_to",
                self._turn_to,
                args=(field("position", unit="rad", minimum=-100, maximum=100),),
                results=(field("position", unit="rad", description="measured at the end"),),
                description="turn to a position and hold it",
            ),
            setpoint(
                "velocity",
                self._velocity,
                args=(field("velocity", unit="rad/s", minimum=-10, maximum=10),),
                description="turn at this speed while setpoints come",
            ),
        )

    def _set_max_speed(self, value):
        self.max_speed = value

    def _drive(self, speed):
        self.hardware.drive(max(-self.max_speed, min(self.max_speed, speed)))

    def _velocity(self, values):
        self._drive(values[0])

    def _turn_to(self, run, position):
        start = self.hardware.position()
        way = abs(position - start) or 1.0
        try:
            while True:
                error = position - self.hardware.position()
                if abs(error) <= POSITION_TOLERANCE and self.standstill():
                    return (self.hardware.position(),)
                run.feedback("turning", max(0.0, min(1.0, 1.0 - abs(error) / way)))
                self._drive(0.0 if abs(error) <= POSITION_TOLERANCE / 2 else GAIN * error)
                yield
        finally:
            self.hardware.drive(0.0)

    def step(self, ms):
        self.hardware.update(ms)

    def safe(self):
        self.hardware.drive(0.0)

    def standstill(self):
        return abs(self.hardware.speed()) < STANDSTILL_SPEED
