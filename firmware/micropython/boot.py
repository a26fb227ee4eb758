"""Runs on every reset, also when mpremote comes in: chooses the slot, and keeps a watchdog that a former program began
from ending the session.
"""

try:
    import json

    try:
        import robolink_slots

        robolink_slots.enter()
        _trial = robolink_slots.on_trial
    except ImportError:
        _trial = False  # Copied by hand, without slots.
    from robolink_board import guard, hardware

    # On trial nobody feeds for the program: what hangs, or cannot even be imported, is reset and goes back.
    if not _trial:
        with open("profile.json") as _file:
            guard.boot(hardware, json.load(_file).get("watchdog", {}).get("hardware_ms", 4000))
except Exception as _error:
    # Whatever is missing here, the REPL must come.
    print("robolink: boot: %s" % _error)
