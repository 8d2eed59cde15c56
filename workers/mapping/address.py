"""Client and source addresses: intake-to-documents.md 1.1 (syntax) and 4.1.5 (steps)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from tidegate.workers.mapping.memo import text_memo

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_Address = tuple[str, int]
"""Canonical text without zone; port or 0."""

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


def canonical_address(text: str) -> str | None:
    """An IP address in canonical form, without its zone; None when the text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return f"::ffff:{address.ipv4_mapped}"
        return str(IPv6Address(int(address)))
    return str(address)


def _parse(text: str) -> _Address | None:
    if not text:
        return None
    if text[0] != "[" and not ("." in text and ":" in text):
        bare = canonical_address(text)
        return (bare, 0) if bare else None
    host, _, port = text.rpartition(":")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        return None
    bracketed = host.startswith("[") and host.endswith("]")
    address = canonical_address(host[1:-1] if bracketed else host)
    if address is None or bracketed != (":" in address):
        return None
    return address, int(port)


parsed = text_memo(_parse)
"""`address` or `address:port` → address, or None."""

is_address = text_memo(lambda text: canonical_address(text) is not None)
"""Whether a text is an IP address, zone allowed."""

_FORWARDED = re.compile(r'"(?P<quoted>(?:[^"\\\n]|\\["\\])*)"')


def _forwarded_for(value: str) -> str:
    """The last `for=` of the first element of a Forwarded header, or ""."""
    found = ""
    for pair in value.partition(",")[0].split(";"):
        name, equals, text = pair.partition("=")
        if not equals or name.strip().lower() != "for":
            continue
        text = text.strip()
        if text.startswith('"'):
            quoted = _FORWARDED.fullmatch(text)
            if quoted is None:
                continue
            text = re.sub(r"\\(.)", r"\1", quoted["quoted"])
        found = text
    return found


def forwarded_address(headers: dict[str, list[str]]) -> _Address | None:
    """The address that the first usable forwarding header names; header names are canonical."""
    if values := headers.get("Forwarded"):
        found = parsed[_forwarded_for(values[0])]
        if found:
            return found
    if values := headers.get("X-Real-Ip"):
        found = parsed[values[0]]
        if found:
            return found
    if values := headers.get("X-Forwarded-For"):
        return parsed[values[0].partition(",")[0].strip()]
    return None


def _written(address: _Address) -> dict[str, Any]:
    ip, port = address
    return {"ip": ip, "port": port} if port else {"ip": ip}


def add_addresses(document: dict[str, Any], remote: str | None, headers: dict[str, list[str]], stream: Stream) -> None:
    """Writes `client` and `source` as far as the request itself (RUM paths) has not said them; steps of 4.1.5."""
    source = stream.source
    if source is None and remote and (found := parsed[remote]):
        source = document["source"] = _written(found)
    if stream.client is not None:
        return
    if forwarded := forwarded_address(headers):
        document["client"] = _written(forwarded)
        replaced = document["source"] = _written(forwarded)
        if source:
            replaced["nat"] = {"ip": source["ip"]}
    elif source:
        document["client"] = {"ip": source["ip"]}
