"""The bytes of a segment: a file header, then records, each with two checksums. Pure: reading is a function passed in.

    file header   magic 8 | version 2 | reserved 2 | kinds 4 | number 8 | salt 8 | CRC of these 4        (36 bytes)
    record        magic 4 | kind 1 | encoding 1 | reserved 2 | documents 4 | raw bytes 4 | payload bytes 4
                  | payload CRC 4 | sequence 8 | salt 8 | CRC of these 4                                 (44 bytes)
                  payload

All numbers are big endian. The salt is random for each segment and stands in every record: bytes inside a payload that
look like a record (a sender chose them) or that an earlier file left behind are not taken for one. Sequence numbers go
up by one from record to record, so a reader knows how many a damaged stretch has swallowed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from isal import isal_zlib
from tidegate.workers.spool.block import Block, Encoding
from tidegate.workers.spool.formats import NewerFormat

FORMAT_VERSION = 1
"""Goes up when an older Tidegate could no longer read what is written."""

_FILE_MAGIC = b"TIDEGATE"
_RECORD_MAGIC = b"\xf5TG\x01"
_FILE_HEADER = struct.Struct("!8sHHIQQ")
_RECORD_HEADER = struct.Struct("!4sBBHIIIIQQ")
_CRC = struct.Struct("!I")
HEADER_BYTES = _FILE_HEADER.size + _CRC.size
RECORD_BYTES = _RECORD_HEADER.size + _CRC.size
_SCAN_BYTES = 1 << 20
"""Read at a time when looking for the next record: large enough to be quick, small enough to be no matter for memory."""


class Kind(IntEnum):
    """What a record holds. A reader skips the kinds it does not know, and whoever owns the file keeps it then."""

    DOCUMENTS = 1
    METRIC_DELTAS = 2
    """Reserved for the deltas of metric aggregation; nothing writes it yet."""


class FileHeader(NamedTuple):
    number: int
    salt: int


class Entry(NamedTuple):
    """A record whose header is sound; its payload is checked by `load`."""

    kind: int
    encoding: int
    documents: int
    raw_bytes: int
    payload_crc: int
    sequence: int
    offset: int
    payload_at: int
    end: int


class Gap(NamedTuple):
    """Bytes that are no record. `records`: how many are lost there by their numbers; 0 when nothing follows, which is a
    torn tail: a write that was under way when the machine stopped, and never acknowledged."""

    offset: int
    end: int
    records: int


ReadAt = Callable[[int, int], bytes]
"""(offset, size) → bytes, fewer only at the end of the file."""


def pack_file_header(number: int, salt: int) -> bytes:
    """The first bytes of a segment."""
    kinds = 1 << Kind.DOCUMENTS
    head = _FILE_HEADER.pack(_FILE_MAGIC, FORMAT_VERSION, 0, kinds, number, salt)
    return head + _CRC.pack(isal_zlib.crc32(head))


def read_file_header(data: bytes) -> FileHeader | None:
    """The header, or None when it is damaged or was never written. Raises NewerFormat."""
    if len(data) < HEADER_BYTES:
        return None
    head = data[: _FILE_HEADER.size]
    magic, version, _, _, number, salt = _FILE_HEADER.unpack(head)
    (crc,) = _CRC.unpack_from(data, _FILE_HEADER.size)
    if magic != _FILE_MAGIC or isal_zlib.crc32(head) != crc:
        return None
    if version > FORMAT_VERSION:
        raise NewerFormat(version, FORMAT_VERSION)
    return FileHeader(number, salt)


def pack_record_header(block: Block, sequence: int, salt: int, kind: int = Kind.DOCUMENTS) -> bytes:
    """What stands before the block's payload."""
    payload = block.payload
    head = _RECORD_HEADER.pack(
        _RECORD_MAGIC,
        kind,
        block.encoding,
        0,
        block.documents,
        block.raw_bytes,
        len(payload),
        isal_zlib.crc32(payload),
        sequence,
        salt,
    )
    return head + _CRC.pack(isal_zlib.crc32(head))


def _unpack_entry(data: bytes, at: int, offset: int, salt: int | None) -> tuple[Entry, int] | None:
    """The record header at `data[at:]`, which stands at `offset` in the file, and its salt; None if there is none."""
    if data[at : at + 4] != _RECORD_MAGIC or len(data) - at < RECORD_BYTES:
        return None
    head = data[at : at + _RECORD_HEADER.size]
    if isal_zlib.crc32(head) != _CRC.unpack_from(data, at + _RECORD_HEADER.size)[0]:
        return None
    _, kind, encoding, _, documents, raw_bytes, size, crc, sequence, own = _RECORD_HEADER.unpack(head)
    if salt is not None and own != salt:
        return None
    payload_at = offset + RECORD_BYTES
    return Entry(kind, encoding, documents, raw_bytes, crc, sequence, offset, payload_at, payload_at + size), own


def _find_entry(read_at: ReadAt, offset: int, end: int, salt: int | None) -> Entry | None:
    """The first record header at or after `offset`."""
    while offset + RECORD_BYTES <= end:
        data = read_at(offset, min(_SCAN_BYTES, end - offset))
        if len(data) < RECORD_BYTES:
            return None
        at = data.find(_RECORD_MAGIC)
        while 0 <= at <= len(data) - RECORD_BYTES:
            if found := _unpack_entry(data, at, offset + at, salt):
                return found[0]
            at = data.find(_RECORD_MAGIC, at + 1)
        offset += len(data) - RECORD_BYTES + 1
    return None


def walk(read_at: ReadAt, start: int, end: int, salt: int | None) -> Iterator[Entry | Gap]:
    """The records between two offsets, in order, and the damage between them; ends quietly where nothing was written.

    `salt`: of the file header; None when that is damaged: the first record's counts then. Payloads are not read.
    """
    offset, expected = start, None
    while offset < end:
        head = read_at(offset, min(RECORD_BYTES, end - offset))
        if found := _unpack_entry(head, 0, offset, salt):
            entry, salt = found
        else:
            later = _find_entry(read_at, offset + 1, end, salt)
            if later is None:
                if head.strip(b"\0"):
                    yield Gap(offset, end, 0)
                return
            lost = later.sequence - expected if expected is not None and later.sequence > expected else 1
            yield Gap(offset, later.offset, lost)
            offset = later.offset
            continue
        if entry.end > end:  # the file was cut inside the payload
            yield Gap(offset, end, 0)
            return
        yield entry
        offset, expected = entry.end, entry.sequence + 1


def load(read_at: ReadAt, entry: Entry) -> Block | None:
    """The block of a record, None when its payload is damaged."""
    payload = read_at(entry.payload_at, entry.end - entry.payload_at)
    if len(payload) != entry.end - entry.payload_at or isal_zlib.crc32(payload) != entry.payload_crc:
        return None
    try:
        encoding = Encoding(entry.encoding)
    except ValueError:
        return None
    return Block(payload, encoding, entry.documents, entry.raw_bytes)
