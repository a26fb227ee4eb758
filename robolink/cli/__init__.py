"""The command line `robolink`. Speaks to a person or a script; every rule lives behind the client, none here.

Importing it is free: `main` brings the rest in.
"""

from __future__ import annotations

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 the command failed, 2 usage, 3 no hub."""
    from robolink.cli.run import run

    return run(arguments)
