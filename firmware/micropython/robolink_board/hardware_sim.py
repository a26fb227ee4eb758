"""A simulated motor with an encoder, for boards that have none; also the pattern for a real one. No rules here."""

STANDSTILL_SPEED = 0.02


class SimMotor:
    # drive() orders a speed; position() and speed() are what its encoder measures.
    acceleration = 20.0

    def __init__(self):
        self._target = self._speed = self._position = 0.0

    def drive(self, speed):
        self._target = float(speed)

    def update(self, ms):
        dt_s = ms / 1000
        change = max(-self.acceleration * dt_s, min(self.acceleration * dt_s, self._target - self._speed))
        self._speed += change
        self._position += self._speed * dt_s

    def position(self):
        return self._position

    def speed(self):
        return self._speed

    def standstill(self):
        return abs(self._speed) < STANDSTILL_SPEED

    def cut(self):
        self.drive(0.0)

    off = cut
