"""One motor as a component: a goal that turns it, a velocity setpoint, and what its encoder measures.

It orders speeds and reads what the hardware measured; whether it may move at all is board.py's to say.
"""

from robolink_board.component import MOTOR, Component
from robolink_board.member import field, goal, reading, setpoint, setting

POSITION_TOLERANCE = 0.01
GAIN = 5.0


class Motor(Component):
    type = MOTOR
    moves = True

    def __init__(self, hardware, name="motor", description="a motor with an encoder", **limits):
        # limits: max_speed (rad/s), max_position (rad, either way), tolerance (rad).
        self.hardware = hardware
        self.name, self.description = name, description
        self.can_cut = getattr(hardware, "can_cut", False)
        self._tolerance = limits.get("tolerance", POSITION_TOLERANCE)
        most, way = limits.get("max_speed", 10.0), limits.get("max_position", 100.0)
        self.max_speed = most / 5
        self.members = (
            setting(
                "max_speed",
                lambda: self.max_speed,
                self._set_max_speed,
                unit="rad/s",
                minimum=most / 100,
                maximum=most,
                description="of turn_to and of the velocity setpoint",
                default=self.max_speed,
            ),
            reading("position", hardware.position, unit="rad", description="measured"),
            reading("speed", hardware.speed, unit="rad/s", description="measured"),
            goal(
                "turn_to",
                self._turn_to,
                args=(field("position", unit="rad", minimum=-way, maximum=way),),
                results=(field("position", unit="rad", description="measured at the end"),),
                description="turn to a position and hold it",
            ),
            setpoint(
                "velocity",
                self._velocity,
                args=(field("velocity", unit="rad/s", minimum=-most, maximum=most),),
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
                self._raise_fault()
                error = position - self.hardware.position()
                if abs(error) <= self._tolerance and self.standstill():
                    return (self.hardware.position(),)
                run.feedback("turning", max(0.0, min(1.0, 1.0 - abs(error) / way)))
                self._drive(0.0 if abs(error) <= self._tolerance / 2 else GAIN * error)
                yield
        finally:
            self.hardware.drive(0.0)

    def _raise_fault(self):
        fault = getattr(self.hardware, "fault", "")
        if fault:
            raise OSError(fault)

    def step(self, ms):
        self.hardware.update(ms)

    def safe(self):
        self.hardware.drive(0.0)

    def cut(self):
        self.hardware.cut()

    def off(self):
        self.hardware.off()

    def standstill(self):
        return self.hardware.standstill()
