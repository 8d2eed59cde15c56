"""The local store: what is written is there once, within bounds, and readable meanwhile."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import LocalPart
from tidegate.workers.sinks.contract import TooLarge, TryAgain
from tidegate.workers.sinks.local import LocalSink, StoreRefused
from tidegate.workers.sinks.local_reader import LocalReader
from tidegate.workers.sinks.local_schema import SCHEMA_VERSION, open_for_writing
from tidegate.workers.sinks.local_upkeep import SERVICES, Space
from tidegate.workers.spool.block import Block, Encoding, make_block

MIB = 1 << 20
NOW = 1_735_725_600.0
PLENTY = Space(50 << 30, 100 << 30)


class Clock:
    """Both clocks of a sink, moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "local" / "events.sqlite"


Make = Callable[..., LocalSink]


@pytest.fixture
def make(file: Path, clock: Clock) -> Iterator[Make]:
    made: list[LocalSink] = []

    def new(max_bytes: int = 64 * MIB, max_age: float = 7 * 86_400.0, space: Space = PLENTY) -> LocalSink:
        part = LocalPart(file=str(file), max_bytes=max_bytes, max_age=max_age)
        made.append(LocalSink(part, wall=clock, monotonic=clock, space=lambda _: space))
        return made[-1]

    yield new
    for sink in made:
        sink.close()


def transaction(number: int, trace: str = "t1", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2025-01-01T10:00:00.000Z",
        "agent": {"name": "python", "version": "6.23.0"},
        "event": {"outcome": "success"},
        "service": {"name": "shop", "environment": "production", "language": {"name": "python"}},
        "timestamp": {"us": int(NOW * 1e6) + number},
        "trace": {"id": trace},
        "transaction": {"id": f"x{number}", "name": "GET /", "type": "request", "duration": {"us": 1000 + number}},
        **more,
    }


def block(*documents: dict[str, Any], begin: int = 0, index: str = "traces-apm-default", level: int = 5) -> Block:
    lines = []
    for number, document in enumerate(documents, begin):
        lines += [
            orjson.dumps({"create": {"_index": index, "_id": f"id{number:09}"}}) + b"\n",
            orjson.dumps(document) + b"\n",
        ]
    return make_block(lines, len(documents), level)


def noise(bytes_: int) -> str:
    """Text that does not compress."""
    return os.urandom(bytes_ // 2).hex()


def rows(file: Path) -> int:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
    connection.close()
    return int(count)


def size(file: Path) -> int:
    return sum(path.stat().st_size for path in file.parent.iterdir())


def test_stored_once(make: Make, file: Path) -> None:
    sink = make()
    assert sink.ready()
    first, second = block(transaction(0), transaction(1)), block(transaction(2), begin=2, level=0)
    assert sink.write([first, second]).counts == {EventOutcome.INDEXED: 3}
    again = sink.write([first, block(transaction(3), begin=3)])
    assert again.counts == {EventOutcome.DUPLICATE: 2, EventOutcome.INDEXED: 1}
    assert not again.refused and not again.postponed
    assert rows(file) == 4


def test_still_there_after_close(make: Make, file: Path) -> None:
    make().write([block(transaction(0))])
    make().close()
    assert make().write([block(transaction(0))]).counts == {EventOutcome.DUPLICATE: 1}


def test_commits_are_synced_and_private(make: Make, file: Path) -> None:
    make().write([block(transaction(0))])
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    connection = open_for_writing(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()


def test_a_file_open_to_others_is_closed_to_them(make: Make, file: Path) -> None:
    make().close()
    file.chmod(0o644)
    make()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _newer(file: Path) -> None:
    open_for_writing(file).execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def _foreign(file: Path) -> None:
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE cookies (a)")
    connection.close()


def _no_database(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"my diary, page 1\n" * 1000)


def _folder(file: Path) -> None:
    file.mkdir(parents=True)


def _link(file: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(file.parent / "elsewhere")


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (_newer, "written by a newer Tidegate (format 2, this one knows up to 1)"),
        (_foreign, "of another program"),
        (_no_database, "damaged or no SQLite file"),
        (_folder, "is a folder"),
        (_link, "is a symbolic link"),
    ],
)
def test_refused_and_left_as_it_is(make: Make, file: Path, prepare: Callable[[Path], None], words: str) -> None:
    prepare(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(StoreRefused, match=words.replace("(", r"\(").replace(")", r"\)")):
        make()
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_raw_and_complete_documents(make: Make, file: Path) -> None:
    raw = transaction(0)
    raw["transaction"].pop("duration")
    raw["event"]["duration"] = 1_000_999
    complete = transaction(1) | {"processor": {"event": "transaction"}}
    make().write([block(raw, complete)])
    reader = LocalReader(file)
    assert sorted(entry.duration_us or 0 for entry in reader.trace("t1", 10).entries) == [1000, 1001]
    reader.close()


def test_documents_that_are_none(make: Make, file: Path) -> None:
    lines = [b'{"create":{"_index":"traces-apm-default","_id":"a"}}\n', b'{"secret":\n']
    lines += [
        b'{"create":{"_index":"traces-apm-default"}}\n',
        b"{}\n",
        b'{"create":{"_index":"i","_id":"b"}}\n',
        b"[]\n",
    ]
    lines += [b'{"create":{"_index":"logs-x-y","_id":"c"}}\n', b'{"@timestamp":7,"service":[],"trace":{"id":5}}\n']
    written = make().write([make_block(lines, 4, 5)])
    assert written.counts == {EventOutcome.INDEXED: 1}
    assert [(refused.item, refused.status) for refused in written.refused] == [(0, 400), (1, 400), (2, 400)]
    assert "secret" not in str(written.refused)


def test_a_damaged_block_is_not_lost(make: Make) -> None:
    with pytest.raises(TryAgain, match="cannot be inflated"):
        make().write([Block(b"\x1f\x8b nonsense", Encoding.GZIP, 1, 100)])


def test_size_stays_within_bounds(make: Make, file: Path, clock: Clock) -> None:
    limit = 8 * MIB
    sink = make(max_bytes=limit)
    largest = 0
    for number in range(0, 6000, 100):
        sink.write([block(*[transaction(n, note=noise(4000)) for n in range(number, number + 100)], begin=number)])
        clock.now += 1
        largest = max(largest, size(file))
    assert largest <= limit
    kept = rows(file)
    assert 500 < kept < 2500
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    assert connection.execute("SELECT id FROM events ORDER BY sequence DESC LIMIT 1").fetchone() == ("id000005999",)
    assert connection.execute("SELECT max(sequence) - min(sequence) + 1 FROM events").fetchone() == (kept,)
    connection.close()


def test_too_large_for_the_store(make: Make, file: Path) -> None:
    sink = make(max_bytes=4 * MIB)
    with pytest.raises(TooLarge):
        sink.write([block(transaction(0, note=noise(MIB)))])
    assert rows(file) == 0
    assert sink.write([block(transaction(1))]).counts == {EventOutcome.INDEXED: 1}


def test_a_lowered_limit_shrinks_the_file(make: Make, file: Path, clock: Clock) -> None:
    sink = make(max_bytes=64 * MIB)
    for number in range(0, 3000, 100):
        sink.write([block(*[transaction(n, note=noise(8000)) for n in range(number, number + 100)], begin=number)])
    sink.close()
    assert size(file) > 16 * MIB
    sink = make(max_bytes=4 * MIB)
    for _ in range(5):
        clock.now += 6
        sink.tend()
    sink.close()
    assert size(file) <= 4 * MIB
    assert rows(file) > 100


def test_old_events_go(make: Make, file: Path, clock: Clock) -> None:
    sink = make(max_age=3600.0)
    sink.write([block(*[transaction(n, trace=f"t{n}") for n in range(1200)])])
    clock.now += 3599
    sink.tend()
    assert rows(file) == 1200
    sink.write([block(transaction(1200, service={"name": "late"}), begin=1200)])
    clock.now += 2
    sink.tend()
    assert rows(file) == 1
    reader = LocalReader(file)
    assert [service.name for service in reader.services()] == ["late"]
    reader.close()


def test_services_are_bounded(make: Make, file: Path, clock: Clock) -> None:
    sink = make()
    names = [transaction(n, service={"name": f"s{n}"}) for n in range(SERVICES + 500)]
    for begin in range(0, len(names), 500):
        clock.now += 1
        sink.write([block(*names[begin : begin + 500], begin=begin)])
    clock.now += 6
    sink.tend()
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    assert SERVICES - 500 <= connection.execute("SELECT count(*) FROM services").fetchone()[0] <= SERVICES
    connection.close()


def test_the_last_tenth_of_the_filesystem_is_left_alone(make: Make, file: Path) -> None:
    sink = make(space=Space(free=9 << 30, total=100 << 30))
    with pytest.raises(
        TryAgain, match="9216 MiB of 102400 MiB free, and the local store leaves its last 10%"
    ) as caught:
        sink.write([block(transaction(0))])
    assert caught.value.degraded
    assert rows(file) == 0


def test_another_writer_is_waited_for(make: Make, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.workers.sinks.local_schema.BUSY_SECONDS", 0.05)
    sink = make()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryAgain, match="locked by another program") as caught:
        sink.write([block(transaction(0))])
    assert not caught.value.degraded
    other.execute("ROLLBACK")
    other.close()
    assert sink.write([block(transaction(0))]).counts == {EventOutcome.INDEXED: 1}


def test_a_full_disk_loses_nothing(make: Make, file: Path) -> None:
    """SQLite's page limit stands in for the filesystem's."""
    sink = make()
    sink.write([block(transaction(0))])
    connection = sink._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(TryAgain, match="no space is left") as caught:
        sink.write([block(*[transaction(n, note=noise(4000)) for n in range(1, 200)], begin=1)])
    assert caught.value.degraded
    assert rows(file) == 1
    assert sink.write([block(transaction(0), transaction(1))]).counts == {
        EventOutcome.INDEXED: 1,
        EventOutcome.DUPLICATE: 1,
    }


def test_a_file_damaged_meanwhile(make: Make, file: Path, clock: Clock) -> None:
    sink = make()
    sink.write([block(*[transaction(n) for n in range(2000)])])
    sink.close()
    sink = make()
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    file.write_bytes(content)
    clock.now += 6
    with pytest.raises(TryAgain, match=r"is damaged \(SQLITE_CORRUPT") as caught:
        sink.write([block(transaction(3000), begin=3000)])
    assert caught.value.degraded


def test_closed(make: Make) -> None:
    sink = make()
    sink.close()
    sink.close()
    assert not sink.ready()
    with pytest.raises(TryAgain, match="closing"):
        sink.write([block(transaction(0))])


def test_reading_while_writing(make: Make, file: Path) -> None:
    """Several writers and a reader at once; the reader sees whole transactions only."""
    sink = make()
    sink.write([block(transaction(0))])
    failures: list[BaseException] = []

    def write(begin: int) -> None:
        try:
            for number in range(begin, begin + 1000, 10):
                sink.write([block(*[transaction(n) for n in range(number, number + 10)], begin=number)])
        except BaseException as problem:
            failures.append(problem)

    writers = [threading.Thread(target=write, args=(begin,)) for begin in (1, 1001, 2001)]
    for writer in writers:
        writer.start()
    reader = LocalReader(file)
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(reader.services()[0].transactions)
    for writer in writers:
        writer.join()
    assert not failures
    assert reader.services()[0].transactions == 3001
    assert {count % 10 for count in seen} == {1}
    reader.close()
