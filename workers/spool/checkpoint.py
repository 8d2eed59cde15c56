"""The checkpoint: up to which place every block has its outcome. Two slots, written in turn, each with a checksum.

A slot that was torn by a power cut loses against the other one, which is a second older; what is then sent again is
found stored by its ids. The file keeps its size, so a full disk does not stop it.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from isal import isal_zlib
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.ledger import Position

FILE_NAME = "checkpoint"
_SLOT = struct.Struct("!4sHHQQQ")
_MAGIC = b"TGCP"
_VERSION = 1
_CRC = struct.Struct("!I")
_SLOT_BYTES = 4096
"""Each in a page of its own, so that one write never touches both."""


def pack_slot(position: Position, turn: int) -> bytes:
    """One slot's bytes; the higher `turn` is the newer one."""
    head = _SLOT.pack(_MAGIC, _VERSION, 0, turn, *position)
    return head + _CRC.pack(isal_zlib.crc32(head))


def read_slot(data: bytes) -> tuple[int, Position] | None:
    """Turn and position of a slot, None when it is damaged or empty."""
    if len(data) < _SLOT.size + _CRC.size:
        return None
    head = data[: _SLOT.size]
    magic, version, _, turn, segment, offset = _SLOT.unpack(head)
    if magic != _MAGIC or version != _VERSION or _CRC.unpack_from(data, _SLOT.size)[0] != isal_zlib.crc32(head):
        return None
    return turn, Position(segment, offset)


class Checkpoint:
    """The file; used by one thread at a time."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Opens or creates it. Raises OSError."""
        self._disk = disk
        path = folder / FILE_NAME
        fresh = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.position = Position(0, 0)
        self._turn = 0
        for slot in (0, 1):
            found = read_slot(disk.read(self._descriptor, slot * _SLOT_BYTES, _SLOT.size + _CRC.size))
            if found and found[0] > self._turn:
                self._turn, self.position = found
        if fresh:
            disk.write(self._descriptor, [bytes(2 * _SLOT_BYTES)], 0)
            disk.sync(self._descriptor)
            disk.sync_folder(folder)

    def save(self, position: Position) -> None:
        """On disk when it returns. Raises OSError; the other slot holds then, and the next try takes this one again."""
        turn = self._turn + 1
        self._disk.write(self._descriptor, [pack_slot(position, turn)], turn % 2 * _SLOT_BYTES)
        self._disk.sync(self._descriptor)
        self._turn, self.position = turn, position

    def close(self) -> None:
        self._disk.close(self._descriptor)
