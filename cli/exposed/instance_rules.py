"""Whether the processes of the running instance are what they should be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.daemon.settings import table

ACCEPTOR = "tidegate.daemon.acceptor.main"


class Process(NamedTuple):
    """One process of the instance."""

    pid: int
    command: tuple[str, ...]
    user: int
    """It acts with this user's rights."""
    no_new_privileges: bool
    """All its threads."""
    filtered: bool
    """System calls of all its threads."""
    hidden: bool | None
    """Whether others of its user may look into it; None where that cannot be told (root's own)."""

    @property
    def is_acceptor(self) -> bool:
        return ACCEPTOR in self.command


def processes(found: Sequence[Process]) -> Iterator[Finding]:
    """The supervisor first, as `processes_of` gives them."""
    if found and found[0].user == 0:
        yield Finding(
            "runs-as-root",
            Severity.MEDIUM,
            "Tidegate runs as root: who takes over a worker has the machine",
            "",
            "a user of its own: User= in the unit, or sudo -u tidegate tidegate run",
        )
    for one in found:
        if one.is_acceptor and not (one.no_new_privileges and one.filtered):
            lacks = "its system calls are not filtered" if one.no_new_privileges else "it may gain privileges"
            yield Finding(
                "acceptor-not-shut-off",
                Severity.HIGH,
                f"acceptor {one.pid} is not shut off: {lacks}; the log of its start says why",
                "",
                "a kernel and a container that allow it, then a restart",
            )
        if one.hidden is False:
            yield Finding(
                "process-not-hidden",
                Severity.HIGH,
                f"other programs of its user can look into process {one.pid}, and read keys and events there",
                "",
                "a restart; if it stays so, something makes it dumpable again",
            )
    for one in found[:1]:
        for key in given_in_clear(one.command):
            yield Finding(
                "secret-on-command-line",
                Severity.HIGH,
                f"{key} stands on the command line of process {one.pid}: every user of this machine can read it (ps)",
                key,
                "in the settings file, as a variable: ${NAME} with LoadCredential= or the environment",
            )


def given_in_clear(command: Sequence[str]) -> list[str]:
    """Keys of secrets that a command line gives, and not as variables."""
    found = []
    for before, word in zip(("", *command), command, strict=False):
        pair = word if before == "-E" else word.removeprefix("-E") if word.startswith("-E") else ""
        key, _, value = pair.partition("=")
        declared = table.SETTINGS.get(key.strip())
        if declared is not None and declared.secret and value and not value.lstrip("\"'").startswith("${"):
            found.append(key.strip())
    return found


def in_words(found: Sequence[Process]) -> str:
    """How the acceptors are shut off, in a line."""
    acceptors = [one for one in found if one.is_acceptor]
    if not acceptors:
        return "not to be seen by this user: ask as the user of the service, or as root"
    good = sum(one.no_new_privileges and one.filtered for one in acceptors)
    return f"{good} of {len(acceptors)} shut off: system calls filtered, no new privileges"
