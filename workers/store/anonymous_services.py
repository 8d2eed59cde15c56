"""Names of services that anonymous senders have given: a bounded number, over all workers and all restarts."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from pathlib import Path

LONGEST_NAME = 1024
"""Letters; the protocol allows as many."""

log = logging.getLogger("tidegate.auth")


class AnonymousServices:
    """A file of one name a line, as JSON, that only grows. The record lock of a worker that dies ends with it."""

    def __init__(self, file: Path, most: int) -> None:
        self.most = most
        """Names that are taken in all."""
        self._file = file
        self._names: set[str] = set()
        self._read = 0

    def admit(self, name: str) -> bool:
        """Whether the name is one of the first `most`; a new one is noted on disk."""
        if name in self._names:
            return True
        if len(self._names) < self.most and len(name) <= LONGEST_NAME:
            try:
                if self._note(name):
                    return True
            except (OSError, ValueError) as problem:
                log.warning("%s: new services of anonymous senders are refused: %s", self._file, problem)
                return False
        log.warning(
            "anonymous senders have named %d services, no more are taken (tidegate.auth.anonymous.max_services). Name the "
            "right ones in apm-server.auth.anonymous.allow_service; to forget those, remove %s and restart",
            len(self._names),
            self._file,
        )
        return False

    def _note(self, name: str) -> bool:
        """Looks what other workers have noted meanwhile; then notes the name, if there is room. Raises OSError, ValueError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o600)
        with os.fdopen(descriptor, "r+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.seek(self._read)
            rest = opened.read()
            # A death within a write leaves half a line; what follows begins a new one.
            whole = rest[: rest.rfind(b"\n") + 1]
            for line in whole.splitlines():
                self._names.add(_name(line))
            self._names.discard("\0")
            self._read += len(whole)
            if name in self._names:
                return True
            if len(self._names) >= self.most:
                return False
            begin = b"\n" if len(whole) < len(rest) else b""
            opened.write(begin + json.dumps(name).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        self._names.add(name)
        return True


def _name(line: bytes) -> str:
    """The name in a line; a NUL for a line that is damaged, which no name is."""
    try:
        name = json.loads(line)
    except ValueError:
        return "\0"
    return name if isinstance(name, str) else "\0"
