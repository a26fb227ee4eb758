"""Writes the golden vectors: `python proto/vectors/generate.py [OUT]`. What is there already is pinned.

A vector that has the name of a pinned one must be the same, or this ends with an error; new ones are added. A change of a
pinned vector is a change of the standard, and made by hand. Only of a message with every field set (`filled`) a second one is
added when the schema has got a field: the first stays true.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import of_link  # noqa: E402  # beside this script, not a package
import of_messages  # noqa: E402
import of_motion  # noqa: E402
import of_values  # noqa: E402

Document = dict[str, Any]


def documents() -> dict[str, Document]:
    """Every file by name. A file is `about`, and lists of vectors that each have a name."""
    return {
        "envelope": of_messages.envelope(),
        "serial_messages": of_messages.serial(),
        "serial_link": of_link.link(),
        "audit": of_messages.audit(),
        "sheets": of_values.sheets(),
        "values": of_values.values(),
        "twin_commands": of_values.twin_commands(),
        "commands": of_motion.commands(),
        "authority": of_motion.authority(),
        "clock": of_motion.clock(),
    }


def keep(pinned: Document, fresh: Document, file: str) -> Document:
    """The pinned document with the fresh one's new vectors behind.

    Raises:
        SystemExit: A pinned vector would change.
    """
    kept: Document = {"about": fresh["about"]}
    for section, vectors in fresh.items():
        if section == "about":
            continue
        if len({each["name"] for each in vectors}) != len(vectors):
            raise SystemExit(f"{file}.json: {section}: a name stands twice")
        old = {each["name"]: each for each in pinned.get(section, [])}
        for each in vectors:
            if not each.get("filled"):
                if old.setdefault(each["name"], each) != each:
                    raise SystemExit(f"{file}.json: {section} {each['name']!r} is pinned and would change")
            elif not any(same(each, other) for other in old.values()):
                number = 2
                while each["name"] in old:
                    each["name"] = f"{each['name'].partition(' (')[0]} ({number})"
                    number += 1
                old[each["name"]] = each
        kept[section] = list(old.values())
    return kept


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether they differ in nothing but the name."""
    return {**one, "name": ""} == {**other, "name": ""}


def text_of(document: Document) -> str:
    """JSON with one vector a line, so that a difference shows which."""
    parts = [f' "about": {json.dumps(document["about"], ensure_ascii=False)}']
    for section, vectors in document.items():
        if section != "about":
            lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in vectors)
            parts.append(f' "{section}": [\n{lines}\n ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(out: Path) -> None:
    """Write or extend every file in `out`."""
    for name, fresh in documents().items():
        path = out / f"{name}.json"
        # Through JSON and back, so that what is compared is what a reader gets.
        fresh = json.loads(json.dumps(fresh))
        pinned = json.loads(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(text_of(keep(pinned, fresh, name)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
