"""What a component offers, as data: settings, readings, goals, setpoints. board.py makes sheet and dispatch of it."""

from robolink_board import messages

TYPES = {
    messages.BOOL: bool,
    messages.INT: int,
    messages.STRING: str,
    messages.BYTES: bytes,
    messages.VECTOR: tuple,
}


class Member:
    def __init__(self, kind, field, **options):
        self.kind = kind
        self.field = field
        self.args = options.get("args", ())
        self.results = options.get("results", ())
        self.get = options.get("get")
        self.set = options.get("set")
        self.run = options.get("run")
        self.motion = options.get("motion", False)
        self.max_duration_ms = options.get("max_duration_ms", 0)
        self.on_disconnect = options.get("on_disconnect", 0)
        self.ttl_ms = options.get("ttl_ms", 0)
        # Filled in by the board.
        self.id = 0
        self.component = None


def field(name, unit="", minimum=None, maximum=None, description="", type=messages.DOUBLE, default=None):  # noqa: A002
    made = {"name": name, "type": type, "unit": unit, "description": description}
    if minimum is not None:
        made["minimum"] = float(minimum)
    if maximum is not None:
        made["maximum"] = float(maximum)
    if default is not None:
        made["default_value"] = messages.to_value(default)
    return made


def setting(name, get, set, **limits):  # noqa: A002
    # `set(value)` gets a value of the right type within the limits; it may raise ValueError to refuse it.
    return Member(messages.SETTING, field(name, **limits), get=get, set=set)


def reading(name, get, **limits):
    return Member(messages.READING, field(name, **limits), get=get)


def goal(name, run, args=(), results=(), max_duration_ms=60000, description=""):
    # `run(goal, *args)` is a generator: it yields once a tick, returns a tuple of results, cleans up in `finally`.
    return Member(
        messages.GOAL,
        field(name, description=description, type=0),
        run=run,
        args=args,
        results=results,
        motion=True,
        max_duration_ms=max_duration_ms,
        on_disconnect=1,
    )


def setpoint(name, run, args, ttl_ms=300, description=""):
    # `run(values)`; the board calls it with zeros when the TTL is over.
    return Member(
        messages.SETPOINT, field(name, description=description, type=0), run=run, args=args, ttl_ms=ttl_ms
    )


def check(one, value):
    # The value as the field's type; ValueError names the limit.
    kind, name = one["type"], one["name"]
    if kind == messages.DOUBLE:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError("%s: a number is needed" % name)
        value = float(value)
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("%s: not a finite number" % name)
    elif not isinstance(value, TYPES[kind]):
        raise ValueError("%s: wrong type" % name)
    if "minimum" in one and value < one["minimum"]:
        raise ValueError("%s: %s is under the minimum %s" % (name, value, one["minimum"]))
    if "maximum" in one and value > one["maximum"]:
        raise ValueError("%s: %s is over the maximum %s" % (name, value, one["maximum"]))
    return value


def check_all(fields, values):
    return [check(fields[at], values[at]) for at in range(len(fields))]
