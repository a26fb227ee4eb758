"""A board's profile, profile.json, read and checked: every mistake is named with its place, before any pin is touched.

Only data in and data out: the host checks a profile with this very file before it goes to a board.
"""

import json

from robolink_board import chips, schema

VERSION = 1


class ProfileError(ValueError):
    # A profile that cannot be; the text names the file, the place and what to do.
    pass


def load(path):
    try:
        with open(path) as file:
            text = file.read()
    except OSError:
        raise ProfileError("%s is not there: copy a profile to the board, see profiles/" % path)
    try:
        return check(json.loads(text))
    except ProfileError as error:
        raise ProfileError("%s: %s" % (path, error))
    except ValueError:
        raise ProfileError("%s is not JSON: look for a comma too many, a quote or bracket too few" % path)


def check(given):
    # The profile with all that was left out filled in.
    if not isinstance(given, dict):
        raise ProfileError("a profile is an object in braces")
    if given.get("robolink_profile") != VERSION:
        raise ProfileError(
            '"robolink_profile" must be %d, not %s' % (VERSION, json.dumps(given.get("robolink_profile")))
        )
    found = _Pins(_chip(given))
    made = _part("", given, schema.PROFILE, found)
    _name("model", made["model"], "-")
    names = ["board"]
    for at, component in enumerate(made["components"]):
        kind = component.get("kind") if isinstance(component, dict) else None
        place = "components[%d]" % at
        if kind not in schema.COMPONENTS:
            raise ProfileError(
                "%s: %s is none of the kinds %s"
                % (place, json.dumps(kind), ", ".join(sorted(schema.COMPONENTS)))
            )
        name = component.get("name")
        _name(place + ".name", name, "_")
        if name in names:
            raise ProfileError("%s: the name %s is taken" % (place, name))
        names.append(name)
        made["components"][at] = _part(name, component, schema.COMPONENTS[kind], found)
        _rules(name, made["components"][at], made["chip"])
    found.check()
    made["pins"] = found.uses
    _watchdogs(made)
    return made


def _chip(given):
    chip = given.get("chip")
    if chip not in chips.CHIPS:
        raise ProfileError("chip: %s is none of %s" % (json.dumps(chip), ", ".join(sorted(chips.CHIPS))))
    return chip


def _name(place, name, joint):
    good = isinstance(name, str) and 0 < len(name) <= 48 and "a" <= name[0] <= "z"
    for letter in name if good else "":
        good = good and ("a" <= letter <= "z" or "0" <= letter <= "9" or letter == joint)
    if not good:
        raise ProfileError(
            "%s: %s must be lower case letters, digits and %s" % (place, json.dumps(name), joint)
        )


def _part(place, given, rows, found):
    if not isinstance(given, dict):
        raise ProfileError("%s: an object in braces is needed" % place)
    dot = place + "." if place else ""
    for key in given:
        if key not in rows:
            raise ProfileError("%s%s is not known here; known: %s" % (dot, key, ", ".join(sorted(rows))))
    made = {}
    for key in sorted(rows):
        row = rows[key]
        if row[0] == "pin" and row[2] == "line":
            row = ("pin", row[1], given.get("direction") or "out")
        if key in given:
            made[key] = _value(dot + key, given[key], row, found)
        elif row[1] is schema.NEEDED:
            raise ProfileError("%s%s is missing" % (dot, key))
        elif row[0] == "part" and row[1] == {}:
            made[key] = _part(dot + key, {}, row[2], found)
        else:
            made[key] = float(row[1]) if row[0] == "number" else row[1]
    return made


def _value(place, value, row, found):
    kind = row[0]
    if kind == "text":
        if not isinstance(value, str) or len(value) > 100:
            raise ProfileError(
                "%s: a text of at most 100 letters is needed, not %s" % (place, json.dumps(value))
            )
    elif kind == "flag":
        if not isinstance(value, bool):
            raise ProfileError("%s: true or false is needed, not %s" % (place, json.dumps(value)))
    elif kind == "one":
        if value not in row[2]:
            known = ", ".join(json.dumps(each) for each in row[2])
            raise ProfileError("%s: %s is none of %s" % (place, json.dumps(value), known))
    elif kind == "number" or kind == "whole":
        return _number(place, value, row)
    elif kind == "pin":
        found.add(place, value, row[2])
    elif kind == "list":
        return _list(place, value, row, found)
    elif kind == "part":
        return _part(place, value, row[2], found)
    elif kind == "variant":
        return _variant(place, value, row[2], found)
    return value


def _number(place, value, row):
    whole = row[0] == "whole"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise ProfileError("%s: %s is needed, not %s" % (place, kind, json.dumps(value)))
    if not row[2] <= value <= row[3]:
        raise ProfileError("%s: %s is not within %s to %s" % (place, value, row[2], row[3]))
    return value if whole else float(value)


def _list(place, value, row, found):
    if not isinstance(value, list) or not row[3] <= len(value) <= row[4]:
        raise ProfileError("%s: a list of %d to %d is needed" % (place, row[3], row[4]))
    if row[2] is None:
        return list(value)
    made, names = [], []
    for at, each in enumerate(value):
        name = each.get("name") if isinstance(each, dict) else None
        where = "%s[%d]" % (place, at)
        _name(where + ".name", name, "_")
        if name in names:
            raise ProfileError("%s: the name %s is taken" % (where, name))
        names.append(name)
        made.append(_part("%s.%s" % (place, name), each, row[2], found))
    return made


def _variant(place, value, variants, found):
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in variants:
        raise ProfileError(
            "%s.type: %s is none of %s" % (place, json.dumps(kind), ", ".join(sorted(variants)))
        )
    first = len(found.uses)
    made = _part(place, value, variants[kind], found)
    for at in range(first, len(found.uses)):
        where, pin, use = found.uses[at]
        if use == "pwm":
            found.uses[at] = (where, pin, "pwm%d" % made["frequency_hz"])
    return made


def _rules(name, made, chip):
    if "sda" in made:
        error = chips.i2c_error(chip, made["bus"], made["sda"], made["scl"])
        if error:
            raise ProfileError("%s: %s" % (name, error))
    for low, high in schema.ORDERED:
        parts = [(name, made)] + [(name + "." + each["name"], each) for each in made.get("joints", ())]
        for place, part in parts:
            if low in part and not part[low] < part[high]:
                raise ProfileError("%s: %s must be under %s" % (place, low, high))
            if "home_rad" in part and not part["minimum_rad"] <= part["home_rad"] <= part["maximum_rad"]:
                raise ProfileError("%s.home_rad is not within minimum_rad to maximum_rad" % place)


def _watchdogs(made):
    most = chips.CHIPS[made["chip"]].get("watchdog_ms")
    own = made["watchdog"]["hardware_ms"]
    if own and most and own > most:
        raise ProfileError("watchdog.hardware_ms: %d is more than %s can: %d" % (own, made["chip"], most))
    if own and own < 2 * made["watchdog"]["loop_ms"]:
        raise ProfileError(
            "watchdog.hardware_ms must be at least twice watchdog.loop_ms, so that outputs are safe first"
        )


class _Pins:
    # Who uses which pin for what.
    def __init__(self, chip):
        self.chip = chip
        self.uses = []  # (place, pin, use)
        self._pwm = []  # (place, pin)

    def add(self, place, pin, use):
        if isinstance(pin, bool) or not isinstance(pin, (int, str)):
            raise ProfileError("%s: a pin is needed, not %s" % (place, json.dumps(pin)))
        error = chips.pin_error(self.chip, pin, use)
        if error:
            raise ProfileError("%s: %s" % (place, error))
        for other, taken, its in self.uses:
            shared = use in ("sda", "scl") and its == use
            shared = shared or (place.rsplit(".", 1)[-1] == "enable" and other.rsplit(".", 1)[-1] == "enable")
            if taken == pin and not shared:
                raise ProfileError("%s: pin %s is used by %s already" % (place, pin, other))
        self.uses.append((place, pin, use))

    def check(self):
        # On chips whose PWM pins share clocks: one frequency a slice, one pin a channel.
        seen = {}
        for place, pin, use in self.uses:
            if not use.startswith("pwm"):
                continue
            slot = chips.slice_of(self.chip, pin)
            if slot is None:
                continue
            for at in ((slot[0], 0), (slot[0], 1)):
                if at not in seen:
                    continue
                other, their, its = seen[at]
                if at == slot:
                    raise ProfileError(
                        "%s: pins %d and %d of %s share one PWM channel (%s has it)"
                        % (place, pin, their, self.chip, other)
                    )
                if its != use:
                    raise ProfileError(
                        "%s: pins %d and %d of %s share one PWM clock, but are to run at two frequencies (%s has it)"
                        % (place, pin, their, self.chip, other)
                    )
            seen[slot] = (place, pin, use)
