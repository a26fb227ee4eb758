"""Messages with every field set, to values that show how each is encoded. It knows no rule and writes no file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

# A message inside itself (late_outcome) is filled once and not again.
MAX_DEPTH: Final = 6

_UNSIGNED: Final = {
    FieldDescriptor.TYPE_UINT32: 0xFFFFFFFF,
    FieldDescriptor.TYPE_UINT64: 0xFFFFFFFFFFFFFFFF,
    FieldDescriptor.TYPE_FIXED32: 0xFFFFFFFF,
    FieldDescriptor.TYPE_FIXED64: 0xFFFFFFFFFFFFFFFF,
}


def fields_of(message: Message) -> dict[str, Any]:
    """Protobuf's JSON mapping, with the schema's names."""
    return MessageToDict(message, preserving_proto_field_name=True)


def fields_in(descriptor: Descriptor) -> Iterator[FieldDescriptor]:
    """Its fields by number."""
    yield from sorted(descriptor.fields, key=lambda each: each.number)


def members_of_oneofs(descriptor: Descriptor) -> list[str]:
    """Names of the fields of its real oneofs; [""] if it has none."""
    names = [
        field.name
        for field in fields_in(descriptor)
        if field.containing_oneof is not None and not is_optional(field)
    ]
    return names or [""]


def is_optional(field: FieldDescriptor) -> bool:
    """Whether it is `optional`, which protobuf makes a oneof of one."""
    oneof = field.containing_oneof
    return oneof is not None and len(oneof.fields) == 1 and oneof.name == f"_{field.name}"


class Filler:
    """Fills messages; each number and each kind of a oneof is another one than before.

    Args:
        skip: Full names of fields that stay unset.
    """

    def __init__(self, *, skip: frozenset[str] = frozenset()) -> None:
        """Count from 1."""
        self._count = 0
        self._skip = skip
        self._turns: dict[str, int] = {}

    def fill(self, message: Message, *, chosen: str = "", depth: int = 0) -> Message:
        """Set every field; of a oneof `chosen`, or the members in turn."""
        descriptor = message.DESCRIPTOR
        choice = chosen or self._choose(descriptor)
        for field in fields_in(descriptor):
            real_oneof = field.containing_oneof is not None and not is_optional(field)
            if (real_oneof and field.name != choice) or field.full_name in self._skip:
                continue
            if field.message_type is not None and depth + 1 > MAX_DEPTH:
                continue
            if field.message_type is descriptor and depth:
                continue
            self._set(message, field, depth)
        return message

    def _choose(self, descriptor: Descriptor) -> str:
        names = members_of_oneofs(descriptor)
        turn = self._turns.get(descriptor.full_name, 0)
        self._turns[descriptor.full_name] = turn + 1
        return names[turn % len(names)]

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        target = getattr(message, field.name)
        if field.message_type is not None:
            if field.is_repeated:
                for _ in range(2):
                    self.fill(target.add(), depth=depth + 1)
            else:
                target.SetInParent()
                self.fill(target, depth=depth + 1)
        elif field.is_repeated:
            target.extend(self._value(field) for _ in range(3))
        else:
            setattr(message, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:
        self._count += 1
        n = self._count
        if field.enum_type is not None:
            known = [each.number for each in field.enum_type.values if each.number]
            return known[n % len(known)]
        if field.type in _UNSIGNED:
            return (n * 0x9E3779B97F4A7C15) & (_UNSIGNED[field.type] >> 8 * (n % 4)) or 1
        if field.type == FieldDescriptor.TYPE_SINT64:
            return (n * 1_000_003) * (-1) ** n
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return (n * (-1) ** n) / 8
        if field.type == FieldDescriptor.TYPE_BOOL:
            return True
        if field.type == FieldDescriptor.TYPE_STRING:
            return f"{field.name} {n} é"
        if field.type == FieldDescriptor.TYPE_BYTES:
            return bytes((n + at) & 0xFF for at in range(16))
        raise TypeError(f"{field.full_name}: no value for type {field.type}")
