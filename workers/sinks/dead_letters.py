"""Dead letters: documents that the store will never take, each with the reason, as lines of JSON in a folder.

    {"@timestamp": …, "index": …, "id": …, "status": …, "type": …, "reason": …, "document": {…}}

A worker that is killed between a letter and the checkpoint leaves a successor that is refused the same documents again:
letters of blocks from before are looked for in what is there, and written once.

Files are 0600: they hold what senders sent. The oldest file goes when the folder grows beyond its bytes or its age.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import msgspec
import orjson
from tidegate.daemon.settings.parts import DeadLetterPart
from tidegate.workers.sinks.parcel import Letter
from tidegate.workers.spool.disk import RESERVE, Disk

FILES = 8
"""The bound is kept by deleting whole files: an eighth of what is kept goes at a time."""
REASON_CHARACTERS = 500
_SUFFIX = ".ndjson"


class _Target(msgspec.Struct):
    index: str = msgspec.field(name="_index", default="")
    id: str = msgspec.field(name="_id", default="")


class _Line(msgspec.Struct):
    """Of a file: the rest is not read."""

    index: str = ""
    id: str = ""


class _Action(msgspec.Struct):
    create: _Target


_read_action = msgspec.json.Decoder(_Action).decode
_read_line = msgspec.json.Decoder(_Line).decode


def target_of(action: bytes) -> tuple[str, str]:
    """Index and id of a bulk action line; empty where it has none. Raises msgspec.MsgspecError."""
    target = _read_action(action).create
    return target.index, target.id


def letter_line(letter: Letter, moment: str) -> bytes:
    """One line of a dead-letter file."""
    index, identity = target_of(letter.action)
    head = orjson.dumps(
        {
            "@timestamp": moment,
            "index": index,
            "id": identity,
            "status": letter.status,
            "type": letter.type,
            "reason": letter.reason[:REASON_CHARACTERS],
        }
    )
    return b'%b,"document":%b}\n' % (head[:-1], letter.document)


def _targets_in(file: Path) -> Iterator[tuple[str, str]]:
    """Index and id of each letter; a line that is not whole is passed over. Raises OSError."""
    with file.open("rb") as lines:
        for line in lines:
            with suppress(msgspec.MsgspecError):
                letter = _read_line(line)
                yield letter.index, letter.id


class DeadLetters:
    """Thread-safe. `wall` gives seconds since the epoch."""

    def __init__(self, part: DeadLetterPart, wall: Callable[[], float], disk: Disk | None = None) -> None:
        self._part, self._wall = part, wall
        self._disk = disk or Disk()
        self._folder = Path(part.folder)
        self._lock = Lock()
        self._descriptor: int | None = None
        self._size = 0
        self._number = 0
        self._written: set[tuple[str, str]] | None = None

    def write(self, letters: Sequence[Letter]) -> None:
        """The letters are on disk when it returns. Raises OSError; then none of them counts as written."""
        now = self._wall()
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock:
            data = b"".join(letter_line(letter, moment) for letter in letters if not self._has(letter))
            if not data:
                return
            self._make_room(len(data), now)
            descriptor = self._open(len(data))
            self._leave_reserve(len(data))
            try:
                self._disk.write(descriptor, [data], self._size)
                self._disk.sync(descriptor)
            except OSError:
                self._give_up()
                raise
            self._size += len(data)

    def change(self, part: DeadLetterPart) -> None:
        """Other bounds; the folder stays."""
        self._part = part  # without the lock: who holds it may be waiting for the disk

    def close(self) -> None:
        with self._lock:
            self._end_file()

    def _has(self, letter: Letter) -> bool:
        """Whether an earlier process wrote it: this worker's, or one whose spool was taken over."""
        if not letter.earlier:
            return False
        if self._written is None:
            self._written = {found for file in self._folder.parent.glob(f"*/*{_SUFFIX}") for found in _targets_in(file)}
        return target_of(letter.action) in self._written

    def _open(self, need: int) -> int:
        """The file to append to; each start and each eighth of the bound begins a new one."""
        if self._descriptor is not None and self._size and self._size + need > self._part.max_bytes // FILES:
            self._end_file()
        if self._descriptor is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._number = 1 + max((number for number, _ in self._files()), default=0)
            path = self._folder / f"{self._number:016d}{_SUFFIX}"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._size = 0
            self._disk.sync_folder(self._folder)
        return self._descriptor

    def _leave_reserve(self, need: int) -> None:
        space = self._disk.space(self._folder)
        if space.free - need < space.total * RESERVE:
            raise OSError(
                errno.ENOSPC, f"the last {RESERVE:.0%} of the filesystem of {self._folder} are left to others"
            )

    def _give_up(self) -> None:
        """Cuts off what may be half written, and never writes to that file again."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._disk.truncate(self._descriptor, self._size)
        self._end_file()

    def _end_file(self) -> None:
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None
            if not self._size:
                with suppress(OSError):
                    self._disk.remove(self._folder / f"{self._number:016d}{_SUFFIX}")

    def _files(self) -> list[tuple[int, Path]]:
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            name = path.name.removesuffix(_SUFFIX)
            if name.isascii() and name.isdigit():
                found.append((int(name), path))
        return sorted(found)

    def _make_room(self, need: int, now: float) -> None:
        """Deletes the oldest files that are too old or too much. A file that is written to is never deleted."""
        files = []
        for number, path in self._files():
            with suppress(OSError):
                figures = path.stat()
                files.append((number, path, figures.st_size, figures.st_mtime))
        used = sum(size for _, _, size, _ in files)
        for number, path, size, modified in files:
            if self._descriptor is not None and number == self._number:
                continue
            if used + need > self._part.max_bytes or now - modified > self._part.max_age:
                self._disk.remove(path)
                used -= size
