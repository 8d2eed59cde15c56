"""Whose request it is: the address a forwarding header names, else the peer's (intake-to-documents.md 1.1)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.settings.parts import ForwardingPart

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")


class ClientAddress(NamedTuple):
    """The client's address in canonical form, "" if none is known."""

    ip: str
    port: int
    """0 if not known."""
    forwarded: bool
    """Whether a header gave it; the peer is then an intermediary."""


Peer = tuple[str, int]
"""Address and port of a socket's other end; ("", 0) for a UNIX socket."""

EVERYBODY = "all"
"""In a list of proxies: whoever connects is believed, as in the original."""
PRIVATE = "private"
"""In a list of proxies: this machine, and addresses that are not of the internet."""
_PRIVATE = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
_MOST_HOPS = 64
"""Entries of a header that are looked at: no request comes through more proxies."""


class Proxies:
    """Whose word is believed about whom a request comes from."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        """Addresses, networks, `private` or `all`. Raises ValueError."""
        self._all = EVERYBODY in networks
        named = [one for one in networks if one not in (EVERYBODY, PRIVATE)]
        if PRIVATE in networks:
            named += _PRIVATE
        self._networks = [ipaddress.ip_network(one, strict=False) for one in named]

    def __contains__(self, ip: str) -> bool:
        """A peer without address came through a socket of this machine."""
        if self._all:
            return True
        address = ipaddress.ip_address(ip or "127.0.0.1")
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


@lru_cache(maxsize=8)
def proxies(networks: tuple[str, ...]) -> Proxies:
    """Made once for each settings object."""
    return Proxies(networks)


def client_address(head: RequestHead, peer_ip: str, peer_port: int, forwarding: ForwardingPart) -> ClientAddress:
    """What the headers say, if the peer is a trusted proxy; else the peer.

    From the left: the first address that parses, of `Forwarded`, `X-Real-Ip`, `X-Forwarded-For`. From the right: of
    `X-Forwarded-For`, to which proxies append, the last address that is no trusted proxy's: what a client has written there
    itself stands farther left.
    """
    headers = head.headers
    if b"x-forwarded-for" not in headers and b"forwarded" not in headers and b"x-real-ip" not in headers:
        return ClientAddress(peer_ip, peer_port, False)
    trusted = proxies(forwarding.trusted)
    if peer_ip not in trusted:
        return ClientAddress(peer_ip, peer_port, False)
    if forwarding.from_right:
        return _from_right(head, trusted, ClientAddress(peer_ip, peer_port, False))
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


def _from_right(head: RequestHead, trusted: Proxies, peer: ClientAddress) -> ClientAddress:
    found = peer
    entries = ",".join(head.texts(b"x-forwarded-for")).rsplit(",", _MOST_HOPS)
    for entry in reversed(entries[-_MOST_HOPS:]):
        address = _parse(entry.strip())
        if address is None:
            break
        found = address
        if address.ip not in trusted:
            break
    return found


def peer_address(name: object) -> Peer:
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
