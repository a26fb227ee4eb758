"""STANDARD.md leaves nothing of the schema unsaid, and its numbers are the schema's and the code's."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from robolink import v1
from robolink.core._link_table import TRANSITIONS, LinkInput, LinkState
from robolink.core.envelope import BODY_OF_TYPE
from tests.proto.vectors import ROOT

PROTO = ROOT / "proto"
TEXT = (PROTO / "STANDARD.md").read_text("utf-8")
# Code spans are names; fenced code is grammar.
SECTIONS = [
    {*re.findall(r"`([^`\n]+)`", section), *re.findall(r"\b[A-Z][A-Z_0-9]+\b", section)}
    for section in re.split(r"^#{2,3} ", TEXT, flags=re.MULTILINE)
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[descriptor_pb2.FileDescriptorProto]:
    out = tmp_path_factory.mktemp("schema") / "schema.binpb"
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    sources = map(str, sorted((PROTO / "robolink" / "v1").glob("*.proto")))
    arguments = [f"-I{PROTO}", f"-I{well_known}", "--include_source_info", f"--descriptor_set_out={out}"]
    assert protoc.main(["protoc", *arguments, *sources]) == 0
    return list(descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file)


def commented(file: descriptor_pb2.FileDescriptorProto) -> set[tuple[int, ...]]:
    """Paths of what has a comment."""
    return {
        tuple(each.path)
        for each in file.source_code_info.location
        if each.leading_comments.strip() or each.trailing_comments.strip()
    }


def said(*names: str) -> bool:
    """Whether one section speaks of all these names, or of `Message.field`."""
    whole = ".".join(names)
    return any(whole in section or all(name in section for name in names) for section in SECTIONS)


def unsaid_fields(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    known = commented(file)
    for at, message in enumerate(file.message_type):
        if not said(message.name):
            yield message.name
        for number, field in enumerate(message.field):
            if (4, at, 2, number) not in known and not said(message.name, field.name):
                yield f"{message.name}.{field.name}"


def unsaid_values(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    known = commented(file)
    for at, enum in enumerate(file.enum_type):
        if not said(enum.name):
            yield enum.name
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
        for number, value in enumerate(enum.value):
            assert value.name.startswith(prefix)
            short = value.name.removeprefix(prefix)
            named = said(enum.name, short) or said(enum.name, value.name) or said(enum.name, short.lower())
            body_type = enum.name == "BodyType"  # Named by their message, see below.
            if value.number and not body_type and (5, at, 2, number) not in known and not named:
                yield value.name


def test_every_message_and_field_is_said(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    unsaid = [name for file in files for name in unsaid_fields(file)]
    assert not unsaid, ", ".join(unsaid)


def test_every_enum_and_value_is_said(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    unsaid = [name for file in files for name in unsaid_values(file)]
    assert not unsaid, ", ".join(unsaid)


def rows(heading: str) -> list[list[str]]:
    """Cells of the tables of one section, without their heads."""
    section = TEXT.split(f"\n{heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if not set(row[0]) <= {"-"}]


def test_body_types_are_the_schemas() -> None:
    table = {int(row[0]): row[1].strip("`") for row in rows("## A Messages") if row[0].isdigit()}
    assert table == {number: kind.DESCRIPTOR.name for number, kind in BODY_OF_TYPE.items()}


def test_serial_kinds_are_the_schemas() -> None:
    table = {row[0]: int(row[1]) for row in rows("### 14.3 Sequence") if len(row) == 4 and row[1].isdigit()}
    known = {n.removeprefix("SERIAL_FRAME_KIND_"): k for n, k in v1.SerialFrameKind.items() if k}
    assert table == known


def test_serial_session_is_the_links() -> None:
    inputs = (LinkInput.MATCH, LinkInput.STRANGER, LinkInput.OTHER_MAJOR, LinkInput.SILENCE)
    states = {state.name for state in LinkState}
    table = {row[0]: row[1:] for row in rows("### 14.2 Session") if row[0] in states}
    for state in LinkState:
        for what, cell in zip(inputs, table[state.name], strict=True):
            # An echo while UP changes nothing, and is no step of the table in the code.
            after = TRANSITIONS[state].get(what, state if what is LinkInput.MATCH else None)
            assert cell.split(",")[0] == (after.name if after else "\N{EN DASH}"), (state, what)


@pytest.mark.parametrize(
    ("heading", "enum", "prefix"),
    [
        ("## 16 Errors and causes", v1.Cause, "CAUSE_"),
        ("## 15 Security", v1.Role, "ROLE_"),
        ("## 11 Stop and release", v1.StopVerdict, ""),
        ("## 11 Stop and release", v1.StopLevel, ""),
        ("### 8.6 Running", v1.OnDisconnect, ""),
    ],
    ids=lambda each: getattr(each, "DESCRIPTOR", None) and each.DESCRIPTOR.name,
)
def test_each_value_has_a_row(heading: str, enum: object, prefix: str) -> None:
    names = {row[0].strip("`").upper() for row in rows(heading)}
    values = {name.removeprefix(prefix) for name, number in enum.items() if number}  # type: ignore[attr-defined]
    assert values <= names


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in headings}
    links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert links - anchors == set()
    for name in re.findall(r"`((?:vectors/)?\w+\.(?:json|md|py))`", TEXT):
        places = [PROTO / name, PROTO / "vectors" / name]
        assert any(place.exists() for place in places), name


def test_conformance_cases_are_numbered() -> None:
    found = [tuple(map(int, each)) for each in re.findall(r"^- \[ \] L(\d)-(\d+) ", TEXT, re.MULTILINE)]
    assert found == sorted(set(found))
    for level in range(5):
        numbers = [number for each, number in found if each == level]
        assert numbers == list(range(1, len(numbers) + 1))


def test_words_are_defined(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    """A code span that looks like a message or enum of the schema is one."""
    known = {each.name for file in files for each in [*file.message_type, *file.enum_type]}
    fields = {f.name for file in files for each in file.message_type for f in each.field}
    for name in re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:\.(\w+))?`", TEXT):
        assert name[0] in known, name
        assert not name[1] or name[1] in fields, name


def test_schema_folder_is_where_the_text_says() -> None:
    assert "robolink/v1/*.proto" in TEXT
    assert (Path(PROTO) / "robolink" / "v1").is_dir()
