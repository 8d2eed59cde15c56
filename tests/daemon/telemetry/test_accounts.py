"""Counters of all processes: what a death, a restart, another version or a damaged file leaves of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.accounts import INDEX, Accounts
from tidegate.daemon.telemetry.metrics import (
    CELLS,
    CONNECTIONS,
    DOCUMENTS,
    EVENTS,
    REQUEST_BYTES,
    RESTARTS,
    WRITTEN,
    Role,
    place,
)
from tidegate.daemon.telemetry.slots import Tally, slot_bytes


def accounts_of(folder: Path, acceptors: int = 1, workers: int = 2, now: float = 5.0) -> Accounts:
    waits: list[float] = []
    return Accounts(folder / "counters", acceptors, workers, now, waits.append)


def tally_of(accounts: Accounts, role: Role, number: int) -> Tally:
    """As the child has it, which inherits the descriptor."""
    return Tally(len(CELLS[role]), os.dup(accounts.descriptor(role, number)))


def test_counts_go_on_after_each_start_and_gauges_begin_anew(tmp_path: Path) -> None:
    for run in range(1, 4):
        accounts = accounts_of(tmp_path, now=float(run))
        tally = tally_of(accounts, Role.ACCEPTOR, 1)
        assert accounts.at_start[Role.ACCEPTOR, 1][place(REQUEST_BYTES)] == 100 * (run - 1)
        assert tally.get(place(CONNECTIONS)) == 0
        tally.add(place(REQUEST_BYTES), 100)
        tally.set(place(CONNECTIONS), 7)
        accounts.count(RESTARTS, "worker")
        assert accounts.read(Role.ACCEPTOR, 1)[place(REQUEST_BYTES)] == 100 * run
        assert accounts.read(Role.SUPERVISOR, 1)[place(RESTARTS, "worker")] == run
        assert accounts.first_start == 1.0
        accounts.forget_present(Role.ACCEPTOR, 1)
        assert tally.get(place(CONNECTIONS)) == 0
        assert tally.get(place(REQUEST_BYTES)) == 100 * run
        accounts.close()
    assert len(list((tmp_path / "counters").iterdir())) == 5


def test_what_a_killed_process_counted_is_there(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    child = os.fork()
    if not child:
        tally = tally_of(accounts, Role.WORKER, 2)
        tally.add(place(WRITTEN), 41)
        tally.add(place(WRITTEN))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert accounts.read(Role.WORKER, 2)[place(WRITTEN)] == 42
    accounts.close()
    assert accounts_of(tmp_path).read(Role.WORKER, 2)[place(WRITTEN)] == 42


def test_the_first_of_a_kind_counts_on_for_those_that_there_are_no_more(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path, workers=3)
    for number in (1, 2, 3):
        tally_of(accounts, Role.WORKER, number).add(place(WRITTEN), 10**number)
    accounts.close()
    accounts = accounts_of(tmp_path, workers=2)
    assert [accounts.read(Role.WORKER, number)[place(WRITTEN)] for number in (1, 2)] == [1010, 100]


def test_a_start_that_is_killed_half_way_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = accounts_of(tmp_path)
    tally_of(accounts, Role.WORKER, 1).add(place(WRITTEN), 5)
    accounts.close()

    class Killed(BaseException):
        pass

    def killed(self: Path, target: Path) -> Path:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            accounts_of(tmp_path)
    assert accounts_of(tmp_path).read(Role.WORKER, 1)[place(WRITTEN)] == 5


def test_slots_of_a_version_with_other_metrics_are_read_by_name(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    tally_of(accounts, Role.ACCEPTOR, 1).add(place(EVENTS, EventOutcome.INVALID), 3)
    accounts.close()
    index = tmp_path / "counters" / INDEX
    content = json.loads(index.read_text())
    names = content["cells"]["acceptor"]
    at = place(EVENTS, EventOutcome.INVALID)
    # As if that version had called the cell before it by another name, and this one not at all.
    names[at - 1], names[at] = "events_total{outcome=invalid}", "gone_total"
    index.write_text(json.dumps(content))
    read = accounts_of(tmp_path).read(Role.ACCEPTOR, 1)
    assert read[place(EVENTS, EventOutcome.INVALID)] == 0
    assert sum(read) == 0


@pytest.mark.parametrize("what", ["an index that is none", "a slot cut short", "a newer format", "no folder possible"])
def test_damage_costs_figures_and_never_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str) -> None:
    accounts = accounts_of(tmp_path)
    tally_of(accounts, Role.WORKER, 1).add(place(DOCUMENTS, "indexed"), 5)
    accounts.close()
    folder = tmp_path / "counters"
    if what == "an index that is none":
        (folder / INDEX).write_bytes(b"{")
    elif what == "a slot cut short":
        os.truncate(folder / "1-worker-1", 100)
    elif what == "a newer format":
        (folder / INDEX).write_bytes(b'{"format": 9, "other": true}')
    else:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("in the way")
    accounts = accounts_of(tmp_path)
    assert accounts.read(Role.WORKER, 1)[place(DOCUMENTS, "indexed")] == 0
    tally_of(accounts, Role.WORKER, 1).add(place(DOCUMENTS, "indexed"))
    assert accounts.read(Role.WORKER, 1)[place(DOCUMENTS, "indexed")] == 1
    assert caplog.records[-1].levelname == "ERROR"
    if what == "a newer format":
        assert (tmp_path / "counters-of-format-9" / "1-worker-1").exists()


def test_a_slot_that_its_process_cuts_short_does_not_end_the_reader(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    os.ftruncate(accounts.descriptor(Role.ACCEPTOR, 1), 0)
    assert sum(accounts.read(Role.ACCEPTOR, 1)) == 0


def test_an_orphan_counts_to_its_end(tmp_path: Path) -> None:
    """A supervisor was killed; its worker goes on for two seconds."""
    accounts = accounts_of(tmp_path)
    orphan = tally_of(accounts, Role.WORKER, 1)
    accounts.close()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal orphan
        waits.append(seconds)
        if len(waits) == 3:
            orphan.add(place(WRITTEN), 8)
            orphan = Tally(1)  # it ends: the kernel takes its mapping and the lock

    successor = Accounts(tmp_path / "counters", 1, 2, 5.0, sleep)
    assert len(waits) == 3
    assert successor.read(Role.WORKER, 1)[place(WRITTEN)] == 8


def test_slots_are_small(tmp_path: Path) -> None:
    assert all(slot_bytes(len(cells)) < 4096 for cells in CELLS.values())
