"""Keys to setpoints, without I/O: what keyboard teleoperation sends, when, and when it falls silent.

Dead-man: a terminal repeats a key that is held, so a key that has not come again within HOLD_S counts as let go. Then
zeros are sent for a moment, and after that nothing: the setpoint's own TTL would end the motion too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from robolink import v1

HOLD_S: Final = 0.5
ZEROS_S: Final = 0.3
STEP: Final = 0.1
START_SPEED: Final = 0.3
# Where the sheet has no limit: slow, in the field's own unit.
UNLIMITED: Final = 0.2
MAX_RATE_HZ: Final = 50.0
DEFAULT_TTL_MS: Final = 300
# Setpoints sent within one TTL, so that two may be lost.
PER_TTL: Final = 3


class Axis(Enum):
    """What a pair of keys moves."""

    FORWARD = "forward"
    TURN = "turn"
    SIDE = "side"


class Action(Enum):
    """What a key asks of the caller, beyond motion."""

    NONE = 0
    QUIT = 1
    # The latched software stop, not safety rated.
    STOP = 2


# Field names by axis, the usual one first.
FIELDS: Final[dict[Axis, tuple[str, ...]]] = {
    Axis.FORWARD: ("linear_x", "linear", "vx", "speed", "velocity"),
    Axis.TURN: ("angular_z", "angular", "wz", "yaw_rate"),
    Axis.SIDE: ("linear_y", "vy"),
}
MOVES: Final[dict[str, tuple[Axis, int]]] = {
    "up": (Axis.FORWARD, 1),
    "w": (Axis.FORWARD, 1),
    "down": (Axis.FORWARD, -1),
    "s": (Axis.FORWARD, -1),
    "left": (Axis.TURN, 1),
    "a": (Axis.TURN, 1),
    "right": (Axis.TURN, -1),
    "d": (Axis.TURN, -1),
    "j": (Axis.SIDE, 1),
    "l": (Axis.SIDE, -1),
}
_ARROWS: Final = {b"A": "up", b"B": "down", b"C": "right", b"D": "left"}
_ESCAPE: Final = 0x1B


class KeyReader:
    """A terminal's bytes to names of keys; an arrow may come in pieces."""

    def __init__(self) -> None:
        """Nothing read."""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete now."""
        data, keys = self._rest + data, []
        self._rest = b""
        while data:
            if data[0] != _ESCAPE:
                keys.append(data[:1].decode("ascii", "replace"))
                data = data[1:]
            elif len(data) < 3 and (len(data) < 2 or data[1:2] in b"[O"):
                self._rest = data
                break
            elif data[1:2] in b"[O":
                end = next((at for at in range(2, len(data)) if 0x40 <= data[at] <= 0x7E), None)
                if end is None:
                    self._rest = data if len(data) < 16 else b""  # No sequence is so long.
                    break
                keys.append(_ARROWS.get(data[end : end + 1], "other") if end == 2 else "other")
                data = data[end + 1 :]
            else:
                keys.append("other")
                data = data[2:]
        return keys


def choose(sheet: v1.Sheet, name: str = "") -> tuple[str, v1.SetpointInfo]:
    """The setpoint to drive by: the named one, else a base's velocity.

    Raises:
        ValueError: There is none; the text lists what there is.
    """
    found = {f"{c.name}.{each.name}": (c, each) for c in sheet.components for each in c.setpoints}
    if name:
        if name not in found:
            raise ValueError(f"there is no setpoint {name!r}; there are: {', '.join(found) or 'none'}")
        return name, found[name][1]

    def rank(full: str) -> tuple[bool, bool]:
        component, info = found[full]
        names = {field.name for field in info.fields}
        drives = bool(names & {*FIELDS[Axis.FORWARD], *FIELDS[Axis.TURN]})
        return not drives, component.type != v1.COMPONENT_TYPE_BASE

    best = min(found, key=rank, default="")
    if not best or rank(best)[0]:
        raise ValueError(f"it has no velocity setpoint to drive by; setpoints: {', '.join(found) or 'none'}")
    return best, found[best][1]


def axes(info: v1.SetpointInfo) -> dict[Axis, v1.Field]:
    """The field of each axis; a setpoint of other names is moved by its first two fields."""
    named = {field.name: field for field in info.fields}
    found = {
        axis: next(named[name] for name in names if name in named)
        for axis, names in FIELDS.items()
        if any(name in named for name in names)
    }
    return found or dict(zip((Axis.FORWARD, Axis.TURN), info.fields, strict=False))


@dataclass(slots=True)
class _Held:
    direction: int
    until_s: float


class Teleop:
    """One setpoint driven by keys.

    Args:
        info: The setpoint, from the sheet: fields, limits, TTL, rate.

    Attributes:
        speed: Fraction of the sheet's limits, 0.1..1.
        period_s: Between two setpoints.
        zeros_s: How long zeros are sent after a key was let go.
    """

    def __init__(self, info: v1.SetpointInfo) -> None:
        """Nothing held, nothing sent."""
        self.speed = START_SPEED
        self.axes: Mapping[Axis, v1.Field] = axes(info)
        rate_hz = max(info.minimum_rate_hz, PER_TTL * 1000 / (info.ttl_ms or DEFAULT_TTL_MS))
        self.period_s = 1 / min(rate_hz, MAX_RATE_HZ)
        # At least two of them, however slow the rate.
        self.zeros_s = max(ZEROS_S, 2 * self.period_s)
        self._fields = [field.name for field in info.fields]
        self._held: dict[Axis, _Held] = {}
        self._zeros_until_s = float("-inf")
        self._next_s = float("-inf")

    def press(self, keys: Iterable[str], now: float) -> Action:
        """Keys that came now; what else than motion they ask for. A stop or the end lets every key go."""
        for key in keys:
            lower = key if len(key) > 1 else key.lower()
            if lower in MOVES:
                axis, direction = MOVES[lower]
                if axis in self.axes:
                    self._held[axis] = _Held(direction, now + HOLD_S)
                    self._zeros_until_s = now + HOLD_S + self.zeros_s
            elif lower == " ":
                self.let_go(now)
            elif lower in ("+", "="):
                self.speed = round(min(1.0, self.speed + STEP), 2)
            elif lower in ("-", "_"):
                self.speed = round(max(STEP, self.speed - STEP), 2)
            elif lower in ("x", "q"):
                self.let_go(now)
                return Action.STOP if lower == "x" else Action.QUIT
        return Action.NONE

    def let_go(self, now: float) -> None:
        """Zeros at once, then silence."""
        self._held.clear()
        self._zeros_until_s = now + self.zeros_s
        self._next_s = float("-inf")

    def mute(self) -> None:
        """Send nothing more until a key comes: there is no lease, or the robot is stopped."""
        self._held.clear()
        self._zeros_until_s = float("-inf")

    def wanted(self, now: float) -> dict[str, float]:
        """The whole setpoint as it is now, zeros where no key is held."""
        values = dict.fromkeys(self._fields, 0.0)
        for axis, held in self._held.items():
            if now < held.until_s:
                values[self.axes[axis].name] = self._value(self.axes[axis], held.direction)
        return values

    def _value(self, field: v1.Field, direction: int) -> float:
        if direction > 0:
            limit = field.maximum if field.HasField("maximum") else UNLIMITED
            return self.speed * max(0.0, limit)
        limit = field.minimum if field.HasField("minimum") else -UNLIMITED
        return self.speed * min(0.0, limit)

    def due(self, now: float) -> dict[str, float] | None:
        """What to send now; None: nothing (yet, or any more)."""
        if now < self._next_s or now >= self._zeros_until_s:
            return None
        # In step with the rate; after a pause from now on.
        paused = now - self._next_s > self.period_s
        self._next_s = (now if paused else self._next_s) + self.period_s
        return self.wanted(now)

    def next_timer(self, now: float) -> float | None:
        """When `due` wants to be asked again; None: after the next key."""
        return None if now >= self._zeros_until_s else max(now, self._next_s)
