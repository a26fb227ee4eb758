"""Writes the C codec's rl_enums.h, rl_messages.h and rl_messages.c from the schema: `python firmware/c/generate.py [OUT]`.

A test runs it into a temporary folder and compares; nothing here is needed to build the library. It decides no limits:
they are the macros of rl_config.h.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor

from robolink import v1
from robolink.core._link_table import MAJOR, MESSAGES, MINOR, SCHEMA_HASH

HERE: Final = Path(__file__).parent
NOTE: Final = "/* Written by firmware/c/generate.py from proto/robolink/v1; do not edit. */\n"
# How many elements a struct keeps of a repeated field; more are counted and not kept.
LIMITS: Final = {
    "SerialCommand.args": "RL_MAX_ARGS",
    "SerialUpdate.results": "RL_MAX_ARGS",
    "SerialSetpoint.values": "RL_MAX_ARGS",
    "SerialReadings.readings": "RL_MAX_READINGS",
    "SerialBoard.stop_levels": "RL_MAX_STOP_LEVELS",
    "Field.choices": "RL_MAX_CHOICES",
}
DEFAULT_LIMIT: Final = "RL_MAX_REPEATED"
KINDS: Final = {
    FieldDescriptor.TYPE_UINT32: ("U32", "uint32_t"),
    FieldDescriptor.TYPE_ENUM: ("U32", "uint32_t"),
    FieldDescriptor.TYPE_UINT64: ("U64", "uint64_t"),
    FieldDescriptor.TYPE_BOOL: ("BOOL", "bool"),
    FieldDescriptor.TYPE_SINT64: ("SINT64", "int64_t"),
    FieldDescriptor.TYPE_SINT32: ("SINT32", "int32_t"),
    FieldDescriptor.TYPE_DOUBLE: ("DOUBLE", "double"),
    FieldDescriptor.TYPE_FLOAT: ("FLOAT", "float"),
    FieldDescriptor.TYPE_FIXED32: ("FIXED32", "uint32_t"),
    FieldDescriptor.TYPE_FIXED64: ("FIXED64", "uint64_t"),
    FieldDescriptor.TYPE_STRING: ("STRING", "rl_bytes"),
    FieldDescriptor.TYPE_BYTES: ("BYTES", "rl_bytes"),
}
# Its numbers stay where they are in the frame (or in the caller): they are as many as fit a frame.
VECTOR: Final = "Vector"


def snake(name: str) -> str:
    """SerialStopState -> stop_state."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removeprefix("Serial")).lower()


def struct_of(message: Descriptor) -> str:
    """Its C type. SerialMember describes a member; rl_member is the vendor's own table."""
    return f"rl_msg_{snake(message.name)}"


def needed() -> list[Descriptor]:
    """Messages of the profile and what they hold, each behind what it holds."""
    found: list[Descriptor] = []

    def add(message: Descriptor) -> None:
        if message in found or message.name == VECTOR:
            return
        for field in message.fields:
            if field.message_type is not None:
                add(field.message_type)
        found.append(message)

    for message in MESSAGES.values():
        if message is not None:
            add(message.DESCRIPTOR)
    return found


def plain_oneof(field: FieldDescriptor) -> OneofDescriptor | None:
    """The oneof that it is written in; proto3's own `optional` is none."""
    oneof = field.containing_oneof
    if oneof is None or (len(oneof.fields) == 1 and oneof.name == f"_{field.name}"):
        return None
    return oneof


def kind_of(field: FieldDescriptor) -> tuple[str, str]:
    """Codec kind and C type of one element."""
    if field.message_type is None:
        return KINDS[field.type]
    if field.message_type.name == VECTOR:
        return "VECTOR", "rl_vector"
    return "MESSAGE", struct_of(field.message_type)


def limit_of(field: FieldDescriptor) -> str:
    """The macro that says how many it keeps."""
    return LIMITS.get(f"{field.containing_type.name}.{field.name}", DEFAULT_LIMIT)


def struct(message: Descriptor) -> str:
    """Its definition."""
    lines, oneofs = [], set()
    for field in message.fields:
        oneof = plain_oneof(field)
        _, type_name = kind_of(field)
        if oneof is not None:
            if oneof.name not in oneofs:
                oneofs.add(oneof.name)
                inner = "".join(f"        {kind_of(each)[1]} {each.name};\n" for each in oneof.fields)
                lines.append(f"    uint8_t which_{oneof.name};\n    union {{\n{inner}    }} {oneof.name};\n")
        elif field.is_repeated:
            # The count is of what came; at most the limit is kept.
            lines.append(
                f"    uint16_t {field.name}_count;\n    {type_name} {field.name}[{limit_of(field)}];\n"
            )
        else:
            if field.has_presence:
                lines.append(f"    bool has_{field.name};\n")
            lines.append(f"    {type_name} {field.name};\n")
    # C has no empty struct.
    body = "".join(lines) or "    uint8_t nothing;\n"
    name = struct_of(message)
    return f"typedef struct {{\n{body}}} {name};\nextern const rl_table {name}_table;\n\n"


def oneof_numbers(message: Descriptor) -> str:
    """Values of `which_…`."""
    made = ""
    for field in message.fields:
        if plain_oneof(field) is not None:
            made += f"#define RL_{snake(message.name).upper()}_{field.name.upper()} {field.number}u\n"
    return made + "\n" if made else ""


def row(message: Descriptor, field: FieldDescriptor) -> str:
    """One line of its table."""
    kind, _ = kind_of(field)
    table = f"&{struct_of(field.message_type)}_table" if kind == "MESSAGE" else "NULL"
    oneof = plain_oneof(field)
    front = f"{struct_of(message)}, {field.number}u, RL_{kind}"
    if oneof is not None:
        return f"    RL_ROW_ONEOF({front}, {oneof.name}, {field.name}, {table}),\n"
    if field.is_repeated:
        return f"    RL_ROW_REPEATED({front}, {field.name}, {limit_of(field)}, {table}),\n"
    if field.has_presence:
        return f"    RL_ROW_OPTIONAL({front}, {field.name}, {table}),\n"
    return f"    RL_ROW_PLAIN({front}, {field.name}),\n"


def table(message: Descriptor) -> str:
    """Its rows and the table around them."""
    name = struct_of(message)
    if not message.fields:
        return f"const rl_table {name}_table = {{NULL, 0u, (uint16_t)sizeof({name})}};\n\n"
    rows = "".join(row(message, field) for field in sorted(message.fields, key=lambda each: each.number))
    count = len(message.fields)
    return (
        f"static const rl_row {name}_rows[] = {{\n{rows}}};\n"
        f"const rl_table {name}_table = {{{name}_rows, {count}u, (uint16_t)sizeof({name})}};\n\n"
    )


def enums(messages: list[Descriptor]) -> str:
    """Those that the messages use, and the frame kinds."""
    used: list[EnumDescriptor] = [v1.SerialFrameKind.DESCRIPTOR]
    for message in messages:
        for field in message.fields:
            if field.enum_type is not None and field.enum_type not in used:
                used.append(field.enum_type)
    made = ""
    for enum in sorted(used, key=lambda each: each.name):
        names = "".join(
            f"#define RL_{value.name.removeprefix('SERIAL_')} {value.number}u\n" for value in enum.values
        )
        made += f"/* {enum.name} */\n{names}\n"
    return made


def generate(out: Path) -> None:
    """Write the files below `out` (which holds include/robolink and src)."""
    messages = needed()
    constants = (
        f"{NOTE}#ifndef ROBOLINK_RL_ENUMS_H\n#define ROBOLINK_RL_ENUMS_H\n\n"
        f"#define RL_MAJOR {MAJOR}u\n#define RL_MINOR {MINOR}u\n#define RL_SCHEMA_HASH 0x{SCHEMA_HASH:08X}u\n\n"
        f"{enums(messages)}#endif\n"
    )
    header = (
        f"{NOTE}#ifndef ROBOLINK_RL_MESSAGES_H\n#define ROBOLINK_RL_MESSAGES_H\n\n"
        "#include <robolink/rl_codec.h>\n#include <robolink/rl_enums.h>\n\n"
        + "".join(struct(each) + oneof_numbers(each) for each in messages)
        + "/* The table of a frame kind's body; NULL: it has none, or the kind is unknown. */\n"
        "const rl_table *rl_table_of_kind(uint8_t kind);\n\n"
        "#endif\n"
    )
    kinds = "".join(
        f"    case RL_{v1.SerialFrameKind.Name(kind).removeprefix('SERIAL_')}:\n"
        f"        return &{struct_of(message.DESCRIPTOR)}_table;\n"
        for kind, message in MESSAGES.items()
        if message is not None
    )
    source = (
        f'{NOTE}#include "rl_rows.h"\n\n#include <robolink/rl_messages.h>\n\n'
        + "".join(table(each) for each in messages)
        + "const rl_table *rl_table_of_kind(uint8_t kind) {\n    switch (kind) {\n"
        + kinds
        + "    default:\n        return NULL;\n    }\n}\n"
    )
    (out / "include" / "robolink").mkdir(parents=True, exist_ok=True)
    (out / "src").mkdir(exist_ok=True)
    (out / "include" / "robolink" / "rl_enums.h").write_text(constants)
    (out / "include" / "robolink" / "rl_messages.h").write_text(header)
    (out / "src" / "rl_messages.c").write_text(source)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
