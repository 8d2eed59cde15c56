"""Experiment 20: every byte of a spool is damaged in turn. Never a crash, never a wrong document; what was touched is
lost and counted, to the record, and nothing else.

The short form takes a small segment whole, and every so many bytes of one with a thousand records; TIDEGATE_LONG=true takes
all of them (about half an hour).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from spool_bench import Bench
from tidegate.workers.spool.block import block_lines, make_block
from tidegate.workers.spool.checkpoint import FILE_NAME, Saved, pack_slot
from tidegate.workers.spool.disk import Disk
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Position, Synced
from tidegate.workers.spool.recovery import Found, find, tail_of
from tidegate.workers.spool.segment import (
    HEADER_BYTES,
    Entry,
    load,
    pack_file_header,
    pack_record_header,
    read_file_header,
    walk,
)
from tidegate.workers.spool.spool import SpoolError
from tidegate.workers.spool.writer import segment_path

LONG = os.environ.get("TIDEGATE_LONG") == "true"
SALT = 0x0123_4567_89AB_CDEF
STRIDE = 1 if LONG else 509
"""A prime, so that every field of the header is met."""


class InMemory(Disk):
    """One segment, whose bytes are changed between two looks."""

    content = b""

    def read(self, descriptor: int, offset: int, size: int) -> bytes:
        return self.content[offset : offset + size]


def segment_of(records: int, level: int) -> tuple[bytes, list[int]]:
    """A segment of so many records with one document each, and the places where they end."""
    data = pack_file_header(1, SALT)
    ends = [len(data)]
    for number in range(records):
        block = make_block([b'{"create":{"_id":"%d"}}\n' % number, b'{"n":%d}\n' % number], 1, level)
        data += pack_record_header(block, number, SALT) + block.payload
        ends.append(len(data))
    return data, ends


class Look:
    """Reads a segment as a start of the spool does."""

    def __init__(self, folder: Path, size: int, synced: Synced) -> None:
        folder.mkdir()
        self.disk = InMemory()
        self.folder, self.synced = folder, synced
        self.path = segment_path(folder, 1)
        self.path.write_bytes(bytes(size))

    def __call__(self, content: bytes) -> tuple[list[int], int, Found]:
        """The documents, the records that are counted as damaged, and what the start found."""
        self.disk.content = content
        if len(content) != self.path.stat().st_size:
            os.truncate(self.path, len(content))
        (found,) = find(self.folder, Position(0, 0), self.disk, tail_of(self.folder, self.synced))
        documents: list[int] = []
        damaged = found.damaged
        if found.stretch is not None:
            before = len(documents)
            documents += self.documents(content, found.stretch.cursor, found.stretch.end)
            damaged += found.stretch.blocks - (len(documents) - before)
        return documents, damaged, found

    @staticmethod
    def documents(content: bytes, start: int, end: int) -> list[int]:
        """As `Spool` reads a stretch back."""

        def read_at(offset: int, size: int) -> bytes:
            return content[offset : offset + size]

        header = read_file_header(content[:HEADER_BYTES])
        found = []
        for entry in walk(read_at, start, end, header.salt if header else None):
            block = load(read_at, entry) if isinstance(entry, Entry) else None
            if block is not None:
                action, document = block_lines(block)
                number = int(document.split(b":")[1].rstrip(b"}"))
                assert action == b'{"create":{"_id":"%d"}}' % number, "a wrong document"
                found.append(number)
        return found


def check_flips(folder: Path, records: int, level: int, stride: int, *, sealed: bool, masks: tuple[int, ...]) -> int:
    """Flips bytes one after the other; how many."""
    data, ends = segment_of(records, level)
    spare = b"" if sealed else bytes(300)
    look = Look(folder, len(data) + len(spare), Synced(1, len(data), records))
    assert look(data + spare)[:2] == (list(range(records)), 0)
    flips = 0
    record = -1
    for place in range(0, len(data), stride):
        while record + 1 < len(ends) and ends[record + 1] <= place:
            record += 1
        for mask in masks:
            damaged = bytearray(data + spare)
            damaged[place] ^= mask
            documents, counted, found = look(bytes(damaged))
            touched = {record} if place >= HEADER_BYTES else set()
            assert documents == [number for number in range(records) if number not in touched], place
            assert counted == len(touched), place
            assert not found.torn, place
            flips += 1
    return flips


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("sealed", [True, False])
def test_experiment_20_every_byte_of_a_segment_is_flipped(tmp_path: Path, level: int, sealed: bool) -> None:
    assert check_flips(tmp_path / "spool", 12, level, 1, sealed=sealed, masks=(0x01, 0xFF)) > 1_500


@pytest.mark.timeout(3600 if LONG else 120)
def test_experiment_20_a_thousand_records(tmp_path: Path) -> None:
    assert check_flips(tmp_path / "spool", 1_000, 1, STRIDE, sealed=True, masks=(0xFF,)) > 180


def test_experiment_20_a_segment_is_cut_at_every_length(tmp_path: Path) -> None:
    """What is known to have been on the disk is counted as lost, record by record."""
    data, ends = segment_of(12, 1)
    look = Look(tmp_path / "spool", len(data), Synced(1, len(data), 12))
    for length in range(HEADER_BYTES, len(data) + 1):
        whole = sum(end <= length for end in ends[1:])
        documents, counted, _ = look(data[:length])
        assert documents == list(range(whole)), length
        assert counted == 12 - whole, length


def test_a_write_that_was_under_way_is_no_damage(tmp_path: Path) -> None:
    """The same cuts, where only the first ten records are known to have been on the disk: the others may be torn."""
    data, ends = segment_of(12, 1)
    look = Look(tmp_path / "spool", len(data), Synced(1, ends[10], 10))
    for length in range(HEADER_BYTES, len(data) + 1):
        whole = sum(end <= length for end in ends[1:])
        documents, counted, found = look(data[:length])
        assert documents == list(range(whole)), length
        assert counted == max(0, 10 - whole), length
        assert found.torn == (whole >= 10 and length not in ends), length
        assert not found.spare or found.end == ends[whole]


@pytest.mark.parametrize("place", [0, 4096])
def test_every_byte_of_the_checkpoint_is_flipped(bench: Bench, place: int) -> None:
    """The other slot holds then; nothing without outcome is passed over."""
    bench.start()
    for name in "ab":
        bench.store(name)
    bench.spool.done(bench.take()[0])
    bench.spool.close()
    path = bench.folder / FILE_NAME
    data = path.read_bytes()
    for offset in range(place, place + 80, 3):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 0xFF]) + data[offset + 1 :])
        bench.spool = bench.new()
        assert bench.start().damaged_records == 0
        assert "b" in bench.names()
        bench.opened.pop().close()


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """It says up to where all is done, and nothing of what was synced."""
    folder = tmp_path / "spool"
    folder.mkdir()
    data, ends = segment_of(3, 1)
    segment_path(folder, 1).write_bytes(data[:-2])
    (folder / FILE_NAME).write_bytes(pack_slot(Saved(5, Position(1, ends[1]), NOTHING_SYNCED))[:36].ljust(8192, b"\0"))
    bench = Bench(folder)
    assert bench.start() == (1, 1, 0)
    bench.spool.close()


def test_damage_of_the_very_last_record_is_counted_and_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.start()
    for name in "abc":
        bench.store(name)
    end = bench.take()[-1].place.end
    bench.spool.close()
    path = segment_path(bench.folder, 1)
    data = bytearray(path.read_bytes())
    data[end - 3] ^= 0x40
    path.write_bytes(data)
    bench.spool = bench.new()
    with caplog.at_level(logging.ERROR):
        assert bench.start() == (2, 2, 1)
    assert "1 records of the spool are damaged and lost" in caplog.text
    assert bench.names() == ["a", "b"]


def test_what_a_crash_left_torn_is_cut_off(bench: Bench, tmp_path: Path) -> None:
    """So that a later start does not take it for damage, and the space that was set aside is free."""
    bench.start()
    bench.store("a")
    end = bench.take()[0].place.end
    bench.store("b")
    data = segment_path(bench.folder, 1).read_bytes()
    crashed = Bench(tmp_path / "crashed")
    crashed.folder.mkdir()
    path = segment_path(crashed.folder, 1)
    path.write_bytes(data[: end + 60] + bytes(len(data) - end - 60))
    assert crashed.start() == (1, 1, 0)
    assert path.stat().st_size == crashed.spool.stats().bytes_on_disk == end
    crashed.store("c")
    assert crashed.again() == (2, 2, 0)
    crashed.spool.close()


def test_gaps_say_how_many_records_they_swallowed(tmp_path: Path) -> None:
    data, ends = segment_of(8, 1)
    look = Look(tmp_path / "spool", len(data), Synced(1, len(data), 8))
    for first in range(8):
        for last in range(first, 8):
            damaged = bytearray(data)
            damaged[ends[first] : ends[last + 1]] = b"\xee" * (ends[last + 1] - ends[first])
            documents, counted, _ = look(bytes(damaged))
            assert documents == [*range(first), *range(last + 1, 8)]
            # Before the first sound record nobody knows how many there were, unless none is sound.
            assert counted == (1 if first == 0 and last < 7 else last - first + 1), (first, last)


def test_what_is_lost_behind_the_checkpoint_is_counted(tmp_path: Path) -> None:
    """Zeros in place of what was synced, where no sound record tells how many there were."""
    data, ends = segment_of(4, 1)
    look = Look(tmp_path / "spool", len(data), Synced(1, len(data), 4))
    look.disk.content = data[: ends[2]] + bytes(len(data) - ends[2])
    (found,) = find(look.folder, Position(1, ends[2]), look.disk, tail_of(look.folder, look.synced))
    assert (found.damaged, found.stretch, found.torn) == (1, None, False)


def test_a_newer_segment_is_refused_however_it_is_damaged(tmp_path: Path) -> None:
    """Its header names a version only if its checksum is right."""
    data, _ = segment_of(2, 1)
    look = Look(tmp_path / "spool", len(data), NOTHING_SYNCED)
    for place in range(8, 10):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        try:
            documents, *_ = look(bytes(damaged))
        except SpoolError:
            pytest.fail("a damaged header is not a newer one")
        assert documents == [0, 1]
