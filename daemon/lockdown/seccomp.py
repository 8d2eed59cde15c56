"""seccomp (seccomp(2)): system calls that an acceptor never needs fail from now on.

Landlock does not cover connections to UNIX sockets that have a path (an admin socket, another acceptor's link), nor UDP;
and where a kernel has no Landlock, this still keeps an acceptor from starting programs and from other processes' memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from tidegate.daemon.lockdown.kernel import PR_SET_SECCOMP, prctl

_MODE_FILTER = 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""Instructions of classic BPF: load a word of what is looked at, jump if equal or not less, return."""
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in struct seccomp_data; the argument's lower half, as all machines here are little-endian."""
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_KILL = 0x80000000
_X32 = 0x40000000


class Machine(NamedTuple):
    """A kind of processor: what its calls are marked with, and their numbers (asm/unistd.h)."""

    audit: int
    socket: int
    refused: dict[str, int]


_COMMON = {"io_uring_setup": 425, "pidfd_getfd": 438, "process_madvise": 440}
MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        41,
        {
            "connect": 42,
            "execve": 59,
            "execveat": 322,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "open_by_handle_at": 304,
            **_COMMON,
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        198,
        {
            "connect": 203,
            "execve": 221,
            "execveat": 281,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "open_by_handle_at": 265,
            **_COMMON,
        },
    ),
}
"""`io_uring_setup` is among them because its requests pass by these filters."""


def known_machine() -> bool:
    """Whether the numbers of this processor's calls are known here."""
    return os.uname().machine in MACHINES


def refuse_calls() -> None:
    """This thread, and those it starts, connect to nobody, make only UNIX sockets, start no program and look into no process.
    Wants `no_new_privs`. Raises OSError; KeyError where `known_machine` is false."""
    program = b"".join(_program(MACHINES[os.uname().machine]))
    code = ctypes.create_string_buffer(program, len(program))
    prctl(PR_SET_SECCOMP, _MODE_FILTER, struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))


def _program(machine: Machine) -> Iterator[bytes]:
    """Instructions of eight bytes: code, jump if true, jump if false, value."""
    yield _instruction(_LOAD, _ARCHITECTURE_AT)
    # Another architecture's calls have other numbers; nobody here makes them.
    yield _instruction(_EQUAL, machine.audit, 1, 0)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_LOAD, _NUMBER_AT)
    yield _instruction(_AT_LEAST, _X32, 0, 1)
    yield _instruction(_RETURN, _KILL)
    for number in machine.refused.values():
        yield _instruction(_EQUAL, number, 0, 1)
        yield _instruction(_RETURN, _REFUSE)
    yield _instruction(_EQUAL, machine.socket, 1, 0)
    yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_LOAD, _FIRST_ARGUMENT_AT)
    yield _instruction(_EQUAL, socket.AF_UNIX, 0, 1)
    yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _REFUSE)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
