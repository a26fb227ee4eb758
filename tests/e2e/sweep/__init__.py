"""Random kills over a whole site, one seed at a time: `python -m tests.e2e.sweep --seeds 0-499`.

`plan.py` makes a seed's scripts and kills, `run.py` plays them with real processes, all of which write what they do
into one history (`history.py`), and `checker.py` says which promises that history breaks. Nothing here is timed.
"""
