"""Movers of bytes: ZeroMQ lanes and their keys. No rule of the standard is decided here."""
