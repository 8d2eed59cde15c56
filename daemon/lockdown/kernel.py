"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def system_call(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """What the call returns. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_argument, arguments)))


def prctl(option: int, *arguments: int | bytes) -> int:
    """See prctl(2). Raises OSError."""
    given = [*map(_argument, arguments), *[ctypes.c_ulong(0)] * (4 - len(arguments))]
    return _checked(_libc.prctl(ctypes.c_int(option), *given))


def _argument(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(returned: int) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned


def hide_memory() -> None:
    """Keeps other processes of this user out of our memory and environment, and events out of core dumps (`dumpable`,
    proc(5)). Root, and a debugger of root, still get in."""
    prctl(PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """No program that this process ever starts gains rights by set-user-id bits or file capabilities."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
