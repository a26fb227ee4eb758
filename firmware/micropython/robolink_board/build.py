"""A checked profile as components: pins to their safe level first, then one part after the other. No rules of motion."""

from robolink_board.component import Component


def safe_pins(profile, hardware):
    # Before anything else happens with them. Lines of gpio have levels of their own and are made in `components`.
    lines = [c["lines"] for c in profile["components"] if c["kind"] == "gpio"]
    own = [line["pin"] for each in lines for line in each]
    for _, pin, use in profile["pins"]:
        if (use == "out" or use.startswith("pwm")) and pin not in own:
            hardware.output(pin, 0)
    for each in lines:
        for line in each:
            if line["direction"] == "out":
                hardware.output(line["pin"], int(line["safe"] != line["inverted"]))


def components(profile, hardware):
    made = []
    for plan in profile["components"]:
        options = {"description": plan["description"]} if plan["description"] else {}
        try:
            made.append(_MAKERS[plan["kind"]](plan, hardware, options))
        except (OSError, ValueError, AttributeError) as error:
            # One part that is not there must not take the others down with it.
            made.append(Missing(plan, error))
    return made


class Missing(Component):
    # Stands for a part that could not be made, and tells why.
    def __init__(self, plan, error):
        from robolink_board import messages
        from robolink_board.member import reading

        self.name = plan["name"]
        self.description = "not there"
        text = ("%s: %s" % (plan["kind"], error))[:100]
        print("robolink: %s: %s" % (self.name, text))
        self.members = (reading("fault", lambda: text, changes=True, type=messages.STRING),)


def _driver(plan, hardware):
    from robolink_board import drivers

    options = {
        "enable": None if plan["enable"] is None else hardware.output(plan["enable"], 0),
        "reversed": plan["reversed"],
        "brake": plan["brake"],
    }
    frequency = plan["frequency_hz"]
    if plan["type"] == "in_in":
        return drivers.InIn(hardware.pwm(plan["a"], frequency), hardware.pwm(plan["b"], frequency), **options)
    pwm = hardware.pwm(plan["pwm"], frequency)
    if plan["type"] == "in_in_pwm":
        return drivers.InInPwm(hardware.output(plan["a"]), hardware.output(plan["b"]), pwm, **options)
    return drivers.DirectionPwm(hardware.output(plan["direction"]), pwm, **options)


def _wheel(name, plan, gains, fastest, hardware):
    # fastest: rad/s. Without a gain of its own the feed-forward takes two thirds of the duty to get there.
    from robolink_board.encoder import Measured
    from robolink_board.pid import Pid
    from robolink_board.wheel import Wheel

    turns = plan["encoder"]
    measured = Measured(hardware.encoder(turns), turns["counts_per_turn"], turns["reversed"])
    forward = gains["feed_forward"] or 0.67 / fastest
    pid = Pid(gains["kp"], gains["ki"], gains["kd"], forward, gains["acceleration_rad_s2"])
    return Wheel(name, _driver(plan["driver"], hardware), measured, pid)


def _motor(plan, hardware, options):
    from robolink_board import motor

    fastest = plan["max_speed_rad_s"]
    wheel = _wheel(plan["name"], plan, plan["gains"], fastest, hardware)
    return motor.Motor(
        wheel,
        plan["name"],
        max_speed=fastest,
        max_position=plan["max_position_rad"],
        tolerance=plan["tolerance_rad"],
        **options,
    )


def _differential(plan, hardware, options):
    from robolink_board import base

    radius, track = plan["wheel_radius_m"], plan["track_m"]
    fastest = (plan["max_speed_m_s"] + plan["max_turn_rad_s"] * track / 2) / radius
    wheels = [
        _wheel("%s.%s" % (plan["name"], side), plan[side], plan["gains"], fastest, hardware)
        for side in ("left", "right")
    ]
    counts = [plan[side]["encoder"]["counts_per_turn"] for side in ("left", "right")]
    if counts[0] != counts[1]:
        raise ValueError("both encoders need the same counts_per_turn")
    odometry = base.Odometry(counts[0], radius, track)
    return base.DifferentialBase(plan["name"], wheels[0], wheels[1], odometry, plan, **options)


def _servo_arm(plan, hardware, options):
    from robolink_board import arm

    joints = []
    for one in plan["joints"]:
        back = one["feedback"]
        measure = None if back is None else _potentiometer(hardware.analog(back["pin"]), back, one)
        joints.append(arm.Joint(hardware.pwm(one["pin"], 50), one, measure))
    return arm.ServoArm(plan["name"], joints, plan["at_end"], **options)


def _potentiometer(adc, back, joint):
    per_volt = (joint["maximum_rad"] - joint["minimum_rad"]) / (back["maximum_v"] - back["minimum_v"])

    def measure():
        volts = adc.read_u16() * 3.3 / 65535
        return joint["minimum_rad"] + (volts - back["minimum_v"]) * per_volt

    return measure


def _gpio(plan, hardware, options):
    from robolink_board import gpio

    lines = []
    for one in plan["lines"]:
        output = one["direction"] == "out"
        level = int(one["safe"] != one["inverted"])
        pin = hardware.output(one["pin"], level) if output else hardware.input(one["pin"], one["pull"])
        lines.append(gpio.Line(pin, one["name"], output, one["inverted"], one["moves"], one["safe"]))
    return gpio.Gpio(plan["name"], lines, **options)


def _adc(plan, hardware, options):
    from robolink_board import adc

    return adc.AdcSensor(plan["name"], hardware.analog(plan["pin"]), plan, **options)


def _battery(plan, hardware, options):
    from robolink_board import adc

    return adc.Battery(plan["name"], hardware.analog(plan["pin"]), plan, **options)


def _mpu6050(plan, hardware, options):
    from robolink_board import imu

    i2c = hardware.i2c(plan["bus"], plan["sda"], plan["scl"], plan["frequency_hz"])
    return imu.Mpu6050(plan["name"], i2c, plan, **options)


_MAKERS = {
    "motor": _motor,
    "differential": _differential,
    "servo_arm": _servo_arm,
    "gpio": _gpio,
    "adc": _adc,
    "battery": _battery,
    "mpu6050": _mpu6050,
}
