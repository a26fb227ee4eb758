"""Analog inputs: a sensor in units of its own, and a battery that says when nothing may move any more."""

from robolink_board.component import BATTERY, SENSOR, Component
from robolink_board.member import reading

FULL = 65535
REFERENCE_V = 3.3
# A dip that is shorter is the motors' own start, not an empty battery.
SAG_MS = 50
# Weight of a new sample in the mean, 1/n.
SMOOTHING = 8


class Analog:
    # The mean of an input in 1/256 of its 16 bits, one sample a tick.
    def __init__(self, adc):
        self._adc = adc
        self.mean = adc.read_u16() << 8

    def step(self):
        self.mean += ((self._adc.read_u16() << 8) - self.mean) // SMOOTHING

    def volts(self):
        return (self.mean >> 8) * REFERENCE_V / FULL


class AdcSensor(Component):
    type = SENSOR

    def __init__(self, name, adc, plan, description="an analog sensor"):
        # plan: quantity, unit, scale (unit/V), offset (unit at 0 V).
        self.name, self.description = name, description
        self._analog = Analog(adc)
        self._scale, self._offset = plan["scale"], plan["offset"]
        self.members = (reading(plan["quantity"], self._value, unit=plan["unit"], description="measured"),)

    def _value(self):
        return self._analog.volts() * self._scale + self._offset

    def step(self, ms):
        self._analog.step()


class Battery(Component):
    type = BATTERY

    def __init__(self, name, adc, plan, description="the supply, measured"):
        # plan: divider (V at the battery per V at the pin), empty_v, full_v, brown_out_v, recovered_v.
        self.name, self.description = name, description
        self._analog = Analog(adc)
        self._plan = plan
        self._per_volt = plan["divider"]
        self._low_v = plan["brown_out_v"]
        # The same in the mean's own unit, so that a tick compares integers.
        self._low = self._raw(plan["brown_out_v"])
        self._good = self._raw(plan["recovered_v"])
        self._sagging = 0
        self.members = (
            reading("voltage", self._volts, unit="V", description="measured"),
            reading("percentage", self._fraction, unit="1", description="0..1, by the voltage"),
        )

    def _raw(self, volts):
        return int(volts / self._per_volt / REFERENCE_V * FULL) << 8

    def _volts(self):
        return self._analog.volts() * self._per_volt

    def _fraction(self):
        empty, full = self._plan["empty_v"], self._plan["full_v"]
        return max(0.0, min(1.0, (self._volts() - empty) / (full - empty)))

    def step(self, ms):
        self._analog.step()
        if self.forbids:
            if self._analog.mean >= self._good:
                self.forbids = ""
                self._sagging = 0
            return
        self._sagging = self._sagging + ms if self._analog.mean < self._low else 0
        if self._sagging >= SAG_MS:
            self.forbids = "%s is under %.1f V: nothing moves before it is over %.1f V" % (
                self.name,
                self._low_v,
                self._plan["recovered_v"],
            )
