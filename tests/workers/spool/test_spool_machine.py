"""A model of segment, checkpoint and replay: whatever happens in whatever order, the spool does what the model says.

The model is two sets: what was acknowledged, and what has its outcome. The spool may hand out again what has its
outcome, since the checkpoint is a second behind; it may never lose what has none, nor hand out one twice in a life.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from spool_bench import Bench, names_of
from tidegate.workers.spool.spool import Spool
from tidegate.workers.spool.writer import segment_numbers, segment_path

KIB = 1024


class ClockedBench(Bench):
    """Its clock stands still until it is moved."""

    now = 0.0

    def new(self, **changes: Any) -> Spool:
        spool = super().new(**changes)
        spool._monotonic = lambda: self.now
        return spool


class SpoolMachine(RuleBasedStateMachine):
    """One worker's spool, and sometimes one that another worker left."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(mkdtemp(prefix="spool-machine-"))
        self.lives = 0
        self.serial = 0
        self.acknowledged: set[str] = set()
        self.finished: set[str] = set()
        self.out: dict[str, Any] = {}
        self.handed: set[str] = set()
        """In this life."""
        self.bench = self.life(self.root / "0")

    def life(self, folder: Path) -> ClockedBench:
        bench = ClockedBench(folder, memory=6 * KIB, segment_bytes=16 * KIB, orphans_from=1)
        assert bench.start().damaged_records == 0
        self.out.clear()
        self.handed.clear()
        return bench

    def names(self, count: int) -> list[str]:
        self.serial += count
        return [f"n{number}" for number in range(self.serial - count, self.serial)]

    @rule(count=st.integers(1, 3), size=st.sampled_from([40, 3 * KIB, 9 * KIB]))
    def append(self, count: int, size: int) -> None:
        names = self.names(count)
        assert self.bench.store(*names, size=size) is None
        self.acknowledged.update(names)

    @rule(most=st.integers(1, 12 * KIB))
    def take(self, most: int) -> None:
        for stored in self.bench.spool.next_blocks(most, 1000):
            for name in names_of(stored):
                assert name not in self.handed, "handed out twice in one life"
                assert name in self.acknowledged
                self.handed.add(name)
                self.out[name] = stored

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def outcome(self, data: st.DataObject) -> None:
        stored = self.out[data.draw(st.sampled_from(sorted(self.out)))]
        for name in names_of(stored):
            del self.out[name]
            self.finished.add(name)
        self.bench.spool.done(stored)

    @rule()
    def a_second_passes(self) -> None:
        self.bench.now += 1.1

    @rule()
    def stop_and_start(self) -> None:
        self.bench.spool.close()
        self.bench = self.life(self.bench.folder)

    @rule(torn=st.integers(0, 300), seed=st.integers(0, 99))
    def crash(self, torn: int, seed: int) -> None:
        """The folder as it is at this moment, perhaps with a write that was under way at the end of its last segment."""
        self.lives += 1
        shutil.copytree(
            self.bench.folder.parent, self.root / f"life{self.lives}", ignore=shutil.ignore_patterns("life*")
        )
        copy = self.root / f"life{self.lives}" / "0"
        numbers = segment_numbers(copy)
        if torn and numbers:
            end = self.end_of(numbers[-1])
            path = segment_path(copy, numbers[-1])
            content = path.read_bytes()
            path.write_bytes(content[:end] + Random(seed).randbytes(torn) + content[end + torn :])
        self.bench.spool.close()
        self.bench = self.life(copy)

    def end_of(self, number: int) -> int:
        """Where the spool itself believes that its last record ends."""
        synced = self.bench.spool._writer.synced
        size = segment_path(self.bench.folder, number).stat().st_size
        return synced.offset if synced.segment == number else size

    @rule(count=st.integers(1, 3), torn=st.integers(0, 300))
    def another_worker_leaves_its_spool(self, count: int, torn: int) -> None:
        """After a crash there are fewer workers, and its folder is taken over."""
        other = ClockedBench(self.bench.folder.parent / "1", segment_bytes=16 * KIB)
        other.start()
        names = self.names(count)
        for name in names:
            assert other.store(name, size=40) is None
        other.spool.close()
        self.acknowledged.update(names)
        self.crash(torn, seed=torn)

    @invariant()
    def the_figures_are_those_of_the_model(self) -> None:
        if self.lives >= 0 and hasattr(self, "bench"):
            stats = self.bench.spool.stats()
            pending = self.acknowledged - self.finished
            assert stats.damaged_records == 0
            assert stats.documents >= len(pending)

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.stop_and_start()
        found = self.bench.names()
        assert len(found) == len(set(found))
        assert self.acknowledged - self.finished <= set(found) <= self.acknowledged
        for stored in list(self.bench.spool._ledger._out.values()):
            self.bench.spool.done(stored)
        self.bench.spool.close()
        after = self.life(self.bench.folder)
        assert after.names() == []
        after.spool.close()
        assert segment_numbers(after.folder) == []
        shutil.rmtree(self.root)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=int(os.environ.get("TIDEGATE_SPOOL_EXAMPLES", "30")), stateful_step_count=25, deadline=None
)
