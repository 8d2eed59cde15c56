"""`tidegate prove`: its plan, its options, its table."""

from __future__ import annotations

import argparse
import io
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from tidegate.cli.main import main
from tidegate.cli.prove import arguments as given
from tidegate.cli.prove.findings import Arrived, compare
from tidegate.cli.prove.oracle import Fate
from tidegate.cli.prove.plan import MEANING, MOODS, TARGETS, Fault, Target, plan
from tidegate.cli.prove.progress import Progress
from tidegate.cli.prove.report import Report
from tidegate.daemon.errors import EXIT_USAGE


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kills", [0, 1, 20, 200])
def test_a_plan_holds_all_kills_and_each_fault_once(target: str, kills: int) -> None:
    steps = plan(kills, target, tuple(Fault), Random(7))
    counts = Counter(steps)
    assert sum(counts[victim] for victim in Target) == kills
    assert all(counts[fault] == (fault is not Fault.REJECT) for fault in Fault), "a refusal holds for the whole run"
    if target != "mixed":
        assert counts[Target(target)] == kills
    assert steps == plan(kills, target, tuple(Fault), Random(7))


def test_kills_fall_between_the_faults() -> None:
    steps = plan(90, "all", tuple(Fault), Random(1))
    places = [place for place, step in enumerate(steps) if isinstance(step, Fault)]
    assert max(later - earlier for earlier, later in pairwise(places)) <= 13


def test_every_fault_is_explained_and_known() -> None:
    assert MEANING.keys() == set(Fault)
    assert set(Fault) == {*MOODS, Fault.REJECT, Fault.DISK, Fault.FREEZE}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("none", ()), ("all", tuple(Fault)), ("disk, freeze", (Fault.DISK, Fault.FREEZE)), ("hang", (Fault.HANG,))],
)
def test_faults_are_read(text: str, expected: tuple[Fault, ...]) -> None:
    assert given.faults(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (given.faults, "disk,fire"),
        (given.faults, ""),
        (given.number(1, 9), "0"),
        (given.number(1, 9), "10"),
        (given.number(1, 9), "x"),
        (given.seed, "12345"),
        (given.seed, "ABCDEF01"),
    ],
)
def test_what_cannot_be_is_refused(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(argparse.ArgumentTypeError):
        parse(text)


def test_a_folder_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--folder", "/nowhere/at/all"]) == EXIT_USAGE
    assert "is no folder" in capsys.readouterr().err


def report(fates: bytes, times: dict[int, int], **rest: object) -> Report:
    values: dict[str, object] = {
        "seed": "00c0ffee",
        "filesystem": "ext4",
        "store": "stand-in for Elasticsearch",
        "steps": {"worker": 3},
        "restarts": 0,
        "seconds": 4.2,
        "findings": compare(fates, Arrived(times, frozenset(), {})),
        "answers": {"connection cut before the answer": 1, "503 \x1b[31mred": 1},
        "conflicts": 3,
        "lost_answers": 1,
        "fresh": 0.2,
        "again": {"worker": 1.25},
        "frozen": 12.0,
        "slowest": 0.5,
        "memory": [100 << 20, 120 << 20],
    }
    return Report(**{**values, **rest})  # type: ignore[arg-type] # a table of values for a test


def test_the_table_says_that_it_is_proved() -> None:
    made = report(bytes([Fate.ACKNOWLEDGED, Fate.CUT]), {0: 1})
    lines = made.lines()
    assert lines[-1] == "PROVED: each acknowledged event arrived exactly once"
    assert not any("\x1b" in line for line in lines)
    assert all(len(line) <= 90 for line in lines[3:])
    assert made.as_json()["proved"] is True
    assert made.as_json()["events"]["sent"] == 2


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (report(bytes([Fate.ACKNOWLEDGED]), {}), "1 events acknowledged and lost, such as 0"),
        (report(bytes([Fate.ACKNOWLEDGED]), {0: 2}), "arrived TWICE"),
        (report(bytes([Fate.ACKNOWLEDGED]), {0: 1}, fresh=-1.0), "a fresh event did not arrive"),
        (report(bytes([Fate.ACKNOWLEDGED]), {0: 1}, troubles=["it ended with 1"]), "it ended with 1"),
    ],
)
def test_the_table_says_what_is_wrong(made: Report, words: str) -> None:
    assert "NOT PROVED" in made.lines()
    assert words in "\n".join(made.lines())
    assert made.as_json()["proved"] is False


def test_progress_in_a_log_is_a_line_now_and_then() -> None:
    stream = io.StringIO()
    with Progress(stream) as say:
        for number in range(5):
            say(f"step {number}")
    assert stream.getvalue() == "step 0\n"
