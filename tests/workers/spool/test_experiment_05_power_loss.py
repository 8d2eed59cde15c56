"""Experiment 5: the power goes after any write or sync of the spool; what was acknowledged is there at the next start."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from power_loss import Call, RecordingDisk, Survivor, states
from spool_bench import Bench, names_of
from tidegate.workers.spool.spool import Spool

KIB = 1024


class RecordedBench(Bench):
    """A spool whose calls are noted, together with what its callers hear."""

    def __init__(self, folder: Path) -> None:
        self.recording = RecordingDisk()
        self.now = 0.0
        super().__init__(folder, segment_bytes=8 * KIB, memory=6 * KIB)

    def new(self, **changes: object) -> Spool:
        return Spool(
            self.part,
            1,
            lambda call: call(),
            disk=self.recording,
            monotonic=lambda: self.now,
            sleep=lambda _: None,
        )

    def store(self, *names: str, size: int = 50) -> str | None:
        refusal = super().store(*names, size=size)
        if refusal is None:
            for name in names:
                self.recording.note("acknowledged", name)
        return refusal

    def finish(self, random: Random) -> None:
        """Takes some blocks out and lets most of them have their outcome, in any order."""
        taken = self.spool.next_blocks(random.randrange(1, 6 * KIB), 100)
        random.shuffle(taken)
        for stored in taken[random.random() < 0.2 :]:
            for name in names_of(stored):
                self.recording.note("out", name)
            self.spool.done(stored)


def course(folder: Path, random: Random, steps: int) -> list[Call]:
    """Stores, outcomes, ends of segments, checkpoints, starts: the calls that they made."""
    bench = RecordedBench(folder)
    bench.start()
    for number in range(steps):
        bench.now += random.choice((0.1, 1.1))  # past the period of the checkpoint, or not
        bench.store(*(f"n{number}.{place}" for place in range(random.randrange(1, 4))), size=random.choice((60, 2000)))
        if random.random() < 0.7:
            bench.finish(random)
        if random.random() < 0.08:
            bench.again()
    bench.spool.close()
    return bench.recording.calls


def recovered(folder: Path, survivor: Survivor) -> tuple[list[str], int]:
    """What a start on it hands out, and how many records it takes for damaged."""
    after = Bench(folder)
    after.folder.mkdir()
    for name, content in survivor.files.items():
        (after.folder / name).write_bytes(content)
    damaged = after.start().damaged_records
    found = after.names()
    after.spool.close()
    return found, damaged


@pytest.mark.parametrize("seed", range(2))
def test_experiment_05_whatever_is_left_holds_all_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    calls = course(tmp_path / "before", random, steps=36)
    assert {"create", "write", "sync", "sync_folder", "truncate", "remove"} <= {call.kind for call in calls}
    for place, survivor in enumerate(states(calls, random)):
        found, damaged = recovered(tmp_path / f"after{place}", survivor)
        assert damaged == 0, f"state {place}: a torn write is no damage"
        assert len(found) == len(set(found)), f"state {place}"
        assert survivor.acknowledged - survivor.out <= set(found), f"state {place}"


@pytest.mark.parametrize("forgotten", ["sync", "sync_folder"])
def test_the_model_finds_a_spool_that_forgets_to_sync(tmp_path: Path, forgotten: str) -> None:
    random = Random(1)
    calls = [call for call in course(tmp_path / "before", random, steps=4) if call.kind != forgotten]
    assert any(
        survivor.acknowledged - survivor.out - set(recovered(tmp_path / f"after{place}", survivor)[0])
        for place, survivor in enumerate(states(calls, random))
    )
