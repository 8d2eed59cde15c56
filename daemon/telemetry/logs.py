"""Logging of every process: where its lines go and in which form (docs/logging.md)."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tidegate.daemon.settings.parts import LogFilesPart, LoggingPart
from tidegate.daemon.telemetry.calm import Calm
from tidegate.daemon.telemetry.formats import HumanFormatter, JsonFormatter
from tidegate.daemon.telemetry.journal import JournalFormatter, goes_to_journal
from tidegate.daemon.telemetry.log_file import LogFile, make_folder, path_for, rotate_all

LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
SUPERVISOR = "supervisor"

_log = logging.getLogger("tidegate")

_STDERR = 2


class StandardError(logging.Handler):
    """Writes each record with one system call, so that lines of several processes do not mix, and keeps nothing in a
    buffer: what cannot be written (a full disk, a reader that is gone) must not fail a later write, or the exit.

    A record that cannot be formatted costs one line that names it, but not its arguments.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        # started with standard error closed: the number may belong to any file by now
        self._descriptor = -1 if sys.stderr is None else _STDERR

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as problem:  # a mistake in a log call must not become one of what it tells about
            line = f"a log line could not be made ({type(problem).__qualname__}): {str(record.msg)[:200]!r}"
        left = f"{line}\n".encode("utf-8", "backslashreplace")
        with suppress(OSError):
            while left:
                left = left[os.write(self._descriptor, left) :]


def set_up_logging(part: LoggingPart, process_name: str) -> None:
    """Sends all logging of this process to standard error, or to its own log file if `part.files` says so.

    The supervisor's errors then go to standard error as well: a start that fails must not look as if nothing happened.
    """
    form = HumanFormatter if part.format == "human" else JsonFormatter
    formatter: logging.Formatter = form(process_name, whole_traces=_at_debug)
    if sys.stderr is not None and goes_to_journal(os.environ, _STDERR):
        on_stderr: logging.Formatter = JournalFormatter(formatter)
    else:
        on_stderr = formatter
    targets: list[logging.Handler] = [StandardError(on_stderr)]
    if part.files is not None:
        path = path_for(part.files, process_name, ".log" if part.format == "human" else ".ndjson")
        file = LogFile(path, part.files, spare=StandardError(on_stderr))
        file.setFormatter(formatter)
        if process_name == SUPERVISOR:
            _begin_files(part.files, path, targets[0])
            targets[0].setLevel(logging.ERROR)
            targets.append(file)
        else:
            targets = [file]
    root = logging.getLogger()
    root.handlers[:] = [Calm(targets)]
    root.setLevel(LEVELS[part.level])
    logging.captureWarnings(True)
    # Libraries say at warning what we say better ourselves, per request and with addresses.
    for name in ("elastic_transport", "elasticsearch", "urllib3", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("asyncio").addFilter(_without_arguments)
    sys.excepthook = _last_words
    threading.excepthook = _last_words_of_thread


def change_level(part: LoggingPart) -> None:
    """Takes up another level; where lines go and in which form stays as it was set up."""
    logging.getLogger().setLevel(LEVELS[part.level])


def log_folder(part: LoggingPart) -> str | None:
    """The folder of log files, made if it is not there yet; None where logs go to standard error."""
    if part.files is None:
        return None
    with suppress(OSError):  # the first line that cannot be written tells
        make_folder(part.files)
    return part.files.folder


def _begin_files(part: LogFilesPart, path: Path, stderr: logging.Handler) -> None:
    if part.rotate_on_start:
        rotate_all(part, stderr)
    text = "from here on logs go to files: %s, and one such file for each other process"
    stderr.handle(logging.LogRecord(_log.name, logging.INFO, __file__, 0, text, (path,), None))


def _at_debug() -> bool:
    """Whether contents of events may be shown in what is said of defects."""
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def _without_arguments(record: logging.LogRecord) -> bool:
    """The event loop puts the arguments of the callback that failed into its message: bytes from clients among them."""
    if not _at_debug():
        record.msg, record.args = record.getMessage().partition("\n")[0].partition("(")[0], None
    return True


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("this process ends for a defect of Tidegate", exc_info=(kind, error, trace))


def _last_words_of_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and not isinstance(what.exc_value, SystemExit):
        name = what.thread.name if what.thread is not None else "that is gone"
        _log.critical("thread %s ended for a defect of Tidegate", name, exc_info=what.exc_value)
