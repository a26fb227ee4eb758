"""One driven wheel: encoder, control and driver as one, with an eye on what goes wrong. Whether it may turn is not its say.

A missing or crossed encoder makes a controller give all it has; so a wheel that does not turn as ordered is switched off.
"""

from robolink_board.pid import FULL

STALL_MS = 500
# A motor that gets this much and does not turn at all is held, or its encoder is silent.
STALL_DUTY = FULL * 6 // 10
STANDSTILL_MRAD_S = 20


class Wheel:
    def __init__(self, name, driver, measured, pid):
        self.name = name
        self._driver, self._measured, self._pid = driver, measured, pid
        self.can_cut = driver.can_cut
        # What is wrong, in words; cleared when nothing is ordered any more and it stands. Not before: with a crossed
        # encoder a controller that wants standstill makes it turn faster and faster.
        self.fault = ""
        self._forgiven = False
        # Without power until something is ordered: it rolls out, and no controller brakes it.
        self._without_power = False
        self._stalled = self._backwards = 0

    def drive(self, speed):
        # rad/s; the ramp of the controller leads there.
        self.want(int(speed * 1000))

    def want(self, speed):
        # The same in mrad/s.
        if self.fault:
            self._forgiven = speed == 0
            speed = 0
        if speed:
            self._without_power = False
        self._pid.wanted = speed

    def update(self, ms):
        self._measured.step(ms)
        speed = self._measured.speed
        duty = self._pid.step(speed, ms)
        if not self.fault:
            self._watch(speed, duty, ms)
        elif self._forgiven and speed == 0:
            self.fault = ""
        if self._without_power:
            self._pid.reset()
            return
        if self.fault:
            self._pid.reset()
        self._driver.set(self._pid.duty)

    def _watch(self, speed, duty, ms):
        power = duty if duty >= 0 else -duty
        self._stalled = self._stalled + ms if power >= STALL_DUTY and speed == 0 else 0
        against = speed < -STANDSTILL_MRAD_S if duty > 0 else speed > STANDSTILL_MRAD_S
        # Braking also turns against the duty, but its speed then falls towards the target.
        wrong = against and power >= STALL_DUTY and (self._pid.target > 0) == (duty > 0)
        self._backwards = self._backwards + ms if wrong else 0
        if self._stalled >= STALL_MS:
            self._fail("%s does not turn, or its encoder is silent" % self.name)
        elif self._backwards >= STALL_MS:
            self._fail("%s turns against its order: swap a and b of the encoder, or set reversed" % self.name)

    def _fail(self, text):
        self.fault = text
        self._stalled = self._backwards = 0
        self._forgiven = False
        self._pid.wanted = 0

    def cut(self):
        self._without_power = True
        self._pid.wanted = 0
        self._pid.reset()
        self._driver.cut()

    def off(self):
        # At once, without the ramp: it brakes or coasts, as its driver was told to rest.
        self._pid.wanted = 0
        self._pid.reset()
        self._driver.set(0)

    def position(self):
        return self._measured.radians()

    def speed(self):
        return self._measured.speed / 1000

    def speed_mrad(self):
        return self._measured.speed

    def counts_moved(self):
        return self._measured.moved

    def standstill(self):
        return -STANDSTILL_MRAD_S < self._measured.speed < STANDSTILL_MRAD_S
