"""Whose request it is: the address a forwarding header names, else the peer's (intake-to-documents.md 1.1)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")


class ClientAddress(NamedTuple):
    """The client's address in canonical form, "" if none is known."""

    ip: str
    port: int
    """0 if not known."""
    forwarded: bool
    """Whether a header gave it; the peer is then an intermediary."""


def client_address(headers: Mapping[bytes, bytes], peer_ip: str, peer_port: int) -> ClientAddress:
    """The first address that parses: `Forwarded`, `X-Real-Ip`, `X-Forwarded-For`, the peer. Header names in lower case."""
    value = headers.get(b"forwarded")
    if value is not None and (found := _parse(_forwarded_for(_text(value)))):
        return found
    value = headers.get(b"x-real-ip")
    if value is not None and (found := _parse(_text(value))):
        return found
    value = headers.get(b"x-forwarded-for")
    if value is not None and (found := _parse(_text(value).partition(",")[0].strip())):
        return found
    return ClientAddress(peer_ip, peer_port, False)


def peer_address(name: object) -> tuple[str, int]:
    """Canonical address and port of a socket's peer name; ("", 0) for a Unix socket. IPv4 that comes through an IPv6
    socket is IPv4."""
    if not isinstance(name, tuple) or len(name) < 2:
        return "", 0
    ip, port = str(name[0]).partition("%")[0], int(name[1])
    return (ip[7:] if ip.startswith("::ffff:") and "." in ip else ip), port


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _forwarded_for(value: str) -> str:
    """The last `for` of the first element of a `Forwarded` header (RFC 7239), or ""."""
    found = ""
    for pair in value.partition(",")[0].split(";"):
        name, equals, text = pair.partition("=")
        if not equals or name.strip().lower() != "for":
            continue
        text = text.strip()
        if text.startswith('"'):
            quoted = _QUOTED.fullmatch(text)
            if quoted is None:
                continue
            text = _QUOTED_PAIR.sub(r"\1", quoted[1])
        found = text
    return found


def _parse(text: str) -> ClientAddress | None:
    """`address`, `v4:port` or `[v6]:port`; None for anything else, names too."""
    port = 0
    bracketed = text.startswith("[")
    if bracketed or ("." in text and ":" in text):
        text, colon, digits = text.rpartition(":")
        if not colon or not (digits.isascii() and digits.isdigit()) or len(digits) > 20 or int(digits) > 65535:
            return None
        port = int(digits)
        if bracketed != text.endswith("]"):
            return None
        text = text[1:-1] if bracketed else text
        if bracketed != (":" in text):
            return None
    text, percent, zone = text.partition("%")
    if percent and not zone:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return ClientAddress(f"::ffff:{address.ipv4_mapped}", port, True)
    elif percent:
        return None
    return ClientAddress(str(address), port, True)
