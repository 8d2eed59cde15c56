"""A source map as it is kept: zlib, and base64 around that in Elasticsearch; and back, bounded. Pure.

The texts of errors are the original's (http-surface.md 5.5, appendix B): they end up as `sourcemap.error`.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import zlib
from collections.abc import Iterator

from tidegate.workers.store.source_maps import MapTooLarge, MapUnusable, Packed

STEP = 768 << 10
"""Bytes in one go, a multiple of 3 (base64): so other threads have their turn."""
_TEXT_STEP = STEP // 3 * 4
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_HEADER = 2
_HEADER_WORDS = ("header check", "compression method", "window size")


class Packer:
    """Compresses the pieces of a map as they come, so that only the compressed form is held."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj()
        self._pieces: list[bytes] = []
        self._hash = hashlib.sha256()
        self.size = 0
        """Bytes so far, uncompressed."""

    def add(self, piece: bytes) -> None:
        """Adds a piece of the JSON."""
        self.size += len(piece)
        self._keep(self._deflate.compress(piece))

    def finish(self) -> Packed:
        """The whole; nothing may be added any more."""
        self._keep(self._deflate.flush())
        return Packed(b"".join(self._pieces), self._hash.hexdigest())

    def _keep(self, zipped: bytes) -> None:
        if zipped:
            self._pieces.append(zipped)
            self._hash.update(zipped)


def pack(content: bytes) -> Packed:
    """All at once."""
    packer = Packer()
    packer.add(content)
    return packer.finish()


def inflated(zipped: bytes, largest: int) -> Iterator[bytes]:
    """The JSON in steps, `largest` bytes at most. Raises MapUnusable, MapTooLarge."""
    inflate = zlib.decompressobj()
    size = 0
    rest = zipped
    while not inflate.eof:
        try:
            piece = inflate.decompress(rest, STEP)
        except zlib.error as problem:
            raise MapUnusable(_in_words(str(problem))) from problem
        rest = inflate.unconsumed_tail
        if not piece and not rest and not inflate.eof:
            began = "failed to read sourcemap content" if len(zipped) >= _HEADER else "failed to create zlib reader"
            raise MapUnusable(f"{began}: unexpected EOF")
        size += len(piece)
        if size > largest:
            raise MapTooLarge(
                f"sourcemap size exceeds limit : decompressed source map exceeds limit of {largest} bytes"
            )
        yield piece


def unpack(zipped: bytes, largest: int) -> bytes:
    """The JSON. Raises MapUnusable, MapTooLarge."""
    return b"".join(inflated(zipped, largest))


def _in_words(problem: str) -> str:
    if any(word in problem for word in _HEADER_WORDS):
        return "failed to create zlib reader: zlib: invalid header"
    if "data check" in problem:
        return "failed to read sourcemap content: zlib: invalid checksum"
    return "failed to read sourcemap content: flate: corrupt input"


def encode(zipped: bytes) -> bytes:
    """base64."""
    pieces = [binascii.b2a_base64(zipped[at : at + STEP], newline=False) for at in range(0, len(zipped), STEP)]
    return b"".join(pieces)


def decode(content: str) -> bytes:
    """Undoes `encode`; line ends do not count. Raises MapUnusable."""
    text = content.replace("\r", "").replace("\n", "")
    pieces = []
    try:
        for at in range(0, len(text), _TEXT_STEP):
            pieces.append(binascii.a2b_base64(text[at : at + _TEXT_STEP], strict_mode=True))
    except ValueError as problem:
        raise _no_base64(text) from problem
    if any(len(piece) != STEP for piece in pieces[:-1]):
        raise _no_base64(text)
    return b"".join(pieces)


def _no_base64(text: str) -> MapUnusable:
    found = _NO_BASE64.search(text)
    at = found.start() if found else len(text)
    return MapUnusable(f"failed to base64 decode string: illegal base64 data at input byte {at}")
