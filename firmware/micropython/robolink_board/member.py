"""What a component offers, as data: settings, readings, calls, goals, setpoints. board.py makes sheet and dispatch of it."""

from robolink_board import messages

TYPES = {
    messages.BOOL: bool,
    messages.INT: int,
    messages.STRING: str,
    messages.BYTES: bytes,
    messages.VECTOR: tuple,
}


class Refused(ValueError):
    # An order that cannot be taken: `cause` of the standard, and why.
    def __init__(self, cause, text):
        super().__init__(text)
        self.cause = cause


class Member:
    def __init__(self, kind, field, **options):
        self.kind = kind
        self.field = field
        self.args = options.get("args", ())
        self.results = options.get("results", ())
        self.get = options.get("get")
        self.set = options.get("set")
        self.run = options.get("run")
        self.slow = options.get("slow", False)
        self.changes = options.get("changes", False)
        self.told = None
        self.motion = options.get("motion", False)
        self.max_duration_ms = options.get("max_duration_ms", 0)
        self.on_disconnect = options.get("on_disconnect", 0)
        self.ttl_ms = options.get("ttl_ms", 0)
        # Filled in by the board.
        self.id = 0
        self.component = None
        # Of a setpoint: whether its stream runs, and when it dies.
        self.streams = False
        self.dies = 0


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


def reading(name, get, slow=False, changes=False, **limits):
    # None of `get()`: nothing is measured now, so nothing is told. `slow`: asked each two seconds only; `changes`: told
    # when it has changed, and each two seconds.
    return Member(messages.READING, field(name, **limits), get=get, slow=slow, changes=changes)


def call(name, run, args=(), results=(), motion=False, description=""):
    # `run(*args)` answers at once, with a tuple of results or None.
    return Member(
        messages.CALL,
        field(name, description=description, type=0),
        run=run,
        args=args,
        results=results,
        motion=motion,
        max_duration_ms=1000,
        on_disconnect=1,
    )


def goal(name, run, args=(), results=(), max_duration_ms=60000, description="", motion=True):
    # `run(goal, *args)` is a generator: it yields once a tick, returns a tuple of results, cleans up in `finally`.
    return Member(
        messages.GOAL,
        field(name, description=description, type=0),
        run=run,
        args=args,
        results=results,
        motion=motion,
        max_duration_ms=max_duration_ms,
        on_disconnect=1,
    )


def setpoint(name, run, args, ttl_ms=300, description=""):
    # `run(values)`; the board calls it with zeros when the TTL is over.
    return Member(
        messages.SETPOINT, field(name, description=description, type=0), run=run, args=args, ttl_ms=ttl_ms
    )


def _number(name, value):
    # bool is an int in CPython and none in MicroPython; neither takes one for a number.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(messages.INVALID, "%s: a number is needed" % name)
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        raise Refused(messages.INVALID, "%s: not a finite number" % name)
    return value


def _limits(one, value):
    if "minimum" in one and value < one["minimum"]:
        raise Refused(messages.LIMIT, "%s: %s is under the minimum %s" % (one["name"], value, one["minimum"]))
    if "maximum" in one and value > one["maximum"]:
        raise Refused(messages.LIMIT, "%s: %s is over the maximum %s" % (one["name"], value, one["maximum"]))


def check(one, value):
    # The value as the field's type. Refused, a ValueError: INVALID of another type or not finite, LIMIT out of limits.
    kind, name = one["type"], one["name"]
    if kind == messages.DOUBLE:
        value = _number(name, value)
    elif not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == messages.BOOL):
        raise Refused(messages.INVALID, "%s: wrong type" % name)
    if kind == messages.VECTOR:
        for each in value:
            _limits(one, _number(name, each))
    elif kind == messages.DOUBLE or kind == messages.INT:
        _limits(one, value)
    return value


def check_all(fields, values):
    if len(values) != len(fields):
        raise Refused(messages.INVALID, "%d arguments, not %d" % (len(values), len(fields)))
    return [check(fields[at], values[at]) for at in range(len(fields))]
