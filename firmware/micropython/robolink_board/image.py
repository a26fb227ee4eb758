"""The board's end of an update: files into a slot that does not run, hashes, a trial that ends by itself.

It decides nothing about who may update (the host does, under a maintain lease). The slot that runs is never touched; a
refusal leaves every slot as it was. Names, states and record are robolink_slots'.
"""

import binascii
import os

from robolink_board import messages, slotfiles
from robolink_board.ticks import ticks_add, ticks_diff

TELL, VERIFY, BOOT, CONFIRM, ROLLBACK, ABORT = 1, 2, 3, 4, 5, 6
TRIAL_MS = 30000
# So long the answer has to leave before the board resets.
RESET_MS = 100
# What has just ended comes to rest within this time, or the reset is refused.
REST_MS = 1000
RESERVE_BYTES = 8192
MAX_FILES = 128


class Refused(Exception):
    def __init__(self, cause, text):
        super().__init__(text)
        self.cause = cause


class Images:
    def __init__(self, slots, send, bulk, safe, reset, version=""):
        # send(kind, message); bulk(transfer, size, next_offset, now) opens the lane, transfer 0 closes it; safe() is ""
        # or what moves.
        self.slots, self.version = slots, version
        self._send, self._bulk, self._safe, self._reset = send, bulk, safe, reset
        self._record = slots.load()
        self._now = 0
        self._close_transfer()
        self._reset_at = self._trial_ends = None
        self._verifying = None
        # An order to reset that waits for rest, and for how long.
        self._waiting = self._rest_by = None

    def begun(self, now):
        # Once the program runs: the time in which a trial must be confirmed.
        if self.slots.on_trial:
            self._trial_ends = ticks_add(now, TRIAL_MS)

    def _close_transfer(self):
        self._transfer = self._size = self.next_offset = self._count = 0
        self._slot = ""
        self._files = []
        self._at = self._file_offset = 0
        self._open = None

    # Orders.

    def message(self, kind, message, now):
        self._now = now
        try:
            if kind == messages.IMAGE_BEGIN_KIND:
                self._begin(message)
            elif kind == messages.IMAGE_FILE_KIND:
                if not self._file(message):
                    return  # Answered once all are announced.
            elif not self._order(message, now):
                return  # Answered once it stands.
        except Refused as error:
            self.tell(error.cause, str(error))
        except OSError as error:
            self.tell(messages.STORAGE, "the file system refuses: %s" % error)
        else:
            self.tell()

    def _begin(self, message):
        if not message["transfer"] or not 0 < message["files"] <= MAX_FILES or len(message["sha256"]) != 32:
            raise Refused(messages.INVALID, "an update is 1 to %d files with a number and a hash" % MAX_FILES)
        if message["transfer"] == self._transfer:
            return
        slot = self._choose(message["slot"])
        entry, digest = self._entry(slot), slotfiles.to_hex(message["sha256"])
        same = (entry.get("size"), entry.get("sha256")) == (message["size"], digest)
        if not (same and entry["state"] == self.slots.RECEIVING):
            self._make_room(slot, message["size"])
            # What is overwritten cannot be gone back to.
            head = {"before": self.slots.FLASHED} if slot == self._record["before"] else {}
            told = {"version": message["version"], "size": message["size"], "sha256": digest}
            self._keep(slot, self.slots.RECEIVING, head, told)
            slotfiles.clear(self.slots.folder_of(slot))
        self._close_transfer()
        self._verifying = None
        self._transfer, self._slot, self._size = message["transfer"], slot, message["size"]
        self._count = message["files"]

    def _choose(self, wanted):
        record = self._record
        if record["trial"]:
            raise Refused(
                messages.MODE, "slot %s is on trial: confirm it or roll back first" % record["trial"]
            )
        taken = (self.slots.running, record["boot"])
        if wanted and wanted not in self.slots.NAMES:
            raise Refused(messages.UNSUPPORTED, "there is no slot %s; there are a and b" % wanted)
        if wanted in taken:
            raise Refused(messages.MODE, "slot %s runs" % wanted)
        return wanted or next(name for name in self.slots.NAMES if name not in taken)

    def _make_room(self, slot, size):
        free = self.free_bytes() + slotfiles.bytes_in(self.slots.folder_of(slot))
        if free < size + RESERVE_BYTES:
            raise Refused(
                messages.STORAGE, "%d bytes do not fit: %d are free, %d stay so" % (size, free, RESERVE_BYTES)
            )

    def free_bytes(self):
        state = os.statvfs(".")
        return (state[1] or state[0]) * state[4]

    def _file(self, message):
        # True once all are there.
        if message["transfer"] != self._transfer or not self._transfer:
            raise Refused(messages.INVALID, "no transfer %d is open" % message["transfer"])
        path, index = message["path"], message["index"]
        if index < len(self._files):
            # Said twice: the answer to the last one may have been lost.
            return index == self._count - 1
        if index != len(self._files) or not slotfiles.is_path(path) or len(message["sha256"]) != 32:
            raise Refused(messages.INVALID, "file %d (%s) is not what comes next" % (index, path[:60]))
        self._files.append((path, message["size"], message["sha256"]))
        if len(self._files) < self._count:
            return False
        total = sum([each[1] for each in self._files])
        if total != self._size:
            raise Refused(messages.INVALID, "the files have %d bytes, the image %d" % (total, self._size))
        self._resume()
        self._bulk(self._transfer, self._size, self.next_offset, self._now)
        return True

    def _resume(self):
        # What lies there is taken for good up to the first file that is not whole; the hashes judge in the end.
        folder = self.slots.folder_of(self._slot)
        self.next_offset = self._at = self._file_offset = 0
        for path, size, _ in self._files:
            there = slotfiles.size_of(folder + "/" + path)
            if there != size:
                break
            self.next_offset += size
            self._at += 1
        self._skip_empty()

    def _skip_empty(self):
        while self._at < len(self._files) and self._files[self._at][1] == 0:
            self._opened().close()
            self._open = None
            self._at += 1

    def _opened(self):
        if self._open is None:
            path = self.slots.folder_of(self._slot) + "/" + self._files[self._at][0]
            slotfiles.make_folders(path)
            self._open = open(path, "wb")
            self._file_offset = 0
        return self._open

    def data(self, part):
        # Bytes of the image at next_offset, in order; how many were stored.
        part = memoryview(part)
        stored = 0
        while stored < len(part) and self._at < len(self._files):
            size = self._files[self._at][1]
            piece = part[stored : stored + size - self._file_offset]
            try:
                self._opened().write(piece)
                stored += len(piece)
                self._file_offset += len(piece)
                self.next_offset += len(piece)
                if self._file_offset == size:
                    self._open.close()
                    self._open = None
                    self._at += 1
                    self._file_offset = 0
                    self._skip_empty()
            except OSError as error:
                self._bulk(0, 0, 0, self._now)
                self.tell(messages.STORAGE, "the file system refuses: %s" % error)
                break
        return stored

    def _order(self, message, now):
        # False: not yet.
        action = message["action"]
        if action in (BOOT, ROLLBACK) and self._reset_at is None and not self._at_rest(message, now):
            return False
        if action == ABORT:
            self._abort(message)
        elif action == VERIFY:
            self._verify(message)
        elif action == BOOT:
            self._boot(message["slot"], now)
        elif action == CONFIRM:
            self._confirm()
        elif action == ROLLBACK:
            self._roll_back(now)
        elif action != TELL:
            raise Refused(messages.UNSUPPORTED, "there is no order %d about images" % action)
        return True

    def _at_rest(self, message, now):
        # A goal that has ended at its target may creep for another moment: `step` asks again.
        moving = self._safe()
        self._waiting = None
        if not moving:
            self._rest_by = None
            return True
        if self._rest_by is None:
            self._rest_by = ticks_add(now, REST_MS)
        if ticks_diff(now, self._rest_by) < 0:
            self._waiting = message
            return False
        self._rest_by = None
        raise Refused(messages.MODE, moving)

    def _abort(self, message):
        if message["transfer"] != self._transfer:
            raise Refused(messages.INVALID, "no transfer %d is open" % message["transfer"])
        slot = self._slot
        if self._open is not None:
            self._open.close()
        self._close_transfer()
        self._bulk(0, 0, 0, self._now)
        self._verifying = None
        if slot:
            self._keep(slot, self.slots.EMPTY, {}, {})
            slotfiles.clear(self.slots.folder_of(slot))

    def _verify(self, message):
        if self._verifying is not None:
            return
        if message["transfer"] != self._transfer or not self._transfer:
            raise Refused(messages.INVALID, "no transfer %d is open" % message["transfer"])
        if self.next_offset != self._size or self._at < len(self._files):
            text = "%d of %d bytes have come" % (self.next_offset, self._size)
            raise Refused(messages.MODE, text)
        if self._entry(self._slot)["state"] == self.slots.RECEIVING:
            self._keep(self._slot, self.slots.VERIFYING)
            self._verifying = slotfiles.Hashes(self.slots.folder_of(self._slot), self._files)

    def _boot(self, slot, now):
        if self._reset_at is not None:
            return
        state = self._entry(slot).get("state")
        if slot not in self.slots.NAMES or state is None:
            raise Refused(messages.UNSUPPORTED, "there is no slot %s" % slot)
        if state not in (self.slots.VERIFIED, self.slots.CONFIRMED) or slot == self.slots.running:
            raise Refused(messages.MODE, "slot %s is not verified, or runs" % slot)
        self._keep(slot, self.slots.TRIAL, {"trial": slot, "begun": False})
        self._reset_at = ticks_add(now, RESET_MS)

    def _confirm(self):
        record, slot = self._record, self.slots.running
        if not self.slots.on_trial:
            if self._entry(slot).get("state") == self.slots.CONFIRMED or slot == self.slots.FLASHED:
                return  # Said twice.
            raise Refused(messages.MODE, "nothing is on trial")
        head = {"before": record["boot"], "boot": slot, "trial": "", "begun": False}
        self._keep(slot, self.slots.CONFIRMED, head)
        self.slots.on_trial, self._trial_ends = False, None

    def _roll_back(self, now):
        if self._reset_at is not None:
            return
        record = self._record
        if record["trial"]:
            self._keep(record["trial"], self.slots.ROLLED_BACK, {"trial": "", "begun": False})
        elif record["before"] != record["boot"]:
            self._keep(record["boot"], self.slots.ROLLED_BACK, {"boot": record["before"]})
        else:
            raise Refused(messages.MODE, "nothing else has run before %s" % record["boot"])
        self._reset_at = ticks_add(now, RESET_MS)

    # Time.

    def step(self, now):
        self._now = now
        if self._verifying is not None:
            self._verify_on()
        if self._waiting is not None:
            self.message(messages.IMAGE_ORDER_KIND, self._waiting, now)
        if self._trial_ends is not None and ticks_diff(now, self._trial_ends) >= 0:
            # Nobody has confirmed: whoever could is not reached by this firmware.
            self._trial_ends = None
            self._reset()
        if self._reset_at is not None and ticks_diff(now, self._reset_at) >= 0:
            self._reset_at = None
            self._reset()

    def _verify_on(self):
        good = self._verifying.step()
        if good is None:
            return
        slot, digest = self._slot, self._verifying.digest()
        self._verifying = None
        good = good and digest == self._entry(slot)["sha256"]
        self._close_transfer()
        self._bulk(0, 0, 0, self._now)
        self._keep(slot, self.slots.VERIFIED if good else self.slots.DAMAGED)
        if good:
            self.tell()
        else:
            self.tell(messages.INVALID, "slot %s is damaged: its hashes are others; send it again" % slot)

    # What is kept and told.

    def _entry(self, slot):
        return self._record["slots"].get(slot, {"state": self.slots.EMPTY})

    def _keep(self, slot, state, head=None, entry=None):
        # On the disk first: what cannot be kept has not happened.
        record = dict(self._record)
        record.update(head or {})
        record["slots"] = dict(record["slots"])
        kept = dict(self._entry(slot) if entry is None else entry)
        kept["state"] = state
        record["slots"][slot] = kept
        self.slots.save(record)
        self._record = record

    def tell(self, cause=0, text=""):
        slots = [self._told(name) for name in self.slots.ALL]
        state = {
            "transfer": self._transfer,
            "next_offset": self.next_offset,
            "size": self._size,
            "slots": slots,
            "free_bytes": self.free_bytes(),
            "cause": cause,
            "text": text[:100],
        }
        self._send(messages.IMAGE_STATE_KIND, state)

    def _told(self, name):
        runs = name == self.slots.running
        if name == self.slots.FLASHED:
            version = self.version if runs else ""
            return {"name": name, "state": self.slots.CONFIRMED, "version": version, "running": runs}
        entry = self._entry(name)
        return {
            "name": name,
            "state": entry["state"],
            "version": entry.get("version", ""),
            "sha256": binascii.unhexlify(entry.get("sha256", "")),
            "running": runs,
        }
