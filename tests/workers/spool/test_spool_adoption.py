"""Spools of workers that there are no more are taken over by one that there is."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from spool_bench import Bench
from tidegate.workers.spool.writer import segment_numbers, segment_path


class Family:
    """Spools side by side, as under `path.data`; `start` opens them as workers of an earlier run do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.benches: list[Bench] = []

    def start(self, number: int, **changes: int) -> Bench:
        bench = Bench(self.folder / str(number), **changes)
        self.benches.append(bench)
        bench.start()
        return bench

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path)
    yield made
    for bench in made.benches:
        for spool in bench.opened:
            spool.close()


def earlier_run(family: Family, workers: int) -> list[str]:
    """Some workers with two events each that have no outcome, and one that has. Returns the names of the former."""
    names = []
    for number in range(workers):
        bench = family.start(number)
        bench.store(f"done{number}")
        for stored in bench.take():
            bench.spool.done(stored)
        for place in "ab":
            bench.store(f"{place}{number}")
            names.append(f"{place}{number}")
        bench.spool.close()
        bench.opened.clear()
    return names


def test_all_that_former_workers_left_is_sent(family: Family) -> None:
    names = earlier_run(family, 4)
    first = family.start(0, orphans_from=2)
    second = family.start(1)
    assert sorted(first.names() + second.names()) == sorted(names)
    assert family.left() == ["0", "1"]


def test_it_is_sent_once_and_new_events_go_on(family: Family) -> None:
    names = earlier_run(family, 3)
    first = family.start(0, orphans_from=1)
    first.store("new")
    blocks = first.take()
    for stored in blocks:
        first.spool.done(stored)
    assert len(blocks) == len(names) + 1
    assert first.again() == (0, 0, 0)
    assert segment_numbers(first.folder) == []


def test_a_crash_before_they_are_sent_loses_nothing(family: Family) -> None:
    names = earlier_run(family, 3)
    for _ in range(3):
        first = family.start(0, orphans_from=1)
        first.spool.close()
        first.opened.clear()
    assert set(names) <= set(family.start(0, orphans_from=1).names())


def test_a_failure_amid_the_taking_over_loses_nothing(family: Family) -> None:
    names = earlier_run(family, 2)
    for _ in range(3):  # more segments in the folder of the one that is gone
        bench = family.start(1)
        bench.store(name := f"more{len(names)}")
        names.append(name)
        bench.spool.close()
        bench.opened.clear()
    first = Bench(family.folder / "0", orphans_from=1)
    move = first.disk.move
    moved = 0

    def failing(path: Path, to: Path) -> None:
        nonlocal moved
        moved += 1
        if moved == 2:
            raise OSError(errno.EIO, "input/output error")
        move(path, to)

    first.disk.move = failing  # type: ignore[method-assign] # the disk fails here
    family.benches.append(first)
    first.start()
    first.spool.close()
    first.opened.clear()
    assert family.left() == ["0", "1"]
    again = family.start(0, orphans_from=1).names()
    assert set(again) - set(names) <= {"done1"}  # where its segment's rest began is forgotten: it is found by its id
    assert set(names) <= set(again)
    assert family.left() == ["0"]


def test_a_folder_that_is_in_use_waits_for_the_next_start(family: Family, caplog: pytest.LogCaptureFixture) -> None:
    family.start(0).spool.close()
    family.benches.clear()
    still = family.start(1)
    still.store("x")
    first = family.start(0, orphans_from=1)
    assert first.names() == []
    assert "cannot be taken over" in caplog.text
    assert still.names() == ["x"]


@pytest.mark.parametrize("known", [True, False])
def test_an_end_that_is_not_whole_is_left_out(family: Family, known: bool) -> None:
    """It is damage where the checkpoint says that it was synced, else a write that was torn."""
    names = earlier_run(family, 2)
    path = segment_path(family.folder / "1", segment_numbers(family.folder / "1")[-1])
    path.write_bytes(path.read_bytes()[:-10])
    if not known:
        (family.folder / "1" / "checkpoint").unlink()
    first = family.start(0, orphans_from=1)
    assert set(first.names()) - {"done1"} == set(names) - {"b1"}
    assert first.spool.stats().damaged_records == known


def test_other_folders_are_left_alone(family: Family) -> None:
    for name in ("x", "-1", "²"):
        (family.folder / name).mkdir()
    (family.folder / "7").touch()
    family.start(0, orphans_from=1)
    assert family.left() == ["-1", "0", "7", "x", "²"]
