"""Profiles: those that are shipped can be; each mistake is named with its place, before any pin is touched."""

import json
import sys

from rig import main, raises
from robolink_board import profile

PROFILES = sys.argv[1]
SHIPPED = ("motor-board", "pico-rover", "esp32-arm", "pyboard-rover")


def _given(name="pico-rover"):
    with open("%s/%s.json" % (PROFILES, name)) as file:
        return json.load(file)


def _refused(words, change, name="pico-rover"):
    given = _given(name)
    change(given)
    raises(profile.ProfileError, words, lambda: profile.check(given))


def _set(*path):
    # The last of the path is the value.
    def change(given):
        for key in path[:-2]:
            given = given[key]
        given[path[-2]] = path[-1]

    return change


def _without(*path):
    def change(given):
        for key in path[:-1]:
            given = given[key]
        del given[path[-1]]

    return change


BASE = ("components", 0)
LEFT = BASE + ("left",)  # noqa: RUF005  # MicroPython unpacks in calls only


def check_shipped_ones_can_be():
    for name in SHIPPED:
        made = profile.load("%s/%s.json" % (PROFILES, name))
        assert made["model"] == name
        assert made["watchdog"]["hardware_ms"] >= 3000


def check_what_is_left_out_is_filled_in():
    made = profile.check(_given())
    assert made["watchdog"] == {"loop_ms": 250, "hardware_ms": 4000}
    encoder = made["components"][0]["left"]["encoder"]
    assert encoder["decoder"] == "interrupt" and encoder["pull_up"] is True
    assert isinstance(made["components"][0]["gains"]["kd"], float)


def check_files_that_are_none():
    raises(profile.ProfileError, "nowhere.json is not there", lambda: profile.load("nowhere.json"))
    raises(profile.ProfileError, "is not JSON", lambda: profile.load(__file__))
    raises(profile.ProfileError, "braces", lambda: profile.check([]))
    raises(profile.ProfileError, '"robolink_profile" must be 1, not null', lambda: profile.check({}))


def check_keys():
    _refused("base.left.encoder.counts_per_turn is missing", _without(*LEFT, "encoder", "counts_per_turn"))
    _refused("base.wheel_radius is not known here; known: ", _set(*BASE, "wheel_radius", 0.03))
    _refused("wheel_radius_m", _set(*BASE, "wheel_radius", 0.03))
    _refused('chip: "z80" is none of esp32, ', _set("chip", "z80"))
    _refused('components[0]: "tank" is none of the kinds adc, ', _set(*BASE, "kind", "tank"))
    _refused('base.left.driver.type: "h" is none of ', _set(*LEFT, "driver", "type", "h"))
    _refused("left: an object in braces", _set(*LEFT, 5))


def check_values():
    _refused("base.track_m: -1 is not within 0.02 to 3", _set(*BASE, "track_m", -1))
    _refused('base.track_m: a number is needed, not "wide"', _set(*BASE, "track_m", "wide"))
    _refused(
        "counts_per_turn: a whole number is needed, not 1440.5",
        _set(*LEFT, "encoder", "counts_per_turn", 1440.5),
    )
    _refused("brake: true or false is needed, not 1", _set(*LEFT, "driver", "brake", 1))
    _refused("track_m: a number is needed, not true", _set(*BASE, "track_m", True))
    _refused('model: "My Robot" must be lower case', _set("model", "My Robot"))
    _refused('components[1].name: "IMU" must be lower case', _set("components", 1, "name", "IMU"))
    _refused("the name base is taken", _set("components", 1, "name", "base"))
    _refused("the name board is taken", _set("components", 1, "name", "board"))
    _refused("components: a list of 1 to 32", _set("components", []))
    _refused("brown_out_v must be under recovered_v", _set("components", 2, "brown_out_v", 7.0))
    _refused("home_rad is not within", _set("components", 0, "joints", 3, "home_rad", -1), "esp32-arm")
    _refused("minimum_us must be under", _set("components", 0, "joints", 1, "minimum_us", 2500), "esp32-arm")
    _refused("the name waist is taken", _set("components", 0, "joints", 1, "name", "waist"), "esp32-arm")
    _refused("hardware_ms: 9000 is more than rp2040 can: 8388", _set("watchdog", {"hardware_ms": 9000}))
    _refused("at least twice", _set("watchdog", {"hardware_ms": 300}))


def check_pins():
    _refused("encoder.a: pin 31 is none of rp2040 (0 to 29)", _set(*LEFT, "encoder", "a", 31))
    _refused("pins of rp2040 are numbers", _set(*LEFT, "encoder", "a", "X1"))
    _refused("a pin is needed, not 2.5", _set(*LEFT, "encoder", "a", 2.5))
    _refused("pin 3 is used by base.left.encoder.b already", _set(*BASE, "right", "encoder", "a", 3))
    _refused("pin 16 of rp2040 has no analog input; these have: 26, 27", _set("components", 2, "pin", 16))
    _refused("share one PWM channel", _channel)
    _refused("share one PWM clock", _clock)
    _refused("bus 0 of rp2040 has no sda 8 with scl 7", _set("components", 1, "scl", 7))
    _refused("used by the flash", _set("components", 0, "joints", 0, "pin", 6), "esp32-arm")
    _refused("is an input only", _set("components", 0, "joints", 0, "pin", 39), "esp32-arm")
    _refused("pins of pyboard have names", _set(*LEFT, "encoder", "a", 4), "pyboard-rover")


def _channel(given):
    # 12 and 28 are both channel A of slice 6.
    given["components"][0]["right"]["driver"]["pwm"] = 28
    given["components"][2]["pin"] = 26


def _clock(given):
    given["components"][0]["right"]["driver"].update({"pwm": 27, "frequency_hz": 1000})
    given["components"][0]["left"]["driver"].update({"pwm": 26})


def check_two_motors_may_share_an_enable():
    profile.check(_given())  # the rover's do: 13


def check_two_chips_may_share_a_bus():
    given = _given()
    second = dict(given["components"][1], name="imu2", address=0x69)
    given["components"].append(second)
    profile.check(given)


main(globals())
