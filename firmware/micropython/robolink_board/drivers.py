"""Motor drivers: a duty of -65535..65535 onto pins. Three kinds cover the usual chips; none of them decides anything."""

FULL = 65535


class Driver:
    # `enable` is the pin of the chip that takes the power from its outputs (STBY, nSLEEP, EN); None: there is none.
    def __init__(self, enable=None, reversed=False, brake=True):  # noqa: A002
        self._enable = enable
        self._sign = -1 if reversed else 1
        self._brake = brake
        self.can_cut = enable is not None
        self.set(0)

    def set(self, duty):
        duty *= self._sign
        if duty and self._enable is not None:
            self._enable.value(1)
        self._put(duty)

    def cut(self):
        self._put(0)
        if self._enable is not None:
            self._enable.value(0)

    def _put(self, duty):
        raise NotImplementedError


class InIn(Driver):
    # Two inputs a motor, both with PWM: DRV8833, DRV8871, L9110, MX1508. Both high brakes, both low coasts.
    def __init__(self, a, b, **options):
        self._a, self._b = a, b
        super().__init__(**options)

    def _put(self, duty):
        if duty > 0:
            self._b.duty_u16(0)
            self._a.duty_u16(duty)
        elif duty < 0:
            self._a.duty_u16(0)
            self._b.duty_u16(-duty)
        else:
            rest = FULL if self._brake else 0
            self._a.duty_u16(rest)
            self._b.duty_u16(rest)


class InInPwm(Driver):
    # Two inputs for the direction and one with PWM: TB6612FNG, L298N.
    def __init__(self, a, b, pwm, **options):
        self._a, self._b, self._pwm = a, b, pwm
        super().__init__(**options)

    def _put(self, duty):
        if duty > 0:
            self._b.value(0)
            self._a.value(1)
            self._pwm.duty_u16(duty)
        elif duty < 0:
            self._a.value(0)
            self._b.value(1)
            self._pwm.duty_u16(-duty)
        else:
            self._pwm.duty_u16(0)
            rest = 1 if self._brake else 0
            self._a.value(rest)
            self._b.value(rest)
            if self._brake:
                self._pwm.duty_u16(FULL)


class DirectionPwm(Driver):
    # One input for the direction and one with PWM: MD10C, Cytron, G2. It brakes or coasts as its maker built it.
    def __init__(self, direction, pwm, **options):
        self._direction, self._pwm = direction, pwm
        super().__init__(**options)

    def _put(self, duty):
        self._pwm.duty_u16(0) if duty == 0 else None
        self._direction.value(1 if duty < 0 else 0)
        self._pwm.duty_u16(duty if duty >= 0 else -duty)
