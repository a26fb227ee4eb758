"""A board's SHEET_PART frames as a Sheet, and its members by number and by name. Decides nothing about motion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.errors import RemoteProtocolError

MAX_PARTS: Final = 512

_METHODS: Final = {
    v1.SERIAL_MEMBER_KIND_CALL: v1.METHOD_KIND_CALL,
    v1.SERIAL_MEMBER_KIND_GOAL: v1.METHOD_KIND_GOAL,
}
_ACCESS: Final = {
    v1.SERIAL_MEMBER_KIND_SETTING: v1.ACCESS_READ_WRITE,
    v1.SERIAL_MEMBER_KIND_READING: v1.ACCESS_READ_ONLY,
}


@dataclass(slots=True)
class Member:
    """One setting, reading, method or setpoint of the board."""

    id: int
    # "component.member".
    name: str
    info: v1.SerialMember
    args: list[v1.Field] = field(default_factory=list)
    results: list[v1.Field] = field(default_factory=list)


@dataclass(slots=True)
class BoardSheet:
    """What the board says of itself."""

    sheet: v1.Sheet
    by_id: dict[int, Member]
    by_name: dict[str, Member]


class SheetParts:
    """Collects the parts of one board; they come in order, and from the start again when asked again."""

    def __init__(self) -> None:
        self._parts: list[v1.SerialSheetPart] = []

    def add(self, part: v1.SerialSheetPart) -> BoardSheet | None:
        """Take one; the whole, once it is complete.

        Raises:
            RemoteProtocolError: The board describes what the profile does not know.
        """
        if part.index == 0:
            self._parts = []
        if part.index != len(self._parts) or not part.index < part.count <= MAX_PARTS:
            raise RemoteProtocolError(
                f"sheet part {part.index} of {part.count} came behind {len(self._parts)}"
            )
        self._parts.append(part)
        if len(self._parts) < part.count:
            return None
        parts, self._parts = self._parts, []
        return assemble(parts)


def assemble(parts: Iterable[v1.SerialSheetPart]) -> BoardSheet:
    """All parts as a whole.

    Raises:
        RemoteProtocolError: A part that belongs to none.
    """
    made = BoardSheet(v1.Sheet(), {}, {})
    components: dict[int, v1.Component] = {}
    for part in parts:
        kind = part.WhichOneof("part")
        if kind == "board":
            _take_board(made.sheet, part.board)
        elif kind == "component":
            told = part.component
            components[told.id] = made.sheet.components.add(
                name=told.name, type=told.type, description=told.description
            )
        elif kind == "member":
            _take_member(made, components, part.member)
    _fill(made, components)
    return made


def _take_board(sheet: v1.Sheet, board: v1.SerialBoard) -> None:
    sheet.model, sheet.vendor, sheet.version = board.model, board.vendor, board.version
    sheet.description, sheet.on_link_loss = board.description, board.on_link_loss
    sheet.stop_levels.extend(board.stop_levels)


def _take_member(made: BoardSheet, components: dict[int, v1.Component], told: v1.SerialMember) -> None:
    if told.kind in (v1.SERIAL_MEMBER_KIND_ARG, v1.SERIAL_MEMBER_KIND_RESULT):
        parent = made.by_id.get(told.parent)
        if parent is None:
            raise RemoteProtocolError(f"field {told.field.name!r} belongs to no member {told.parent}")
        is_arg = told.kind == v1.SERIAL_MEMBER_KIND_ARG
        (parent.args if is_arg else parent.results).append(told.field)
        return
    component = components.get(told.parent)
    if component is None:
        raise RemoteProtocolError(f"member {told.field.name!r} belongs to no component {told.parent}")
    member = Member(told.id, f"{component.name}.{told.field.name}", told)
    made.by_id[told.id] = made.by_name[member.name] = member


def _fill(made: BoardSheet, components: dict[int, v1.Component]) -> None:
    for member in made.by_id.values():
        told, component = member.info, components[member.info.parent]
        if told.kind in _ACCESS:
            component.properties.add(field=told.field, access=_ACCESS[told.kind])
        elif told.kind in _METHODS:
            component.methods.add(
                name=told.field.name,
                kind=_METHODS[told.kind],
                description=told.field.description,
                args=member.args,
                results=member.results,
                motion=told.motion,
                max_duration_ms=told.max_duration_ms,
                on_disconnect=told.on_disconnect,
            )
        elif told.kind == v1.SERIAL_MEMBER_KIND_SETPOINT:
            component.setpoints.add(
                name=told.field.name,
                description=told.field.description,
                fields=member.args,
                ttl_ms=told.ttl_ms,
                minimum_rate_hz=2000.0 / told.ttl_ms if told.ttl_ms else 0.0,
            )
        else:
            raise RemoteProtocolError(f"member {member.name} is of the unknown kind {told.kind}")
