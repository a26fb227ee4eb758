"""How good the line to a board is, for its robot: a component `link` with readings and a stream, once a second.

It measures nothing: the link does. Values are since the bridge began, the loss of the last half minute.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

from robolink import v1
from robolink.core.link import LinkQuality

log = logging.getLogger(__name__)

COMPONENT: Final = "link"
STREAM: Final = "quality"
PERIOD_S: Final = 1.0
# Samples that the loss is taken over.
WINDOW: Final = 30

_READINGS: Final = {
    "round_trip": (v1.VALUE_TYPE_DOUBLE, "s", "of the last answered probe"),
    "loss": (v1.VALUE_TYPE_DOUBLE, "", "share of the last half minute's probes without an answer, 0..1"),
    "age": (v1.VALUE_TYPE_DOUBLE, "s", "since the board's last frame"),
    "bad_frames": (
        v1.VALUE_TYPE_INT,
        "",
        "from the board, with a wrong CRC, too long or cut; text that it prints between frames counts too",
    ),
    "board_bad_frames": (
        v1.VALUE_TYPE_INT,
        "",
        "to the board, with a wrong CRC, too long or cut; since its boot",
    ),
    "resent": (v1.VALUE_TYPE_INT, "", "frames that the bridge sent again"),
    "board_resent": (v1.VALUE_TYPE_INT, "", "frames that the board sent again; since its boot"),
    "sessions": (v1.VALUE_TYPE_INT, "", "how often the line has come up"),
}


def add_to(sheet: v1.Sheet) -> bool:
    """Add the component to a board's sheet; False if the board has one of that name."""
    if any(each.name == COMPONENT for each in sheet.components):
        log.warning(
            "%s has a component %r of its own: the line's quality is not shown", sheet.model, COMPONENT
        )
        return False
    made = sheet.components.add(
        name=COMPONENT,
        type=v1.COMPONENT_TYPE_GENERIC,
        description="the line to the board, as its bridge sees it",
    )
    for name, (kind, unit, description) in _READINGS.items():
        field = v1.Field(name=name, type=kind, unit=unit, description=description)
        made.properties.add(field=field, access=v1.ACCESS_READ_ONLY)
    made.streams.add(
        name=STREAM,
        schema="Values",
        rate_hz=1 / PERIOD_S,
        description="the readings, also while the board is away",
    )
    return True


class QualityWatch:
    """The values of one line."""

    def __init__(self) -> None:
        """Nothing known."""
        self._probes = deque[tuple[int, int]](maxlen=WINDOW + 1)
        self._due_s = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time, once a period."""
        if now < self._due_s:
            return False
        self._due_s = now + PERIOD_S
        return True

    def values(self, quality: LinkQuality, sessions: int) -> dict[str, float | int]:
        """By reading; what is not known is left out."""
        self._probes.append((quality.probes, quality.answered))
        probes = quality.probes - self._probes[0][0]
        answered = quality.answered - self._probes[0][1]
        found: dict[str, float | int] = {
            "age": max(quality.heard_age_s, 0.0),
            "bad_frames": quality.bad_frames,
            "resent": quality.resent,
            "sessions": sessions,
        }
        if quality.round_trip_s is not None:
            found["round_trip"] = quality.round_trip_s
        if probes > 0:
            found["loss"] = min(max(1.0 - answered / probes, 0.0), 1.0)
        if quality.report is not None:
            found["board_bad_frames"] = quality.report.bad_frames
            found["board_resent"] = quality.report.resent
        return found


def plain_value(value: float | int) -> v1.Value:
    """For the stream."""
    return v1.Value(int_value=value) if isinstance(value, int) else v1.Value(double_value=value)
