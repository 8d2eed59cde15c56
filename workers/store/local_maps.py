"""Source maps beside the local store: a folder with one file for each.

A file is one line of JSON (key, hash, when) and then the content, zlib. Its name is the hash of the key, so that a map
replaces the one of the same key in one step, and readers need no lock.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from tidegate.workers.store.map_content import unpack
from tidegate.workers.store.source_maps import (
    MOST_MAPS,
    Listing,
    MapKey,
    MapRefused,
    MapsForbidden,
    MapsUnavailable,
    Packed,
    StoredMap,
)

SUFFIX, _FRESH = ".map", ".new"
ABANDONED_S = 3600.0
"""Age of a file from which nobody is writing it any more; that takes a second."""
LONGEST_HEAD = 16 << 10
"""Bytes of the first line: three texts of an upload's longest, with escapes."""
MOST_BYTES = 2 << 30
"""Of all files. A folder for a first look and for small sites; some thousand maps of a usual size."""


class _Head(msgspec.Struct):
    service: str
    version: str
    path: str
    sha256: str
    created: str


_head = msgspec.json.Decoder(_Head).decode


class LocalMaps:
    """Implements `source_maps.MapStore`. A folder that is not there holds no maps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def maps(self) -> Listing:
        """See `MapStore`. A file that is not one of ours is passed over."""
        with _reading(self._folder):
            files = sorted(self._files())
            found = [stored for file in files[:MOST_MAPS] if (stored := _stored(file)) is not None]
        return Listing(found, max(len(files) - MOST_MAPS, 0))

    def content(self, key: MapKey, largest: int) -> bytes | None:
        """See `MapStore`."""
        with _reading(self._folder):
            try:
                with _open(self._file(key)) as opened:
                    opened.readline(LONGEST_HEAD)
                    zipped = opened.read()
            except FileNotFoundError:
                return None
        return unpack(zipped, largest)

    def put(self, key: MapKey, packed: Packed, created: str) -> None:
        """See `MapStore`."""
        head = msgspec.json.encode(_Head(*key, packed.sha256, created))
        with _reading(self._folder):
            if not self._folder.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._give(self._folder, self._folder.parent)
            self._sweep()
            self._make_sure_of_room(key, len(head) + len(packed.zipped))
            fresh = self._folder / f".{secrets.token_hex(8)}{_FRESH}"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(fresh, flags, 0o600), "wb") as opened:
                    opened.write(head + b"\n")
                    opened.write(packed.zipped)
                    opened.flush()
                    os.fsync(opened.fileno())
                self._give(fresh, self._folder)
                fresh.replace(self._file(key))
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
            self._sync()

    def delete(self, key: MapKey) -> bool:
        """See `MapStore`."""
        with _reading(self._folder):
            try:
                self._file(key).unlink()
            except FileNotFoundError:
                return False
            self._sync()
        return True

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, key: MapKey) -> Path:
        name = hashlib.sha256(msgspec.json.encode(key)).hexdigest()
        return self._folder / f"{name[:40]}{SUFFIX}"

    def _files(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            for file in self._folder.iterdir():
                if file.suffix == SUFFIX:
                    yield file

    def _make_sure_of_room(self, key: MapKey, size: int) -> None:
        own = self._file(key)
        others = [file for file in self._files() if file != own]
        taken = sum(file.stat().st_size for file in others)
        if len(others) >= MOST_MAPS or taken + size > MOST_BYTES:
            raise MapRefused(
                f"{self._folder} holds {len(others)} source maps with {taken >> 20} MiB, and takes {MOST_MAPS} and "
                f"{MOST_BYTES >> 20} MiB: remove those of old versions (tidegate sourcemap delete)"
            )

    def _sweep(self) -> None:
        """Removes what a writer has left that did not come to its end."""
        for file in self._folder.glob(f".*{_FRESH}"):
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > ABANDONED_S:
                    file.unlink()

    def _give(self, file: Path, like: Path) -> None:
        """To the owner of the folder, where root writes: the daemon has to read it."""
        owner = like.stat()
        if os.geteuid() == 0 and file.lstat().st_uid != owner.st_uid:
            os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _open(file: Path) -> BinaryIO:
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _stored(file: Path) -> StoredMap | None:
    try:
        with _open(file) as opened:
            line = opened.readline(LONGEST_HEAD)
            head = _head(line)
            size = os.fstat(opened.fileno()).st_size - len(line)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return StoredMap(MapKey(head.service, head.version, head.path), head.sha256, head.created, size)


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as problem:
        raise MapsForbidden(f"{problem.filename or folder} may not be used by this user") from problem
    except OSError as problem:
        raise MapsUnavailable(f"{problem.filename or folder}: {problem.strerror}") from problem
