"""What hangs on a simulated chip: motors with encoders, servos, an MPU-6050. Physics, a millisecond a step; no robot's rules."""

STEP_S = 0.001
TURN = 6.283185307179586
PHASES = ((0, 0), (1, 0), (1, 1), (0, 1))


class DcMotor:
    # Behind its driver: `push()` is -1..1 of its supply, None when it may coast. Its encoder's edges go onto two wires.
    def __init__(self, push, counts_per_turn, no_load_rad_s=15.0, time_constant_s=0.06):
        self.push = push
        self.no_load_rad_s, self.time_constant_s = no_load_rad_s, time_constant_s
        self.coasting_s = 0.5
        # Parts of the supply that friction takes; a load takes more.
        self.friction = 0.05
        self.load = 0.0
        self.held = False
        self.speed = self.position = 0.0
        self._counts_per_rad = counts_per_turn / TURN
        self.counts = 0
        self.encoder = None  # (wire a, wire b, counter)
        self.silent = self.crossed = False
        # Mounted the other way round, as one of two wheels often is: its shaft turns backwards when the robot drives on.
        self.sense = 1

    def driven(self):
        # How far its wheel has driven, rad, and how fast, rad/s.
        return self.sense * self.position, self.sense * self.speed

    def step(self):
        push = self.push()
        if self.held:
            self.speed = 0.0
        elif push is None:
            self._change(0.0, self.coasting_s)
        else:
            self._turn(push)
        self.position += self.speed * STEP_S
        counts = int(self.position * self._counts_per_rad // 1)
        while counts != self.counts:
            self.counts += 1 if counts > self.counts else -1
            self._edge()

    def _turn(self, push):
        against = self.friction + self.load
        if abs(push) <= against:
            # Stands, or comes to a stand.
            self._change(0.0, self.time_constant_s)
        else:
            self._change(
                (push - (against if push > 0 else -against)) * self.no_load_rad_s, self.time_constant_s
            )

    def _change(self, towards, time_constant_s):
        self.speed += (towards - self.speed) * STEP_S / time_constant_s
        if towards == 0.0 and abs(self.speed) < 0.05:
            self.speed = 0.0

    def _edge(self):
        if self.encoder is None or self.silent:
            return
        a, b, counter = self.encoder
        place = -self.counts if self.crossed else self.counts
        counter.count = place
        high_a, high_b = PHASES[place & 3]
        a.put(high_a)
        b.put(high_b)


class Servo:
    # Goes where its pulses say, as fast as it can; without pulses it stays where it is.
    def __init__(self, wire, plan, fastest_rad_s=8.0):
        self.wire, self.fastest_rad_s = wire, fastest_rad_s
        self._low_us, self._low_rad = plan["minimum_us"], plan["minimum_rad"]
        self._rad_per_us = (plan["maximum_rad"] - plan["minimum_rad"]) / (
            plan["maximum_us"] - plan["minimum_us"]
        )
        self.angle = plan["home_rad"]
        self._back = plan["feedback"]
        self._span = (plan["minimum_rad"], plan["maximum_rad"])

    def step(self):
        high = self.wire.high_us()
        if high < 300:
            return
        target = self._low_rad + (high - self._low_us) * self._rad_per_us
        most = self.fastest_rad_s * STEP_S
        self.angle += max(-most, min(most, target - self.angle))

    def volts(self):
        low, high = self._span
        back = self._back
        return back["minimum_v"] + (self.angle - low) / (high - low) * (back["maximum_v"] - back["minimum_v"])


class ChipMpu6050:
    # Its register map as far as a driver needs it. Truth is in m/s2, rad/s and degrees Celsius.
    def __init__(self, turn_rate=None):
        self.acceleration = [0.0, 0.0, 9.80665]
        self.angular_velocity = [0.0, 0.0, 0.0]
        self.bias = [0.0, 0.0, 0.0]
        self.temperature = 25.0
        self.who = 0x68
        self._turn_rate = turn_rate
        self.power_up()

    def power_up(self):
        self.registers = bytearray(128)
        self.registers[0x6B] = 0x40  # asleep
        self.registers[0x75] = self.who

    def write(self, register, data):
        self.registers[register] = data[0]

    def read(self, register, buffer):
        if not self.registers[0x6B] & 0x40:
            self._measure()
        for at in range(len(buffer)):
            buffer[at] = self.registers[register + at]

    def _measure(self):
        if self._turn_rate is not None:
            self.angular_velocity[2] = self._turn_rate()
        gravities = 2 << (self.registers[0x1C] >> 3 & 3)
        degrees = 250 << (self.registers[0x1B] >> 3 & 3)
        for axis in range(3):
            self._put(0x3B + 2 * axis, self.acceleration[axis] / 9.80665 / gravities * 32768)
            rate = (self.angular_velocity[axis] + self.bias[axis]) * 360 / TURN
            self._put(0x43 + 2 * axis, rate / degrees * 32768)
        self._put(0x41, (self.temperature - 36.53) * 340)

    def _put(self, register, value):
        value = max(-32768, min(32767, int(value + (0.5 if value >= 0 else -0.5)))) & 0xFFFF
        self.registers[register], self.registers[register + 1] = value >> 8, value & 0xFF
