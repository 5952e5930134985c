"""Who signed a certificate that was not trusted: the one thing that tells a company proxy from an attack.

The certificate is fetched once more without trusting it, and nothing is sent over that connection.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_COMMON_NAME, _ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_SEQUENCE, _SET, _OBJECT_IDENTIFIER, _CONTEXT_0 = 0x30, 0x31, 0x06, 0xA0


def seen_issuer(host: str, port: int, timeout_s: float = 3.0) -> str | None:
    """The name of the authority that signed the certificate shown at that address; None if it can't be had."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            return issuer(connection.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError):
        return None


def holds(bundle: Path, name: str) -> bool:
    """Whether an authority of that common name or organisation is in `bundle`, a file in PEM form that can be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    authorities: list[Any] = list(context.get_ca_certs())
    named = (pair for authority in authorities for relative in authority["subject"] for pair in relative)
    return any(kind in ("commonName", "organizationName") and value == name for kind, value in named)


def issuer(certificate: bytes) -> str | None:
    """The issuer of an X.509 certificate in DER form: its common name or else its organisation (RFC 5280, 4.1).

    Raises nothing: bytes that are no certificate give None.
    """
    try:
        names = _issuer_names(certificate)
    except (IndexError, StopIteration, ValueError):
        return None
    found = names.get(_COMMON_NAME) or names.get(_ORGANISATION)
    return found.decode(errors="replace") if found else None


def _issuer_names(certificate: bytes) -> dict[bytes, bytes]:
    _, body = next(_elements(certificate))
    _, signed = next(_elements(body))
    fields = [(tag, value) for tag, value in _elements(signed) if tag != _CONTEXT_0]
    # serial number, signature algorithm, issuer, …
    tag, value = fields[2]
    if tag != _SEQUENCE:
        raise ValueError("no issuer")
    names: dict[bytes, bytes] = {}
    for kind, relative in _elements(value):
        for _, pair in _elements(relative) if kind == _SET else ():
            (identifier_tag, identifier), (_, text) = list(_elements(pair))[:2]
            if identifier_tag == _OBJECT_IDENTIFIER:
                names[identifier] = text
    return names


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The DER elements in `data`, as tag and content. Raises IndexError or ValueError where it breaks off."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("a length that no certificate has")
            length = int.from_bytes(data[position : position + count], "big")
            position += count
        if position + length > len(data):
            raise ValueError("breaks off")
        yield tag, data[position : position + length]
        position += length
