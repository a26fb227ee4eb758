"""Runs on every reset, also when mpremote comes in: keeps a watchdog that a former program began from ending the session."""

try:
    import json

    from robolink_board import guard, hardware

    with open("profile.json") as _file:
        guard.boot(hardware, json.load(_file).get("watchdog", {}).get("hardware_ms", 4000))
except Exception as _error:
    # Whatever is missing here, the REPL must come.
    print("robolink: boot: %s" % _error)
