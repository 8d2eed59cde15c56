"""Log files: private, rotated, and never a reason to stop."""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tidegate.daemon.settings.parts import LogFilesPart
from tidegate.daemon.telemetry.log_file import LogFile, path_for, rotate_all

NOON = 1_750_000_000.0


class Spare(logging.Handler):
    """Standard error, kept."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class Bench:
    """One process's file."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        values: dict[str, Any] = {
            "folder": str(folder),
            "name": "tg",
            "rotate_bytes": 1000,
            "keep": 2,
            "mode": 0o600,
            "interval": 0.0,
            "rotate_on_start": True,
        }
        self.part = LogFilesPart(**(values | changes))
        self.now = 0.0
        self.spare = Spare()
        self.path = path_for(self.part, "worker-1", ".ndjson")
        self.file = LogFile(self.path, self.part, self.spare, lambda: NOON + self.now, lambda: self.now)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.file.handle(logging.LogRecord("t", logging.INFO, "", 0, text, None, None))
            if self.path.exists():
                os.utime(self.path, (NOON + self.now, NOON + self.now))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())


def test_name_and_mode(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        for mode, folder_mode in ((0o600, 0o700), (0o640, 0o750), (0o644, 0o755)):
            bench = Bench(tmp_path / str(mode), mode=mode)
            os.umask(0)
            bench.say("é\udc80")
            bench.file.close()
            assert bench.names() == ["tg-worker-1.ndjson"]
            assert bench.path.read_text() == "é\\udc80\n"
            assert stat.S_IMODE(bench.path.stat().st_mode) == mode
            assert stat.S_IMODE(bench.path.parent.stat().st_mode) == folder_mode
    finally:
        os.umask(old)


def test_rotates_by_size_and_keeps_so_many(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number in range(5):
        bench.say(str(number) * 999, "-")
    bench.file.close()
    assert bench.names() == ["tg-worker-1.ndjson", "tg-worker-1.ndjson.1", "tg-worker-1.ndjson.2"]
    assert bench.path.read_text() == "-\n"
    assert (tmp_path / "tg-worker-1.ndjson.1").read_text() == "-\n" + "4" * 999 + "\n"
    assert bench.spare.messages == []


def test_rotates_by_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, interval=100.0)
    for bench.now in (0.0, 50.0, 99.0, 100.0, 350.0):
        bench.say(str(bench.now))
    bench.file.close()
    assert bench.path.read_text() == "350.0\n"
    assert (tmp_path / "tg-worker-1.ndjson.1").read_text() == "100.0\n"
    assert (tmp_path / "tg-worker-1.ndjson.2").read_text() == "0.0\n50.0\n99.0\n"


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_goes_on_in_a_new_file_when_somebody_takes_it_away(tmp_path: Path, how: str) -> None:
    bench = Bench(tmp_path)
    bench.say("one")
    if how == "moved":
        bench.path.rename(tmp_path / "elsewhere")
    else:
        bench.path.unlink()
    bench.say("two")
    bench.file.close()
    assert bench.path.read_text() == "two\n"


def test_what_cannot_be_written_goes_to_standard_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    bench = Bench(tmp_path / "taken")
    for bench.now in range(90):
        bench.say("line")
    assert bench.spare.messages.count("line") == 90, "nothing is lost"
    told = [text for text in bench.spare.messages if text != "line"]
    assert len(told) == 2
    assert told[0].startswith(f"log file {bench.path} cannot be written: Not a directory")
    assert told[1].endswith("(60 lines)")
    (tmp_path / "taken").unlink()
    bench.say("again")
    assert bench.path.read_text() == "again\n"
    bench.file.close()


def test_a_full_disk_leaves_no_half_line_before_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.say("one")
    with bench.path.open("a") as half:
        half.write('{"@timest')

    class Full:
        def __init__(self, descriptor: int) -> None:
            self.descriptor = descriptor

        def fileno(self) -> int:
            return self.descriptor

        def write(self, text: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None:
            os.close(self.descriptor)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = bench.file.stream
    bench.file.stream = Full(os.dup(real.fileno()))  # type: ignore[assignment]  # as much of a stream as is used
    real.close()
    bench.say("two")
    bench.say("three")
    bench.file.close()
    assert bench.spare.messages[0].endswith(
        "No space left on device; its lines go to standard error meanwhile (1 lines)"
    )
    assert bench.spare.messages[1:] == ["two"]
    assert bench.path.read_text().splitlines() == ["one", '{"@timest', "three"]


def test_each_start_begins_new_files_for_all_processes(tmp_path: Path) -> None:
    others = ["tg-else.ndjson", "tg-x-worker-1.ndjson", "apm-server-20260101.ndjson", "tg-worker-1.ndjson.1"]
    ours = ["tg-supervisor.ndjson", "tg-worker-1.ndjson", "tg-acceptor-2.log"]
    for name in (*ours, *others):
        (tmp_path / name).write_text(name)
    (tmp_path / "tg-worker-2.ndjson").touch()
    bench = Bench(tmp_path)
    rotate_all(bench.part, bench.spare)
    assert set(bench.names()) == {
        *others,
        "tg-worker-2.ndjson",
        "tg-worker-1.ndjson.2",
        "tg-supervisor.ndjson.1",
        "tg-acceptor-2.log.1",
    }
    rotate_all(Bench(tmp_path / "absent").part, bench.spare)
    assert bench.spare.messages == []
