"""The spool when the disk fails, is full, or gives back something else than was written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from spool_bench import Bench, names_of
from tidegate.workers.spool import checkpoint
from tidegate.workers.spool.block import make_block
from tidegate.workers.spool.disk import Disk, Space
from tidegate.workers.spool.ledger import NOTHING_SYNCED, Position
from tidegate.workers.spool.segment import (
    HEADER_BYTES,
    RECORD_BYTES,
    pack_file_header,
    pack_record_header,
    read_file_header,
)
from tidegate.workers.spool.spool import NewerSpool, SpoolError
from tidegate.workers.spool.writer import segment_numbers, segment_path

KIB = 1024


def test_torn_tail_costs_only_what_was_not_acknowledged(bench: Bench, tmp_path: Path) -> None:
    bench.start()
    bench.store("a")
    end = bench.take()[0].place.end
    bench.store("b", size=200)
    last = bench.take()[0].place.end
    data = segment_path(bench.folder, 1).read_bytes()
    for length in range(end, last - 4):  # the last bytes of a gzip member are zeros anyway
        crashed = Bench(tmp_path / f"cut{length}")
        crashed.folder.mkdir()
        segment_path(crashed.folder, 1).write_bytes(data[:length] + bytes(1000))
        assert crashed.start()[1:] == (1, 0), length
        assert crashed.names() == ["a"]
        crashed.spool.close()


def test_damage_is_counted_and_frees_its_segment(bench: Bench) -> None:
    bench.start()
    for name in "abc":
        bench.store(name)
    places = [stored.place for stored in bench.take()]
    bench.store("d", size=3 << 20)  # does not fit: the first segment is sealed
    bench.spool.close()
    path = segment_path(bench.folder, 1)
    data = bytearray(path.read_bytes())
    data[places[1].end - 3] ^= 0xFF
    path.write_bytes(data)
    bench.spool = bench.new()
    assert bench.start() == (4, 4, 0)
    blocks = bench.take()
    assert [name for stored in blocks for name in names_of(stored)] == ["a", "c", "d"]
    for stored in blocks:
        bench.spool.done(stored)
    assert bench.spool.stats() == (0, 0, 0, 1, 1, 0.0)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("call", "codes", "stored"),
    [
        ("write", [errno.EIO], True),
        ("sync", [errno.EIO], True),
        ("write", [errno.ENOSPC], True),
        ("write", [errno.EIO, errno.EIO], False),
        ("sync", [errno.EIO, None, errno.EIO], False),
        ("sync", [errno.ENOSPC, None, errno.EDQUOT], False),
    ],
)
def test_failed_write_is_done_again_elsewhere_or_refused(
    bench: Bench, half: bool, call: str, codes: list[int | None], stored: bool
) -> None:
    """The second of three calls of `sync` is for the segment that is cut back."""
    bench.start()
    assert bench.store("before") is None
    bench.disk.half_written = half
    bench.disk.faults[call] = list(codes)
    refusal = bench.store("a", "b")
    assert (refusal is None) is stored
    if refusal:
        words = "spool is full" if errno.ENOSPC in codes or errno.EDQUOT in codes else "spool cannot be written"
        assert refusal.startswith(words)
    assert bench.store("after") is None
    expected = ["before", "a", "b", "after"] if stored else ["before", "after"]
    assert bench.names() == expected
    assert bench.again()[1:] == (len(expected), 0)
    assert bench.names() == expected


def test_half_written_stays_unread_even_if_it_cannot_be_cut_off(bench: Bench) -> None:
    bench.start()
    bench.store("before")
    bench.disk.half_written = True
    bench.disk.faults["write"] = [errno.EIO]
    bench.disk.always["truncate"] = errno.EIO
    assert bench.store("a") is None
    del bench.disk.always["truncate"]
    bench.again()
    assert bench.names() == ["before", "a"]


@pytest.mark.parametrize("call", ["allocate", "sync_folder"])
def test_disk_full_is_refused_and_recovers_by_itself(bench: Bench, call: str) -> None:
    bench.start()
    bench.disk.always[call] = errno.ENOSPC
    assert bench.store("a") == "spool is full: no space left on the filesystem of spool (tidegate.spool)"
    assert segment_numbers(bench.folder) == []
    bench.disk.always.clear()
    assert bench.store("b") is None
    assert bench.names() == ["b"]


def test_filesystem_without_preallocation(bench: Bench) -> None:
    bench.disk.always["allocate"] = errno.EOPNOTSUPP
    bench.start()
    assert bench.store("a") is None
    bench.again()
    assert bench.names() == ["a"]


def test_last_tenth_of_the_filesystem_is_left(bench: Bench) -> None:
    bench.start()
    bench.disk.figures = Space((100 << 20) + 1000, 1000 << 20)
    refusal = bench.store("a")
    assert (
        refusal == "spool is full: its filesystem has 100.0 MiB left of 1000.0 MiB, and the last 10% are left to others"
    )
    bench.disk.figures = Space(102 << 20, 1000 << 20)
    assert bench.store("a") is None


def test_newer_segment_is_refused_and_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidegate.workers.spool import segment

    bench.folder.mkdir()
    path = segment_path(bench.folder, 7)
    monkeypatch.setattr(segment, "FORMAT_VERSION", 9)
    path.write_bytes(pack_file_header(7, 1))
    monkeypatch.undo()
    with pytest.raises(SpoolError, match=r"0007.segment was written by a newer Tidegate \(format 9"):
        bench.spool.start()
    assert path.stat().st_size == HEADER_BYTES
    path.unlink()
    assert bench.start() == (0, 0, 0)  # the lock was given back


def test_newer_checkpoint_is_refused_and_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.folder.mkdir()
    path = bench.folder / checkpoint.FILE_NAME
    monkeypatch.setattr(checkpoint, "_VERSION", 9)
    newer = checkpoint.pack_slot(checkpoint.Saved(1, Position(1, 40), NOTHING_SYNCED))
    monkeypatch.undo()
    path.write_bytes(newer)
    with pytest.raises(NewerSpool, match=r"the checkpoint .* was written by a newer Tidegate \(format 9"):
        bench.spool.start()
    assert path.read_bytes() == newer
    path.unlink()
    assert bench.start() == (0, 0, 0)  # the lock was given back


def test_checkpoint_survives_a_torn_slot(bench: Bench) -> None:
    bench.start()
    for name in "abc":
        bench.store(name)
        for stored in bench.take():
            bench.spool.done(stored)
    bench.store("d")
    bench.spool.close()
    path = bench.folder / "checkpoint"
    data = path.read_bytes()
    for slot in (0, 4096):
        path.write_bytes(data[:slot] + b"\xff" * 20 + data[slot + 20 :])
        bench.spool = bench.new()
        recovered = bench.start()
        assert "d" in bench.names()
        assert recovered.damaged_records == 0
        bench.opened.pop().close()


def test_segment_with_records_of_a_later_kind_is_kept(bench: Bench) -> None:
    bench.start()
    bench.store("a")
    (stored,) = bench.take()
    bench.spool.close()
    path = segment_path(bench.folder, 1)
    data = path.read_bytes()
    header = read_file_header(data)
    assert header is not None
    later = make_block([b"delta\n"], 1, 0)
    path.write_bytes(data[: stored.place.end] + pack_record_header(later, 1, header.salt, kind=77) + later.payload)
    for expected in (["a"], []):
        bench.spool = bench.new()
        bench.start()
        blocks = bench.take()
        assert [name for one in blocks for name in names_of(one)] == expected
        for one in blocks:
            bench.spool.done(one)
        bench.spool.close()
        assert segment_numbers(bench.folder) == [1]


def test_unreadable_pages_cost_only_what_stands_on_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.start()
    for number in range(10):
        bench.store(f"n{number}", size=8 * KIB)
    bench.spool.close()
    plain = Disk._pread

    def broken(disk: Disk, descriptor: int, offset: int, size: int) -> bytes:
        if offset < 20_480 + 4096 and offset + size > 20_480 and size > RECORD_BYTES:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return plain(disk, descriptor, offset, size)

    monkeypatch.setattr(Disk, "_pread", broken)
    bench.spool = bench.new()
    recovered = bench.start()
    names = bench.names()
    lost = 10 - len(names)
    assert 1 <= lost <= 2
    assert recovered == (10 - lost, 10 - lost, lost)
