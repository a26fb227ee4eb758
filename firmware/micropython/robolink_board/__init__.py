"""Robolink on a MicroPython board: the serial profile, both watchdogs, the software stop (not safety rated)."""
