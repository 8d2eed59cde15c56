"""Where the admin socket lies: `admin.sock` in `path.data`, for Tidegate's own user and root.

A socket's path has a limit (`places.IPC_PATH_LIMIT`), and data folders may lie deep: a longer one is reached through a
descriptor of its folder (proc_pid_fd(5)).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tidegate.daemon.errors import StartError
from tidegate.daemon.places import IPC_PATH_LIMIT

NAME = "admin.sock"
_BACKLOG = 16


def listen(folder: Path) -> socket.socket:
    """A listening socket in the folder, which the caller holds locked: one that is there already is a dead instance's.
    Raises StartError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove(folder)
        # On Linux the file is born with the socket's mode: at no moment may others connect.
        os.fchmod(sock.fileno(), 0o600)
        with reachable(folder) as path:
            sock.bind(path)
        sock.listen(_BACKLOG)
    except OSError as problem:
        sock.close()
        raise StartError(f"path.data: no admin socket can be made in {folder}: {problem.strerror}") from problem
    sock.setblocking(False)
    return sock


def remove(folder: Path) -> None:
    """Removes the socket's file."""
    with suppress(FileNotFoundError):
        (folder / NAME).unlink()


@contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough, while the context lasts. Raises OSError."""
    path = str(folder / NAME)
    if len(os.fsencode(path)) <= IPC_PATH_LIMIT:
        yield path
        return
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
