"""What pins a kind of board has, as data, for the checks of profile.py. A name that is not here is not known to be right.

Pins that are numbers are checked; boards that name their pins (X1, PA0) check them themselves.
"""


def _rp2_i2c(pins):
    # SDA on even pins, SCL on the odd one behind it; bus 0 and 1 alternate.
    return {(at // 2 % 2, at, at + 1) for at in range(0, pins, 2)}


CHIPS = {
    "rp2040": {
        "pins": 30,
        "analog": (26, 27, 28, 29),
        "slices": 8,
        "i2c": 30,
        "watchdog_ms": 8388,
        "names": ("LED",),
    },
    "rp2350": {
        "pins": 48,
        "analog": (26, 27, 28, 29, 40, 41, 42, 43, 44, 45, 46, 47),
        "slices": 12,
        "i2c": 48,
        "watchdog_ms": 16777,
        "names": ("LED",),
    },
    "esp32": {
        "pins": 40,
        "analog": (32, 33, 34, 35, 36, 37, 38, 39),
        "input_only": (34, 35, 36, 37, 38, 39),
        "taken": {1: "the console", 3: "the console", 6: "the flash", 7: "the flash", 8: "the flash"},
        "taken_more": {9: "the flash", 10: "the flash", 11: "the flash"},
    },
    "esp32s3": {
        "pins": 49,
        "analog": tuple(range(1, 21)),
        "taken": {19: "the USB port", 20: "the USB port"},
        "taken_more": dict.fromkeys(range(26, 33), "the flash"),
    },
    "stm32": {},
    "pyboard": {},
}


def pin_error(chip, pin, use):
    # Why this pin cannot be used so; empty: it can. Uses: in, out, pwm, analog, sda, scl.
    known = CHIPS[chip]
    if "pins" not in known:
        return "" if isinstance(pin, str) and pin else "pins of %s have names, as 'X1' or 'PA0'" % chip
    if isinstance(pin, str):
        if pin in known.get("names", ()) and use == "out":
            return ""
        return "pins of %s are numbers" % chip
    if not 0 <= pin < known["pins"]:
        return "pin %d is none of %s (0 to %d)" % (pin, chip, known["pins"] - 1)
    taken = known.get("taken", {}).get(pin) or known.get("taken_more", {}).get(pin)
    if taken:
        return "pin %d of %s is used by %s" % (pin, chip, taken)
    if use == "analog" and pin not in known["analog"]:
        return "pin %d of %s has no analog input; these have: %s" % (
            pin,
            chip,
            ", ".join(str(each) for each in known["analog"]),
        )
    if (use == "out" or use.startswith("pwm")) and pin in known.get("input_only", ()):
        return "pin %d of %s is an input only" % (pin, chip)
    return ""


def slice_of(chip, pin):
    # (slice, channel) of a PWM pin where pins share a clock; None: they do not.
    slices = CHIPS[chip].get("slices")
    if slices is None or isinstance(pin, str):
        return None
    number = pin >> 1 & 7 if pin < 32 else 8 + (pin >> 1 & 3)
    return number, pin & 1


def i2c_error(chip, bus, sda, scl):
    pins = CHIPS[chip].get("i2c")
    if pins is None or (bus, sda, scl) in _rp2_i2c(pins):
        return ""
    fits = ["%d/%d" % (a, b) for number, a, b in sorted(_rp2_i2c(pins)) if number == bus]
    return "bus %d of %s has no sda %s with scl %s; it has sda/scl %s" % (
        bus,
        chip,
        sda,
        scl,
        ", ".join(fits),
    )
