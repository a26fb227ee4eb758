"""The TLS files that the configuration names: loaded before anything is served by them, told if they are none."""

from __future__ import annotations

import ssl

from robolink.errors import ConfigError


def trusting(ca_file: str) -> ssl.SSLContext:
    """What trusts this CA alone.

    Raises:
        ConfigError: The file cannot be read, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as exc:
        raise _wrong("metaserver.ca_file", ca_file, exc) from exc


def check_pair(cert_file: str, key_file: str) -> None:
    """Of a server; the key may stand in the certificate's file.

    Raises:
        ConfigError: They cannot be read, or are no certificate and its key.
    """
    if not cert_file:
        if key_file:
            raise ConfigError(
                "rest.tls_key_file is set without rest.tls_cert_file", hint="name both, or none"
            )
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert_file, key_file or None)
    except OSError as exc:
        names = f"{cert_file} and {key_file}" if key_file else cert_file
        raise _wrong("rest.tls_cert_file and tls_key_file", names, exc) from exc


def _wrong(key: str, names: str, exc: OSError) -> ConfigError:
    """OpenSSL names no file; its errors are OSErrors too."""
    return ConfigError(f"{key}: {names} cannot be used: {exc.strerror or exc}", hint="PEM files are wanted")
