"""How an acceptor shuts itself off before it serves: no file but code and its own log, no connection, no other process."""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import tidegate.daemon
from tidegate.daemon.lockdown import landlock, seccomp
from tidegate.daemon.lockdown.kernel import drop_capabilities, forbid_new_privileges

_READ = landlock.READ_FILE | landlock.READ_DIR
_LOG = (
    _READ | landlock.WRITE_FILE | landlock.TRUNCATE | landlock.MAKE_REG | landlock.REMOVE_FILE
)  # rotation moves and deletes

NO_LANDLOCK = (
    "this kernel has no Landlock (or it is switched off): code that an attacker runs in an acceptor could open whatever "
    "Tidegate's user may open: settings, spool, stored events; beside what an acceptor holds in any case: the TLS key, secret "
    "tokens, requests under way"
)
NO_NETWORK = "this kernel's Landlock is older than version 4 (Linux 6.7): only seccomp keeps an acceptor from opening connections"
NO_SCOPE = (
    "this kernel's Landlock is older than version 6 (Linux 6.12), and system calls are not filtered: code that an attacker runs in "
    "an acceptor could end other processes of Tidegate's user"
)
NO_SECCOMP = "system calls of an acceptor are not filtered: it could connect to UNIX sockets of Tidegate's user"


def shut_off(runtime_folder: str, log_folder: str | None) -> list[str]:
    """Gives up all that the process does not need, for all threads that start later; call it while there is one thread.

    Returns what the kernel cannot do, in words; an empty list is the whole protection. Raises OSError when the kernel
    promises a means and then refuses it.
    """
    # What libraries read at first use, before they cannot any more.
    time.localtime()
    forbid_new_privileges()
    drop_capabilities()
    missing = []
    version = landlock.version()
    if not version:
        missing.append(NO_LANDLOCK)
    else:
        landlock.restrict(allowed(runtime_folder, log_folder))
        if version < landlock.NETWORK_VERSION:
            missing.append(NO_NETWORK)
    if not _filters(seccomp.refuse_calls):
        missing.append(NO_SECCOMP)
        if 0 < version < landlock.SCOPE_VERSION:
            missing.append(NO_SCOPE)
    return missing


def prepare() -> None:
    """What has to be given up before there is an event loop (`seccomp.refuse_rings`)."""
    forbid_new_privileges()
    _filters(seccomp.refuse_rings)


def _filters(begin: Callable[[], None]) -> bool:
    """Whether the kernel filters system calls from now on."""
    if not seccomp.known_machine():
        return False
    try:
        begin()
    except OSError:
        return False
    return True


def allowed(runtime_folder: str, log_folder: str | None) -> dict[str, int]:
    """Folders and rights. Code may be read, since Python imports late (an error's words, an encoding); it is no secret. In the
    runtime folder the acceptor makes its socket, and reads nothing."""
    rules = dict.fromkeys(code_folders(), _READ)
    rules[runtime_folder] = landlock.MAKE_SOCK
    if log_folder is not None:
        rules[log_folder] = _LOG
    return rules


def code_folders() -> list[str]:
    """Python's library, installed packages, and this part of ours."""
    paths = sysconfig.get_paths()
    named = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    installed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return [*dict.fromkeys([*named, *installed, str(Path(tidegate.daemon.__file__).parent)])]
