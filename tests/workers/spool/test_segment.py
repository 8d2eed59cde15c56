"""The segment reader against every kind of damage: never a crash, never a wrong document, only touched records lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.spool.block import Block, Encoding, block_lines, make_block
from tidegate.workers.spool.segment import (
    FORMAT_VERSION,
    HEADER_BYTES,
    RECORD_BYTES,
    Entry,
    Gap,
    Kind,
    NewerFormat,
    load,
    pack_file_header,
    pack_record_header,
    read_file_header,
    walk,
)

SALT = 0x1234_5678_9ABC_DEF0


def bulk_lines(number: int) -> list[bytes]:
    return [b'{"create":{"_index":"traces-apm-default","_id":"%d"}}\n' % number, b'{"n":%d}\n' % number]


def record(block: Block, sequence: int, salt: int = SALT, kind: int = Kind.DOCUMENTS) -> bytes:
    return pack_record_header(block, sequence, salt, kind) + block.payload


def segment(blocks: list[Block], *, spare: int = 0) -> bytes:
    records = [record(block, number) for number, block in enumerate(blocks)]
    return b"".join([pack_file_header(1, SALT), *records, bytes(spare)])


def read(data: bytes) -> tuple[list[Block], int, int]:
    """Sound blocks, records known to be lost, and torn tails."""

    def read_at(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    header = read_file_header(data[:HEADER_BYTES])
    blocks, lost, torn = [], 0, 0
    for found in walk(read_at, HEADER_BYTES, len(data), header.salt if header else None):
        if isinstance(found, Gap):
            lost += found.records
            torn += not found.records
        elif (block := load(read_at, found)) is None:
            lost += 1
        else:
            blocks.append(block)
    return blocks, lost, torn


BLOCKS = [make_block(bulk_lines(number), 1, level) for number, level in enumerate([1, 0, 6, 1, 0])]
DATA = segment(BLOCKS)


@pytest.mark.parametrize("spare", [0, 1, RECORD_BYTES, 5000])
def test_whole_and_preallocated(spare: int) -> None:
    assert read(segment(BLOCKS, spare=spare)) == (BLOCKS, 0, 0)


@pytest.mark.parametrize("data", [b"", bytes(4096), DATA[: HEADER_BYTES - 1], pack_file_header(1, SALT)])
def test_nothing_written(data: bytes) -> None:
    assert read(data) == ([], 0, 0)


@pytest.mark.parametrize("spare", [0, 200])
def test_every_byte_flipped(spare: int) -> None:
    data = segment(BLOCKS, spare=spare)
    for place in range(len(DATA)):
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= mask
            blocks, lost, torn = read(bytes(damaged))
            in_header = place < HEADER_BYTES
            assert len(blocks) >= len(BLOCKS) - (not in_header), place
            assert [block for block in BLOCKS if block in blocks] == blocks, place
            assert len(blocks) + lost + torn == len(BLOCKS), place


def test_cut_at_every_length() -> None:
    ends = [HEADER_BYTES]
    for block in BLOCKS:
        ends.append(ends[-1] + RECORD_BYTES + len(block.payload))
    for length in range(len(DATA) + 1):
        blocks, lost, torn = read(DATA[:length])
        whole = sum(end <= length for end in ends[1:])
        assert (blocks, lost) == (BLOCKS[:whole], 0)
        assert torn == (length > HEADER_BYTES and length not in ends)


def test_zeroed_stretch_before_sound_records_is_damage() -> None:
    first = HEADER_BYTES + RECORD_BYTES + len(BLOCKS[0].payload)
    second = first + RECORD_BYTES + len(BLOCKS[1].payload)
    data = DATA[:first] + bytes(second - first) + DATA[second:]
    assert read(data) == ([BLOCKS[0], *BLOCKS[2:]], 1, 0)


def test_gap_counts_by_sequence() -> None:
    ends = [HEADER_BYTES]
    for block in BLOCKS:
        ends.append(ends[-1] + RECORD_BYTES + len(block.payload))
    data = DATA[: ends[1]] + b"\xee" * (ends[4] - ends[1]) + DATA[ends[4] :]
    assert read(data) == ([BLOCKS[0], BLOCKS[4]], 3, 0)


def test_record_inside_a_payload_is_not_taken_for_one() -> None:
    forged = record(make_block(bulk_lines(666), 1, 0), 1, salt=SALT ^ 1)
    carrier = Block(forged + b"\n", Encoding.IDENTITY, 1, len(forged) + 1)
    data = bytearray(segment([BLOCKS[0], carrier, BLOCKS[2]]))
    data[HEADER_BYTES + RECORD_BYTES + len(BLOCKS[0].payload)] ^= 0xFF
    assert read(bytes(data)) == ([BLOCKS[0], BLOCKS[2]], 1, 0)


def test_unknown_kind_is_passed_over() -> None:
    data = pack_file_header(1, SALT) + record(BLOCKS[0], 0, kind=99) + record(BLOCKS[1], 1)
    found = list(walk(lambda offset, size: data[offset : offset + size], HEADER_BYTES, len(data), SALT))
    assert [entry.kind for entry in found if isinstance(entry, Entry)] == [99, Kind.DOCUMENTS]


def test_newer_format_is_refused() -> None:
    import struct

    from isal import isal_zlib

    head = bytearray(pack_file_header(1, SALT)[:-4])
    head[8:10] = struct.pack("!H", FORMAT_VERSION + 1)
    with pytest.raises(NewerFormat, match=f"format {FORMAT_VERSION + 1}"):
        read_file_header(bytes(head) + struct.pack("!I", isal_zlib.crc32(bytes(head))))


@given(st.binary(max_size=400))
def test_arbitrary_bytes(data: bytes) -> None:
    assert read(data)[0] == []
    assert read(pack_file_header(1, SALT) + data)[0] == []


@given(st.data())
def test_random_damage_never_invents_a_document(draw: st.DataObject) -> None:
    data = bytearray(segment(BLOCKS, spare=draw.draw(st.integers(0, 100))))
    for _ in range(draw.draw(st.integers(1, 4))):
        start = draw.draw(st.integers(0, len(data)))
        patch = draw.draw(st.binary(max_size=120))
        if draw.draw(st.booleans()):
            data[start : start + len(patch)] = patch
        else:
            data[start : start + draw.draw(st.integers(0, 80))] = b""
    try:
        blocks, _, _ = read(bytes(data))
    except NewerFormat:
        return
    positions = [BLOCKS.index(block) for block in blocks]
    assert positions == sorted(set(positions))


@given(st.lists(st.binary(max_size=50).map(lambda b: b.replace(b"\n", b"") + b"\n"), min_size=1, max_size=6))
def test_blocks_come_back(documents: list[bytes]) -> None:
    lines = [line for document in documents for line in (b"{}\n", document)]
    for level in (0, 1, 6):
        block = make_block(lines, len(documents), level)
        assert [line + b"\n" for line in block_lines(block)] == lines
        blocks, lost, torn = read(segment([block]))
        assert (blocks, lost, torn) == ([block], 0, 0)
