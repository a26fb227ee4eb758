"""Builds the interfaces/ beside it into Python packages that rclpy can use, with the generators that came with it.

`python wire_types.py FOLDER`, without ament and cmake: only what rclpy on Fast DDS asks for, so that it takes seconds. For tests
only: it must know nothing of Robolink, and nothing of it is shipped.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

INTERFACES = Path(__file__).with_name("interfaces")
# What one of ours may hold; and what an action itself is made of.
USED = (
    "action_msgs",
    "builtin_interfaces",
    "geometry_msgs",
    "service_msgs",
    "std_msgs",
    "trajectory_msgs",
    "unique_identifier_msgs",
)
STRUCTS, WIRE, SHAPE = (
    "rosidl_generator_c",
    "rosidl_typesupport_fastrtps_c",
    "rosidl_typesupport_introspection_c",
)
CHOICE, PYTHON = "rosidl_typesupport_c", "rosidl_generator_py"
GENERATORS = {
    STRUCTS: "generate_c",
    WIRE: "generate_typesupport_fastrtps_c",
    SHAPE: "generate_c",
    CHOICE: "generate_c",
    PYTHON: "generate_py",
}
RUNTIME = ("rosidl_runtime_c", CHOICE, WIRE, "rosidl_typesupport_fastrtps_cpp", SHAPE, "fastcdr")
JOBS = 2


class Package:
    """One package on its way from definitions to an extension module.

    Args:
        source: Folder with msg/ and action/.
        out: Where the Python package is made; `built` is for what is only needed to make it.
        prefix: Where ROS 2 lies: include/, lib/, share/.
    """

    def __init__(self, source: Path, out: Path, built: Path, prefix: Path) -> None:
        self.name, self._source, self._prefix, self._built = source.name, source, prefix, built
        self._python, self._idl = out / self.name, built / "idl" / self.name

    def generate(self) -> None:
        """Definitions to IDL, IDL to type hashes, C, type supports and Python."""
        idl = [path.relative_to(self._idl).as_posix() for path in self._translate()]
        hashes = self._built / "hashes" / self.name
        self._call("rosidl_generator_type_description", "generate_type_hash", hashes, idl)
        tuples = [f"{path}:{(hashes / path).with_suffix('.json')}" for path in idl]
        for generator in (STRUCTS, WIRE, SHAPE):
            self._visibility(generator)
        more: dict[str, list[Any]] = {CHOICE: [[WIRE, SHAPE]], PYTHON: [[CHOICE]]}
        for generator, function in GENERATORS.items():
            out = self._folder(generator)
            self._call(
                generator, function, out, idl, *more.get(generator, []), type_description_tuples=tuples
            )
        (self._python / "__init__.py").touch()

    def _folder(self, generator: str) -> Path:
        return self._python if generator == PYTHON else self._built / generator / self.name

    def _visibility(self, generator: str) -> None:
        name = f"{generator}__visibility_control.h"
        text = (self._prefix / "share" / generator / "resource" / f"{name}.in").read_text()
        text = text.replace("@PROJECT_NAME@", self.name).replace("@PROJECT_NAME_UPPER@", self.name.upper())
        (self._folder(generator) / "msg").mkdir(parents=True)
        (self._folder(generator) / "msg" / name).write_text(text)

    def _translate(self) -> Iterator[Path]:
        for path in sorted(self._source.glob("*/*.*")):
            kind = path.suffix[1:]
            convert = getattr(importlib.import_module(f"rosidl_adapter.{kind}"), f"convert_{kind}_to_idl")
            yield convert(self._source, self.name, path.relative_to(self._source), self._idl / kind)

    def _call(
        self, generator: str, function: str, out: Path, idl: list[str], *more: Any, **arguments: Any
    ) -> Any:
        """One of rosidl's generators. They take their arguments from a file."""
        share = self._prefix / "share"
        out.mkdir(parents=True, exist_ok=True)
        given = self._built / "arguments.json"
        arguments |= {
            "package_name": self.name,
            "output_dir": str(out),
            "template_dir": str(share / generator / "resource"),
            "idl_tuples": [f"{self._idl}:{path}" for path in idl],
            "include_paths": [f"{name}:{share / name}" for name in USED],
            "target_dependencies": [],
        }
        given.write_text(json.dumps(arguments))
        call: Callable[..., Any] = getattr(importlib.import_module(generator), function)
        return call(str(given), *more)

    def sources(self) -> list[tuple[str, Path]]:
        """What is to be compiled, and for which library."""
        return [
            (generator, path)
            for generator in GENERATORS
            for path in sorted(self._folder(generator).rglob("*.c*"))
            if path.suffix in (".c", ".cpp")
        ]

    def link(self, objects: dict[str, list[Path]]) -> None:
        """The libraries, then the extension module that `import_type_support` looks for.

        The type supports are looked for by dlopen: the module has loaded them by then, so they need no LD_LIBRARY_PATH.
        """
        mine: list[str] = []
        for generator in (STRUCTS, WIRE, SHAPE):
            name = f"{self.name}__{generator}"
            self._link(f"lib{name}.so", objects[generator], mine)
            mine.append(f"-l{name}")
        module = f"{self.name}_s__{CHOICE}{sysconfig.get_config_var('EXT_SUFFIX')}"
        self._link(module, objects[CHOICE] + objects[PYTHON], mine)

    def _link(self, name: str, objects: list[Path], mine: list[str]) -> None:
        lib = self._prefix / "lib"
        foreign = [f"{used}__{generator}" for used in USED for generator in GENERATORS]
        found = [f"-l{each}" for each in (*foreign, *RUNTIME) if (lib / f"lib{each}.so").exists()]
        where = [f"-L{self._python}", f"-L{lib}", f"-Wl,-rpath,$ORIGIN:{lib}", f"-Wl,-soname,{name}"]
        out = str(self._python / name)
        run("g++", "-shared", "-o", out, *map(str, objects), *where, "-Wl,--no-as-needed", *mine, *found)


def run(*command: str) -> None:
    """One step of the compiler; what it says goes into the exception."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def compiler(built: Path, prefix: Path) -> Callable[[str, Path], tuple[str, Path]]:
    """From a library and one of its sources to that library and an object."""
    import numpy

    folders = [*(prefix / "include").iterdir(), prefix / "include", *map(built.joinpath, GENERATORS)]
    folders += [Path(numpy.get_include()), Path(sysconfig.get_path("include"))]
    include = [f"-I{folder}" for folder in folders]

    def compiled(generator: str, source: Path) -> tuple[str, Path]:
        made = source.with_suffix(f"{source.suffix}.o")
        language = ["g++", "-std=c++17"] if source.suffix == ".cpp" else ["gcc", "-std=gnu11"]
        # What the generators write warns a lot with a newer compiler than theirs, and is not ours to mend.
        run(*language, "-c", "-O0", "-fPIC", "-w", *include, str(source), "-o", str(made))
        return generator, made

    return compiled


def build(out: Path) -> None:
    """Every package of interfaces/ into `out`, which then belongs on PYTHONPATH."""
    found = importlib.import_module(PYTHON).__file__
    assert found is not None
    # PREFIX/lib/pythonX.Y/site-packages/rosidl_generator_py/__init__.py
    prefix, built = Path(found).parents[4], out / "built"
    packages = [Package(each, out, built, prefix) for each in sorted(INTERFACES.iterdir())]
    compiled, waiting = compiler(built, prefix), []
    with ThreadPoolExecutor(JOBS) as pool:
        for each in packages:
            each.generate()
            waiting.append((each, [pool.submit(compiled, *source) for source in each.sources()]))
        for each, futures in waiting:
            objects: dict[str, list[Path]] = {generator: [] for generator in GENERATORS}
            for future in futures:
                generator, made = future.result()
                objects[generator].append(made)
            each.link(objects)
    shutil.rmtree(built)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
