"""Starting the whole anew in the same process, with the listening sockets kept: after an upgrade of a running Tidegate.

Clients that connect meanwhile wait in the kernel. The sockets go over as systemd's do (sd_listen_fds(3)), so the new program
takes them in the same way, and compares them with its settings.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tidegate.daemon import __version__
from tidegate.daemon.activation import FIRST_DESCRIPTOR, MOST

NOTE = "version"
"""In path.data: which version served last, so that an older one that cannot read what that wrote can name it."""


def start_anew(sockets: Sequence[socket.socket]) -> NoReturn:
    """Replaces the program of this process by what is installed now, with the same command line. Raises OSError."""
    # Out of the way first: the numbers they are to have may be those of others among them.
    parked = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR + MOST) for sock in sockets]
    for place, descriptor in enumerate(parked):
        os.dup2(descriptor, FIRST_DESCRIPTOR + place, inheritable=True)
    environment = {name: text for name, text in os.environ.items() if name not in ("LISTEN_PID", "LISTEN_FDS")}
    if parked:
        environment |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(parked))}
    # `sys.executable`, not the name in the command line, which may mean another file by now.
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - our own command line


def note_version(path_data: Path) -> None:
    """Notes that this version serves. A failure is of no consequence but for the words of a later refusal."""
    fresh = path_data / f"{NOTE}.{os.getpid()}"
    try:
        fresh.write_text(json.dumps({"version": __version__}) + "\n", encoding="utf-8")
        fresh.replace(path_data / NOTE)
    except OSError:
        fresh.unlink(missing_ok=True)


def noted_version(path_data: Path) -> str:
    """The version that served last; empty if that is not known, or is this one."""
    try:
        noted = json.loads((path_data / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    version = noted.get("version") if isinstance(noted, dict) else None
    return version[:64] if isinstance(version, str) and version.isprintable() and version != __version__ else ""
