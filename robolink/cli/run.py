"""From arguments to an exit code: every error becomes one line on stderr with its hint, none a traceback.

It decides nothing about robots; a bug of ours still shows its traceback.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import Final

import typer

from robolink.cli.app import app
from robolink.errors import ConfigError, ConnectionLostError, RobolinkError, TransportTimeoutError

# typer brings click inside itself or takes it from outside, depending on its version: named by their kin, they are the same.
_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
_SHOWN_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]


class ExitCode(IntEnum):
    """What a script may rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_HUB = 3
    INTERRUPTED = 130


def run(arguments: list[str] | None = None) -> int:
    """Run one command line (default: this process's) and say how it ended."""
    try:
        code = app(args=arguments, prog_name="robolink", standalone_mode=False)
    except typer.Abort:
        return complain("interrupted", ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        return complain("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has enough (`| head`); Python must not complain of it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except (ConnectionLostError, TransportTimeoutError) as exc:
        return complain_of(exc, ExitCode.NO_HUB)
    except ConfigError as exc:
        return complain_of(exc, ExitCode.USAGE)
    except RobolinkError as exc:
        return complain_of(exc, ExitCode.FAILED)
    except _SHOWN_ERROR as exc:
        return _complain_of_usage(exc)
    return int(code or 0)


def _complain_of_usage(exc: Exception) -> int:
    if type(exc).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{exc.format_message()}\n" if hasattr(exc, "format_message") else "")
        return ExitCode.USAGE
    text = exc.format_message() if hasattr(exc, "format_message") else str(exc)
    context = getattr(exc, "ctx", None)
    path = context.command_path if context is not None else "robolink"
    is_usage = isinstance(exc, _USAGE_ERROR)
    hint = f" (see `{path} --help`)" if is_usage else ""
    return complain(text.rstrip(".") + hint, ExitCode.USAGE if is_usage else ExitCode.FAILED)


def complain_of(error: RobolinkError, code: ExitCode) -> int:
    """What happened and what to do next."""
    from robolink.cli.hints import with_hint

    return complain(with_hint(error), code)


def complain(text: str, code: ExitCode) -> int:
    """One line on stderr."""
    sys.stderr.write(f"robolink: {' '.join(text.split())}\n")
    return code
