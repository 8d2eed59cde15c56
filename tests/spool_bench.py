"""What the tests of the spool share: a spool on a real folder, and a disk that fails as told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from msgspec.structs import replace as with_values
from tidegate.daemon.settings.parts import SpoolPart
from tidegate.workers.spool.block import block_lines
from tidegate.workers.spool.disk import Disk, Space
from tidegate.workers.spool.spool import Spool


class FaultyDisk(Disk):
    """Real system calls, of which some fail as told: name → errors to raise, one for each call; None: go on.

    Calls that concern a file fail only for segments, not for the checkpoint.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[int | None]] = {}
        self.always: dict[str, int] = {}
        self.half_written = False
        self.figures: Space | None = None

    def _may_fail(self, name: str, descriptor: int | None = None) -> None:
        if descriptor is not None and Path(f"/proc/self/fd/{descriptor}").readlink().suffix != ".segment":
            return
        code = self.always.get(name) or (self.faults.get(name) or [None]).pop(0)
        if code:
            raise OSError(code, os.strerror(code))

    def allocate(self, descriptor: int, size: int) -> None:
        self._may_fail("allocate", descriptor)
        super().allocate(descriptor, size)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        try:
            self._may_fail("write", descriptor)
        except OSError:
            if self.half_written:
                data = b"".join(buffers)
                super().write(descriptor, [data[: len(data) * 2 // 3]], offset)
            raise
        super().write(descriptor, buffers, offset)

    def sync(self, descriptor: int) -> None:
        self._may_fail("sync", descriptor)
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._may_fail("truncate", descriptor)
        super().truncate(descriptor, size)

    def sync_folder(self, folder: Path) -> None:
        self._may_fail("sync_folder")
        super().sync_folder(folder)

    def space(self, folder: Path) -> Space:
        return self.figures or super().space(folder)


class Bench:
    """A spool, and what its callers hear."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        values = {"max_bytes": 64 << 20, "memory": 8 << 20, "segment_bytes": 1 << 20} | changes
        self.part = SpoolPart(folder=str(folder), **values)
        self.folder = folder
        self.disk = FaultyDisk()
        self.disk.figures = Space(1 << 40, 1 << 40)
        self.answers: SimpleQueue[str | None] = SimpleQueue()
        self.spool = self.new()
        self.opened: list[Spool] = []

    def new(self, **changes: Any) -> Spool:
        part = with_values(self.part, **changes)
        return Spool(part, 1, lambda call: call(), disk=self.disk, sleep=lambda _: None)

    def start(self) -> Any:
        self.opened.append(self.spool)
        return self.spool.start()

    def store(self, *names: str, size: int = 50) -> str | None:
        """Appends one batch and waits for its answer."""
        lines = [line for name in names for line in document(name, size)]
        self.spool.append(lines, len(names), self.answers.put)
        return self.answers.get(timeout=10)

    def names(self, max_bytes: int = 1 << 30) -> list[str]:
        """Takes all blocks out."""
        return [name for stored in self.take(max_bytes) for name in names_of(stored)]

    def take(self, max_bytes: int = 1 << 30) -> list[Any]:
        taken = []
        while some := self.spool.next_blocks(max_bytes, 1 << 30):
            taken += some
        return taken

    def again(self) -> Any:
        """Closes and starts anew."""
        self.spool.close()
        self.spool = self.new()
        return self.start()


def document(name: str, size: int = 50) -> tuple[bytes, bytes]:
    padding = os.urandom(size // 2).hex()
    return b'{"create":{"_id":"%s"}}\n' % name.encode(), b'{"p":"%s"}\n' % padding.encode()


def names_of(stored: Any) -> list[str]:
    return [line.split(b'"')[5].decode() for line in block_lines(stored.block)[::2]]
