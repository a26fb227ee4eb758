"""`robolink hub`: reads the configuration and serves, in this process."""

from __future__ import annotations

from pathlib import Path

from robolink.hub.__main__ import main


def run_hub(config: Path | None, url: str | None, log_level: str) -> int:
    """Serve until a signal. Exit code 2: bad configuration."""
    arguments = ["--log-level", log_level]
    if config is not None:
        arguments += ["--config", str(config)]
    if url is not None:
        arguments += ["--url", url]
    return main(arguments)
