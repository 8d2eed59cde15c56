"""A model of a disk that loses power: what was written and not synced may be there, may be lost, or may be torn.

`RecordingDisk` does the real calls and notes them. `states` then builds what could be left if the power had gone after any
of them. A file's data is safe once it was synced; its name once its folder was. What was not synced survives
wholly, not at all, or in sectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from tidegate.workers.spool.disk import Disk, Space

SECTOR = 512
"""The least that a disk writes whole."""


class Call(NamedTuple):
    """One call, or (`acknowledged`, `out`) what the test notes between them."""

    kind: str
    name: str
    offset: int = 0
    data: bytes = b""


class RecordingDisk(Disk):
    """Notes what is done to the files of one folder."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def note(self, kind: str, name: str) -> None:
        """What the test knows at this moment."""
        self.calls.append(Call(kind, name))

    def create(self, path: Path, size: int) -> int:
        self.calls.append(Call("create", path.name, size))
        return super().create(path, size)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        super().write(descriptor, buffers, offset)
        self.calls.append(Call("write", name_of(descriptor), offset, b"".join(buffers)))

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.calls.append(Call("sync", name_of(descriptor)))

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.calls.append(Call("sync_folder", ""))

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self.calls.append(Call("truncate", name_of(descriptor), size))

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.calls.append(Call("remove", path.name))

    def space(self, folder: Path) -> Space:
        return Space(1 << 40, 1 << 40)


def name_of(descriptor: int) -> str:
    return Path(f"/proc/self/fd/{descriptor}").readlink().name


@dataclass
class _File:
    """`named`, `gone`: its name, or the loss of it, is on the disk."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)
    named: bool = False
    removed: bool = False
    gone: bool = False


class Survivor(NamedTuple):
    """What could be left after a loss of power."""

    files: dict[str, bytes]
    acknowledged: set[str]
    out: set[str]
    """What had its outcome by then."""


def states(calls: Sequence[Call], random: Random) -> Iterator[Survivor]:
    """After each call: nothing that was not synced survived; all of it did; some sectors did."""
    files: dict[str, _File] = {}
    acknowledged: set[str] = set()
    out: set[str] = set()
    for call in calls:
        if call.kind in ("acknowledged", "out"):
            (acknowledged if call.kind == "acknowledged" else out).add(call.name)
            continue
        _apply(files, call)
        for luck in ("none", "all", "some"):
            yield Survivor(_survivors(files, luck, random), set(acknowledged), set(out))


def _apply(files: dict[str, _File], call: Call) -> None:
    if call.kind == "sync_folder":
        for file in files.values():
            file.named = True
            file.gone = file.gone or file.removed
        return
    if call.kind == "create":
        files[call.name] = _File(pending=[Call("truncate", call.name, call.offset)])
    elif call.kind == "remove":
        if call.name in files:
            files[call.name].removed = True
    else:
        file = files.setdefault(call.name, _File())  # the checkpoint is opened beside the disk
        if call.kind == "sync":
            for one in file.pending:
                _change(file.safe, one.kind, one.offset, one.data)
            file.pending = []
        else:
            file.pending.append(call)


def _change(content: bytearray, kind: str, offset: int, data: bytes) -> None:
    if kind == "truncate":
        del content[offset:]
        content += bytes(offset - len(content))
    else:
        content += bytes(max(0, offset + len(data) - len(content)))
        content[offset : offset + len(data)] = data


def _survivors(files: dict[str, _File], luck: str, random: Random) -> dict[str, bytes]:
    left = {}
    for name, file in files.items():
        if file.gone or (file.removed and _lucky(luck, random)) or not (file.named or _lucky(luck, random)):
            continue
        content = bytearray(file.safe)
        for call in file.pending:
            if call.kind == "truncate":
                if _lucky(luck, random):
                    _change(content, "truncate", call.offset, b"")
                continue
            for start, piece in _sectors(call.offset, call.data):
                if _lucky(luck, random):
                    _change(content, "write", start, piece)
        left[name] = bytes(content)
    return left


def _lucky(luck: str, random: Random) -> bool:
    return luck == "all" or (luck == "some" and random.random() < 0.5)


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The write in pieces that end at bounds of sectors."""
    at = 0
    while at < len(data):
        end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
        yield offset + at, data[at:end]
        at = end
