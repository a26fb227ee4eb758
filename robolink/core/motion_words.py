"""Which settings would order motion: such a one is refused, since settings are replayed after an outage.

It judges names and units alone; everything else about a sheet is sheet.py's.
"""

from __future__ import annotations

import re
from typing import Final

from robolink import v1
from robolink.core.violation import Violation

NUMBERS: Final = (v1.VALUE_TYPE_INT, v1.VALUE_TYPE_DOUBLE, v1.VALUE_TYPE_VECTOR)

# Settings are replayed after an outage, so a wanted motion must never be one; see `refuse_motion`.
_MOTION_WORDS: Final = {
    **dict.fromkeys(("velocity", "vel", "twist"), ("m/s", "rad/s", "1", "")),
    "speed": ("m/s", "rad/s"),
    **dict.fromkeys(("position", "pos", "angle", "pose"), ("m", "rad")),
}
_BESIDE_MOTION: Final = re.compile(
    r"cmd|command|commanded|target|goal|desired|wanted|setpoint|demand|reference|ref|"
    r"linear|angular|x|y|z|yaw|left|right|wheel|joint|motor|servo|base|"
)


def refuse_motion(component: v1.Component, prop: v1.Property) -> None:
    """A setting that orders motion is refused: kept in a cloud, it would be carried out an hour late.

    Refused is a setting with the name of a setpoint of its component, and one whose name holds nothing but a word of
    motion (velocity, speed, position …) and words for an axis, a part or an order (linear, wheel, target …), in the
    unit of such a motion. A further word makes it a limit or parameter: max_speed, speed_limit, home_position.

    Raises:
        Violation: INVALID.
    """
    field = prop.field
    if prop.access != v1.ACCESS_READ_WRITE or field.type not in NUMBERS:
        return
    words = {each.rstrip("0123456789") for each in field.name.split("_")}
    wanted = any(word in _MOTION_WORDS and field.unit in _MOTION_WORDS[word] for word in words)
    wanted = wanted and all(word in _MOTION_WORDS or _BESIDE_MOTION.fullmatch(word) for word in words)
    if wanted or any(each.name == field.name for each in component.setpoints):
        raise Violation(
            v1.CAUSE_INVALID,
            f"{component.name}.{field.name}: a setting that orders motion; settings are replayed after an outage, "
            "so declare a setpoint or a goal (a limit such as max_speed may be a setting)",
        )
