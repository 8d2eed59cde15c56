"""The spool on a real folder: what is acknowledged is handed out until it is done, within its bounds."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spool_bench import Bench, names_of
from tidegate.workers.spool.spool import Spool, SpoolError
from tidegate.workers.spool.writer import human_bytes, segment_numbers, segment_path

KIB = 1024


def test_documents_come_back_in_order_and_leave(bench: Bench) -> None:
    assert bench.start() == (0, 0, 0)
    assert bench.store("a", "b") is None
    assert bench.store("c") is None
    blocks = bench.take()
    assert [names_of(stored) for stored in blocks] == [["a", "b"], ["c"]]
    assert bench.spool.stats().documents == 3
    for stored in blocks:
        bench.spool.done(stored)
    assert bench.spool.stats()[1:] == (0, 0, 0, 0, 0.0)
    assert bench.again() == (0, 0, 0)
    assert segment_numbers(bench.folder) == []


def test_nothing_to_store_is_done_at_once(bench: Bench) -> None:
    heard: list[str | None] = []
    bench.spool.append([], 0, heard.append)
    assert heard == [None]


def test_modes(bench: Bench) -> None:
    bench.start()
    bench.store("a")
    assert stat.S_IMODE(bench.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in bench.folder.iterdir()} == {0o600}


def test_what_has_no_outcome_is_sent_again(bench: Bench) -> None:
    bench.start()
    for name in "abcde":
        bench.store(name)
    blocks = bench.take()
    for stored in (blocks[0], blocks[1], blocks[3]):
        bench.spool.done(stored)
    assert bench.again() == (3, 3, 0)  # d was done behind c, which was not: it goes again, and is found by its id
    assert bench.names() == ["c", "d", "e"]


@pytest.mark.parametrize("at_end", [False, True])
def test_copy_at_any_point_holds_all_that_was_acknowledged(bench: Bench, tmp_path: Path, at_end: bool) -> None:
    """A crash is a copy of the folder at some moment; all sizes of the last segment stand for torn writes."""
    bench.start()
    acknowledged: list[str] = []
    for number in range(8):
        bench.store(f"n{number}", size=2 * KIB)
        acknowledged.append(f"n{number}")
        crashed = Bench(tmp_path / f"crash{number}")
        shutil.copytree(bench.folder, crashed.folder)
        if at_end:
            path = segment_path(crashed.folder, 1)
            end = bench.take()[-1].place.end
            path.write_bytes(path.read_bytes()[:end] + os.urandom(100))
        assert crashed.start() == (number + 1, number + 1, 0)
        assert crashed.names() == acknowledged
        crashed.spool.close()


def test_size_limit_and_room_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool", max_bytes=256 * KIB)
    bench.start()
    names = []
    while (refusal := bench.store(f"n{len(names)}", size=20 * KIB)) is None:
        names.append(f"n{len(names)}")
    assert refusal == "spool is full (256.0 KiB, tidegate.spool.max_bytes)"
    assert len(names) >= 12
    assert bench.spool.stats().bytes_on_disk <= 256 * KIB
    blocks = bench.take()
    assert [name for stored in blocks for name in names_of(stored)] == names
    for stored in blocks[: len(blocks) // 2]:
        bench.spool.done(stored)
    assert bench.store("more", size=20 * KIB) is None
    bench.spool.close()


def test_a_spool_that_is_full_but_done_has_room(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool", max_bytes=64 * KIB)
    bench.start()
    for number in range(20):
        assert bench.store(f"n{number}", size=20 * KIB) is None
        for stored in bench.take():
            bench.spool.done(stored)
    bench.spool.close()


def test_more_than_memory_goes_by_way_of_the_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool", memory=64 * KIB, segment_bytes=128 * KIB)
    bench.start()
    for number in range(40):
        assert bench.store(f"n{number:02}", size=10 * KIB) is None
    waiting = bench.spool.waiting()
    assert waiting.backlog
    assert waiting.bytes <= 64 * KIB
    seen = []
    while blocks := bench.spool.next_blocks(30 * KIB, 1000):
        assert len(blocks) == 1 or sum(len(stored.block.payload) for stored in blocks) <= 30 * KIB
        for stored in blocks:
            seen += names_of(stored)
            bench.spool.done(stored)
        if len(seen) < 50:
            assert bench.store(f"m{len(seen):02}", size=10 * KIB) is None
    assert len(seen) == len(set(seen))
    assert {name for name in seen if name[0] == "n"} == {f"n{number:02}" for number in range(40)}
    assert bench.spool.stats().blocks == 0
    assert len(segment_numbers(bench.folder)) == 1
    bench.spool.close()


def test_live_and_backlog_take_turns(bench: Bench) -> None:
    bench.start()
    for name in ("old1", "old2", "old3", "old4"):
        bench.store(name)
    bench.again()
    bench.store("new1")
    bench.store("new2")
    firsts = [names_of(bench.spool.next_blocks(1, 1)[0])[0] for _ in range(6)]
    assert firsts == ["old1", "new1", "old2", "new2", "old3", "old4"]


def test_folder_in_use(bench: Bench) -> None:
    bench.start()
    second = bench.new()
    clock = iter(range(100))
    second._monotonic = lambda: float(next(clock))
    with pytest.raises(SpoolError, match="in use by another process"):
        second.start()


def test_waits_for_a_predecessor(bench: Bench) -> None:
    bench.start()
    bench.store("a")
    first = bench.opened.pop()

    def ends(_: float) -> None:
        first.close()

    second = Spool(bench.part, 1, lambda call: call(), disk=bench.disk, sleep=ends)
    bench.opened.append(second)
    assert second.start() == (1, 1, 0)


def test_closed_spool_refuses(bench: Bench) -> None:
    bench.start()
    bench.spool.close()
    bench.opened.clear()
    assert bench.store("a") == "server is shutting down"


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (2 << 30, "2.0 GiB"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")]
)
def test_human_bytes(size: int, words: str) -> None:
    assert human_bytes(size) == words


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_course_of_events(draw: st.DataObject) -> None:
    """Whatever is stored is handed out once in each life of the spool until it is done, and never after a clean end."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "spool", memory=6 * KIB, segment_bytes=16 * KIB)
        bench.start()
        pending: set[str] = set()
        out: dict[str, Any] = {}
        serial = 0
        for action in draw.draw(
            st.lists(st.sampled_from(["store"] * 4 + ["take", "take", "done", "again"]), max_size=40)
        ):
            if action == "store":
                assert bench.store(f"n{serial:03}", size=3 * KIB) is None
                pending.add(f"n{serial:03}")
                serial += 1
            elif action == "take":
                for stored in bench.spool.next_blocks(draw.draw(st.integers(1, 8 * KIB)), 100):
                    (name,) = names_of(stored)
                    assert name not in out
                    out[name] = stored
            elif action == "done" and out:
                name = draw.draw(st.sampled_from(sorted(out)))
                bench.spool.done(out.pop(name))
                pending.discard(name)
            elif action == "again":
                first = min(pending, default="")
                recovered = bench.again()
                out.clear()
                pending = {f"n{number:03}" for number in range(serial) if first and f"n{number:03}" >= first} & (
                    pending | set(bench_names_on_disk(bench))
                )
                assert recovered.blocks == len(pending)
            assert bench.spool.stats().blocks == len(pending)
        left = {names_of(stored)[0] for stored in bench.take()}
        assert left == pending - set(out)
        bench.spool.close()


def bench_names_on_disk(bench: Bench) -> list[str]:
    """What the spool says it has after a start: blocks done behind one that was not come again."""
    twin = Bench(bench.folder.parent / "twin")
    shutil.copytree(bench.folder, twin.folder)
    twin.start()
    names = twin.names()
    twin.spool.close()
    shutil.rmtree(twin.folder)
    return names
