"""Writes WORKED.md, one conversation byte by byte: `python proto/worked.py [OUT]`. A test compares it with what is committed.

Ids and times are fixed; the bytes are made by `robolink.core.envelope` and taken apart again here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from robolink import v1

sys.path.insert(0, str(Path(__file__).parent))

import worked_steps  # beside this script, not a package

PAGE: Final = Path(__file__).parent / "WORKED.md"
BYTES_A_LINE: Final = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One field on the wire: its bytes and what they say."""

    data: bytes
    path: str
    value: str


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def parts(data: bytes, descriptor: Descriptor, path: str = "") -> list[Part]:
    """A message taken apart, submessages behind their own tag and length."""
    found, at = [], 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        known = descriptor.fields_by_number[tag >> 3]
        where = f"{path}{known.name}"
        if tag & 7 == 0:
            number, at = varint(data, at)
            found.append(Part(data[start:at], where, shown(known, number)))
        elif tag & 7 in (1, 5):
            end = at + (8 if tag & 7 == 1 else 4)
            found.append(Part(data[start:end], where, shown(known, data[at:end])))
            at = end
        else:
            size, at = varint(data, at)
            inner, at = data[at : at + size], at + size
            if known.message_type is None:
                found.append(Part(data[start:at], where, shown(known, inner)))
            else:
                found.append(Part(data[start : at - size], where, f"message of {size} bytes"))
                found += parts(inner, known.message_type, f"{where}.")
    return found


def shown(known: FieldDescriptor, raw: int | bytes) -> str:
    """A scalar for people, or packed ones."""
    if isinstance(raw, int):
        return number_shown(known, raw)
    if known.type == FieldDescriptor.TYPE_BYTES:
        return f"{len(raw)} bytes"
    if known.type == FieldDescriptor.TYPE_STRING:
        return f'"{raw.decode()}"'
    if known.is_repeated:
        numbers, at = [], 0
        while at < len(raw):
            number, at = varint(raw, at)
            numbers.append(number_shown(known, number))
        return ", ".join(numbers)
    # A fixed number: let protobuf read it.
    tag = known.number << 3 | (1 if len(raw) == 8 else 5)
    made = getattr(v1, known.containing_type.name).FromString(bytes((tag,)) + raw)
    value = getattr(made, known.name)
    if not isinstance(value, int):
        return repr(value)
    return f"{value:,}" if known.name.endswith("_ns") else f"{value:#018x}"


def number_shown(known: FieldDescriptor, number: int) -> str:
    """A varint for people."""
    if known.enum_type is not None:
        return f"{number} = {known.enum_type.values_by_number[number].name}"
    if known.type == FieldDescriptor.TYPE_BOOL:
        return "true" if number else "false"
    return f"{number:,}"


def hexadecimal(data: bytes) -> str:
    """Lines of hexadecimal."""
    lines = [data[at : at + BYTES_A_LINE].hex(" ") for at in range(0, len(data), BYTES_A_LINE)]
    return "\n".join(lines) or "(empty)"


def table(data: bytes, descriptor: Descriptor) -> list[str]:
    """A message field by field."""
    lines = ["| bytes | field | value |", "| --- | --- | --- |"]
    for part in parts(data, descriptor):
        text = part.data.hex(" ")
        text = text if len(part.data) <= 20 else f"{part.data[:18].hex(' ')} …"
        lines.append(f"| `{text}` | `{part.path}` | {part.value} |")
    return lines


def in_words(data: bytes, message: Message) -> str:
    """A message's fields in one line."""
    texts = [
        f"{part.path} {part.value}"
        for part in parts(data, message.DESCRIPTOR)
        if not part.value.startswith("message of")
    ]
    return "; ".join(texts) or "no field is set"


@dataclass(slots=True)
class Page:
    """The text so far."""

    lines: list[str] = field(default_factory=list)

    def add(self, step: worked_steps.Step | worked_steps.Words) -> None:
        """One message, or words between them."""
        if isinstance(step, worked_steps.Words):
            self.lines += [f"## {step.title}", "", step.text, ""] if step.title else [step.text, ""]
            return
        header, body = step.frames
        name = type(step.body).DESCRIPTOR.name
        self.lines += [f"### {step.number}. {step.sender} → {step.receiver}, {step.lane}: `{name}`", ""]
        if step.text:
            self.lines += [step.text, ""]
        self._frame("Header", header, step.header, detail=step.detail)
        self._frame("Body", body, step.body, detail=step.detail)

    def _frame(self, what: str, data: bytes, message: Message, *, detail: bool) -> None:
        self.lines += [f"{what}, {len(data)} bytes:", "", "```", hexadecimal(data), "```", ""]
        if data and detail:
            self.lines += [*table(data, message.DESCRIPTOR), ""]
        elif data and what == "Body":
            self.lines += [f"Says: {in_words(data, message)}.", ""]


def page() -> str:
    """The whole of WORKED.md."""
    made = Page()
    made.lines += [worked_steps.HEAD, ""]
    for step in worked_steps.conversation():
        made.add(step)
    return "\n".join(made.lines).rstrip() + "\n"


def main(arguments: list[str]) -> None:
    """Write the page to OUT, or in its place."""
    path = Path(arguments[0]) if arguments else PAGE
    path.write_text(page(), "utf-8")


def messages() -> list[Any]:
    """The conversation's messages, for tests."""
    return [step for step in worked_steps.conversation() if isinstance(step, worked_steps.Step)]


if __name__ == "__main__":
    main(sys.argv[1:])
