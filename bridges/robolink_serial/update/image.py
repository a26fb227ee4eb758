"""Signed images of firmware: one ZIP with a manifest, its Ed25519 signature, and the files.

The signature covers the manifest's bytes, the manifest the hash of each file. Whoever reads an image gets all of it checked or
an error; nothing of a bad one goes anywhere. It knows no board.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from robolink.errors import ConfigError, StorageError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
SIGNATURE_BYTES: Final = 64
MAX_MANIFEST_BYTES: Final = 1 << 20
# STANDARD.md 14.11: an offset has three bytes. 128 files: a board keeps their names while it receives.
MAX_IMAGE_BYTES: Final = (1 << 24) - 1
MAX_FILES: Final = 128
MAX_PATH: Final = 96
MAX_VERSION: Final = 32
# All that a ZIP and a JSON may raise for what somebody has made of them; RuntimeError: encrypted, or packed in an unknown way.
_UNREADABLE: Final = (
    OSError, zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError, RuntimeError,
)  # fmt: skip


class ImageError(ConfigError):
    """An image that is not taken; nothing of it has reached a board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """One file: its path below the slot, and its bytes."""

    path: str
    data: bytes

    @property
    def sha256(self) -> bytes:
        """Of its bytes."""
        return hashlib.sha256(self.data).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Firmware for one kind of board, whole.

    Attributes:
        version: For people, and for the twin.
        architecture: Of the compiled files, as MicroPython names it; "" for any.
        bytecode: Version of the compiled files; 0 for none.
    """

    version: str
    architecture: str
    bytecode: int
    files: tuple[ImageFile, ...]

    @property
    def data(self) -> bytes:
        """The files one after the other."""
        return b"".join(each.data for each in self.files)

    @property
    def sha256(self) -> bytes:
        """Of `data`."""
        return hashlib.sha256(self.data).digest()

    def manifest(self) -> bytes:
        """What is signed; the same image gives the same bytes."""
        told = {
            "format": FORMAT,
            "version": self.version,
            "architecture": self.architecture,
            "bytecode": self.bytecode,
            "size": len(self.data),
            "sha256": self.sha256.hex(),
            "files": [
                {"path": each.path, "size": len(each.data), "sha256": each.sha256.hex()}
                for each in self.files
            ],
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def write_image(image: Image, key: Ed25519PrivateKey, to: Path) -> None:
    """Sign it and write it; an older file is replaced only by a whole one.

    Raises:
        ImageError: It is over a limit.
        StorageError: It cannot be written.
    """
    _check(image)
    part = to.with_name(f".{to.name}.part")
    manifest = image.manifest()
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (
                (MANIFEST, manifest),
                (SIGNATURE, key.sign(manifest)),
                *((f"files/{each.path}", each.data) for each in image.files),
            ):
                # No time of making: the same image is the same file.
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        part.replace(to)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise StorageError(f"cannot write {to}: {exc.strerror}", hint="check the folder") from exc


def read_image(path: Path, trusted: Mapping[str, Ed25519PublicKey]) -> tuple[Image, str]:
    """A whole image, checked; and the name of the key that has signed it.

    Raises:
        ImageError: No image, damaged, over a limit, or signed by none of these keys.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _member(archive, MANIFEST, MAX_MANIFEST_BYTES)
            signature = _member(archive, SIGNATURE, SIGNATURE_BYTES)
            # Before anything in it is believed.
            signer = _signer(manifest, signature, trusted, path)
            image = _image(json.loads(manifest), archive)
    except _UNREADABLE as exc:
        raise ImageError(f"{path} is no image: {exc}", hint="make one: robolink board image build") from exc
    _check(image)
    if image.manifest() != manifest:
        raise ImageError(f"{path} is damaged: its files are not those that were signed")
    return image, signer


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    if archive.getinfo(name).file_size > limit:
        raise ValueError(f"{name} has more than {limit} bytes")
    with archive.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} has more than {limit} bytes")
    return data


def _signer(manifest: bytes, signature: bytes, trusted: Mapping[str, Ed25519PublicKey], path: Path) -> str:
    for name, key in trusted.items():
        try:
            key.verify(signature, manifest)
        except InvalidSignature:
            continue
        return name
    known = ", ".join(sorted(trusted)) or "none"
    raise ImageError(
        f"{path} is not signed by a key that is trusted here ({known}); nothing was sent to a board",
        hint="name the maker's public key with --trust",
    )


def _image(told: Any, archive: zipfile.ZipFile) -> Image:
    if told["format"] != FORMAT:
        raise ValueError(f"it is of format {told['format']}, this Robolink knows {FORMAT}")
    if len(told["files"]) > MAX_FILES or sum(int(each["size"]) for each in told["files"]) > MAX_IMAGE_BYTES:
        raise ValueError("it is larger than any board takes")
    files = tuple(
        ImageFile(path=str(each["path"]), data=_member(archive, f"files/{each['path']}", int(each["size"])))
        for each in told["files"]
    )
    return Image(
        version=str(told["version"]),
        architecture=str(told["architecture"]),
        bytecode=int(told["bytecode"]),
        files=files,
    )


def _check(image: Image) -> None:
    if not 0 < len(image.files) <= MAX_FILES or len(image.data) > MAX_IMAGE_BYTES:
        raise ImageError(
            f"an image has 1 to {MAX_FILES} files and at most {MAX_IMAGE_BYTES} bytes, "
            f"this one {len(image.files)} and {len(image.data)}"
        )
    if not image.data:
        raise ImageError("an image without a byte in it changes nothing")
    if not image.version or len(image.version) > MAX_VERSION:
        raise ImageError(f"a version has 1 to {MAX_VERSION} characters: {image.version!r}")
    paths = [each.path for each in image.files]
    for path in paths:
        if not is_board_path(path) or paths.count(path) > 1:
            raise ImageError(f"{path!r} is no path of a file on a board, or is there twice")


def is_board_path(path: str) -> bool:
    """Relative, short, of plain characters: the same rule as the board's own."""
    parts = path.split("/")
    plain = all(
        part not in ("", ".", "..") and all(c.isascii() and (c.isalnum() or c in "_-.") for c in part)
        for part in parts
    )
    return plain and len(path) <= MAX_PATH


# Keys.


def make_key(private: Path) -> Path:
    """A new pair: the private key there, for its owner's eyes alone, the public one beside it as `.pub`; that path.

    Raises:
        ConfigError: There is a file already.
        StorageError: It cannot be written.
    """
    public = private.with_name(private.name + ".pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        for path, data, mode in ((private, secret, 0o600), (public, shown, 0o644)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
    except FileExistsError as exc:
        raise ConfigError(
            f"{exc.filename} is there already", hint="choose another name; keys are never overwritten"
        ) from exc
    except OSError as exc:
        raise StorageError(f"cannot write {private}: {exc.strerror}", hint="check the folder") from exc
    return public


def load_private(path: Path) -> Ed25519PrivateKey:
    """The signing key; raises ConfigError."""
    key = _load(path, lambda data: serialization.load_pem_private_key(data, None))
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 private key", hint="make one: robolink board image keygen")
    return key


def load_trusted(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Public keys by the name of their file; raises ConfigError."""
    found: dict[str, Ed25519PublicKey] = {}
    for path in paths:
        key = _load(path, serialization.load_pem_public_key)
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(
                f"{path} is no Ed25519 public key", hint="the .pub file that keygen has written"
            )
        found[path.name] = key
    return found


def _load(path: Path, parse: Any) -> Any:
    try:
        return parse(path.read_bytes())
    except OSError as exc:
        raise ConfigError(
            f"cannot read the key {path}: {exc.strerror}", hint="check its path and rights"
        ) from exc
    except (ValueError, TypeError) as exc:
        raise ConfigError(
            f"{path} is no key: {exc}", hint="a PEM file of robolink board image keygen"
        ) from exc
