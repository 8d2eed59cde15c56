"""What a process last complained about, for status: the same records that go to the log, after repeats were held back."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tidegate.daemon.control.messages import Logged
from tidegate.daemon.telemetry.calm import REQUEST_LOGGER, Calm

LONGEST_TEXT = 500
"""Letters of a complaint; the log has the whole."""


class Recent(logging.Handler):
    """Hands on records from level warning on, without those of requests; from any thread."""

    def __init__(self, tell: Callable[[Logged], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != REQUEST_LOGGER:
            text = " ".join(record.getMessage().split())
            self._tell(Logged(record.created, record.levelname.lower(), text[:LONGEST_TEXT]))


def tell_complaints(tell: Callable[[Logged], None]) -> None:
    """From now on `tell` hears of each complaint of this process; to be called after logging is set up."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Calm):
            handler.also(Recent(tell))
