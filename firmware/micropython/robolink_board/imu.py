"""An MPU-6050 on I2C: acceleration, angular velocity, temperature; one block read a sample, into one buffer.

A bus that fails is no end: nothing is told of it but `healthy`, and the chip is set up again from time to time.
"""

from robolink_board import messages
from robolink_board.component import IMU, Component
from robolink_board.member import goal, reading

# Registers of the chip's map.
SAMPLE_DIVIDER, CONFIG, GYRO_CONFIG, ACCEL_CONFIG = 0x19, 0x1A, 0x1B, 0x1C
DATA, POWER, WHO_AM_I = 0x3B, 0x6B, 0x75
DATA_BYTES = 14
# What answers to WHO_AM_I: MPU-6050, and its later kin with the same map.
KNOWN = (0x68, 0x70, 0x71, 0x72, 0x98)
GRAVITY = 9.80665
DEGREE = 0.017453292519943295
ACCEL_RANGES = (2, 4, 8, 16)
GYRO_RANGES = (250, 500, 1000, 2000)
SAMPLE_MS = 10
RETRY_MS = 1000
CALIBRATION_SAMPLES = 100
# While it is calibrated, it may turn by no more than this.
STILL_RAD_S = 0.1


class Mpu6050(Component):
    type = IMU

    def __init__(self, name, i2c, plan, description="an MPU-6050"):
        # plan: address, acceleration_range_g, gyro_range_deg_s.
        self.name, self.description = name, description
        self._i2c, self._address = i2c, plan["address"]
        accel, gyro = plan["acceleration_range_g"], plan["gyro_range_deg_s"]
        self._codes = ACCEL_RANGES.index(accel) << 3, GYRO_RANGES.index(gyro) << 3
        self._accel_unit = accel * GRAVITY / 32768
        self._gyro_unit = gyro * DEGREE / 32768
        self._data = bytearray(DATA_BYTES)
        self._byte = bytearray(1)
        self._bias = [0, 0, 0]
        self._wait = 0
        self.errors = 0
        self.samples = 0
        self.ready = False
        self._set_up()
        self.members = (
            reading(
                "acceleration", self._acceleration, unit="m/s2", type=messages.VECTOR, description="x, y, z"
            ),
            reading(
                "angular_velocity", self._angular, unit="rad/s", type=messages.VECTOR, description="x, y, z"
            ),
            reading("temperature", self._temperature, unit="degC", description="of the chip"),
            reading("healthy", lambda: self.ready, changes=True, type=messages.BOOL),
            goal(
                "calibrate",
                self._calibrate,
                motion=False,
                max_duration_ms=10000,
                description="measure what the gyro says while it stands, and take it off from now on",
            ),
        )

    def _write(self, register, value):
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)

    def _set_up(self):
        try:
            self._i2c.readfrom_mem_into(self._address, WHO_AM_I, self._byte)
            if self._byte[0] not in KNOWN:
                raise OSError("chip 0x%02x is no MPU-6050" % self._byte[0])
            # Awake, clocked by its gyro; 44 Hz of bandwidth, a new sample each 5 ms.
            self._write(POWER, 1)
            self._write(CONFIG, 3)
            self._write(SAMPLE_DIVIDER, 4)
            self._write(ACCEL_CONFIG, self._codes[0])
            self._write(GYRO_CONFIG, self._codes[1])
        except OSError:
            self._failed()
            return
        self.ready, self._wait = True, 0

    def _failed(self):
        self.ready, self._wait = False, RETRY_MS
        self.errors += 1

    def step(self, ms):
        self._wait -= ms
        if self._wait > 0:
            return
        if not self.ready:
            self._set_up()
            return
        self._wait = SAMPLE_MS
        try:
            self._i2c.readfrom_mem_into(self._address, DATA, self._data)
        except OSError:
            self._failed()
            return
        self.samples += 1

    def raw(self, at):
        value = self._data[at] << 8 | self._data[at + 1]
        return value - 65536 if value & 0x8000 else value

    def _vector(self, at, unit, bias):
        if not self.ready or not self.samples:
            return None
        return tuple((self.raw(at + 2 * axis) - bias[axis]) * unit for axis in range(3))

    def _acceleration(self):
        return self._vector(0, self._accel_unit, (0, 0, 0))

    def _angular(self):
        return self._vector(8, self._gyro_unit, self._bias)

    def _temperature(self):
        return self.raw(6) / 340 + 36.53 if self.ready and self.samples else None

    def _calibrate(self, run):
        sums, taken, last = [0, 0, 0], 0, self.samples
        low, high = [32767] * 3, [-32768] * 3
        while taken < CALIBRATION_SAMPLES:
            if not self.ready:
                raise OSError("%s does not answer" % self.name)
            if self.samples != last:
                last = self.samples
                taken += 1
                for axis in range(3):
                    value = self.raw(8 + 2 * axis)
                    sums[axis] += value
                    low[axis], high[axis] = min(low[axis], value), max(high[axis], value)
                    if (high[axis] - low[axis]) * self._gyro_unit > STILL_RAD_S:
                        raise OSError("%s was turned while it was calibrated" % self.name)
                run.feedback("standing", taken / CALIBRATION_SAMPLES)
            yield
        for axis in range(3):
            self._bias[axis] = round(sums[axis] / taken)
