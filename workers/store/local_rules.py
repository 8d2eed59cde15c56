"""Rules beside the local store: a file of the documents that Elasticsearch would have, written by `tidegate agent-config`."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from tidegate.workers.store.rule_documents import MOST_RULES, rule_of
from tidegate.workers.store.source import CannotRead, NotPermitted, Reading

LOOK_S = 1.0
"""Seconds between two looks at the file: without a cluster that costs nothing, and a change is seen at once."""
LARGEST_FILE = 16 << 20
"""Bytes; one with more is not ours."""

_State = tuple[int, int, int]


class LocalRules:
    """Implements `source.RuleSource`. A file that is not there holds no rules."""

    interval = LOOK_S

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: _State | None = None

    def read(self) -> Reading | None:
        """All rules, if the file is another than at the last reading. Raises CannotRead."""
        state = _state_of(self._file)
        if state == self._seen:
            return None
        documents = read_documents(self._file)
        self._seen = state
        rules = [rule for document in documents[:MOST_RULES] if (rule := rule_of(document)) is not None]
        return Reading(rules, len(documents) - len(rules))

    def close(self) -> None:
        """Nothing is open."""


def _state_of(file: Path) -> _State:
    try:
        found = file.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    except OSError as problem:
        raise CannotRead(f"{file}: {problem.strerror}") from problem
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def read_documents(file: Path) -> list[dict[str, Any]]:
    """The documents of the file; none if it is not there. Raises CannotRead."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return []
    except PermissionError as problem:
        raise NotPermitted(f"{file} may not be read by this user") from problem
    except OSError as problem:
        raise CannotRead(f"{file}: {problem.strerror}") from problem
    if len(content) > LARGEST_FILE:
        raise CannotRead(f"{file} has more than {LARGEST_FILE >> 20} MiB: it is not one of Tidegate's")
    try:
        return msgspec.json.decode(content, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise CannotRead(f"{file} is damaged ({problem}): correct it, or remove it to begin without rules") from problem


@contextmanager
def changing(file: Path) -> Iterator[list[dict[str, Any]]]:
    """The documents of the file, to be changed in place; they are written, all or nothing, when the block ends without an
    error. Other writers wait. Raises CannotRead, OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    lock = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        owner = os.fstat(folder)
        _give(lock, owner)
        fcntl.flock(lock, fcntl.LOCK_EX)
        documents = read_documents(file)
        yield documents
        fresh = file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            _give(descriptor, owner)
            opened.write(msgspec.json.format(msgspec.json.encode(documents), indent=2) + b"\n")
            opened.flush()
            os.fsync(descriptor)
        fresh.replace(file)
        os.fsync(folder)
    finally:
        os.close(lock)
        os.close(folder)


def _give(descriptor: int, owner: os.stat_result) -> None:
    """To the owner of the folder, where root writes: the daemon has to read it."""
    found = os.fstat(descriptor)
    if os.geteuid() == 0 and stat.S_ISREG(found.st_mode) and found.st_uid != owner.st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
