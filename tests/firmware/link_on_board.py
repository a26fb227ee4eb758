"""Plays serial_link.json on the board's link; runs in MicroPython: `link_on_board.py FIRMWARE VECTORS`. Prints what differs."""

import json
import sys

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[2])
from link_player import differences, play
from robolink_board import codec, frame, messages
from robolink_board.link import Link


class BoardPeer:
    """The board's link and its owner."""

    def __init__(self, case):
        self._random = list(case["random"])
        self._events = []
        self.link = Link(self, 0, lambda: self._random.pop(0), largest_message=case["largest_message"])

    # The link's owner.

    def up(self, hello, same_host, now):
        """It is up."""
        self._events.append({"up": same_host})

    def down(self, now):
        """It is over."""
        self._events.append({"down": True})

    def message(self, kind, message, now):
        """It has received something."""
        body = codec.encode(messages.TABLES[kind], message)
        self._events.append({"message": [kind, body.hex()]})

    def bulk(self, transfer, offset, data, now):
        """Part of an image."""
        self._events.append({"bulk": [transfer, offset, bytes(data).hex()]})

    # The player's peer.

    def receive(self, data, ms):
        """Bytes."""
        self.link.receive(data, ms)

    def poll(self, ms):
        """Its turn."""
        return self.link.poll(ms)

    def events(self):
        """Since the last time."""
        found, self._events = self._events, []
        return found

    def decode(self, stuffed, seed):
        """A frame of that seed."""
        decoder, found = frame.Decoder(), []
        decoder.seed = seed
        decoder.take(b"\x7e" + stuffed + b"\x7e", lambda *one: found.append(one))
        return found[0] if found else None

    def hello(self, body):
        """Its fields."""
        return codec.decode(messages.TABLES[messages.HELLO_KIND], body)

    def call(self, name, arguments, ms):
        """What its owner does."""
        link = self.link
        if name == "send":
            return link.send_encoded(arguments[0], bytes.fromhex(arguments[1]))
        if name == "site":
            known = link.site.ns(ms)
            return None if known is None else [known, link.site.error_us(ms)]
        if name == "stop_state":
            link.stop_generation, link.stop_latched = arguments
        elif name == "open_bulk":
            link.open_bulk(arguments[0], arguments[1], arguments[2], arguments[3], ms)
        elif name == "end_bulk":
            link.end_bulk()
        else:
            raise ValueError(name)
        return None


def main():
    """Every case of a board; how many, behind what differs."""
    played = 0
    with open(sys.argv[2] + "/serial_link.json") as file:
        cases = json.load(file)["cases"]
    for case in cases:
        if case["role"] != "board":
            continue
        played += 1
        for words in differences(case, play(case, BoardPeer(case))):
            print(words)
    print(sys.implementation.name, played)


main()
