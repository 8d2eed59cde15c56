"""A process's own log file: rotated by size and by time, private, followed when somebody moves it.

Each process has its own (`tidegate-worker-1.ndjson`): none waits for a lock of another, nobody's rotation takes the file
away under the others, and a process that was killed leaves no half line before another's.
"""

from __future__ import annotations

import io
import logging
import os
import re
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tidegate.daemon.settings.parts import LogFilesPart
from tidegate.daemon.telemetry.repeats import Repeats
from tidegate.daemon.telemetry.rotation import stretch

_PROCESSES = r"-(?:supervisor|(?:acceptor|worker)-[0-9]+)\.(?:ndjson|log)"


class LogFile(RotatingFileHandler):
    """Appends to `path`; what it cannot write it hands to `spare` (standard error), which is told why once a minute.

    A rotated file gets `.1` behind its name, `.2` the one before it, up to `part.keep`; a file grows beyond
    `part.rotate_bytes` by one line at most.
    """

    def __init__(
        self,
        path: Path,
        part: LogFilesPart,
        spare: logging.Handler,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(path, maxBytes=part.rotate_bytes, backupCount=part.keep, encoding="utf-8", delay=True)
        self._part = part
        self._spare = spare
        self._clock = clock
        self._monotonic = monotonic
        self._repeats = Repeats()
        self._identity = (0, 0)
        """Device and inode of the file that is open."""

    def _open(self) -> io.TextIOWrapper:
        mode = self._part.mode
        make_folder(self._part)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
        descriptor = os.open(self.baseFilename, flags, mode)
        try:
            status = os.fstat(descriptor)
            self._identity = (status.st_dev, status.st_ino)
            if stat.S_IMODE(status.st_mode) != mode:
                with suppress(PermissionError):  # another's file that we may write: its mode is its owner's choice
                    os.fchmod(descriptor, mode)
            if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
                os.write(descriptor, b"\n")  # the disk was full in the middle of a line
        except OSError:
            os.close(descriptor)
            raise
        return open(descriptor, "a", encoding="utf-8", errors="backslashreplace")  # noqa: PTH123 - a descriptor

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Whether the file is large or old enough. Opens it, also in place of one that was moved away or deleted."""
        try:
            status = os.stat(self.baseFilename)  # noqa: PTH116 - once a line: cheaper than a Path
        except FileNotFoundError:
            status = None
        if self.stream is not None and (status is None or (status.st_dev, status.st_ino) != self._identity):
            self._let_go()
        if self.stream is None:
            self.stream = self._open()
            status = os.fstat(self.stream.fileno())
        assert status is not None  # noqa: S101 - without a file there was no stream, and now there are both
        return bool(status.st_size) and stat.S_ISREG(status.st_mode) and self._is_over(status)

    def _is_over(self, status: os.stat_result) -> bool:
        if status.st_size >= self.maxBytes:
            return True
        interval = self._part.interval
        moments = status.st_mtime, self._clock()
        if not interval or int(moments[0]) == int(moments[1]):  # most lines follow another of the same second
            return False
        written, now = (datetime.fromtimestamp(moment).astimezone() for moment in moments)
        return stretch(written, interval) != stretch(now, interval)

    def handleError(self, record: logging.LogRecord) -> None:
        """Hands the record to `spare`; the file is tried again with the next one."""
        error = sys.exc_info()[1]
        self._let_go()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            count = self._repeats.due(self._monotonic(), reason)
            if count:
                text = "log file %s cannot be written: %s; its lines go to standard error meanwhile (%d lines)"
                arguments = (self.baseFilename, reason, count)
                self._spare.handle(
                    logging.LogRecord("tidegate.log", logging.WARNING, __file__, 0, text, arguments, None)
                )
        self._spare.handle(record)

    def _let_go(self) -> None:
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):  # what is left in its buffer cannot be written now either
                stream.close()


def make_folder(part: LogFilesPart) -> None:
    """Makes the folder. Raises OSError."""
    # whoever may read the files may enter their folder; one that exists is left as its owner wants it
    readers = part.mode & 0o044
    Path(part.folder).mkdir(mode=0o700 | readers | readers >> 2, parents=True, exist_ok=True)


def path_for(part: LogFilesPart, process_name: str, suffix: str) -> Path:
    """The file of a process."""
    return Path(part.folder) / f"{part.name}-{process_name}{suffix}"


def rotate_all(part: LogFilesPart, spare: logging.Handler) -> None:
    """Begins new files for all processes: what the supervisor does at its start (`rotateonstartup`).

    A successor of a child that died goes on in its predecessor's file, else a child that dies again and again would
    rotate away the reason. Never raises OSError.
    """
    of_ours = re.compile(re.escape(part.name) + _PROCESSES).fullmatch
    try:
        found = [path for path in Path(part.folder).iterdir() if of_ours(path.name) and path.stat().st_size]
    except OSError:  # no folder yet, or one that cannot be read: the first line will tell
        return
    for path in found:
        handler = LogFile(path, part, spare)
        with suppress(OSError):
            handler.doRollover()
        handler.close()
