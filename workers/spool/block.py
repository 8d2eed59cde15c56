"""A block: documents in the bulk form, compressed once; the unit of spooling, sending and checkpointing. Pure."""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import NamedTuple

from isal import isal_zlib

_GZIP_WINDOW = 31
"""The window of 32 KiB, in the gzip format: blocks are gzip members and may be joined end to end."""


class Encoding(IntEnum):
    """How a block's payload is encoded; the numbers stand in segments."""

    IDENTITY = 0
    GZIP = 1


class Block(NamedTuple):
    """`payload`: two lines for each document, the `create` action with `_index` and `_id`, then the document."""

    payload: bytes
    encoding: Encoding
    documents: int
    raw_bytes: int
    """Bytes of the payload before compression."""


def make_block(lines: list[bytes], documents: int, level: int) -> Block:
    """Joins bulk lines (each ends with a newline) and compresses them as one gzip member.

    `level` is that of `output.elasticsearch.compression_level`: 0 none, 1 to 5 isal (fast), 6 to 9 zlib (smaller, dear).
    """
    raw = b"".join(lines)
    if level == 0:
        return Block(raw, Encoding.IDENTITY, documents, len(raw))
    if level <= 5:
        fast = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP_WINDOW)
        payload = fast.compress(raw) + fast.flush()
    else:
        thorough = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)
        payload = thorough.compress(raw) + thorough.flush()
    return Block(payload, Encoding.GZIP, documents, len(raw))


def block_lines(block: Block) -> list[bytes]:
    """The bulk lines of a block, without their newlines: 2 × documents. Raises ValueError when the payload is damaged."""
    raw = block.payload
    if block.encoding is Encoding.GZIP:
        try:
            raw = isal_zlib.decompress(raw, _GZIP_WINDOW)
        except isal_zlib.error as problem:  # type: ignore[misc] # the stub declares an instance, not a class
            raise ValueError(f"block cannot be inflated: {problem}") from problem
    if len(raw) != block.raw_bytes:
        raise ValueError(f"block holds {len(raw)} bytes, not {block.raw_bytes}")
    lines = raw.split(b"\n")[:-1]
    if len(lines) != 2 * block.documents:
        raise ValueError(f"block holds {len(lines)} lines, not {2 * block.documents}")
    return lines
