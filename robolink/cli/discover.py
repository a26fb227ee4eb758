"""`robolink discover`: the hubs that are listed or announce themselves, and which of them may be connected to."""

from __future__ import annotations

import sys
from typing import Any

from robolink.cli.output import Cell, print_json, print_table
from robolink.client import discover

STYLES = {"unknown": "yellow", "other": "red"}


def list_hubs(timeout_s: float, as_json: bool) -> int:
    """Show them; never a failure, since no hub is an answer too."""
    result = discover(timeout_s)
    if result.left_out:
        sys.stderr.write(f"robolink: mDNS is left out: {result.left_out}\n")
    rows: list[list[Cell]] = []
    documents: list[dict[str, Any]] = []
    for found in result.hubs:
        hub = found.record
        key = (found.key, STYLES.get(found.key, ""))
        rows.append([hub.name, hub.url, hub.site, hub.version, hub.source, key, hub.fingerprint])
        documents.append(
            {
                "name": hub.name,
                "url": hub.url,
                "safety_url": hub.safety_url,
                "site": hub.site,
                "version": hub.version,
                "source": hub.source,
                "curve": hub.curve,
                "key": found.key,
                "claimed_fingerprint": hub.fingerprint,
            }
        )
    if as_json:
        print_json({"hubs": documents, "left_out": result.left_out})
    elif rows:
        print_table(["hub", "url", "site", "version", "source", "key", "claimed fingerprint"], rows)
    else:
        print("no hub is listed or announces itself; see docs/hub.md, Discovery")
    return 0
