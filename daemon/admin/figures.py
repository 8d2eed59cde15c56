"""What the supervisor knows of the whole, and the admin routes that tell it: status, metrics, health."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from pathlib import Path

from tidegate.daemon import __version__
from tidegate.daemon.admin.overview import (
    Complaint,
    Overview,
    ProcessView,
    intake_view,
    judged,
    spool_view,
    store_view,
)
from tidegate.daemon.admin.pages import Reply, Request, Routes, json_reply
from tidegate.daemon.admin.processes import process_of
from tidegate.daemon.child_process import Child
from tidegate.daemon.control.messages import AnyMessage, Logged
from tidegate.daemon.telemetry.accounts import Accounts
from tidegate.daemon.telemetry.balance import Totals, balance_of, figure, totals_of
from tidegate.daemon.telemetry.exposition import CONTENT_TYPE, Computed, exposed
from tidegate.daemon.telemetry.metrics import (
    BUILD,
    CHILD_ROLES,
    CHILDREN,
    COVERS,
    CPU,
    DRAINING,
    RECEIVED,
    RESIDENT,
    SPOOL_WRITTEN,
    START_TIME,
    UNRESOLVED,
)
from tidegate.daemon.telemetry.recent import LONGEST_TEXT

SAMPLE_S = 10.0
SAMPLES = 31
"""The rate at which the spool fills is that of the last five minutes: long enough to smooth what agents send in bursts."""
COMPLAINTS = 50
"""Kept; status shows the last ones, and the log has all."""
RESERVED = 0.10
"""Share of the disk that the spool leaves to others (`workers/spool/disk.py`)."""


class Figures:
    """All methods from the event loop's thread."""

    def __init__(
        self,
        accounts: Accounts,
        path_data: Path,
        children: Callable[[], Collection[Child]],
        missing: Callable[[], list[str]],
        state: Callable[[], str],
    ) -> None:
        """`missing`: names of children that should be there and do not serve; `state`: starting, serving or stopping."""
        self._accounts = accounts
        self._path_data = path_data
        self._children = children
        self._missing = missing
        self._state = state
        self._begin = totals_of(accounts.at_start)
        self._began = time.time()
        self._deaths: Counter[tuple[str, int]] = Counter()
        self._complaints: deque[Complaint] = deque(maxlen=COMPLAINTS)
        self._samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES)

    def heard(self, child: Child, message: AnyMessage) -> None:
        """Takes what a child says about itself."""
        if isinstance(message, Logged):
            self.complained(f"{child.role}-{child.number}", message)

    def complained(self, process: str, message: Logged) -> None:
        """A process has logged something at level warning or above."""
        self._complaints.append(Complaint(message.moment, process, message.level, message.text[:LONGEST_TEXT]))

    def died(self, role: str, number: int) -> None:
        """A child is dead."""
        self._deaths[role, number] += 1
        self._accounts.forget_present(role, number)

    async def keep_sampling(self) -> None:
        """Notes how much comes to disk, for as long as it runs."""
        while True:
            self._samples.append((time.monotonic(), figure(self.totals(), SPOOL_WRITTEN)))
            await asyncio.sleep(SAMPLE_S)

    def routes(self) -> Routes:
        """The pages that anybody may see who may speak to us at all."""
        return {
            ("GET", "/instance"): self._instance,
            ("GET", "/status"): self._status,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/healthz"): self._healthz,
            ("GET", "/readyz"): self._readyz,
        }

    # ------------------------------------------------------------------------------------------------------ the pages

    async def _instance(self, request: Request) -> Reply:
        """Which instance this is."""
        return json_reply({"version": __version__, "pid": os.getpid(), "state": self._state()})

    async def _status(self, request: Request) -> Reply:
        return json_reply(self.overview())

    async def _metrics(self, request: Request) -> Reply:
        totals = self.totals()
        view = self.overview()
        serving = Counter(process.role for process in view.processes if process.state == "serving")
        computed: Computed = {
            RECEIVED: [((), float(view.since_first_start.received))],
            UNRESOLVED: [((), float(view.since_first_start.unresolved))],
            CHILDREN: [((role,), float(serving[role])) for role in CHILD_ROLES],
            COVERS: [((), float("inf") if view.spool.covers is None else view.spool.covers)],
            DRAINING: [((), float(view.state == "stopping"))],
            START_TIME: [((), self._began)],
            CPU: [((_name(process),), process.cpu) for process in view.processes],
            RESIDENT: [((_name(process),), float(process.resident)) for process in view.processes],
            BUILD: [((__version__,), 1.0)],
        }
        return Reply(200, exposed(totals, computed), CONTENT_TYPE)

    async def _healthz(self, request: Request) -> Reply:
        """Whether all processes are there; what only time or the store can mend is no reason to restart anything."""
        missing = self._missing()
        return json_reply({"healthy": not missing, "missing": missing}, 503 if missing else 200)

    async def _readyz(self, request: Request) -> Reply:
        """Whether events are taken."""
        view = self.overview()
        ready = view.state == "serving" and view.verdict != "refusing"
        return json_reply(
            {"ready": ready, "state": view.state, "verdict": view.verdict, "reasons": view.reasons},
            200 if ready else 503,
        )

    # ------------------------------------------------------------------------------------------------------ the whole

    def overview(self) -> Overview:
        """What is now."""
        totals = self.totals()
        spool = spool_view(totals, self._disk_free(), self._rate(totals))
        store = store_view(totals, list(dict.fromkeys(child.trouble for child in self._children() if child.trouble)))
        state = self._state()
        verdict, reasons = judged(spool, store, state, self._missing())
        return Overview(
            version=__version__,
            pid=os.getpid(),
            state=state,
            verdict=verdict,
            reasons=reasons,
            uptime=time.time() - self._began,
            first_start=self._accounts.first_start,
            processes=self._processes(),
            intake=intake_view(totals),
            spool=spool,
            store=store,
            since_start=balance_of(totals, self._begin),
            since_first_start=balance_of(totals),
            complaints=list(self._complaints),
        )

    def totals(self) -> Totals:
        """The figures of all processes."""
        return totals_of(self._accounts.read_all())

    def _processes(self) -> list[ProcessView]:
        rows = [("supervisor", 0, os.getpid(), self._state())]
        rows += [
            (child.role, child.number, child.pid, "serving" if child.started is not None else "starting")
            for child in sorted(self._children(), key=lambda child: (child.role, child.number))
        ]
        views = []
        for role, number, pid, state in rows:
            process = process_of(pid)
            if process is not None:
                views.append(
                    ProcessView(
                        role,
                        number,
                        pid,
                        state,
                        process.uptime,
                        self._deaths[role, number],
                        process.cpu,
                        process.resident,
                        __version__,
                    )
                )
        return views

    def _rate(self, totals: Totals) -> float:
        """Bytes a second that came to disk."""
        if not self._samples:
            return 0.0
        moment, written = self._samples[0]
        seconds = time.monotonic() - moment
        return (figure(totals, SPOOL_WRITTEN) - written) / seconds if seconds >= 1 else 0.0

    def _disk_free(self) -> int:
        try:
            space = os.statvfs(self._path_data)
        except OSError:
            return 0
        return int(space.f_bavail * space.f_frsize - RESERVED * space.f_blocks * space.f_frsize)


def _name(process: ProcessView) -> str:
    return f"{process.role}-{process.number}" if process.number else process.role
