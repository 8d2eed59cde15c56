"""The frames that no stored map fitted, noted in a file for `tidegate sourcemap explain`, which needs no running daemon."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

MOST_NOTED = 100
"""Files, the last ones; a page has some tens."""
LONGEST_TEXT = 2048
"""Letters of a path that are noted."""
LARGEST_FILE = 4 << 20
"""Bytes; one with more is not ours."""

log = logging.getLogger("tidegate.source_maps")


class Note(msgspec.Struct):
    """A minified file of a service, with what was looked up for its frames."""

    service: str
    version: str
    path: str
    """Without query and fragment: those may tell who was on the page."""
    frames: int
    """Since the worker started."""
    last: str
    """RFC 3339."""


class Unmapped:
    """Notes of one worker."""

    def __init__(self, file: Path, now: Callable[[], float]) -> None:
        """`now`: seconds since the epoch."""
        self._file = file
        self._now = now
        self._notes: OrderedDict[tuple[str, str, str], tuple[int, float]] = OrderedDict()
        self._changed = False

    def note(self, service: str, version: str, path: str) -> None:
        """Notes a frame."""
        key = service, version, path[:LONGEST_TEXT]
        frames, _ = self._notes.pop(key, (0, 0.0))
        self._notes[key] = frames + 1, self._now()
        if len(self._notes) > MOST_NOTED:
            self._notes.popitem(last=False)
        self._changed = True

    def take(self) -> list[Note] | None:
        """The notes, the last one first; None where nothing came since the last call."""
        if not self._changed:
            return None
        self._changed = False
        return [
            Note(*key, frames, datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds"))
            for key, (frames, last) in reversed(self._notes.items())
        ]

    def save(self, notes: list[Note]) -> None:
        """Writes the notes, all or nothing; in a thread. What fails is logged: nothing depends on it."""
        fresh = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as opened:
                opened.write(msgspec.json.encode(notes))
            fresh.replace(self._file)
        except OSError as problem:
            log.warning("which stack frames were not mapped could not be noted: %s", problem)


def read_notes(file: Path) -> list[Note]:
    """The notes of a worker; none where the file is not there. Raises OSError, ValueError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE)
    except FileNotFoundError:
        return []
    try:
        return msgspec.json.decode(content, type=list[Note])
    except msgspec.MsgspecError as problem:
        raise ValueError(f"{file} is damaged ({problem}): remove it, the worker writes it anew") from problem
