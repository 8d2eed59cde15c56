"""The header of a gzip member (RFC 1952, 2.3), found in what has arrived so far."""

from __future__ import annotations

from isal import isal_zlib

FIXED_BYTES = 10
LONGEST_TEXT = 512
"""Bytes of file name or comment, with the zero that ends them, as in the original's library."""

_HEADER_CHECKSUM, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16


class InvalidHeader(Exception):
    """It is no gzip header."""


def header_length(data: bytes) -> int | None:
    """Bytes of the header that `data` begins with; None when it is not complete. Raises InvalidHeader."""
    if len(data) < FIXED_BYTES:
        return None
    if data[:3] != b"\x1f\x8b\x08":
        raise InvalidHeader
    flags = data[3]
    at = FIXED_BYTES
    if flags & _EXTRA:
        if len(data) < at + 2:
            return None
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = data.find(b"\0", at, at + LONGEST_TEXT)
            if end < 0:
                if len(data) >= at + LONGEST_TEXT:
                    raise InvalidHeader
                return None
            at = end + 1
    if flags & _HEADER_CHECKSUM:
        if len(data) < at + 2:
            return None
        if int.from_bytes(data[at : at + 2], "little") != isal_zlib.crc32(data[:at]) & 0xFFFF:
            raise InvalidHeader
        at += 2
    return at if len(data) >= at else None
