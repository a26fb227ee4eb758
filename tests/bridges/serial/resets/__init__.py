"""Resets at random moments, of the board and of the bridge by turns: `python -m tests.bridges.serial.resets --resets 1000`.

`site.py` plays them on a real hub, real bridges that are killed, and real MicroPython; all write what they do into one history
(`history.py`), and `checker.py` says which promises that history breaks. `stepped.py` does it in injected time, on the same
bridge code and the board's program, without a hub.
"""
