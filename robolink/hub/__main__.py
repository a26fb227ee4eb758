"""`python -m robolink.hub`: what `robolink hub` runs. Exit codes: 0 ended by a signal, 1 could not run, 2 bad configuration."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from pathlib import Path
from typing import Final

from robolink.errors import ConfigError, RobolinkError
from robolink.hub.announce import announcing
from robolink.hub.config import load
from robolink.hub.notify import Notifier
from robolink.hub.server import serve
from robolink.store import StoreLock

# A former hub's process that is just ending gets a moment to let go of the store, as of the ports.
STORE_WAIT_S: Final = 3.0


def main(arguments: list[str] | None = None) -> int:
    """Parse the options, check the configuration, serve."""
    parser = argparse.ArgumentParser(prog="robolink hub", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, help="TOML file; see docs/hub.md for every key")
    parser.add_argument("--url", help="control lane endpoint; the other lanes take the next three ports")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        config = load(options.config, url=options.url)
        with (
            StoreLock(config.store.path, wait_s=STORE_WAIT_S),
            announcing(config) as announce,
            contextlib.closing(Notifier(on_ready=announce)) as notifier,
        ):
            serve(config, notifier)
    except ConfigError as exc:
        sys.stderr.write(f"robolink hub: {exc}\n")
        return 2
    except RobolinkError as exc:
        sys.stderr.write(f"robolink hub: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
