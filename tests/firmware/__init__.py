"""The board's program: its own folder is not a package of this Python, so it is put on the path here."""

from __future__ import annotations

import sys
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "firmware" / "micropython"
if str(FIRMWARE) not in sys.path:
    sys.path.insert(0, str(FIRMWARE))
