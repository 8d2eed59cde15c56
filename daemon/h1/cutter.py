"""Inflated pieces cut into the metadata line and batches of whole lines (http-surface.md 2.2, DESIGN step 3).

Lines are not looked for one by one: within a piece that is no longer than the longest line allowed, no line can be too
long, so only the one that began in an earlier piece is measured.
"""

from __future__ import annotations

from typing import NamedTuple


class MetadataLine(NamedTuple):
    """The first line, without its newline."""

    line: bytes


class Lines(NamedTuple):
    """Whole lines with their newlines; the last line of a body may lack its own."""

    data: bytes


class TooLong(NamedTuple):
    """A line that is too long, as far as an answer shows it. It closes the batch before it."""

    beginning: bytes
    metadata: bool


class UnendedMetadata(NamedTuple):
    """The body ended within its first line."""

    line: bytes


Cut = MetadataLine | Lines | TooLong | UnendedMetadata


class Cutter:
    """Give it pieces of at most `step` bytes with `feed`, then take cuts with `next` until that returns None."""

    __slots__ = (
        "_at",
        "_batch",
        "_counted",
        "_longest",
        "_metadata",
        "_most",
        "_parts",
        "_piece",
        "_size",
        "_skipping",
        "_tail",
        "_tail_size",
        "_waiting",
        "step",
    )

    def __init__(self, batch_size: int, longest: int, most: int = 0) -> None:
        """`batch_size`: bytes at which a batch is closed. `longest`: bytes of a line with its newline. `most`: lines at which
        a batch is closed, empty ones not counted; 0: any number."""
        self.step = min(batch_size, longest)
        self._batch = batch_size
        self._longest = longest
        self._most = most
        self._counted = 0
        self._metadata = True
        self._skipping = False
        self._piece = b""
        self._at = 0
        self._parts: list[bytes | memoryview] = []
        self._size = 0
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._waiting: list[Cut] = []

    @property
    def held(self) -> int:
        """Bytes that are in here: whole lines, the line that has begun, what is uncut of the last piece."""
        return self._size + self._tail_size + len(self._piece) - self._at

    @property
    def size(self) -> int:
        """Bytes of whole lines that no batch has yet."""
        return self._size

    def feed(self, piece: bytes) -> None:
        """Adds a piece; to be called when `next` has returned None."""
        self._piece = piece
        self._at = 0

    def next(self) -> Cut | None:
        """The next cut, or None when the piece is used up."""
        if self._waiting:
            return self._waiting.pop(0)
        while self._at < len(self._piece):
            if self._skipping:
                end = self._piece.find(b"\n", self._at)
                self._at = len(self._piece) if end < 0 else end + 1
                self._skipping = end < 0
                continue
            found = self._one_line() if self._metadata or self._tail_size else self._whole_lines()
            if found is not None:
                return found
        # A stream may wait long for its next piece.
        self._piece = b""
        self._at = 0
        return None

    def _one_line(self) -> Cut | None:
        """Goes on with a line that may be too long."""
        piece, at = self._piece, self._at
        end = piece.find(b"\n", at)
        stop = len(piece) if end < 0 else end
        length = self._tail_size + stop - at
        if length >= self._longest:
            return self._too_long(end, stop)
        if end < 0:
            self._tail.append(piece[at:])
            self._tail_size = length
            self._at = stop
            return None
        if self._metadata:
            self._at = end + 1
            self._metadata = False
            return MetadataLine(self._take_tail() + piece[at:end])
        if self._size and self._size + length + 1 > self._batch:
            return Lines(self.take())
        self._at = end + 1
        self._add(self._take_tail() + piece[at : end + 1])
        self._counted += length > 0
        return Lines(self.take()) if self._size >= self._batch or self._counted == self._most > 0 else None

    def _too_long(self, end: int, stop: int) -> Cut:
        beginning = (self._take_tail() + self._piece[self._at : stop])[: self._longest]
        self._at = stop if end < 0 else end + 1
        self._skipping = end < 0
        cut = TooLong(beginning, self._metadata)
        if not self._size:
            return cut
        self._waiting.append(cut)
        return Lines(self.take())

    def _whole_lines(self) -> Cut | None:
        """Takes as many whole lines as fit into the batch."""
        if self._most:
            return self._counted_lines()
        piece, at = self._piece, self._at
        room = self._batch - self._size
        if len(piece) - at <= room:
            cut = piece.rfind(b"\n", at) + 1
        else:
            cut = piece.rfind(b"\n", at, at + room) + 1
            if not cut:
                if self._size:
                    return Lines(self.take())
                cut = piece.find(b"\n", at + room) + 1
        if not cut:
            return self._one_line()
        # A view: the bytes are copied once, when the batch is put together.
        self._add(memoryview(piece)[at:cut])
        self._at = cut
        return Lines(self.take()) if self._size >= self._batch else None

    def _counted_lines(self) -> Cut | None:
        """Takes whole lines one by one, until the batch has as many as it may."""
        piece = self._piece
        while self._at < len(piece):
            at = self._at
            end = piece.find(b"\n", at) + 1
            if not end:
                return self._one_line()
            if self._size and self._size + end - at > self._batch:
                return Lines(self.take())
            self._add(memoryview(piece)[at:end])
            self._at = end
            self._counted += end - at > 1
            if self._counted == self._most or self._size >= self._batch:
                return Lines(self.take())
        return None

    def finish(self, whole: bool) -> None:
        """The input is over; `next` gives what is left. `whole`: the body is complete, so that a last line without
        newline is a line; else that is dropped."""
        tail = self._take_tail() if whole else b""
        if self._metadata:
            if tail:
                self._waiting.append(UnendedMetadata(tail))
            return
        if self._size and self._size + len(tail) > self._batch:
            self._waiting.append(Lines(self.take()))
        if tail:
            self._add(tail)
        if self._size:
            self._waiting.append(Lines(self.take()))

    def take(self) -> bytes:
        """The whole lines that no batch has yet, b"" if there are none."""
        parts = self._parts
        self._parts = []
        self._size = 0
        self._counted = 0
        return b"".join(parts)

    def _add(self, lines: bytes | memoryview) -> None:
        self._parts.append(lines)
        self._size += len(lines)

    def _take_tail(self) -> bytes:
        tail = b"".join(self._tail)
        self._tail.clear()
        self._tail_size = 0
        return tail
