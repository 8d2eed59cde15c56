"""A whole run: clients, a look at the server's processes every second, a line for whoever watches."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tidegate.daemon import __version__
from tidegate.loadtest.manners import Run, behave
from tidegate.loadtest.pace import arrivals
from tidegate.loadtest.profiles import Body, Group, Manner, make_bodies, shares
from tidegate.loadtest.result import FORMAT, ProcessResult, Result, group_result
from tidegate.loadtest.tally import Tally
from tidegate.loadtest.target import Target
from tidegate.loadtest.usage import tree

GRACE_S = 10.0
"""After the end: for answers that are under way, and for requests that were due before."""
CUT_S = 20.0
"""After that clients are cut."""


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    target: Target
    profile: str
    groups: tuple[Group, ...]
    rate: float | None
    """Events a second."""
    duration: float
    connections: int
    seed: int
    events: int | None
    """Of one request."""
    bodies: list[Body] | None
    """In place of made-up ones, for the groups that send requests or streams."""
    server: int | None
    """The server's process here."""


class _Watch:
    """Uses of the server's processes, second by second."""

    def __init__(self, root: int | None) -> None:
        self._root = root
        self._found: dict[int, ProcessResult] = {}
        self._last: dict[int, tuple[float, float]] = {}

    def look(self) -> None:
        """Once a second."""
        if self._root is None:
            return
        now = time.monotonic()
        for pid, use in tree(self._root).items():
            before, at = self._last.get(pid, (use.cpu, now))
            self._last[pid] = use.cpu, now
            result = self._found.setdefault(pid, ProcessResult(use.name, pid, 0.0, 0, [], []))
            result.cpu += use.cpu - before
            result.most_resident = max(result.most_resident, use.resident)
            result.cpu_share.append(round((use.cpu - before) / (now - at), 3) if now > at else 0.0)
            result.resident.append(use.resident)

    def results(self) -> list[ProcessResult]:
        """By name."""
        return sorted(self._found.values(), key=lambda one: (one.name, one.pid))


async def run(plan: Plan, progress: Callable[[float, list[Tally]], None]) -> Result:
    """Runs the plan; `progress` hears every second how far it is (seconds, tallies)."""
    started = datetime.now(UTC)
    now_us = int(started.timestamp() * 1e6)
    watch = _Watch(plan.server)
    watch.look()
    runs = [
        _group_run(plan, group, number, now_us)
        for group, number in zip(plan.groups, shares(plan.groups, plan.connections), strict=True)
    ]
    start = time.monotonic()
    tasks = []
    for one, number in runs:
        one.start = start
        tasks += [asyncio.create_task(behave(one, place)) for place in range(number)]
    tallies = [one.tally for one, _ in runs]
    looking = asyncio.create_task(_look(watch, start, tallies, progress))
    try:
        _, late = await asyncio.wait(tasks, timeout=plan.duration + GRACE_S + CUT_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    for task in tasks:
        if not task.cancelled() and (problem := task.exception()) is not None:
            raise problem
    watch.look()
    return Result(
        FORMAT,
        __version__,
        started.isoformat(timespec="seconds"),
        plan.target.url,
        plan.profile,
        plan.rate,
        plan.duration,
        plan.connections,
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        [group_result(tally) for tally in tallies],
        watch.results(),
    )


def _group_run(plan: Plan, group: Group, clients: int, now_us: int) -> tuple[Run, int]:
    if plan.bodies is not None and not group.plain:
        bodies = plan.bodies
    else:
        bodies = make_bodies(group, plan.seed, now_us, plan.events if group.paced else None)
    due, each = None, 0.0
    if plan.rate and group.paced:
        if group.manner is Manner.STREAMS:
            each = plan.rate / clients
        else:
            mean = sum(body.events for body in bodies) / len(bodies)
            due = arrivals(plan.rate / mean, plan.duration, Random(plan.seed))
    tally = Tally(group.name)
    return Run(plan.target, group, bodies, tally, 0.0, plan.duration, due, each, GRACE_S), clients


async def _look(
    watch: _Watch, start: float, tallies: list[Tally], progress: Callable[[float, list[Tally]], None]
) -> None:
    second = 0
    while True:
        second += 1
        await asyncio.sleep(max(0.0, start + second - time.monotonic()))
        watch.look()
        progress(time.monotonic() - start, tallies)
