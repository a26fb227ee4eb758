"""The board's program and the simulated chip: their folders are no packages of this Python, so they are put on the path here."""

from __future__ import annotations

import sys
from pathlib import Path

import robolink_sims

FIRMWARE = Path(__file__).parents[2] / "firmware" / "micropython"
CHIP = Path(robolink_sims.__file__).with_name("chip")
if str(FIRMWARE) not in sys.path:
    sys.path.insert(0, str(FIRMWARE))
if str(CHIP) not in sys.path:
    sys.path.append(str(CHIP))
