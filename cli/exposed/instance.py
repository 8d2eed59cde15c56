"""Looks at the instance that runs on this machine with these settings: its processes, as /proc shows them to this user."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tidegate.cli.exposed.instance_rules import Process
from tidegate.daemon.admin.places import reachable

PROC = Path("/proc")
LONGEST_S = 5.0
_FIELD = re.compile(r"^(Uid|NoNewPrivs|Seccomp):[ \t]*(\d+)(?:[ \t]+(\d+))?", re.MULTILINE)


def supervisor_of(data_folder: Path) -> int | None:
    """The process that holds the admin socket of the data folder; None where none does, or this user may not ask."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, reachable(data_folder) as path:
        sock.settimeout(LONGEST_S)
        sock.connect(path)
        # Of a listening socket, the peer is who began to listen (unix(7)).
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid or None
    return None


def processes_of(supervisor: int, proc: Path = PROC) -> list[Process]:
    """The supervisor and its children, as far as they can be seen."""
    pids = [supervisor, *(pid for pid in _pids(proc) if _parent(proc / str(pid)) == supervisor)]
    return [found for pid in pids if (found := _process(pid, proc / str(pid))) is not None]


def _pids(proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _process(pid: int, folder: Path) -> Process | None:
    try:
        command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        tasks = [(task / "status").read_text() for task in (folder / "task").iterdir()]
        owner = folder.stat().st_uid
    except OSError:
        return None
    fields = [{name: (first, second) for name, first, second in _FIELD.findall(task)} for task in tasks]
    user = int(fields[0]["Uid"][1])
    return Process(
        pid=pid,
        command=tuple(command[:-1]),
        user=user,
        no_new_privileges=all(one.get("NoNewPrivs", ("0",))[0] == "1" for one in fields),
        filtered=all(one.get("Seccomp", ("0",))[0] == "2" for one in fields),
        # What hides belongs to root (proc(5), dumpable).
        hidden=None if user == 0 else owner == 0,
    )
