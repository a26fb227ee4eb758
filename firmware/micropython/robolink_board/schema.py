"""What may stand in a profile, as tables: key -> (kind, default, ...). profile.py reads them, README.md tells of them.

Kinds: text, flag, number and whole (least, most), one (choices), pin (use), part (table), list (table, least, most), variant
(tables by "type"). NEEDED as default: it must be there. `{}` as default of a part: all of it may be left out.
"""

NEEDED = ("needed",)
# Less than the first makes motors whistle, more than the second is more than drivers take.
FREQUENCY = ("whole", 20000, 500, 100000)

PROFILE = {
    "robolink_profile": ("whole", NEEDED, 1, 1),
    "model": ("text", NEEDED),
    "vendor": ("text", ""),
    "version": ("text", "1.0"),
    "description": ("text", ""),
    "chip": ("text", NEEDED),
    "watchdog": (
        "part",
        {},
        {
            # No tick for so long: outputs are switched off. No tick for so long: the board is reset (0: never).
            "loop_ms": ("whole", 250, 50, 5000),
            "hardware_ms": ("whole", 4000, 0, 16000),
        },
    ),
    "components": ("list", NEEDED, None, 1, 32),
}

_DRIVER = {
    "type": ("text", NEEDED),
    "frequency_hz": FREQUENCY,
    "enable": ("pin", None, "out"),
    "reversed": ("flag", False),
    "brake": ("flag", True),
}
DRIVERS = {
    "in_in": dict(_DRIVER, a=("pin", NEEDED, "pwm"), b=("pin", NEEDED, "pwm")),
    "in_in_pwm": dict(
        _DRIVER, a=("pin", NEEDED, "out"), b=("pin", NEEDED, "out"), pwm=("pin", NEEDED, "pwm")
    ),
    "direction_pwm": dict(_DRIVER, direction=("pin", NEEDED, "out"), pwm=("pin", NEEDED, "pwm")),
}

ENCODER = {
    "a": ("pin", NEEDED, "in"),
    "b": ("pin", NEEDED, "in"),
    # Of the wheel, behind the gear; all four edges count.
    "counts_per_turn": ("whole", NEEDED, 8, 200000),
    "reversed": ("flag", False),
    "pull_up": ("flag", True),
    # interrupt works on any board; hardware is the chip's own counter (machine.Encoder: ESP32, i.MX RT).
    "decoder": ("one", "interrupt", ("interrupt", "hardware")),
    "unit": ("whole", 0, 0, 7),
}

# Parts of full duty per rad/s of a wheel.
GAINS = {
    "kp": ("number", 0.02, 0, 10),
    "ki": ("number", 0.1, 0, 100),
    "kd": ("number", 0.0, 0, 1),
    "feed_forward": ("number", 0.0, 0, 10),
    "acceleration_rad_s2": ("number", 20, 0.1, 1000),
}

WHEEL = {
    "driver": ("variant", NEEDED, DRIVERS),
    "encoder": ("part", NEEDED, ENCODER),
}

_COMMON = {
    "kind": ("text", NEEDED),
    "name": ("text", NEEDED),
    "description": ("text", ""),
}

JOINT = {
    "name": ("text", NEEDED),
    "pin": ("pin", NEEDED, "pwm50"),
    "minimum_us": ("number", 1000, 300, 2700),
    "maximum_us": ("number", 2000, 300, 2700),
    "minimum_rad": ("number", -0.785, -6.3, 6.3),
    "maximum_rad": ("number", 0.785, -6.3, 6.3),
    "home_rad": ("number", 0, -6.3, 6.3),
    "max_speed_rad_s": ("number", 2, 0.01, 20),
    # Of a servo whose potentiometer is led out: its pin, and two of its voltages.
    "feedback": (
        "part",
        None,
        {
            "pin": ("pin", NEEDED, "analog"),
            "minimum_v": ("number", NEEDED, 0, 3.3),
            "maximum_v": ("number", NEEDED, 0, 3.3),
        },
    ),
}

LINE = {
    "name": ("text", NEEDED),
    "pin": ("pin", NEEDED, "line"),
    "direction": ("one", "out", ("in", "out")),
    "inverted": ("flag", False),
    "pull": ("one", "none", ("none", "up", "down")),
    # What hangs on this output can move: switching it needs a lease, a stop switches it to `safe`.
    "moves": ("flag", True),
    "safe": ("flag", False),
}

COMPONENTS = {
    "motor": dict(
        _COMMON,
        driver=("variant", NEEDED, DRIVERS),
        encoder=("part", NEEDED, ENCODER),
        gains=("part", {}, GAINS),
        max_speed_rad_s=("number", 10, 0.01, 1000),
        max_position_rad=("number", 100, 0.01, 100000),
        tolerance_rad=("number", 0.02, 0.0001, 1),
    ),
    "differential": dict(
        _COMMON,
        left=("part", NEEDED, WHEEL),
        right=("part", NEEDED, WHEEL),
        gains=("part", {}, GAINS),
        wheel_radius_m=("number", NEEDED, 0.005, 1),
        track_m=("number", NEEDED, 0.02, 3),
        max_speed_m_s=("number", NEEDED, 0.01, 5),
        max_turn_rad_s=("number", NEEDED, 0.05, 20),
    ),
    "servo_arm": dict(
        _COMMON, joints=("list", NEEDED, JOINT, 1, 8), at_end=("one", "hold", ("hold", "release"))
    ),
    "gpio": dict(_COMMON, lines=("list", NEEDED, LINE, 1, 16)),
    "adc": dict(
        _COMMON,
        pin=("pin", NEEDED, "analog"),
        quantity=("text", "voltage"),
        unit=("text", "V"),
        scale=("number", 1, -1e6, 1e6),
        offset=("number", 0, -1e6, 1e6),
    ),
    "battery": dict(
        _COMMON,
        pin=("pin", NEEDED, "analog"),
        divider=("number", NEEDED, 1, 100),
        empty_v=("number", NEEDED, 0.5, 100),
        full_v=("number", NEEDED, 0.5, 100),
        # Under it nothing moves, before it is over the other again.
        brown_out_v=("number", NEEDED, 0, 100),
        recovered_v=("number", NEEDED, 0, 100),
    ),
    "mpu6050": dict(
        _COMMON,
        bus=("whole", 0, 0, 3),
        sda=("pin", NEEDED, "sda"),
        scl=("pin", NEEDED, "scl"),
        frequency_hz=("whole", 400000, 10000, 1000000),
        address=("whole", 0x68, 0x08, 0x77),
        acceleration_range_g=("one", 2, (2, 4, 8, 16)),
        gyro_range_deg_s=("one", 500, (250, 500, 1000, 2000)),
    ),
}

# Of each pair the first is less than the second.
ORDERED = (
    ("minimum_us", "maximum_us"),
    ("minimum_rad", "maximum_rad"),
    ("empty_v", "full_v"),
    ("brown_out_v", "recovered_v"),
)
