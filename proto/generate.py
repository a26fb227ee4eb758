"""Writes robolink/v1 from proto/: `python proto/generate.py [OUT]`.

A test runs it into a temporary folder and compares, so the committed code never drifts from the schema.
"""

from __future__ import annotations

import importlib.resources
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc  # type: ignore[import-untyped]

PROTO = Path(__file__).parent
NAMES = ("authority", "command", "envelope", "serial", "sheet", "telemetry", "twin")

INIT_HEAD = '''"""The schema's messages and enum values under one name (written by proto/generate.py; do not edit)."""

'''


def generate(out: Path) -> None:
    """Write the generated package below `out` (the folder that holds `robolink/`).

    Raises:
        RuntimeError: protoc refused the schema.
    """
    files = [str(PROTO / "robolink" / "v1" / f"{name}.proto") for name in NAMES]
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    descriptor = out / "descriptor.binpb"
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}"]
    if protoc.main([*arguments, f"--descriptor_set_out={descriptor}", *files]) != 0:
        raise RuntimeError("protoc failed; its words are above")
    parsed = descriptor_pb2.FileDescriptorSet.FromString(descriptor.read_bytes())
    descriptor.unlink()
    _write_init(out / "robolink" / "v1" / "__init__.py", parsed)


def _write_init(path: Path, parsed: descriptor_pb2.FileDescriptorSet) -> None:
    imports, public = [], []
    for file in sorted(parsed.file, key=lambda each: each.name):
        module = file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
        names = [message.name for message in file.message_type]
        for enum in file.enum_type:
            names += [enum.name, *(value.name for value in enum.value)]
        if names:
            listed = "".join(f"    {name},\n" for name in sorted(names))
            imports.append(f"from {module} import (\n{listed})\n")
            public += names
    listed = "".join(f'    "{name}",\n' for name in sorted(public))
    path.write_text(INIT_HEAD + "".join(imports) + f"\n__all__ = [\n{listed}]\n")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTO.parent)
