"""`robolink hub backup | restore`: says what was kept, and what an operator has to do next."""

from __future__ import annotations

from pathlib import Path

from robolink.hub.upkeep import back_up, restore


def backup_hub(config: Path | None, to: Path) -> int:
    """Take a backup and name what is in it."""
    manifest = back_up(config, to)
    size = sum(entry.size for entry in manifest.entries)
    print(f"{to}: {', '.join(entry.name for entry in manifest.entries)}, {size} bytes, checked")
    return 0


def restore_hub(config: Path | None, file: Path) -> int:
    """Put a backup back and say what is to be known before the hub is started."""
    done = restore(config, file)
    print(
        f"restored the backup of {done.manifest.created}: {len(done.robots)} robots, {done.settings} settings; "
        f"lease epoch {done.lease_epoch}, so leases of before are void"
    )
    if done.damaged:
        print(f"{', '.join(done.damaged)} could not be read and was taken for lost")
    if done.before is not None:
        print(f"what was there before is kept in {done.before}")
    if done.latched:
        print(
            f"latched by a software stop (not safety rated): {', '.join(done.latched)}; "
            "start the hub, look at the robots, then `robolink release`"
        )
    return 0
