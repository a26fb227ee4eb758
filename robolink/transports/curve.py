"""CURVE keys: making them, and one authenticator per process that lets only known keys in.

`python -m robolink.transports.curve KEYS_DIR NAME…` writes a pair for each name. What a key may do is the hub's to say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from pathlib import Path
from typing import Final

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from robolink.errors import ConfigError
from robolink.transports.lanes import Keys

KEY_FILE_VARIABLE: Final = "ROBOLINK_SECRET_KEY_FILE"
HUB_KEY_VARIABLE: Final = "ROBOLINK_HUB_PUBLIC_KEY"


def load_keys(secret_key_file: Path, *, hub_public: str = "") -> Keys:
    """A pair from a `.key_secret` file.

    Raises:
        ConfigError: The file is missing or holds no secret key.
    """
    try:
        public, secret = zmq.auth.load_certificate(secret_key_file)
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"cannot read the key file {secret_key_file}: {exc}",
            hint="make one: python -m robolink.transports.curve KEYS_DIR NAME",
        ) from exc
    if secret is None:
        raise ConfigError(f"{secret_key_file} holds no secret key", hint="name the .key_secret file")
    return Keys(public=public.decode(), secret=secret.decode(), hub_public=hub_public)


def keys_from_environment() -> Keys | None:
    """This process's pair, as ROBOLINK_SECRET_KEY_FILE names it, and the hub's ROBOLINK_HUB_PUBLIC_KEY; None without.

    Raises:
        ConfigError: One of them is missing, or the file holds no secret key.
    """
    file, hub = os.environ.get(KEY_FILE_VARIABLE, ""), os.environ.get(HUB_KEY_VARIABLE, "")
    if not file and not hub:
        return None
    if not file or not hub:
        missing = HUB_KEY_VARIABLE if file else KEY_FILE_VARIABLE
        raise ConfigError(
            f"{missing} is not set", hint=f"{KEY_FILE_VARIABLE} and {HUB_KEY_VARIABLE} go together"
        )
    return load_keys(Path(file), hub_public=hub)


class _KnownKeys:
    """pyzmq's credentials provider: the keys in the configuration, and no others."""

    def __init__(self, public_keys: Container[str]) -> None:
        self._public_keys = public_keys

    def callback(self, _domain: str, key: bytes) -> bool:
        """Whether that public key, in Z85, is let in."""
        return key.decode() in self._public_keys


def start_authenticator(
    context: zmq.Context[zmq.Socket[bytes]], public_keys: Container[str]
) -> ThreadAuthenticator:
    """Let only these public keys (Z85) into the CURVE servers of this context; a peer's user id is its key."""
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve_callback(domain="*", credentials_provider=_KnownKeys(public_keys))
    return authenticator


def serve_curve(socket: zmq.Socket[bytes], keys: Keys | None) -> None:
    """Make a socket that will bind a CURVE server; without keys (loopback) it stays plain."""
    if keys is not None:
        socket.curve_server = True
        socket.curve_secretkey = keys.secret.encode()
        socket.curve_publickey = keys.public.encode()


def user_id(frame: zmq.Frame) -> str:
    """The public key (Z85) that a received frame came in under; "" on a plain socket."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""


def _main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m robolink.transports.curve KEYS_DIR NAME [NAME…]\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in arguments[1:]:
        public_file, secret_file = zmq.auth.create_certificates(folder, name)
        Path(secret_file).chmod(0o600)
        public, _ = zmq.auth.load_certificate(public_file)
        sys.stdout.write(f"{name}: public key {public.decode()} · keep {secret_file} secret\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
