"""Protobuf for small boards: a table per message (messages.py), messages are dicts. No reflection, no classes.

A row is (number, name, kind[, table]). Kinds: u varint (also enum), U the same of 64 bits, ? bool, z sint64, d double, f float,
x fixed32, s string, b bytes, m message; `*` in front: repeated; `!` in front: has presence (optional or in a oneof), so it is
written even when zero and absent from the dict when it did not come. Unknown fields are skipped, bad bytes are ValueError.
"""

import struct

DEFAULTS = {"u": 0, "U": 0, "?": False, "z": 0, "d": 0.0, "f": 0.0, "x": 0, "s": "", "b": b""}
WIRE = {"u": 0, "U": 0, "?": 0, "z": 0, "d": 1, "f": 5, "x": 5, "s": 2, "b": 2, "m": 2}
FIXED = {"d": "<d", "f": "<f", "x": "<I"}


def _put_varint(out, value):
    value &= 0xFFFFFFFFFFFFFFFF
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _put(out, kind, value, table):
    if kind in "uU?":
        _put_varint(out, int(value))
    elif kind == "z":
        _put_varint(out, value << 1 if value >= 0 else (-value << 1) - 1)
    elif kind in FIXED:
        out.extend(struct.pack(FIXED[kind], value))
    else:
        if kind == "m":
            value = encode(table, value)
        elif kind == "s":
            value = value.encode()
        _put_varint(out, len(value))
        out.extend(value)


def encode(table, message):
    out = bytearray()
    for row in table:
        number, name, kind = row[0], row[1], row[2]
        sub = row[3] if len(row) > 3 else None
        if name not in message:
            continue
        value = message[name]
        flag, base = (kind[0], kind[1]) if len(kind) > 1 else ("", kind)
        if flag == "*":
            if not value:
                continue
            if WIRE[base] == 2:
                for each in value:
                    _put_varint(out, number << 3 | 2)
                    _put(out, base, each, sub)
                continue
            packed = bytearray()
            for each in value:
                _put(packed, base, each, sub)
            value, base = packed, "b"
        elif not flag and base != "m" and value == DEFAULTS[base]:
            continue
        _put_varint(out, number << 3 | WIRE[base])
        _put(out, base, value, sub)
    return bytes(out)


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def varint(self):
        if self.at < len(self.data):
            value = self.data[self.at]
            if value < 0x80:  # nearly all of them
                self.at += 1
                return value
        value = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise ValueError("bad varint")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF
            shift += 7

    def take(self, size):
        if size > len(self.data) - self.at:
            raise ValueError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, wire):
        if wire == 2:
            return self.take(self.varint())
        if wire == 0:
            return self.varint()
        if wire == 1 or wire == 5:
            return self.take(8 if wire == 1 else 4)
        raise ValueError("wire type %d" % wire)


def _plain(kind, raw, table):
    if kind == "u":
        return raw & 0xFFFFFFFF
    if kind == "U":
        return raw
    if kind == "?":
        return raw != 0
    if kind == "z":
        return raw >> 1 if not raw & 1 else -((raw + 1) >> 1)
    if kind in FIXED:
        return struct.unpack(FIXED[kind], raw)[0]
    if kind == "s":
        return str(raw, "utf-8")
    if kind == "m":
        return decode(table, raw)
    return bytes(raw)


def _unpack(kind, raw):
    reader, values = _Reader(raw), []
    while reader.at < len(raw):
        values.append(_plain(kind, reader.value(WIRE[kind]), None))
    return values


def _store(message, row, wire, raw):
    name, kind = row[1], row[2]
    base = kind[-1]
    sub = row[3] if len(row) > 3 else None
    if kind[0] == "*":
        if wire == 2 and WIRE[base] != 2:
            message[name] += _unpack(base, raw)
        elif wire == WIRE[base]:
            message[name].append(_plain(base, raw, sub))
    elif wire == WIRE[base]:
        message[name] = _plain(base, raw, sub)


def decode(table, data):
    message = {}
    for row in table:
        kind = row[2]
        if kind in DEFAULTS:
            message[row[1]] = DEFAULTS[kind]
        elif kind[0] == "*":
            message[row[1]] = []
    reader, size = _Reader(data), len(data)
    try:
        while reader.at < size:
            tag = reader.varint()
            number = tag >> 3
            if not number:
                raise ValueError("field 0")
            raw = reader.value(tag & 7)
            for row in table:  # short, and the first is the likeliest: a dict of them would cost more
                if row[0] == number:
                    _store(message, row, tag & 7, raw)
                    break
    except UnicodeError as error:
        raise ValueError("no UTF-8") from error
    return message
