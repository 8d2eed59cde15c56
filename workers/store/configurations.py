"""Agent configuration as a worker has it: all rules in memory, read again in the background, questions answered at once.

A request never reaches the store. What fails later changes nothing for agents: the rules of the last reading stay. Other than
the original, a worker goes on reading after the store has refused it, so that a corrected role needs no restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tidegate.daemon.wire.questions import (
    AnyReply,
    Configuration,
    FindConfiguration,
    NoConfiguration,
    StoreForbids,
    Unavailable,
)
from tidegate.workers.store.rules import Rules, seen_by_anonymous
from tidegate.workers.store.source import CannotRead, NothingKept, NotPermitted, RuleSource

RETRY_S = 5.0
"""Seconds between two readings as long as none was successful: agents get nothing meanwhile."""

log = logging.getLogger("tidegate.agent_config")


class Configurations:
    """Answers from memory; all methods from the event loop's thread."""

    def __init__(self, source: RuleSource) -> None:
        self._source = source
        self._rules: Rules | None = None
        self._trouble: CannotRead | None = None
        self._left_out = 0
        self._applied: dict[str, None] = {}
        self._waiting: list[tuple[FindConfiguration, Callable[[AnyReply], None]]] = []
        self._reading: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Begins to read, if it has not begun."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._keep_reading())

    def change(self, source: RuleSource) -> None:
        """Another source, read at once if the one before was being read; what was read last serves until then."""
        before, self._source = self._source, source
        self._ending = asyncio.get_running_loop().run_in_executor(None, before.close)
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
            self.start()

    def find(self, ask: FindConfiguration, replied: Callable[[AnyReply], None]) -> None:
        """Calls with what the agents of the service are told: at once, but for questions that come before the first reading
        has ended; agents that get no answer ask again after minutes only.

        Where nothing has been read the first question begins that: it comes to a worker when the one that usually has these
        questions is gone.
        """
        if self._rules is None and self._trouble is None:
            self._waiting.append((ask, replied))
            self.start()
        else:
            replied(self._reply(ask))

    def _reply(self, ask: FindConfiguration) -> AnyReply:
        if self._rules is None:
            if isinstance(self._trouble, NotPermitted):
                return StoreForbids()
            return Unavailable(str(self._trouble or "the worker ends"))
        rule = self._rules.find(ask.service, ask.environment)
        if rule is not None and ask.agents is not None:
            rule = seen_by_anonymous(rule, ask.agents)
        if rule is None:
            return NoConfiguration()
        if ask.etag and ask.etag == rule.etag:
            self._applied[rule.etag] = None
        return Configuration(rule.settings, rule.etag)

    def take_applied(self) -> list[str]:
        """The etags that agents had since the last call, each of a rule."""
        applied, self._applied = list(self._applied), {}
        return applied

    async def close(self) -> None:
        """Stops reading."""
        if self._reading is not None:
            self._reading.cancel()
        self._answer_waiting()
        await asyncio.to_thread(self._source.close)

    async def _keep_reading(self) -> None:
        while True:
            await self.read()
            self._answer_waiting()
            interval = self._source.interval
            await asyncio.sleep(min(interval, RETRY_S) if self._rules is None else interval)

    def _answer_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for ask, replied in waiting:
            replied(self._reply(ask))

    async def read(self) -> None:
        """One reading; what fails is logged when it begins and when it is over."""
        try:
            reading = await asyncio.to_thread(self._source.read)
        except CannotRead as problem:
            self._failed(problem)
            return
        except Exception as problem:  # whatever it is, the next reading may succeed
            log.exception("a reading of agent configuration failed")
            self._trouble = CannotRead(type(problem).__name__)
            return
        if self._trouble is not None:
            log.info("agent configuration can be read again")
            self._trouble = None
        if reading is None:
            return
        if reading.left_out and reading.left_out != self._left_out:
            log.warning("%d rules of agent configuration are too large or too many and are not used", reading.left_out)
        self._left_out = reading.left_out
        self._rules = Rules(reading.rules)

    def _failed(self, problem: CannotRead) -> None:
        if str(problem) != str(self._trouble):
            if self._rules is not None:
                meanwhile = "agents are served what was read before"
            else:
                meanwhile = "agents get 403" if isinstance(problem, NotPermitted) else "agents get 503"
            # A cluster that nobody has ever written a rule to is nobody's trouble.
            level = logging.INFO if isinstance(problem, NothingKept) else logging.WARNING
            log.log(level, "agent configuration cannot be read, %s: %s", meanwhile, problem)
        self._trouble = problem
