"""Folders, locks and sockets that one instance owns while it runs; made by the supervisor only."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path

from tidegate.daemon.errors import StartError

LOCK_WAIT_S = 5.0
"""Children of a supervisor that was killed leave within two seconds; a successor waits for that."""
IPC_PATH_LIMIT = 107
"""Bytes of a UNIX socket's path (sys/un.h), the name of the socket included."""
LONGEST_SOCKET_NAME = "a999-12345678.sock"
SOCKET_NAMES = "a[0-9]*-[0-9a-f]*.sock"
"""Of the sockets between acceptors and workers; agents' own may lie in the same folder (`apm-server.host: unix:…`)."""
BACKLOG = 1024

DATA_LOCKED = (
    "data path already locked by another beat. "
    "Please make sure that multiple beats are not sharing the same data path (path.data)"
)


def make_data_folder(folder: Path) -> None:
    """`path.data`, 0700. Raises StartError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise StartError(
            f"path.data: {folder} cannot be made ({problem.strerror}); choose another folder, or start as its owner: "
            "sudo -u tidegate tidegate run"
        ) from problem


def lock_data_folder(folder: Path) -> int:
    """A descriptor that holds `folder`; the lock goes with the process. Raises StartError."""
    try:
        descriptor = os.open(folder / "tidegate.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise StartError(
            f"path.data: {folder} is not writable for this user ({problem.strerror}); start as its owner: "
            "sudo -u tidegate tidegate run"
        ) from problem
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StartError(f"{DATA_LOCKED}: {folder}") from None
            time.sleep(0.05)
        else:
            return descriptor


LIMITS_FILE = "limits"
"""In the runtime folder: what acceptors share about client addresses; it means nothing to the next instance."""


class RuntimeFolder:
    """The private folder of this instance's sockets: `$RUNTIME_DIRECTORY`, else a fresh short temporary one.

    Its path is noted under `path.data`, so that what a killed instance left behind is removed by its successor.
    """

    def __init__(self, path_data: Path, runtime_directory: str | None) -> None:
        self._note = path_data / "runtime-folder"
        self._own = runtime_directory is None
        self._remove_predecessor()
        if runtime_directory is None:
            self.path = Path(tempfile.mkdtemp(prefix="tidegate-"))
            self._note.write_text(str(self.path))
        else:
            self.path = Path(runtime_directory)
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clear()
        if len(os.fsencode(self.path / LONGEST_SOCKET_NAME)) > IPC_PATH_LIMIT:
            raise StartError(
                f"runtime folder {self.path}: its name is too long for a UNIX socket; set TMPDIR to a shorter one"
            )

    def remove(self) -> None:
        """Removes the sockets, and the folder if this instance made it."""
        if self._own:
            shutil.rmtree(self.path, ignore_errors=True)
            self._note.unlink(missing_ok=True)
        else:
            self._clear()

    def _clear(self) -> None:
        for left in (*self.path.glob(SOCKET_NAMES), self.path / LIMITS_FILE):
            left.unlink(missing_ok=True)

    def _remove_predecessor(self) -> None:
        try:
            left = Path(self._note.read_text())
        except OSError:
            return
        # Only a folder of ours, by name and owner, is ever removed.
        if left.name.startswith("tidegate-") and left.is_dir() and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
        self._note.unlink(missing_ok=True)


def listen(host: str, port: int, key: str = "apm-server.host") -> list[socket.socket]:
    """Listening sockets for `host` (a name may have several addresses; "" is every one), which the setting `key` names. Raises
    StartError."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise StartError(f"{key}: {host!r} is not an address of this machine ({problem.strerror})") from problem
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as problem:
            # A kernel without IPv6 resolves its addresses all the same.
            if problem.errno == errno.EAFNOSUPPORT and len(found) > 1:
                continue
            raise
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as problem:
            sock.close()
            if problem.errno == errno.EADDRNOTAVAIL and sockets:
                continue
            for other in sockets:
                other.close()
            raise StartError(_why_not(key, host, port, problem)) from problem
        sock.setblocking(False)
        sockets.append(sock)
    return sockets


class SocketFile:
    """A listening UNIX socket and its file (http-surface.md 7.2); who may connect, the umask decides, as in the original."""

    def __init__(self, path: str) -> None:
        """Takes the place of a socket that nobody listens on any more. Raises StartError."""
        self._path = Path(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._remove_predecessor()
            self.socket.bind(path)
            self.socket.listen(BACKLOG)
            self._identity = self._look()
        except OSError as problem:
            self.socket.close()
            raise StartError(f"apm-server.host: cannot listen on unix:{path}: {problem.strerror}") from problem
        except StartError:
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def remove(self) -> None:
        """Removes the file, if it is still ours."""
        try:
            if self._look() == self._identity:
                self._path.unlink()
        except OSError:
            return

    def _look(self) -> tuple[int, int, int]:
        """Which file it is: inodes are used again, so the time belongs to it (which a change of mode does not touch)."""
        status = self._path.lstat()
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def _remove_predecessor(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise StartError(
                f"apm-server.host: {self._path} is there, and no socket; choose another path, or remove it yourself"
            )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            # One that listens and is busy must not keep us waiting.
            probe.setblocking(False)
            try:
                probe.connect(str(self._path))
            except ConnectionRefusedError:
                self._path.unlink()
                return
            except BlockingIOError:
                pass
        raise StartError(
            f"apm-server.host: unix:{self._path} is already in use by another program "
            f"(find it: ss -lxp src {self._path}); stop that one or choose another path"
        )


def _why_not(key: str, host: str, port: int, problem: OSError) -> str:
    where = f"{host or '*'}:{port}"
    if problem.errno == errno.EADDRINUSE:
        return (
            f"{key}: {where} is already in use by another program "
            f"(find it: ss -ltnp 'sport = :{port}'); stop that one or choose another port"
        )
    if problem.errno == errno.EACCES:
        return (
            f"{key}: this user may not listen on {where}; "
            "ports below 1024 need a systemd socket or CAP_NET_BIND_SERVICE"
        )
    return f"{key}: cannot listen on {where}: {problem.strerror}"
