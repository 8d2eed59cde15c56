"""What the server's processes on this machine use, from /proc (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTENS = "0A"
"""State of a socket in /proc/net/tcp."""
_ROLES = {"tidegate.daemon.acceptor.main": "acceptor", "tidegate.workers.main": "worker"}


class Use(NamedTuple):
    """Of one process, since its start."""

    name: str
    cpu: float
    """Seconds, user and system, all threads."""
    resident: int
    """Bytes."""


def find_server(port: int) -> int | None:
    """The process that listens on a TCP port of this machine: the eldest of those that hold the socket. None where it
    cannot be seen (another user's, another machine's)."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    holders = [pid for pid in _processes() if sockets & _files(pid)]
    parents = {pid: _parent(pid) for pid in holders}
    return min((pid for pid in holders if parents[pid] not in parents), default=None)


def tree(root: int) -> dict[int, Use]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for pid in _processes():
        with suppress(OSError, ValueError, IndexError):
            children.setdefault(_parent(pid), []).append(pid)
    found: dict[int, Use] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        with suppress(OSError, ValueError, IndexError):
            found[pid] = use(pid)
        waiting += children.get(pid, [])
    return found


def use(pid: int) -> Use:
    """Of one process. Raises OSError when it is gone."""
    fields = _stat(pid)
    resident = int((PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    return Use(_name(pid), (int(fields[11]) + int(fields[12])) / _TICKS, resident)


def _name(pid: int) -> str:
    words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    role = next((_ROLES[word] for word in words if word in _ROLES), None)
    if role is None:
        role = "supervisor" if any(Path(word).name == "tidegate" for word in words[:3]) else Path(words[0]).name
    return role or (PROC / str(pid) / "comm").read_text().strip()


def _stat(pid: int) -> list[str]:
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except OSError:
        return 0


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _files(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found.add(str(entry.readlink()))
    return found
