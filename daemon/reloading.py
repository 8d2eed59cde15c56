"""A reload: all or nothing. Settings are read and checked, every child makes ready what they need, then all put them in force."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec
from tidegate.daemon.child_process import Child
from tidegate.daemon.control.messages import AnyMessage, Applied, Apply, Prepare, Prepared
from tidegate.daemon.plan import Fresh, Plan
from tidegate.daemon.rollout import Rollout
from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.settings.problems import SettingsError
from tidegate.daemon.tls.context import CertificateError

log = logging.getLogger("tidegate.reload")


class Result(msgspec.Struct, frozen=True):
    """What became of a reload."""

    errors: list[str] = []
    """Why nothing has changed; empty when the new settings are in force."""
    warnings: list[str] = []
    applied: list[str] = []
    """What has changed."""
    waiting: list[str] = []
    """What needs a restart, and is as it was."""


class Host(Protocol):
    """What a reload needs of the supervisor."""

    @property
    def plan(self) -> Plan:
        """What is in force."""

    @property
    def children(self) -> Collection[Child]:
        """Those that run now."""

    def settings_for(self, child: Child, plan: Plan, certificates: CertificatesPart | None) -> msgspec.Raw:
        """The child's part of a plan."""

    def put_in_force(self, plan: Plan, certificates: CertificatesPart | None) -> None:
        """Takes the plan for what the supervisor does itself, and for children that start from now on."""


class Reloads:
    """Reloads of one supervisor, one after the other."""

    def __init__(self, host: Host, begins: Callable[[], None], ends: Callable[[], None]) -> None:
        """`begins` and `ends` are called round each."""
        self._host = host
        self._begins, self._ends = begins, ends
        self._turn = asyncio.Lock()
        self._rollout = Rollout()

    async def run(self) -> Result:
        """Waits for its turn, reloads, logs what became of it. Never raises."""
        async with self._turn:
            self._begins()
            try:
                result = await self._reload()
            except (SettingsError, CertificateError) as problem:
                problems = problem.problems if isinstance(problem, SettingsError) else [problem]
                result = Result([str(one) for one in problems])
            except Exception as problem:  # whoever waits must hear of it, and the supervisor must live
                log.exception("a reload failed")
                result = Result([f"the reload failed: {type(problem).__name__}; the log says more"])
            finally:
                self._ends()
        _tell(result)
        return result

    def received(self, child: Child, message: AnyMessage) -> None:
        """A child's answer; other messages are of no interest."""
        match message:
            case Prepared():
                self._rollout.answered(child, message.problem)
            case Applied():
                self._rollout.answered(child)

    def died(self, child: Child) -> None:
        """The child does not answer any more."""
        self._rollout.answered(child)

    async def _reload(self) -> Result:
        host = self._host
        fresh = await asyncio.to_thread(host.plan.read_again)
        plan = fresh.plan
        certificates = None
        if plan.certificates is not None:
            certificates = await asyncio.to_thread(plan.certificates.read)
        warnings = [*fresh.alarms, *fresh.warnings]
        prepared = await self._prepare(host.children, plan, certificates)
        if problems := [text for text in dict.fromkeys(prepared.values()) if text]:
            return Result(problems, warnings)
        host.put_in_force(plan, certificates)
        # Those that came meanwhile came with the old settings.
        late = [child for child in host.children if child not in prepared]
        for child, problem in (await self._prepare(late, plan, certificates)).items():
            if problem:
                log.error("%s cannot use the new settings and starts again: %s", child.name, problem)
                child.kill()
        for role in ("worker", "acceptor"):  # what acceptors may ask of workers from now on, these can answer
            await self._rollout.ask({child: Apply() for child in host.children if child.role == role})
        return _done(fresh, warnings)

    async def _prepare(
        self, children: Collection[Child], plan: Plan, certificates: CertificatesPart | None
    ) -> dict[Child, str]:
        host = self._host
        return await self._rollout.ask(
            {child: Prepare(host.settings_for(child, plan, certificates)) for child in children}
        )


def _done(fresh: Fresh, warnings: list[str]) -> Result:
    return Result([], warnings, list(fresh.applied), list(fresh.waiting))


def _tell(result: Result) -> None:
    for text in result.warnings:
        log.warning("%s", text)
    for text in result.errors:
        log.error("%s", text)
    if result.errors:
        log.error("the reload is refused, the settings of before stay in force")
        return
    for text in result.waiting:
        log.warning("needs a restart and stays as it was: %s", text)
    log.info("reloaded: %s", "; ".join(result.applied) or "no setting has changed")
