"""Landlock (landlock(7)): a process gives up rights over files, TCP and other processes for good, without being root."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping

from tidegate.daemon.lockdown.kernel import system_call

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; the same numbers on all processors."""

_ASK_VERSION = 1
_PATH_BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, MAKE_SOCK, TRUNCATE = 1 << 5, 1 << 8, 1 << 9, 1 << 14

_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files, by the version that came to know them: 2 moving, 3 truncating, 5 ioctl of devices."""
_NETWORK_RIGHTS = 3
"""Binding and connecting TCP sockets: from version 4 on."""
_SCOPES = 3
"""Abstract UNIX sockets of others, and signals to others: from version 6 on."""
NETWORK_VERSION, SCOPE_VERSION = 4, 6


def version() -> int:
    """Of the kernel's Landlock; 0 where there is none, or where it is switched off."""
    try:
        return system_call(CREATE_RULESET, 0, 0, _ASK_VERSION)
    except OSError:
        return 0


def restrict(allowed: Mapping[str, int]) -> None:
    """From now on this thread, and those it starts, have no right over files but those of `allowed` (folder to rights), open
    no TCP connection, listen on no new port, and reach no process outside by signal, memory or abstract socket, as far as the
    kernel's version goes. What is open stays open. Folders that do not exist are passed over. Raises OSError."""
    known = version()
    rights = _FILE_RIGHTS[max(known_by for known_by in _FILE_RIGHTS if known_by <= max(known, 1))]
    fields = [rights]
    if known >= NETWORK_VERSION:
        fields.append(_NETWORK_RIGHTS)
    if known >= SCOPE_VERSION:
        fields.append(_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = system_call(CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for folder, wanted in allowed.items():
            try:
                descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                system_call(ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", wanted & rights, descriptor), 0)
            finally:
                os.close(descriptor)
        system_call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
