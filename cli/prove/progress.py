"""What happens, on standard error while it happens: one line that is written over on a terminal, now and then one elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from tidegate.cli.terminal import cut, safe, terminal_of

_EVERY = 10.0
"""Seconds between two lines where they stay, as in a log."""


class Progress:
    """Call it with a text."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._terminal = terminal_of(stream)
        self._over = stream.isatty()
        self._said = -_EVERY

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._over:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if self._over:
            line = cut(safe(text), self._terminal.width - 1, self._terminal.glyphs)
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
        elif now - self._said >= _EVERY:
            self._said = now
            print(safe(text), file=self._stream, flush=True)
