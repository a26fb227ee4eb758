"""Chooses what this board runs: the package that mpremote flashed, or one of two slots that updates come into.

It lies beside boot.py, outside of every slot, and an update never writes it. A slot on trial is begun once: if nobody confirms
it, the next reset goes back. The record is replaced whole, so that power may fail at any byte.
"""

import json
import os
import sys

FLASHED = "flashed"
NAMES = ("a", "b")
ALL = ("flashed", "a", "b")
FOLDER = "slots"
RECORD = "slots/record.json"
NEW = "slots/record.new"
# What hangs while it is imported has no watchdog of its own yet.
TRIAL_WATCHDOG_MS = 8000

EMPTY, RECEIVING, VERIFYING, VERIFIED, TRIAL, CONFIRMED, DAMAGED, ROLLED_BACK = 1, 2, 3, 4, 5, 6, 7, 8

running = FLASHED
on_trial = False


def folder_of(name):
    return "" if name == FLASHED else FOLDER + "/" + name


def load():
    # The new one counts only where power failed between removing the old and renaming.
    for name in (RECORD, NEW):
        try:
            with open(name) as file:
                record = json.load(file)
            if record["boot"] in ALL and isinstance(record["slots"], dict):
                return record
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {"boot": FLASHED, "before": FLASHED, "trial": "", "begun": False, "slots": {}}


def save(record):
    try:
        os.mkdir(FOLDER)
    except OSError:
        pass  # It is there.
    with open(NEW, "w") as file:
        json.dump(record, file)
    _sync()
    try:
        os.rename(NEW, RECORD)
    except OSError:
        # FAT renames onto no file that is there.
        os.remove(RECORD)
        os.rename(NEW, RECORD)
    _sync()


def _sync():
    if hasattr(os, "sync"):
        os.sync()


def enter():
    """From boot.py: puts the slot's folder first on the path; its name."""
    global running, on_trial
    record = load()
    trial = record["trial"]
    try:
        if trial and record["begun"]:
            go_back(record)
            trial = ""
        elif trial:
            record["begun"] = True
            save(record)
    except OSError:
        # What cannot be recorded is not tried: it could never be ended.
        trial = ""
    running, on_trial = trial or record["boot"], bool(trial)
    if running != FLASHED and not _there(running):
        running, on_trial = FLASHED, False
    if on_trial:
        _watch()
    if running != FLASHED:
        sys.path.insert(0, folder_of(running))
    return running


def go_back(record):
    """The trial has failed; the record is kept."""
    record["slots"].setdefault(record["trial"], {})["state"] = ROLLED_BACK
    record["trial"], record["begun"] = "", False
    save(record)


def failed(reset=None):
    """The program has ended by itself. On trial that is the end of it."""
    if on_trial:
        if reset is None:
            import machine

            reset = machine.reset
        reset()


def _there(name):
    try:
        os.stat(folder_of(name) + "/robolink_board")
        return True
    except OSError:
        return False


def _watch():
    try:
        import machine

        machine.WDT(timeout=TRIAL_WATCHDOG_MS)
    except Exception as error:
        print("robolink: no watchdog for the trial: %s" % error)
