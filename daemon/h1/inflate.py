"""The body's content coding undone, step by step and never more than a step at once (http-surface.md 2.3).

Headers, checksums and members are handled here and only raw deflate is left to isal, because the original's answers
tell a bad header, a bad checksum and a truncated stream apart and isal's errors do not. A deflate error loses what the
same step had inflated before it.
"""

from __future__ import annotations

from enum import Enum
from typing import cast

from isal import igzip_lib, isal_zlib
from tidegate.daemon.h1 import gzip_header

_SNIFFED_BYTES = 3
"""Shorter bodies without a known Content-Encoding count as empty, as in the original."""

_DeflateError = cast("type[Exception]", igzip_lib.IsalError)
"""isal's own annotation calls the class an instance."""

_EMPTY_MEMBERS = 1000
"""Gzip members in a row that hold nothing: 20 bytes each on the wire and some 10 µs of work, without end if not bounded."""

_DEFLATE_BYTES = 87_000
"""What isal holds while it is within deflate data."""

_GZIP_TRAILER, _ZLIB_TRAILER, _ZLIB_HEADER = 8, 4, 2


class InflateError(Exception):
    """The compressed stream is damaged; the text is the original's. `at_start`: not even its first header was good."""

    def __init__(self, text: str, at_start: bool) -> None:
        super().__init__(text)
        self.at_start = at_start


class BodyTooLarge(Exception):
    """The body is longer, uncompressed, than the ceiling allows."""


class _Stage(Enum):
    SNIFF = "the coding is not known yet"
    PLAIN = "no coding"
    HEADER = "within a header"
    DEFLATE = "within deflate data"
    TRAILER = "within a trailer"
    DONE = "the rest is ignored"


class Inflater:
    """Give it the body with `feed` and `finish`, take what comes out with `next` until that returns None."""

    __slots__ = (
        "_ceiling",
        "_checksum",
        "_consumed",
        "_deflate",
        "_empty_members",
        "_finished",
        "_gzip",
        "_input",
        "_produced",
        "_size",
        "_stage",
        "_started",
        "_step",
    )

    def __init__(self, content_encoding: bytes, step: int, ceiling: int = 0) -> None:
        """`step`: bytes of output at once. `ceiling`: bytes of output in all, 0 for no limit."""
        self._step = step
        self._ceiling = ceiling
        self._input = b""
        self._finished = False
        self._started = False
        self._gzip = content_encoding == b"gzip"
        self._stage = _Stage.HEADER if content_encoding in (b"gzip", b"deflate") else _Stage.SNIFF
        self._deflate: igzip_lib.IgzipDecompressor | None = None
        self._checksum = 0
        self._size = 0
        self._consumed = 0
        self._produced = 0
        self._empty_members = 0

    @property
    def started(self) -> bool:
        """Whether the coding is known and its first header was good."""
        return self._started

    @property
    def held(self) -> int:
        """Bytes that are in here: input that is not inflated, and isal's own."""
        return len(self._input) + (_DEFLATE_BYTES if self._deflate is not None else 0)

    def feed(self, data: bytes) -> None:
        """Adds a piece of the body; to be called when `next` has returned None."""
        self._input = self._input + data if self._input else data

    def finish(self) -> None:
        """The body is complete."""
        self._finished = True

    def next(self) -> bytes | None:
        """At most a step of output; None when more input is needed, or all is out after `finish`.
        Raises InflateError, BodyTooLarge."""
        while True:
            stage = self._stage
            if stage is _Stage.DEFLATE:
                piece = self._inflate()
            elif stage is _Stage.PLAIN:
                piece, self._input = self._input[: self._step], self._input[self._step :]
            else:
                if not self._pass(stage):
                    return None
                continue
            if piece:
                self._produced += len(piece)
                if self._ceiling and self._produced > self._ceiling:
                    raise BodyTooLarge
                return piece
            if self._stage is stage:
                if self._finished and stage is _Stage.DEFLATE:
                    raise self._error("unexpected EOF")
                return None

    def _pass(self, stage: _Stage) -> bool:
        """Reads what stands between data; False when there is not enough of it yet."""
        if stage is _Stage.SNIFF:
            return self._sniff()
        if stage is _Stage.HEADER:
            return self._header()
        if stage is _Stage.TRAILER:
            return self._trailer()
        self._input = b""
        return False

    def _error(self, text: str) -> InflateError:
        return InflateError(text, not self._started)

    def _sniff(self) -> bool:
        data = self._input
        if len(data) < _SNIFFED_BYTES:
            return False
        self._gzip = data[:2] == b"\x1f\x8b"
        if self._gzip or data[0] & 15 == 8:
            self._stage = _Stage.HEADER
        else:
            self._stage = _Stage.PLAIN
            self._started = True
        return True

    def _header(self) -> bool:
        data = self._input
        if not data:
            return False
        if self._gzip:
            try:
                length = gzip_header.header_length(data)
            except gzip_header.InvalidHeader:
                raise self._error("gzip: invalid header") from None
        else:
            length = _ZLIB_HEADER if len(data) >= _ZLIB_HEADER else None
        if length is None:
            if self._finished:
                raise self._error("unexpected EOF")
            return False
        if not self._gzip:
            if data[0] & 15 != 8 or data[0] >> 4 > 7 or int.from_bytes(data[:2], "big") % 31:
                raise self._error("zlib: invalid header")
            if data[1] & 32:
                raise self._error("zlib: invalid dictionary")
        self._started = True
        self._input = data[length:]
        self._stage = _Stage.DEFLATE
        self._deflate = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
        self._checksum = 0 if self._gzip else 1
        self._size = 0
        self._consumed = 0
        return True

    def _inflate(self) -> bytes:
        deflate = self._deflate
        data = self._input
        if deflate is None or (not data and deflate.needs_input):
            return b""
        self._input = b""
        self._consumed += len(data)
        try:
            piece: bytes = deflate.decompress(data, self._step)
        except _DeflateError:
            raise self._error(f"flate: corrupt input before offset {self._consumed}") from None
        if piece:
            self._checksum = (isal_zlib.crc32 if self._gzip else isal_zlib.adler32)(piece, self._checksum)
            self._size += len(piece)
        if deflate.eof:
            self._input = deflate.unused_data
            self._deflate = None
            self._stage = _Stage.TRAILER
        return piece

    def _trailer(self) -> bool:
        data = self._input
        length = _GZIP_TRAILER if self._gzip else _ZLIB_TRAILER
        if len(data) < length:
            if self._finished:
                raise self._error("unexpected EOF")
            return False
        if self._gzip:
            want = self._checksum.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        else:
            want = self._checksum.to_bytes(4, "big")
        if data[:length] != want:
            raise self._error(f"{'gzip' if self._gzip else 'zlib'}: invalid checksum")
        self._input = data[length:]
        self._stage = _Stage.HEADER if self._gzip else _Stage.DONE
        self._empty_members = 0 if self._size else self._empty_members + 1
        if self._empty_members > _EMPTY_MEMBERS:
            raise self._error("gzip: too many empty members")
        return True
