"""The board's end of the serial link: HELLO, beats, sequence, fragments, probes, time, bulk. No I/O; `now` is ticks (ms).

It knows nothing of motors. `receive` and `poll` give events to its owner: up(hello, same_host, now), down(now),
message(kind, message, now), and while it has opened a transfer bulk(transfer, offset, data, now).
"""

import gc

from robolink_board import codec, frame, messages
from robolink_board.bulk import Bulk
from robolink_board.fragments import MAX_PART, Fragments, cut
from robolink_board.sitetime import SiteTime
from robolink_board.ticks import ticks_add, ticks_diff

BEAT_MS = 50
SILENT_MS = 180
HELLO_MS = 100
RESEND_MS = 100
TIME_QUERY_MS = 1000
WINDOW = 4
LARGEST_MESSAGE = 1024
MAX_QUEUED = 48

GREETING, UP, REFUSED = "greeting", "up", "refused"


class Link:
    def __init__(self, owner, now, random_u32, sheet_hash=0, slot="", largest_message=LARGEST_MESSAGE):
        self.owner = owner
        self.random_u32 = random_u32
        self.sheet_hash = sheet_hash
        self.slot = slot
        self.session_id = random_u32() or 1
        self.state = GREETING
        self.counters = {}
        self.stop_generation = 0
        self.stop_latched = False
        # Any frame of this session; the first watchdog reads it.
        self.heard = self._born = now
        self.site = SiteTime()
        self._fragments = Fragments(largest_message)
        self._bulk = None
        self._decoder = frame.Decoder()
        self._peer_nonce = 0
        self._host_session = 0
        self._log = []
        self._greet(now, True)

    def count(self, name, amount=1):
        self.counters[name] = self.counters.get(name, 0) + amount

    def _greet(self, now, new_nonce):
        if new_nonce:
            self._nonce = self.random_u32() or 1
        self._decoder.seed = 0
        self._hello_at = now
        self._hello_due = True
        self._new_window(now)

    def _new_window(self, now):
        self._queue = []
        self._unacked = []
        self._next_seq = self._expected = 0
        self._cut = 0
        self._ack_due = self._ask_due = False
        self._probe = None
        self._best_effort = []
        self._sent = self._resent = self._asked = now

    # What the owner says.

    def send(self, kind, message):
        # False: not up, or too many wait. Sequenced kinds arrive or the session ends; the rest may get lost.
        return self.send_encoded(kind, codec.encode(messages.TABLES[kind], message))

    def send_encoded(self, kind, body):
        if self.state != UP:
            return False
        sequenced = kind < messages.FIRST_BEST_EFFORT
        if len(body) > frame.MAX_BODY and not (sequenced and len(body) <= self._fragments.peer_largest):
            self.count("too_long")
            return False
        queue = self._queue if sequenced else self._best_effort
        if len(queue) >= MAX_QUEUED:
            self.count("queue_full")
            return False
        queue.append((kind, body))
        return True

    def room(self):
        return MAX_QUEUED - len(self._queue)

    def open_bulk(self, transfer, size, next_offset, credit, now):
        self._bulk = Bulk(transfer, size, next_offset, credit, now)

    def end_bulk(self):
        self._bulk = None

    # Bytes in.

    def receive(self, data, now):
        self._now = now
        self._decoder.take(data, self._take)

    def _take(self, kind, seq, ack, body):
        now = self._now
        if kind == messages.HELLO_KIND:
            self._take_hello(body, now)
            return
        if self.state != UP:
            self.count("before_hello")
            return
        self.heard = now
        self._take_ack(ack, now)
        if kind < messages.FIRST_BEST_EFFORT:
            self._ack_due = True
            if seq != self._expected:
                self.count("out_of_sequence")
                return
            self._expected = (self._expected + 1) & 0xFF
        if kind == messages.FRAGMENT_KIND:
            try:
                whole = self._fragments.take(body)
            except ValueError:
                self.count("bad_fragment")
                return
            if whole is not None:
                self._take_body(whole[0], whole[1], now)
        elif kind == messages.BULK_DATA_KIND:
            self._take_bulk(body, now)
        elif kind != messages.BEAT_KIND:
            self._take_body(kind, body, now)

    def _take_body(self, kind, body, now):
        table = messages.TABLES.get(kind)
        if table is None:
            self.count("unknown_kind")
            return
        try:
            message = codec.decode(table, body)
        except ValueError:
            self.count("bad_body")
            return
        if kind == messages.CREDIT_KIND:
            self._fragments.take_credit(message["fragment_bytes"])
        elif kind == messages.PROBE_KIND:
            self._probe = message["number"]
        elif kind == messages.TIME_KIND:
            self.site.take(message, now)
        else:
            self.owner.message(kind, message, now)

    def _take_bulk(self, body, now):
        bulk = self._bulk
        part = None if bulk is None else bulk.take(body, now)
        if part is None:
            self.count("bulk_out_of_place")
            return
        self.owner.bulk(bulk.transfer, bulk.next_offset - len(part), part, now)
        bulk.stored()

    def _take_ack(self, ack, now):
        if not self._unacked:
            return
        done = (ack - self._unacked[0][1]) & 0xFF
        if 0 < done <= len(self._unacked):
            self._unacked = self._unacked[done:]
            self._resent = now

    def _take_hello(self, body, now):
        try:
            hello = codec.decode(messages.TABLES[messages.HELLO_KIND], body)
        except ValueError:
            self.count("bad_body")
            return
        if hello["nonce"] == self._nonce:
            self.count("own_hello")  # a loop in the line
            return
        if hello["major"] != messages.MAJOR:
            self._refuse(hello, now)
            return
        match = hello["echo_nonce"] == self._nonce
        if self.state == UP and hello["nonce"] != self._peer_nonce:
            self._down(now, False)
        self._peer_nonce = hello["nonce"]
        if self.state != UP:
            self.state = GREETING
            if match:
                self._up(hello, now)
        elif match:
            self.heard = now
        if not (match and hello["established"]):
            self._hello_due = True

    def _up(self, hello, now):
        self.state = UP
        self._decoder.seed = self._nonce ^ hello["nonce"]
        self._new_window(now)
        self.heard = now
        self._hello_due = False
        self._fragments.reset(hello["largest_message"], hello["fragment_credit"])
        self._ask_due = True
        if self._bulk is not None:
            self._bulk.again(now)
        same = hello["session_id"] == self._host_session
        if not same:
            self.site.forget()
        self._host_session = hello["session_id"]
        self.owner.up(hello, same, now)

    def _down(self, now, new_nonce):
        self.state = GREETING
        self._greet(now, new_nonce)
        self.owner.down(now)

    def _refuse(self, hello, now):
        if self.state == UP:
            self._down(now, True)
        if self.state != REFUSED or hello["nonce"] != self._peer_nonce:
            self._hello_due = True
            self._log.append(
                "the host speaks robolink serial %d.%d, this board speaks %d.%d: another major version; update the older side"
                % (hello["major"], hello["minor"], messages.MAJOR, messages.MINOR)
            )
        self.state = REFUSED
        self._peer_nonce = hello["nonce"]

    # Bytes out; also notices silence.

    def poll(self, now):
        if self.state == UP and ticks_diff(now, self.heard) >= SILENT_MS:
            self._down(now, True)
        out = []
        if self._log:
            out += [("robolink: %s\r\n" % each).encode() for each in self._log]
            self._log = []
        if self._hello_due or (self.state != UP and ticks_diff(now, self._hello_at) >= 0):
            out.append(self._hello(now))
        if self.state == UP:
            self._session_frames(now, out)
        if not out:
            return b""
        self._sent = now
        return out[0] if len(out) == 1 else b"".join(out)

    def _hello(self, now):
        self._hello_due = False
        self._hello_at = ticks_add(now, HELLO_MS)
        body = codec.encode(
            messages.TABLES[messages.HELLO_KIND],
            {
                "major": messages.MAJOR,
                "minor": messages.MINOR,
                "schema_hash": messages.SCHEMA_HASH,
                "sheet_hash": self.sheet_hash,
                "session_id": self.session_id,
                "nonce": self._nonce,
                "echo_nonce": self._peer_nonce,
                "established": self.state == UP,
                "stop_generation": self.stop_generation,
                "stop_latched": self.stop_latched,
                "largest_message": self._fragments.largest,
                "fragment_credit": self._fragments.credit,
                "slot": self.slot,
            },
        )
        return frame.encode(messages.HELLO_KIND, 0, 0, body, 0)

    def _session_frames(self, now, out):
        began = len(out)
        if self._probe is not None:
            self._say(messages.LINK_REPORT_KIND, self._report(now), out)
            self._probe = None
        if self._ask_due or ticks_diff(now, self._asked) >= TIME_QUERY_MS:
            self._ask_due, self._asked = False, now
            self._say(messages.TIME_QUERY_KIND, {"sent": now}, out)
        if self._unacked and ticks_diff(now, self._resent) >= RESEND_MS:
            self._resent = now
            self.count("resent", len(self._unacked))
            for kind, seq, body in self._unacked:
                out.append(self._wire(kind, seq, body))
        while (self._queue or self._fragments.credit_due()) and len(self._unacked) < WINDOW:
            kind, body = self._next()
            if body is None:
                break
            if not self._unacked:
                self._resent = now
            seq = self._next_seq
            self._next_seq = (seq + 1) & 0xFF
            self._unacked.append((kind, seq, body))
            out.append(self._wire(kind, seq, body))
        if self._best_effort:
            for kind, body in self._best_effort:
                out.append(self._wire(kind, 0, body))
            self._best_effort = []
        # Any frame is a beat, and carries the acknowledgement.
        if self._ack_due or (len(out) == began and ticks_diff(now, self._sent) >= BEAT_MS):
            out.append(self._wire(messages.BEAT_KIND, 0, b""))
        word = None if self._bulk is None else self._bulk.word(now)
        if word is not None:
            self._say(messages.BULK_CREDIT_KIND, word, out)

    def _next(self):
        # The sequenced frame that leaves next; CREDIT passes what waits, a long body goes part by part.
        fragments, queue = self._fragments, self._queue
        if fragments.credit_due():
            return messages.CREDIT_KIND, codec.encode(messages.TABLES[messages.CREDIT_KIND], fragments.tell())
        kind, body = queue[0]
        if len(body) <= frame.MAX_BODY:
            return queue.pop(0)
        if not self._cut and not fragments.may_begin(len(body)):
            return 0, None
        part = cut(kind, body, self._cut)
        self._cut += MAX_PART
        if self._cut >= len(body):
            self._cut = 0
            queue.pop(0)
        return messages.FRAGMENT_KIND, part

    def _report(self, now):
        counted = self.counters
        report = {
            "number": self._probe,
            "frames": self._decoder.frames,
            "bad_frames": self._decoder.bad_frames,
            "out_of_sequence": counted.get("out_of_sequence", 0),
            "resent": counted.get("resent", 0),
            "dropped": counted.get("queue_full", 0) + counted.get("too_long", 0),
            "uptime_ms": ticks_diff(now, self._born) & 0x3FFFFFFF,
        }
        if hasattr(gc, "mem_free"):  # CPython has none
            report["free_memory_bytes"] = gc.mem_free()
        error = self.site.error_us(now)
        if error is not None:
            report["time_error_us"] = error
        return report

    def _say(self, kind, message, out):
        out.append(self._wire(kind, 0, codec.encode(messages.TABLES[kind], message)))

    def _wire(self, kind, seq, body):
        self._ack_due = False
        return frame.encode(kind, seq, self._expected, body, self._decoder.seed)
