"""The handler before all others: passes records on, but a repeated trouble costs one line a minute, with a count."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from tidegate.daemon.telemetry.repeats import PERIOD, Repeats

REQUEST_LOGGER = "tidegate.request"
"""One line per request is meant: `tidegate.logging.requests` bounds it."""
_MOST_KINDS = 500
"""More places in the program than that warn; a library that makes up its messages must not fill the memory."""

_Kind = tuple[str, int, str]
"""Logger, level, message before its arguments are put in: one place in the program."""


class Calm(logging.Handler):
    """Passes each record on to those of `targets` whose level lets it through, from level warning on with restraint."""

    def __init__(self, targets: Sequence[logging.Handler], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._targets = list(targets)
        self._monotonic = monotonic
        self._kinds: dict[_Kind, Repeats] = {}
        self._look_again = 0.0

    def also(self, target: logging.Handler) -> None:
        """Adds a target."""
        self._targets.append(target)

    def emit(self, record: logging.LogRecord) -> None:
        """`handle` holds the lock."""
        now = self._monotonic()
        count = 1
        if record.levelno >= logging.WARNING and record.name != REQUEST_LOGGER:
            count = self._repeats(record).due(now, _what(record))
            record.repeats = count
        if now >= self._look_again:
            self._look_again = now + PERIOD
            self._say_rest(now)
        if count:
            self._pass_on(record)

    def _pass_on(self, record: logging.LogRecord) -> None:
        for target in self._targets:
            if record.levelno >= target.level:
                target.handle(record)

    def _repeats(self, record: logging.LogRecord) -> Repeats:
        kind = (record.name, record.levelno, str(record.msg))
        repeats = self._kinds.get(kind)
        if repeats is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            repeats = self._kinds[kind] = Repeats()
        return repeats

    def _say_rest(self, now: float) -> None:
        """What was held back and did not come again; with whatever is logged next, as no timer runs for this."""
        for (name, level, message), repeats in self._kinds.items():
            for text, count in repeats.unsaid(now):
                record = logging.LogRecord(name, level, "", 0, text or message, None, None)
                record.repeats = count
                self._pass_on(record)


def _what(record: logging.LogRecord) -> str:
    """The message; with the place of the exception, as two defects may be reported in the same words."""
    try:
        message = record.getMessage()
    except Exception:  # arguments that do not fit the message: the targets tell, whoever logs must not suffer
        return str(record.msg)
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return message
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}" if trace is not None else ""
    return f"{message} ({type(error).__qualname__}{where})"
