"""The system calls of the spool, one method each, so that tests can make any of them fail."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

RESERVE = 0.10
"""Share of its filesystem that Tidegate never takes: other programs fail badly on a full disk."""
_PAGE = 4096
"""What a disk that cannot read answers for: its sectors are 512 or 4096 bytes."""
_MOST_BUFFERS = 1024
"""IOV_MAX of Linux."""
_UNREADABLE = b"\xff"
"""Stands for bytes that the disk cannot give back: not zeros, which would look like space never written."""
_NO_PREALLOCATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class Space(NamedTuple):
    """Of a filesystem, in bytes."""

    free: int
    total: int


class Disk:
    """Every method raises OSError."""

    unreadable = 0
    """Pages that could not be read, and were filled."""

    def create(self, path: Path, size: int) -> int:
        """A new file, 0600, with `size` bytes set aside where the filesystem can; the descriptor."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            self.allocate(descriptor, size)
        except OSError as problem:
            if problem.errno not in _NO_PREALLOCATION:
                os.close(descriptor)
                self.remove(path)
                raise
        return descriptor

    def allocate(self, descriptor: int, size: int) -> None:
        os.posix_fallocate(descriptor, 0, size)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        """All of the buffers, at `offset`."""
        for first in range(0, len(buffers), _MOST_BUFFERS):
            some = buffers[first : first + _MOST_BUFFERS]
            size = sum(map(len, some))
            written = os.pwritev(descriptor, some, offset)
            offset += written
            if written < size:
                rest = b"".join(some)[written:]
                while rest:
                    written = os.pwrite(descriptor, rest, offset)
                    offset += written
                    rest = rest[written:]

    def sync(self, descriptor: int) -> None:
        """Returns when the file's data is on the disk."""
        os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Returns when the folder's entries are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def remove(self, path: Path) -> None:
        """Nothing is said of a file that is not there."""
        path.unlink(missing_ok=True)

    def move(self, path: Path, to: Path) -> None:
        """Within one filesystem, in one step; nothing may be at `to`."""
        path.rename(to)

    def space(self, folder: Path) -> Space:
        """What an ordinary user may still take, and the whole."""
        figures = os.statvfs(folder)
        return Space(figures.f_bavail * figures.f_frsize, figures.f_blocks * figures.f_frsize)

    def read(self, descriptor: int, offset: int, size: int) -> bytes:
        """`size` bytes, fewer at the end of the file; pages that cannot be read are filled with 0xff."""
        try:
            return self._pread(descriptor, offset, size)
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
        parts = []
        while size > 0:
            step = min(size, _PAGE - offset % _PAGE)
            try:
                part = self._pread(descriptor, offset, step)
            except OSError as problem:
                if problem.errno != errno.EIO:
                    raise
                part = _UNREADABLE * step
                self.unreadable += 1
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def _pread(self, descriptor: int, offset: int, size: int) -> bytes:
        data = os.pread(descriptor, size, offset)
        while 0 < len(data) < size:
            more = os.pread(descriptor, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def lock(self, path: Path) -> int | None:
        """Takes the lock file; the descriptor that holds it, None when another process does."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def close(self, descriptor: int) -> None:
        """A failure to close says nothing about data that was synced before."""
        with suppress(OSError):
            os.close(descriptor)
