"""Files in a slot: made, measured, hashed a few blocks at a time, cleared. It knows no orders and no states."""

import binascii
import hashlib
import os

HASH_BYTES = 512
HASHES_A_STEP = 4
MAX_PATH = 96


class Hashes:
    # Of the files in a slot, a few blocks at a time.
    def __init__(self, folder, files):
        self._folder, self._files = folder, files
        self._whole = hashlib.sha256()
        self._block = bytearray(HASH_BYTES)
        self._at = 0
        self._file = self._hash = None

    def digest(self):
        return to_hex(self._whole.digest())

    def step(self):
        # True or False at the end, None before.
        view = memoryview(self._block)
        for _ in range(HASHES_A_STEP):
            if self._file is None:
                if self._at == len(self._files):
                    return True
                try:
                    self._file = open(self._folder + "/" + self._files[self._at][0], "rb")
                except OSError:
                    return False
                self._hash = hashlib.sha256()
            count = self._file.readinto(self._block)
            if count:
                self._hash.update(view[:count])
                self._whole.update(view[:count])
                continue
            self._file.close()
            self._file = None
            if self._hash.digest() != self._files[self._at][2]:
                return False
            self._at += 1
        return None


def to_hex(data):
    return binascii.hexlify(data).decode()


def is_path(path):
    parts = path.split("/")
    return 0 < len(path) <= MAX_PATH and all(
        part and part not in (".", "..") and all(c.isalpha() or c.isdigit() or c in "_-." for c in part)
        for part in parts
    )


def size_of(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return -1


def make_folders(path):
    at = path.find("/")
    while at >= 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # It is there, or the file will say why not.
        at = path.find("/", at + 1)


def clear(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            clear(path)
            os.rmdir(path)
        else:
            os.remove(path)


def bytes_in(folder):
    used = 0
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    for name in names:
        path = folder + "/" + name
        used += bytes_in(path) if os.stat(path)[0] & 0x4000 else os.stat(path)[6]
    return used
