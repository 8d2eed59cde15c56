"""Log lines for systemd's journal: each with its priority, so that `journalctl -p warning` works (sd-daemon(3))."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


def goes_to_journal(environ: Mapping[str, str], descriptor: int) -> bool:
    """Whether the descriptor is the one that systemd connected to the journal: `JOURNAL_STREAM` is its device and inode.

    A process that redirected its standard error has the variable all the same (systemd.exec(5)).
    """
    stream = environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def priority(level: int) -> int:
    """The journal's number for a level of `logging`."""
    return next((number for least, number in _PRIORITIES if level >= least), _DEBUG)


class JournalFormatter(logging.Formatter):
    """What `inner` makes, with `<N>` before each line of it."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{priority(record.levelno)}>"
        return prefix + self._inner.format(record).replace("\n", f"\n{prefix}")
