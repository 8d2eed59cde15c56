"""The checkpoint: up to which place every block has its outcome, and up to which all was synced. Two slots, written in
turn, each with a checksum.

A slot that was torn by a power cut loses against the other one, which is a second older; what is then sent again is
found stored by its ids. The file keeps its size, so a full disk does not stop it.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import NamedTuple

from isal import isal_zlib
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.formats import NewerFormat, NewerSpool
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Position, Synced

FILE_NAME = "checkpoint"
_SLOT = struct.Struct("!4sHHQQQ")
_MAGIC = b"TGCP"
_VERSION = 1
"""Goes up when an older Tidegate could not use what is written; magic, version and the first checksum keep their places."""
_CRC = struct.Struct("!I")
_SYNCED = struct.Struct("!4sQQQ")
_SYNCED_MAGIC = b"TGSY"
_SYNCED_AT = _SLOT.size + _CRC.size
"""Behind the position and its checksum, with one of its own: versions that do not know it read the position all the same."""
_USED = _SYNCED_AT + _SYNCED.size + _CRC.size
_SLOT_BYTES = 4096
"""Each in a page of its own, so that one write never touches both."""


class Saved(NamedTuple):
    """What a slot holds. `synced`: NOTHING_SYNCED where an earlier version wrote it."""

    turn: int
    position: Position
    synced: Synced


def pack_slot(saved: Saved) -> bytes:
    """One slot's bytes; the higher `turn` is the newer one."""
    head = _SLOT.pack(_MAGIC, _VERSION, 0, saved.turn, *saved.position)
    head += _CRC.pack(isal_zlib.crc32(head))
    whole = head + _SYNCED.pack(_SYNCED_MAGIC, *saved.synced)
    return whole + _CRC.pack(isal_zlib.crc32(whole))


def read_slot(data: bytes) -> Saved | None:
    """What a slot holds, None when it is damaged or empty. Raises NewerFormat."""
    if len(data) < _SYNCED_AT:
        return None
    head = data[: _SLOT.size]
    magic, version, _, turn, segment, offset = _SLOT.unpack(head)
    if magic != _MAGIC or _CRC.unpack_from(data, _SLOT.size)[0] != isal_zlib.crc32(head):
        return None
    if version > _VERSION:
        raise NewerFormat(version, _VERSION)
    return Saved(turn, Position(segment, offset), _read_synced(data))


def _read_synced(data: bytes) -> Synced:
    whole = data[: _SYNCED_AT + _SYNCED.size]
    if len(data) < _USED or _CRC.unpack_from(data, len(whole))[0] != isal_zlib.crc32(whole):
        return NOTHING_SYNCED
    magic, *synced = _SYNCED.unpack_from(data, _SYNCED_AT)
    return Synced(*synced) if magic == _SYNCED_MAGIC else NOTHING_SYNCED


class Checkpoint:
    """The file; used by one thread at a time."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Opens or creates it. Raises NewerSpool, OSError."""
        self._disk = disk
        path = folder / FILE_NAME
        fresh = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._saved = Saved(0, Position(0, 0), NOTHING_SYNCED)
        for slot in (0, 1):
            try:
                found = read_slot(disk.read(self._descriptor, slot * _SLOT_BYTES, _USED))
            except NewerFormat as newer:
                disk.close(self._descriptor)
                raise NewerSpool.of(f"the checkpoint {path}", newer) from newer
            if found and found.turn > self._saved.turn:
                self._saved = found
        if fresh:
            disk.write(self._descriptor, [bytes(2 * _SLOT_BYTES)], 0)
            disk.sync(self._descriptor)
            disk.sync_folder(folder)

    @property
    def position(self) -> Position:
        """All blocks before it are done."""
        return self._saved.position

    @property
    def synced(self) -> Synced:
        """What is known to have been on the disk."""
        return self._saved.synced

    def save(self, position: Position, synced: Synced) -> None:
        """On disk when it returns. Raises OSError; the other slot holds then, and the next try takes this one again."""
        saved = Saved(self._saved.turn + 1, position, synced)
        self._disk.write(self._descriptor, [pack_slot(saved)], saved.turn % 2 * _SLOT_BYTES)
        self._disk.sync(self._descriptor)
        self._saved = saved

    def close(self) -> None:
        self._disk.close(self._descriptor)
