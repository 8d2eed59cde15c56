"""Priorities for systemd's journal (sd-daemon(3))."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from tidegate.daemon.telemetry.formats import HumanFormatter
from tidegate.daemon.telemetry.journal import JournalFormatter, goes_to_journal, priority


@pytest.mark.parametrize(
    ("level", "number"),
    [
        (logging.CRITICAL, 2),
        (logging.ERROR, 3),
        (logging.WARNING, 4),
        (logging.INFO, 6),
        (logging.DEBUG, 7),
        (35, 4),
        (5, 7),
    ],
)
def test_priority(level: int, number: int) -> None:
    assert priority(level) == number


def test_only_the_descriptor_that_systemd_connected_counts(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        given = f"{status.st_dev}:{status.st_ino}"
        assert goes_to_journal({"JOURNAL_STREAM": given}, stream.fileno())
        for other in (f"{status.st_dev}:{status.st_ino + 1}", "", "nonsense"):
            assert not goes_to_journal({"JOURNAL_STREAM": other}, stream.fileno())
        assert not goes_to_journal({}, stream.fileno())
        closed = stream.fileno()
    assert not goes_to_journal({"JOURNAL_STREAM": given}, closed)


def test_every_line_has_it() -> None:
    try:
        raise OSError(28, "No space left on device")
    except OSError as problem:
        error = problem
    record = logging.LogRecord(
        "tidegate", logging.ERROR, "", 0, "text\n<7>more", None, (OSError, error, error.__traceback__)
    )
    lines = JournalFormatter(HumanFormatter("worker-1", whole_traces=lambda: False)).format(record).split("\n")
    assert len(lines) > 2
    assert all(line.startswith("<3>") for line in lines)
