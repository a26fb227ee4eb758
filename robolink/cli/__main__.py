"""`python -m robolink.cli`: the same as `robolink`, for children that must use this very interpreter."""

from __future__ import annotations

from robolink.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
