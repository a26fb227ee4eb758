"""Writes dmi_pb2 from dmi.proto: `python -m robolink_kubeedge.generate [OUT]`.

A test runs it into a temporary folder and compares. Needs grpcio-tools (a development tool), which nothing else here does.
"""

from __future__ import annotations

import importlib.resources
import sys
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

BRIDGES = Path(__file__).resolve().parents[1]


def generate(out: Path) -> None:
    """Write `robolink_kubeedge/dmi_pb2.py` and its `.pyi` below `out`.

    Raises:
        RuntimeError: protoc refused the schema.
    """
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    arguments = ["protoc", f"-I{BRIDGES}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}"]
    if protoc.main([*arguments, "robolink_kubeedge/dmi.proto"]) != 0:
        raise RuntimeError("protoc failed; its words are above")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else BRIDGES)
