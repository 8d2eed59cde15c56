"""When a certificate ends, read from its DER form (RFC 5280, 4.1). Pure.

Python's own binding reads certificates only where it also verifies them.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_CENTURY = 50
"""Two digits of a year from here on are of the last century (RFC 5280, 4.1.2.5.1)."""


def ends(pem: str) -> datetime:
    """When the first certificate of the text ends. Raises ValueError."""
    block = _PEM.search(pem)
    if block is None:
        raise ValueError("no certificate in it")
    return ends_der(binascii.a2b_base64(block[1]))


def ends_der(der: bytes) -> datetime:
    """When the certificate ends. Raises ValueError."""
    certificate = _inside(der, _SEQUENCE)
    fields = _elements(_inside(certificate, _SEQUENCE))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    # Serial number, signature, issuer, validity.
    if len(fields) < 4 or fields[3][0] != _SEQUENCE:
        raise ValueError("no certificate")
    times = _elements(fields[3][1])
    if len(times) != 2:
        raise ValueError("no certificate")
    return _time(*times[1])


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _CENTURY else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no certificate")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _inside(data: bytes, tag: int) -> bytes:
    elements = _elements(data)
    if not elements or elements[0][0] != tag:
        raise ValueError("no certificate")
    return elements[0][1]


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents, one after the other."""
    found = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("cut off")
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("cut off")
        found.append((tag, data[at : at + length]))
        at += length
    return found
