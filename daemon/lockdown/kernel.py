"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES_BYTES = 24

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


def drop_capabilities() -> None:
    """Gives up those of a process that root started; for good, once no program gains any (`forbid_new_privileges`). Raises
    OSError. Where there are none nothing is asked for: filters round us may refuse the call, or kill for it."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    held = ctypes.create_string_buffer(_CAPABILITIES_BYTES)
    _checked(_libc.capget(header, held))
    if any(held.raw):
        _checked(_libc.capset(header, bytes(_CAPABILITIES_BYTES)))


def forbid_new_privileges() -> None:
    """No program that this process ever starts gains rights by set-user-id bits or file capabilities."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
