"""Brings files to the state that they are to have, and says what that changed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


class Wanted(NamedTuple):
    """A file as it is to be."""

    path: Path
    text: str
    mode: int = 0o644
    keep: bool = False
    """One that is there belongs to its owner and stays as it is."""
    mark: str = ""
    """Only a file that holds it is ours to change."""


class Foreign(Exception):
    """A file that is there and not ours; the text says what to do."""


def compare(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, str, str | None]]:
    """Each file with what is to happen, `create`, `change`, `keep` or nothing, and its content now. Raises Foreign, OSError."""
    for file in wanted:
        if file.path.is_symlink() and not file.keep:
            raise Foreign(f"{file.path} is a link to {file.path.readlink()} (masked?): take it away, and try again")
        try:
            now = file.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            yield file, "create", None
            continue
        if file.keep:
            yield file, "keep", now
        elif now == file.text:
            yield file, "", now
        elif file.mark not in now:
            raise Foreign(
                f"{file.path} was not written by `tidegate systemd install`: move it away, and try again; "
                "what is worth keeping belongs into a drop-in (systemctl edit tidegate.service)"
            )
        else:
            yield file, "change", now


def write(file: Wanted) -> None:
    """Whole or not at all. Raises OSError."""
    file.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = file.path.with_name(f".{file.path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, file.mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(descriptor, file.mode)  # the umask may have taken something away
            opened.write(file.text)
            opened.flush()
            os.fsync(descriptor)
        beside.rename(file.path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def difference(now: str, then: str) -> list[str]:
    """The lines that change, with `-` and `+`."""
    lines = difflib.unified_diff(now.splitlines(), then.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]
