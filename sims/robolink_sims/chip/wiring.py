"""Wires up the robot that a profile describes: its pins get motors, servos, sensors. Reads the profile, touches no firmware."""

from plants import ChipMpu6050, DcMotor, Servo


def wire_up(world, profile):
    # The robot's parts by "component" or "component.part", for a test to look at and to break.
    made = {}
    for plan in profile["components"]:
        kind, name = plan["kind"], plan["name"]
        if kind == "motor":
            made[name] = _motor(world, plan, plan["max_speed_rad_s"])
        elif kind == "differential":
            fastest = (plan["max_speed_m_s"] + plan["max_turn_rad_s"] * plan["track_m"] / 2) / plan[
                "wheel_radius_m"
            ]
            for side in ("left", "right"):
                made[name + "." + side] = _motor(world, plan[side], fastest)
            made[name] = _Turning(made[name + ".left"], made[name + ".right"], plan)
        elif kind == "servo_arm":
            for joint in plan["joints"]:
                made[name + "." + joint["name"]] = _servo(world, joint)
        elif kind == "adc":
            world.wire(plan["pin"]).source = _Level(1.0)
            made[name] = world.wire(plan["pin"]).source
        elif kind == "battery":
            made[name] = _Level((plan["empty_v"] + 3 * plan["full_v"]) / 4 / plan["divider"])
            world.wire(plan["pin"]).source = made[name]
        elif kind == "mpu6050":
            base = [each for each in made.values() if isinstance(each, _Turning)]
            made[name] = ChipMpu6050(base[0].turn_rate if base else None)
            world.bus(plan["bus"]).devices[plan["address"]] = made[name]
    return made


class _Level:
    def __init__(self, volts):
        self.volts = volts

    def __call__(self):
        return self.volts


class _Turning:
    def __init__(self, left, right, plan):
        self._left, self._right = left, right
        self._factor = plan["wheel_radius_m"] / plan["track_m"]

    def turn_rate(self):
        return (self._right.driven()[1] - self._left.driven()[1]) * self._factor


def _motor(world, plan, fastest):
    driver, turns = plan["driver"], plan["encoder"]
    # Some reserve, as whoever sizes a motor leaves.
    motor = DcMotor(_push(world, driver), turns["counts_per_turn"], no_load_rad_s=1.5 * fastest)
    a, b = world.wire(turns["a"]), world.wire(turns["b"])
    motor.encoder = (a, b, world.counter(a, b))
    motor.sense = -1 if driver["reversed"] else 1
    motor.crossed = turns["reversed"] != driver["reversed"]
    a.put(0)
    b.put(0)
    world.parts.append(motor)
    return motor


def _push(world, driver):
    enable = None if driver["enable"] is None else world.wire(driver["enable"])
    pins = {key: world.wire(driver[key]) for key in ("a", "b", "pwm", "direction") if key in driver}
    kind = driver["type"]

    def push():
        if enable is not None and not enable.level:
            return None
        if kind == "direction_pwm":
            return pins["pwm"].part() * (-1 if pins["direction"].level else 1)
        a, b = pins["a"].part(), pins["b"].part()
        if kind == "in_in":
            return None if a == b == 0 else a - b
        return None if a == b == 0 else (a - b) * pins["pwm"].part()

    return push


def _servo(world, joint):
    servo = Servo(world.wire(joint["pin"]), joint)
    world.parts.append(servo)
    if joint["feedback"] is not None:
        world.wire(joint["feedback"]["pin"]).source = servo.volts
    return servo
