"""API keys beside the local store: a file that `tidegate api-key` writes and a worker reads. It holds hashes, no keys."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from tidegate.workers.sinks.contract import TryAgain

LARGEST_FILE = 16 << 20
"""Bytes; one with more is not ours."""


class StoredKey(msgspec.Struct, frozen=True):
    """One key. Its secret has 128 random bits or more: one round of a hash is as good as many."""

    id: str
    name: str
    hash: str
    """SHA-256 of the secret, hexadecimal."""
    privileges: list[str]
    created: int
    """Seconds since the epoch."""


class _File(msgspec.Struct):
    keys: list[StoredKey]


_State = tuple[int, int, int]


def hash_of(secret: bytes) -> str:
    """The form in which a secret is kept."""
    return sha256(secret).hexdigest()


class LocalKeys:
    """Implements `api_keys.Keys`. A change of the file counts from the next question on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: _State | None = None
        self._keys: dict[str, StoredKey] = {}

    def privileges(self, credential: str) -> list[str]:
        """See `api_keys.Keys`."""
        try:
            key_id, colon, secret = base64.b64decode(credential, validate=True).partition(b":")
        except binascii.Error:
            return []
        key = self._current().get(key_id.decode("utf-8", "replace"))
        given = hash_of(secret)
        right = hmac.compare_digest(given, key.hash if key is not None else hash_of(b""))
        return list(key.privileges) if key is not None and right and colon else []

    def _current(self) -> dict[str, StoredKey]:
        try:
            state = _state_of(self._file)
            if state != self._seen:
                self._keys = {key.id: key for key in read_keys(self._file)}
                self._seen = state
        except (OSError, ValueError) as problem:
            raise TryAgain(f"{self._file}: {problem}", degraded=True) from problem
        return self._keys

    def close(self) -> None:
        """See `api_keys.Keys`: nothing is open."""


def _state_of(file: Path) -> _State:
    try:
        found = file.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def read_keys(file: Path) -> list[StoredKey]:
    """All keys; none if there is no file. Raises OSError, and ValueError for a file that is not ours."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return []
    if len(data) > LARGEST_FILE:
        raise ValueError(f"has more than {LARGEST_FILE} bytes")
    return msgspec.json.decode(data, type=_File).keys


@contextmanager
def changing(file: Path) -> Iterator[list[StoredKey]]:
    """The keys, to be changed in place: written whole, synced and renamed, while others who want to change them wait.

    The file belongs to the owner of its folder, so that a worker can read what root has written. Raises OSError, ValueError.
    """
    with (file.parent / f".{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read_keys(file)
        yield keys
        fresh = file.with_name(f".{file.name}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(_File(keys)), indent=1) + b"\n")
            opened.flush()
            folder = file.parent.stat()
            if os.geteuid() == 0:
                os.fchown(opened.fileno(), folder.st_uid, folder.st_gid)
                os.fchown(lock.fileno(), folder.st_uid, folder.st_gid)
            os.fsync(opened.fileno())
        fresh.replace(file)
