"""The counters of all processes, as the supervisor keeps them: `path.data/counters`.

    index.json            format, generation, first start, and which cells the slots of this generation have
    7-worker-2            the slot of a process (`slots`), of generation 7

Each start makes a new generation: the slots of the one before are read by the names in its index, so versions with
other metrics understand each other, and are added to the slots of those that do the same work now. The index is
renamed into place; until then the old generation counts, so that nothing counts twice, whenever the start is killed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from tidegate.daemon.telemetry.metrics import CELLS, Cell, Kind, Metric, Role, place
from tidegate.daemon.telemetry.slots import pack_slot, read_slot

FORMAT = 1
"""Goes up when an older Tidegate could no longer read the folder."""
INDEX = "index.json"
ORPHANS_S = 5.0
"""Children of a supervisor that was killed count on until they leave, within two seconds; their slots are locked so long."""
_POLL_S = 0.05

log = logging.getLogger("tidegate.counters")

Slot = tuple[Role, int]
"""A process by role and number, from 1."""


class Index(msgspec.Struct, frozen=True):
    """What the folder holds."""

    format: int
    generation: int
    first_start: float
    """Seconds since the epoch."""
    cells: dict[str, list[str]]
    """Names of the cells of each role, in the order of its slots."""


class Accounts:
    """The slots of this start. A folder that cannot be used costs the figures, never the start."""

    def __init__(
        self,
        folder: Path,
        acceptors: int,
        workers: int,
        now: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes over what was counted before; `now`: seconds since the epoch. The caller holds the lock of `path.data`."""
        self._folder = folder
        self._sleep = sleep
        self._patience = ORPHANS_S
        self._slots: list[Slot] = [
            *((Role.ACCEPTOR, number) for number in range(1, acceptors + 1)),
            *((Role.WORKER, number) for number in range(1, workers + 1)),
            (Role.SUPERVISOR, 1),
        ]
        self.first_start = now
        values = {slot: [0] * len(CELLS[slot[0]]) for slot in self._slots}
        self._descriptors: dict[Slot, int] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            generation = self._take_over(values)
            self._write(generation, values)
        except OSError as problem:
            log.error("counters cannot be kept in %s (%s): they end with this run", folder, problem.strerror)
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors = {slot: _in_memory(values[slot]) for slot in self._slots}
        self.at_start = values
        """What every slot held when this start began."""

    def descriptor(self, role: str, number: int) -> int:
        """Of the slot of a process, to be inherited by it."""
        return self._descriptors[Role(role), number]

    def read(self, role: Role, number: int) -> list[int]:
        """The cells of a process as they are now; zeros where its slot is damaged."""
        cells = CELLS[role]
        return read_slot(self._descriptors[role, number], len(cells)) or [0] * len(cells)

    def read_all(self) -> dict[Slot, list[int]]:
        """The cells of all processes."""
        return {slot: self.read(*slot) for slot in self._slots}

    def forget_present(self, role: str, number: int) -> None:
        """A process is dead: what its gauges said is no more."""
        cells = self.read(Role(role), number)
        for at, cell in enumerate(CELLS[Role(role)]):
            if cell.metric.kind is Kind.GAUGE:
                cells[at] = 0
        self._put(Role(role), number, cells)

    def count(self, metric: Metric, *labels: str) -> None:
        """Adds one in the supervisor's own slot."""
        cells = self.read(Role.SUPERVISOR, 1)
        cells[place(metric, *labels)] += 1
        self._put(Role.SUPERVISOR, 1, cells)

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors = {}

    # ------------------------------------------------------------------------------------------------------ inside

    def _put(self, role: Role, number: int, cells: list[int]) -> None:
        with suppress(OSError):  # the space is set aside; what a broken disk does not take is lost
            os.pwrite(self._descriptors[role, number], pack_slot(cells), 0)

    def _take_over(self, values: dict[Slot, list[int]]) -> int:
        """Adds the slots of the generation before; returns the number of the new one. Raises OSError."""
        index = self._read_index()
        if index is None:
            return 1
        self.first_start = index.first_start
        for path in self._folder.glob(f"{index.generation}-*-*"):
            _, role, number = path.name.split("-", 2)
            if role not in index.cells or role not in set(Role) or not number.isdigit():
                continue
            names = index.cells[role]
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                self._await_owner(descriptor, path)
                found = read_slot(descriptor, len(names))
            finally:
                os.close(descriptor)
            if found is None:
                log.error("the counters in %s are damaged: what they had counted is lost", path)
                continue
            # Processes that there are no more have their work done by the first of their kind, which counts on for them.
            slot = (Role(role), int(number)) if (Role(role), int(number)) in values else (Role(role), 1)
            _add(values[slot], CELLS[slot[0]], dict(zip(names, found, strict=True)))
        return index.generation + 1

    def _await_owner(self, descriptor: int, path: Path) -> None:
        """Until nobody counts there any more: the lock goes with the last process that has the slot."""
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._patience <= 0:
                    log.error(
                        "a process of the run before still counts in %s: what it counts from now on is lost", path
                    )
                    return
                self._patience -= _POLL_S
                self._sleep(_POLL_S)
            else:
                return

    def _read_index(self) -> Index | None:
        path = self._folder / INDEX
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            version = msgspec.json.decode(data, type=_Version).format
            if version <= FORMAT:
                return msgspec.json.decode(data, type=Index)
        except msgspec.MsgspecError:
            log.error("%s is damaged: counting begins anew", path)
            return None
        aside = self._folder.with_name(f"{self._folder.name}-of-format-{version}")
        if aside.exists():
            raise OSError(0, f"{path} and {aside} are both of a newer Tidegate; remove one of them")
        self._folder.rename(aside)
        self._folder.mkdir(mode=0o700)
        log.error("the counters are of a newer Tidegate: they are kept in %s, and counting begins anew", aside)
        return None

    def _write(self, generation: int, values: dict[Slot, list[int]]) -> None:
        names = {str(role): [cell.name for cell in cells] for role, cells in CELLS.items()}
        for role, number in self._slots:
            path = self._folder / f"{generation}-{role}-{number}"
            path.unlink(missing_ok=True)  # of a start that did not come this far
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            self._descriptors[role, number] = descriptor
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # shared with the child that inherits the descriptor
            data = pack_slot(values[role, number])
            # A page without a place on the disk would end the process that first writes to it.
            os.posix_fallocate(descriptor, 0, len(data))
            os.pwrite(descriptor, data, 0)
        fresh = self._folder / f"{INDEX}.new"
        fresh.write_bytes(msgspec.json.encode(Index(FORMAT, generation, self.first_start, names)))
        fresh.chmod(0o600)
        for descriptor in self._descriptors.values():
            os.fdatasync(descriptor)
        fresh.replace(self._folder / INDEX)
        for path in self._folder.glob("*-*-*"):
            if path.name.partition("-")[0] != str(generation):
                path.unlink(missing_ok=True)


class _Version(msgspec.Struct):
    format: int


def _add(values: list[int], cells: tuple[Cell, ...], found: dict[str, int]) -> None:
    for at, cell in enumerate(cells):
        if cell.metric.kind is Kind.COUNTER:
            values[at] += found.get(cell.name, 0)


def _in_memory(values: list[int]) -> int:
    descriptor = os.memfd_create("tidegate-counters", os.MFD_CLOEXEC)
    os.pwrite(descriptor, pack_slot(values), 0)
    return descriptor
