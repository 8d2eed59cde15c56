"""A slot: the cells of one process, in a small file that is mapped into its memory.

A number that was added is in the file at once, as far as other processes and a successor can see: what kills a process
does not take it back (a machine that stops may: the kernel writes the pages out within half a minute).

    magic 8 | number of cells 8 | cells, 8 bytes each, of this machine's byte order

A cell is written with one aligned store by the one process that the slot belongs to, so that nobody reads half of it.
"""

from __future__ import annotations

import mmap
import os
import struct
from threading import Lock

MAGIC = b"TGCELLS1"
_HEADER = struct.Struct("=8sq")
CELL_BYTES = 8


def slot_bytes(cells: int) -> int:
    """The size of a slot's file."""
    return _HEADER.size + cells * CELL_BYTES


def pack_slot(values: list[int]) -> bytes:
    """The bytes of a slot."""
    return _HEADER.pack(MAGIC, len(values)) + struct.pack(f"={len(values)}q", *values)


def read_slot(descriptor: int, cells: int) -> list[int] | None:
    """The cells as they are now; None where there is no slot of so many. Raises OSError.

    Read as a file, not mapped: whoever owns the slot may have cut it short, and a mapping would then end the reader.
    """
    data = os.pread(descriptor, slot_bytes(cells), 0)
    if len(data) != slot_bytes(cells) or _HEADER.unpack_from(data) != (MAGIC, cells):
        return None
    return list(struct.unpack_from(f"={cells}q", data, _HEADER.size))


class Tally:
    """The cells of this process; from any thread. Without a descriptor they are kept in memory alone."""

    def __init__(self, cells: int, descriptor: int = -1) -> None:
        """Takes the descriptor over. Raises OSError."""
        self._lock = Lock()
        if descriptor < 0:
            self._cells = memoryview(bytearray(cells * CELL_BYTES)).cast("q")
            return
        try:
            mapped = mmap.mmap(descriptor, slot_bytes(cells))
        finally:
            os.close(descriptor)
        self._cells = memoryview(mapped)[_HEADER.size :].cast("q")

    def add(self, place: int, number: int = 1) -> None:
        """Counts."""
        with self._lock:
            self._cells[place] += number

    def set(self, place: int, number: int) -> None:
        """Sets what is now."""
        self._cells[place] = number

    def get(self, place: int) -> int:
        """What it is now."""
        return self._cells[place]
