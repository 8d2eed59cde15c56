"""Where acceptors' questions are answered, and what is reported from them."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from tidegate.daemon.settings.parts import AgentConfigPart, OwnDocumentsPart
from tidegate.daemon.wire.frames import new_batch_id
from tidegate.daemon.wire.questions import (
    AnyAsk,
    AnyReply,
    CheckApiKey,
    DropMap,
    FindConfiguration,
    KeepMap,
    MapPiece,
    Ping,
    Pong,
    Unavailable,
)
from tidegate.workers.store.api_keys import KeyChecks
from tidegate.workers.store.applied import applied_lines
from tidegate.workers.store.configurations import Configurations
from tidegate.workers.store.local_rules import LocalRules
from tidegate.workers.store.source import RuleSource
from tidegate.workers.store.uploads import Uploads

REPORT_S = 30.0
"""How often configurations in use are reported (http-surface.md 6.3)."""

log = logging.getLogger("tidegate.agent_config")


class Spool(Protocol):
    """Where documents of our own go; see `spool.Spool.append`."""

    def append(self, lines: list[bytes], documents: int, done: Callable[[str | None], None]) -> None: ...


class Desk:
    """`ready`: whether the sink has passed its check; `complete`: whether documents are to be complete (`Pipeline`);
    `made` is told of documents that came to disk."""

    def __init__(
        self,
        source: RuleSource,
        key_checks: KeyChecks | None,
        own: OwnDocumentsPart,
        spool: Spool,
        uploads: Uploads,
        *,
        ready: Callable[[], bool],
        complete: Callable[[], bool],
        made: Callable[[int], None],
    ) -> None:
        self._configurations = Configurations(source)
        self._key_checks = key_checks
        self._own = own
        self._spool = spool
        self._uploads = uploads
        self._ready = ready
        self._complete = complete
        self._made = made
        self._reporting: asyncio.Task[None] | None = None

    def change(self, source: RuleSource | None, key_checks: KeyChecks | None, own: OwnDocumentsPart) -> None:
        """What is asked from now on; no `source`: the one that there is."""
        if source is not None:
            self._configurations.change(source)
        self._key_checks = key_checks
        self._own = own

    def start(self, *, reading: bool) -> None:
        """Begins to report, and with `reading` to read what answers need; else the first question begins that."""
        if reading:
            self._configurations.start()
        self._reporting = asyncio.get_running_loop().create_task(self._keep_reporting())

    def asked(self, ask: AnyAsk, reply: Callable[[AnyReply], None]) -> None:
        """Calls `reply` once, at once or later."""
        match ask:
            case Ping():
                reply(Pong(self._ready()))
            case CheckApiKey():
                if self._key_checks is None:
                    reply(Unavailable("API keys are off (apm-server.auth.api_key.enabled)"))
                else:
                    self._key_checks.check(ask.credential, reply)
            case FindConfiguration():
                self._configurations.find(ask, reply)
            case MapPiece() | KeepMap() | DropMap():
                self._uploads.asked(ask, reply)

    async def close(self) -> None:
        """Reports for the last time and ends what runs in the background; the spool is to be closed after it."""
        if self._reporting is not None:
            self._reporting.cancel()
        self.report()
        self._uploads.close()
        await self._configurations.close()

    def report(self) -> None:
        """A document for each configuration that agents had since the last report. One that cannot be stored is not kept:
        agents tell the same again with their next question."""
        etags = self._configurations.take_applied()
        if not etags:
            return
        now_ns = time.time_ns()
        batch_id = new_batch_id(now_ns // 1_000_000, os.urandom(10))
        lines = applied_lines(etags, self._own, batch_id, now_ns, complete=self._complete())
        self._spool.append(lines, len(lines), partial(self._noted, len(lines)))

    def _noted(self, documents: int, refusal: str | None) -> None:
        if refusal is None:
            self._made(documents)
        else:
            log.debug("which agent configurations are in use was not reported: %s", refusal)

    async def _keep_reporting(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self.report()


def open_source(part: AgentConfigPart) -> RuleSource:
    """Where the settings say that agent configuration is. Raises OSError, ValueError for TLS settings that cannot be used."""
    if part.elasticsearch is None:
        return LocalRules(Path(part.file))
    # Only where it is used: the client takes 30 MiB, which a small machine with the local store does not have to spend.
    from tidegate.workers.store.cluster_rules import ClusterRules  # noqa: PLC0415 - see above

    return ClusterRules(part.elasticsearch, part.interval)
