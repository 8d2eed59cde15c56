"""The files of dead letters (`workers.sinks.dead_letters`), read and thinned out while the workers go on writing them.

A worker appends to the file with the highest number of its folder, and to no other. So nothing here changes a file: ids
that are settled (stored after all, or purged) are noted in a file of their own, and a file goes when nothing in it is left
to settle and no worker can be writing to it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import msgspec

SETTLED_FILE = "settled"
_LOCK_FILE = "tidegate.lock"
"""Held by a running daemon (`tidegate.daemon.places`)."""


class StoredLetter(msgspec.Struct, frozen=True):
    """A document that the store refused, and why."""

    moment: str = msgspec.field(name="@timestamp")
    index: str
    id: str
    status: int
    type: str
    reason: str
    document: msgspec.Raw
    """JSON, as it was sent."""


_read = msgspec.json.Decoder(StoredLetter).decode


class LettersBusy(Exception):
    """Another command is at work on the dead letters."""


class LetterFiles:
    """All dead letters below a data folder. Every method may raise OSError; PermissionError names the file.

    As a context manager it keeps other commands from changing anything meanwhile: raises LettersBusy.
    """

    def __init__(self, path_data: Path) -> None:
        self._path_data = path_data
        self.folder = path_data / "dead-letters"
        self.damaged = 0
        """Lines that could not be read, in the last round; one that is being written is none."""
        self._hold: int | None = None

    def __enter__(self) -> LetterFiles:
        with suppress(FileNotFoundError):  # nothing to keep others from
            self._hold = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._hold)
                raise LettersBusy(f"another command is at work on {self.folder}; try again later") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hold is not None:
            os.close(self._hold)

    def files(self) -> list[Path]:
        """Those of each worker together, oldest first."""
        if not self.folder.exists():
            return []
        workers = [entry.name for entry in os.scandir(self.folder) if entry.is_dir() and entry.name.isdigit()]
        found = []
        for worker in sorted(workers, key=int):
            names = [entry.name for entry in os.scandir(self.folder / worker)]
            numbered = [name for name in names if name.endswith(".ndjson") and name.removesuffix(".ndjson").isdigit()]
            found += [self.folder / worker / name for name in sorted(numbered)]
        return found

    def letters(self) -> Iterator[StoredLetter]:
        """Those that are not settled, each once, in the order of `files`."""
        seen = self._settled()
        self.damaged = 0
        for file in self.files():
            for letter in self._of_file(file):
                if letter.id not in seen:
                    seen.add(letter.id)
                    yield letter

    def settle(self, ids: Collection[str]) -> None:
        """The letters with these ids are done with: on disk when it returns."""
        if ids:
            self._write(self.folder / SETTLED_FILE, os.O_APPEND, ids)

    def clean_up(self) -> int:
        """Removes files in which all is settled, and forgets ids that are in none any more; returns how many files went.

        The newest file of each worker stays while a daemon runs.
        """
        settled = self._settled()
        if not settled:
            return 0
        with self.daemon_kept_out() as stopped:
            files = self.files()
            newest = {file.parent: file for file in files}
            still: set[str] = set()
            removed = 0
            for file in files:
                ids = {letter.id for letter in self._of_file(file)}
                if ids <= settled and (stopped or newest[file.parent] != file):
                    file.unlink(missing_ok=True)
                    removed += 1
                else:
                    still |= ids & settled
        if still != settled:
            rewritten = self.folder / f"{SETTLED_FILE}.new"
            self._write(rewritten, os.O_TRUNC, still)
            rewritten.replace(self.folder / SETTLED_FILE)
        return removed

    @contextmanager
    def daemon_kept_out(self) -> Iterator[bool]:
        """Whether no daemon runs on the data folder; none starts meanwhile (it waits for five seconds)."""
        try:
            lock = os.open(self._path_data / _LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield True
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(lock)

    def _of_file(self, file: Path) -> Iterator[StoredLetter]:
        try:
            opened = file.open("rb")
        except FileNotFoundError:  # its worker made room
            return
        with opened:
            for line in opened:
                if not line.endswith(b"\n"):
                    return
                try:
                    letter = _read(line)
                except msgspec.MsgspecError:
                    self.damaged += 1
                    continue
                if letter.id and letter.index:
                    yield letter
                else:
                    self.damaged += 1

    def _settled(self) -> set[str]:
        try:
            text = (self.folder / SETTLED_FILE).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return set()
        lines = text.split("\n")
        return set(lines[:-1])  # what follows the last line end was cut off by a crash

    def _write(self, path: Path, how: int, ids: Collection[str]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if os.geteuid() == 0:  # the service's user must be able to write it, too
                folder = self.folder.stat()
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
            file.write("".join(f"{one}\n" for one in sorted(ids)).encode())
            file.flush()
            os.fsync(descriptor)
