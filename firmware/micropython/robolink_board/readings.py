"""Writes what components measure into READINGS bodies: doubles without a detour, all else by the codec. Judges nothing."""

import struct

from robolink_board import codec, frame, messages

READINGS_MS = 100
# Slow readings go with each n-th round.
SLOW_ROUNDS = 20
# The rest of such a reading behind its member: a double in a value in a field (see serial.proto).
DOUBLE_BYTES = 15
# Room for site time and its error behind the readings.
STAMP_BYTES = 17
ROW = messages.TABLES[messages.READINGS_KIND]


class Readings:
    def __init__(self, members, link):
        self._members = [one for one in members if one.get is not None]
        self._link = link
        self._body = bytearray(frame.MAX_BODY - STAMP_BYTES)
        self._size = 0
        self._round = 0
        self._now = 0

    def send(self, now):
        self._size = 0
        self._now = now
        slow = self._round % SLOW_ROUNDS == 0
        self._round = (self._round + 1) % SLOW_ROUNDS
        for one in self._members:
            if one.slow and not slow:
                continue
            value = one.get()
            if value is None or (one.changes and not slow and value == one.told):
                continue
            one.told = value
            if isinstance(value, float) and one.id < 128:
                self._double(one.id, value)
            else:
                self._other(
                    codec.encode(ROW, {"readings": [{"member": one.id, "value": messages.to_value(value)}]})
                )
        self._flush()

    def again(self):
        # A new host: it hears all of them at once.
        self._round = 0

    def _double(self, member, value):
        if self._size + DOUBLE_BYTES > len(self._body):
            self._flush()
        body, at = self._body, self._size
        body[at], body[at + 1], body[at + 2], body[at + 3] = 0x0A, 13, 0x08, member
        body[at + 4], body[at + 5], body[at + 6] = 0x12, 9, 0x19
        struct.pack_into("<d", body, at + 7, value)
        self._size = at + DOUBLE_BYTES

    def _other(self, encoded):
        if self._size + len(encoded) > len(self._body):
            self._flush()
        if len(encoded) > len(self._body):
            self._link.count("reading_too_long")
            return
        self._body[self._size : self._size + len(encoded)] = encoded
        self._size += len(encoded)

    def _flush(self):
        if self._size:
            body = bytes(memoryview(self._body)[: self._size])
            self._size = 0
            site = self._link.site
            stamp_ns = site.ns(self._now)
            if stamp_ns is not None:
                body += codec.encode(ROW, {"stamp_ns": stamp_ns, "stamp_error_us": site.error_us(self._now)})
            self._link.send_encoded(messages.READINGS_KIND, body)
