"""Hostile code in a process that has shut itself off as an acceptor does: what it tries, and that it fails.

Each attempt is a program of its own, run in the same interpreter: it shuts itself off, then tries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.daemon.lockdown import landlock, seccomp
from tidegate.daemon.lockdown.acceptor import allowed, code_folders

needs_landlock = pytest.mark.skipif(
    landlock.version() < landlock.SCOPE_VERSION, reason="this kernel's Landlock is too old, or switched off"
)
needs_seccomp = pytest.mark.skipif(not seccomp.known_machine(), reason="the calls of this processor are not known")

PROGRAM = """
import ctypes, fcntl, json, os, resource, signal, socket, subprocess, sys, termios, threading, time
from pathlib import Path
import zmq
from tidegate.daemon.lockdown.acceptor import shut_off
from tidegate.daemon.lockdown.kernel import system_call
given = json.loads(sys.argv[1])
parent, secret, folder, runtime, logs = (given[name] for name in ("parent", "secret", "folder", "runtime", "logs"))
kept = os.open(given["folder"], os.O_PATH)
_, terminal = os.openpty()
listening = socket.create_server(("127.0.0.1", 0))
refused, limited = given["refused"], given["limited"]
assert shut_off(runtime, logs) == []
def attempt():
    %s
try:
    attempt()
except OSError as problem:
    print(problem.errno)
else:
    print("done")
"""

FILES = {
    "reads the settings": "open(secret).read()",
    "reads them by another name": "open(f'/proc/self/root{secret}').read()",
    "reads them from a folder that was open": "os.open('secret.yml', os.O_RDONLY, dir_fd=kept)",
    "lists a folder": "os.listdir(folder)",
    "lists the runtime folder": "os.listdir(runtime)",
    "writes a file": "open(folder + '/new', 'w')",
    "writes into the runtime folder": "open(runtime + '/new', 'w')",
    "overwrites the settings": "open(secret, 'r+')",
    "shortens the settings": "os.truncate(secret, 0)",
    "deletes them": "os.unlink(secret)",
    "moves them where it may write": "os.rename(secret, logs + '/moved')",
    "links them to where it may read": "os.link(secret, logs + '/linked')",
    "follows a link that it made itself": "os.symlink(secret, logs + '/link')",
    "makes a folder": "os.mkdir(folder + '/new')",
    "writes into the library": "open(os.__file__, 'r+')",
    "reads accounts": "open('/etc/passwd')",
    "reads its parent's memory": "open(f'/proc/{parent}/mem', 'rb')",
    "reads its parent's environment": "open(f'/proc/{parent}/environ', 'rb')",
    "reads its parent's command line": "open(f'/proc/{parent}/cmdline', 'rb')",
    "opens what its parent has open": "os.listdir(f'/proc/{parent}/fd')",
    "opens a device": "open('/dev/zero', 'rb')",
    "starts a program": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "tries from another thread": "in_thread(lambda: open(secret))",
}
PROCESSES = {
    "becomes another user": "os.setuid(65533)",
    "ends its parent": "os.kill(parent, signal.SIGTERM)",
    "connects by TCP": "socket.socket().connect(('127.0.0.1', given['port']))",
    "listens on a port": "socket.socket().bind(('127.0.0.1', 0))",
}
CALLS = {
    "makes a TCP socket": "socket.socket()",
    "makes a UDP socket": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "connects to a UNIX socket": "socket.socket(socket.AF_UNIX).connect(folder + '/admin.sock')",
    "starts a program": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "connects by sending, from the port it listens on": (
        "listening.shutdown(socket.SHUT_RDWR); listening.sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', 9))"
    ),
    "the same in a message": (
        "listening.shutdown(socket.SHUT_RDWR); listening.sendmsg([b'x'], [], socket.MSG_FASTOPEN, ('127.0.0.1', 9))"
    ),
    "sends a datagram to a UNIX socket": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "sends one from a pair": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "traces its parent": "system_call(refused['ptrace'], 16, parent, 0, 0)",
    "reads its parent's memory": "system_call(refused['process_vm_readv'], parent, 0, 0, 0, 0, 0)",
    "takes what its parent has open": "system_call(438, os.pidfd_open(parent), 0, 0)",
    "goes round the filter": "system_call(425, 1, 0)",
    "goes round it by a ring that is open": "system_call(426, kept, 1, 0, 0, 0)",
    "ends its parent": "signal.pidfd_send_signal(os.pidfd_open(parent), signal.SIGTERM)",
    "ends a thread of its parent": "system_call(limited['tgkill'], parent, parent, int(signal.SIGTERM))",
    "lets the kernel end its parent": "fcntl.fcntl(0, fcntl.F_SETOWN, parent)",
    "limits its parent": "resource.prlimit(parent, resource.RLIMIT_FSIZE, (0, 0))",
    "types into the terminal": "fcntl.ioctl(terminal, termios.TIOCSTI, b'x')",
    "reads the user's keys": "system_call(refused['keyctl'], 0, -4, 0)",
    "loads a program into the kernel": "system_call(refused['bpf'], 0, 0, 0)",
}
STILL = {
    "its own limits": "resource.getrlimit(resource.RLIMIT_NOFILE)",
    "a signal to its own thread": "signal.pthread_kill(threading.get_ident(), 0)",
    "a pair of sockets": "[end.send(b'x') for end in socket.socketpair()]",
    "random bytes": "os.urandom(8)",
    "a late import": "import xml.etree.ElementTree, encodings.cp1252",
    "a thread": "in_thread(lambda: os.urandom(8))",
    "the time here": "time.localtime()",
    "a memory file, by its name": "open(f'/proc/self/fd/{os.memfd_create(\"pem\")}').read()",
    "its log": "open(logs + '/acceptor.log', 'a+').write('line'); os.rename(logs + '/acceptor.log', logs + '/acceptor.log.1')",
    "its own socket in the runtime folder": (
        "c = zmq.Context(); s = c.socket(zmq.ROUTER); s.bind(f'ipc://{runtime}/a.sock'); s.close(0); c.destroy(linger=0)"
    ),
    "a child of its own": "os.waitpid(pid, 0) if (pid := os.fork()) else os._exit(0)",
}
IN_THREAD = """
def in_thread(call):
    found = []
    def run():
        try:
            call()
        except OSError as problem:
            found.append(problem)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if found:
        raise found[0]
"""


class Place:
    """What an acceptor has round it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self.runtime = folder / "run"
        self.logs = folder / "logs"
        for made in (self.folder, self.runtime, self.logs):
            made.mkdir()
        self.secret = self.folder / "secret.yml"
        self.secret.write_text("password: geheim")

    def attempt(self, code: str, *, port: int = 1) -> str:
        """The number of the error, or `done`."""
        machine = seccomp.MACHINES.get(os.uname().machine)
        given = {
            "parent": os.getpid(),
            "secret": str(self.secret),
            "folder": str(self.folder),
            "runtime": str(self.runtime),
            "logs": str(self.logs),
            "port": port,
            "refused": machine.refused if machine else {},
            "limited": machine.limited if machine else {},
        }
        program = IN_THREAD + PROGRAM.replace("%s", code)
        ran = subprocess.run(
            [sys.executable, "-c", program, json.dumps(given)], capture_output=True, text=True, timeout=30, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    assert place.secret.read_text() == "password: geheim"
    assert sorted(path.name for path in place.folder.iterdir()) == ["secret.yml"]


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("what", FILES)
def test_no_file_is_open_to_it(place: Place, what: str) -> None:
    assert place.attempt(FILES[what]) in ("1", "13", "18"), "EPERM, EACCES, EXDEV"


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("what", PROCESSES)
def test_no_other_process_is_reached(place: Place, what: str) -> None:
    assert place.attempt(PROCESSES[what]) in ("1", "13")


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("what", CALLS)
def test_calls_that_it_never_needs_are_refused(place: Place, what: str) -> None:
    assert place.attempt(CALLS[what]) in ("1", "13")


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("what", STILL)
def test_what_it_needs_still_works(place: Place, what: str) -> None:
    assert place.attempt(STILL[what]) == "done"


@needs_seccomp
def test_an_event_loop_opens_no_ring() -> None:
    """libuv does as soon as a loop is made, and through it everything that the filter refuses could be asked for."""
    code = (
        "import asyncio, os, uvloop\nfrom tidegate.daemon.lockdown import acceptor\nacceptor.prepare()\n"
        "async def look():\n    return [os.readlink(f'/proc/self/fd/{fd}') for fd in range(3, 9)]\n"
        "print(uvloop.run(look()))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert "eventpoll" in ran.stdout
    assert "io_uring" not in ran.stdout


@needs_seccomp
def test_seccomp_alone_keeps_programs_and_memory_away(place: Place) -> None:
    """As on a kernel without Landlock."""
    code = (
        "import ctypes, os, sys\n"
        "from tidegate.daemon.lockdown import landlock, acceptor\n"
        "landlock.version = lambda: 0\n"
        "missing = acceptor.shut_off('/', None)\n"
        "assert missing == [acceptor.NO_LANDLOCK], missing\n"
        "open('/proc/self/status').read()\n"
        "try:\n    os.execv(sys.executable, [sys.executable])\nexcept PermissionError:\n    print('refused')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.stdout, ran.returncode) == ("refused\n", 0), ran.stderr


def test_memory_of_a_hidden_process_is_closed_to_its_siblings() -> None:
    """Without Landlock, too; root gets in everywhere, so this drops to another user first."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become somebody else")
    hidden = (
        "import os, sys, time\nfrom tidegate.daemon.lockdown.kernel import hide_memory\n"
        "os.setgid(65534); os.setuid(65534)\nhide_memory()\nprint('hidden', flush=True)\nsys.stdin.read()\n"
    )
    looking = (
        "import os, sys\nos.setgid(65534); os.setuid(65534)\n"
        "for name in ('mem', 'environ', 'maps'):\n"
        "    try:\n        open(f'/proc/{sys.argv[1]}/{name}', 'rb').read(1); print(name)\n"
        "    except PermissionError:\n        pass\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hidden], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hidden\n"
        ran = subprocess.run(
            [sys.executable, "-c", looking, str(process.pid)], capture_output=True, text=True, timeout=30, check=True
        )
        assert ran.stdout == ""
        process.communicate("")


def test_only_code_is_open_to_reading(tmp_path: Path) -> None:
    rules = allowed(str(tmp_path), None)
    assert rules.pop(str(tmp_path)) == landlock.MAKE_SOCK
    assert set(rules) == set(code_folders())
    assert all(Path(folder).name != "/" and (Path(folder) / "..").resolve() != Path("/") for folder in rules)
    assert set(rules.values()) == {landlock.READ_FILE | landlock.READ_DIR}
