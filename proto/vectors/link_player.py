"""Plays the cases of serial_link.json on one end of a link; runs in Python and in MicroPython, and imports neither's link.

What an implementation has to offer stands at `play`. It judges nothing but sameness; the cases say what is right.
"""

POLL_MS = 7
HELLO = 32
# When they come is an implementation's own affair, within the standard: skipped unless the case shows them.
SKIPPED = (25, 33, 50)
# Whose body is not the same everywhere.
BODY_SKIPPED = (51,)
TOLD = ("out", "acked", "events", "result")
HELLO_FIELDS = (
    "major",
    "minor",
    "session_id",
    "nonce",
    "echo_nonce",
    "established",
    "stop_generation",
    "stop_latched",
)


def play(case, peer):
    """What the peer did at each step: [{"out", "acked", "events", "result"}], as the case tells it.

    The peer, booted at 0 ms with the case's `random` numbers and limits, has: receive(data, ms), poll(ms) -> bytes,
    call(name, arguments, ms) -> what the case says, events() -> those since the last time,
    decode(stuffed, seed) -> (kind, seq, ack, body) or None, hello(body) -> dict.
    """
    told, at, waiting = [], 0, b""
    for step in case["steps"]:
        wire = b""
        while at < step["at"]:
            wire += peer.poll(at)
            at += POLL_MS
        if "in" in step:
            peer.receive(bytes.fromhex(step["in"]), step["at"])
        result = peer.call(*step["call"], step["at"]) if "call" in step else None
        waiting += wire + peer.poll(step["at"])
        frames, acked, waiting = _frames(case, peer, waiting)
        told.append({"out": frames, "acked": acked, "events": peer.events(), "result": result})
    return told


def _frames(case, peer, wire):
    """What is told of whole frames, the last acknowledgement, and the bytes of a frame that is not whole."""
    shown, acked = [], None
    *chunks, rest = wire.split(b"\x7e")
    for chunk in chunks:
        if not chunk:
            continue
        found = None
        for seed in case["seeds"]:
            found = found or peer.decode(chunk, seed)
        if found is None:
            if case["role"] == "host":  # a board may print between frames
                shown.append({"typed": _hex(chunk)})
            continue
        kind, seq, ack, body = found
        if kind != HELLO:
            acked = ack
        if kind in SKIPPED and kind not in case["shown"]:
            continue
        if kind == HELLO:
            hello = peer.hello(body)
            shown.append({"kind": kind, "hello": {name: hello[name] for name in HELLO_FIELDS}})
        elif kind in BODY_SKIPPED:
            shown.append({"kind": kind, "seq": seq})
        else:
            shown.append({"kind": kind, "seq": seq, "body": _hex(body)})
    return shown, acked, rest


def _hex(data):
    return bytes(data).hex()


def differences(case, told):
    """Where it differs from the case, in words; empty: it conforms."""
    found = []
    for step, did in zip(case["steps"], told):  # noqa: B905  # MicroPython has no strict
        wrong = [name for name in TOLD if name in step and step[name] != did[name]]
        where = case["name"] + ": at " + str(step["at"]) + " ms: "
        found += [where + name + ": " + str(did[name]) + ", not " + str(step.get(name)) for name in wrong]
    return found
