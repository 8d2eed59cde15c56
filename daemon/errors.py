"""Errors that end a start; their text is for the person who started Tidegate."""

from __future__ import annotations

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_PARTLY, EXIT_SETTINGS = 0, 1, 2, 3, 78
"""Exit codes of every command: done, failed or findings, wrong usage, done but for a part that needs more (a restart), settings
invalid (sysexits EX_CONFIG)."""
EXIT_NOT_RUNNING = 3
"""Of `status`, where no instance runs; as `systemctl status` has it (LSB)."""


class StartError(Exception):
    """Tidegate cannot start; the message says what is in the way and what to do."""

    exit_code = EXIT_FAILURE


class UnfitError(StartError):
    """No restart can mend it: a service manager must not try again."""

    exit_code = EXIT_SETTINGS
