"""Dead letters: on disk with their reason, bounded in bytes and age."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from tidegate.daemon.settings.parts import DeadLetterPart
from tidegate.workers.sinks.dead_letters import DeadLetters
from tidegate.workers.sinks.parcel import Letter
from tidegate.workers.spool.disk import Disk, Space

ACTION = b'{"create":{"_index":"traces-apm-default","_id":"id1"}}'
LETTER = Letter(ACTION, b'{"n":1}', 400, "document_parsing_exception", "failed to parse 'x\n\"'" + "y" * 900)
NOW = 1_767_225_600.5


class FailingDisk(Disk):
    """Writes half of it, then fails."""

    code = 0

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        if self.code:
            super().write(descriptor, [b"".join(buffers)[:20]], offset)
            raise OSError(self.code, os.strerror(self.code))
        super().write(descriptor, buffers, offset)


def made(folder: Path, *, max_bytes: int = 1 << 20, max_age: float = 1e9, disk: Disk | None = None) -> DeadLetters:
    return DeadLetters(DeadLetterPart(str(folder), max_bytes, max_age), lambda: NOW, disk)


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.iterdir()) for line in path.read_bytes().splitlines()]


def test_a_letter_is_one_line_of_json(tmp_path: Path) -> None:
    folder = tmp_path / "dead"
    letters = made(folder)
    letters.write([LETTER, LETTER])
    letters.write([LETTER])
    letters.close()
    assert len(lines(folder)) == 3
    assert json.loads(lines(folder)[0]) == {
        "@timestamp": "2026-01-01T00:00:00.500Z",
        "index": "traces-apm-default",
        "id": "id1",
        "status": 400,
        "type": "document_parsing_exception",
        "reason": LETTER.reason[:500],
        "document": {"n": 1},
    }
    (path,) = folder.iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)


def test_each_start_begins_a_new_file(tmp_path: Path) -> None:
    for _ in range(2):
        letters = made(tmp_path)
        letters.write([LETTER])
        letters.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_oldest_go_beyond_the_bytes(tmp_path: Path) -> None:
    letters = made(tmp_path, max_bytes=20_000)
    for number in range(100):
        letters.write([LETTER._replace(document=b'{"n":%d}' % number)])
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    kept = [json.loads(line)["document"]["n"] for line in lines(tmp_path)]
    assert kept == list(range(100 - len(kept), 100))
    assert len(kept) > 20
    letters.close()


def test_the_old_go(tmp_path: Path) -> None:
    letters = made(tmp_path, max_age=60)
    letters.write([LETTER])
    letters.close()
    (old,) = tmp_path.iterdir()
    os.utime(old, (NOW - 61, NOW - 61))
    letters.write([LETTER._replace(status=418)])
    assert [json.loads(line)["status"] for line in lines(tmp_path)] == [418]
    letters.close()


@pytest.mark.parametrize("before", [0, 1])
def test_failure_leaves_no_half_letter(tmp_path: Path, before: int) -> None:
    disk = FailingDisk()
    letters = made(tmp_path, disk=disk)
    for _ in range(before):
        letters.write([LETTER])
    disk.code = errno.ENOSPC
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            letters.write([LETTER])
    disk.code = 0
    letters.write([LETTER])
    letters.close()
    assert [json.loads(line)["id"] for line in lines(tmp_path)] == ["id1"] * (before + 1)


class NarrowDisk(Disk):
    """A filesystem with so many bytes free of 1,000,000."""

    free = 0

    def space(self, folder: Path) -> Space:
        return Space(self.free, 1_000_000)


def test_the_last_tenth_of_the_filesystem_is_left_to_others(tmp_path: Path) -> None:
    disk = NarrowDisk()
    letters = made(tmp_path / "dead", disk=disk)
    disk.free = 100_000
    with pytest.raises(OSError, match="last 10%"):
        letters.write([LETTER])
    disk.free = 200_000
    letters.write([LETTER])
    letters.close()
    assert len(lines(tmp_path / "dead")) == 1


def test_a_letter_of_an_earlier_process_is_written_once(tmp_path: Path) -> None:
    """Whichever worker wrote it; a line that a kill tore counts as none."""
    other = Letter(ACTION.replace(b"id1", b"id2"), *LETTER[1:])
    for name, letter in (("0", LETTER), ("1", other)):
        before = made(tmp_path / name)
        before.write([letter])
        before.close()
    (torn,) = (tmp_path / "1").iterdir()
    torn.write_bytes(torn.read_bytes() + b'{"index":"traces-apm-default","id":"id3"')
    after = made(tmp_path / "0")
    third = Letter(ACTION.replace(b"id1", b"id3"), *LETTER[1:])
    after.write([one._replace(earlier=True) for one in (LETTER, other, third)])
    after.write([LETTER._replace(earlier=True)])
    after.close()
    assert [json.loads(line)["id"] for line in lines(tmp_path / "0")] == ["id1", "id3"]


def test_nothing_is_looked_for_where_nothing_is_left_from_before(tmp_path: Path) -> None:
    letters = made(tmp_path / "0")
    letters.write([LETTER])
    letters.write([LETTER])
    letters.close()
    assert len(lines(tmp_path / "0")) == 2
