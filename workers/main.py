"""Wiring of the worker process: links, pipeline, spool, dispatcher and sink; started by the supervisor."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path

import msgspec
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.child import StartError, run_child
from tidegate.daemon.control.messages import Acceptors, AnyMessage, Configure, Started, StoreReady, Trouble, Trying
from tidegate.daemon.settings.parts import WorkerPart
from tidegate.daemon.telemetry.logs import set_up_logging
from tidegate.daemon.wire.frames import Batch, trying_text
from tidegate.daemon.wire.questions import Question
from tidegate.daemon.wire.worker_links import WorkerLink, WorkerLinks
from tidegate.workers.documents_form import Form, load_form, save_form
from tidegate.workers.enrich.order import frame_enrichments
from tidegate.workers.outlet import open_outlet
from tidegate.workers.pipeline import Pipeline
from tidegate.workers.serve import Serving
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.sinks.dead_letters import DeadLetters
from tidegate.workers.sinks.dispatch import Dispatcher
from tidegate.workers.source_maps.frames import SourceMapping
from tidegate.workers.source_maps.library import Library
from tidegate.workers.source_maps.parking import Parking
from tidegate.workers.source_maps.unmapped import Unmapped
from tidegate.workers.spool.spool import Spool, SpoolError
from tidegate.workers.store.anonymous_services import AnonymousServices
from tidegate.workers.store.api_keys import KeyChecks, open_keys
from tidegate.workers.store.desk import Desk, open_source
from tidegate.workers.store.map_opening import open_maps

log = logging.getLogger("tidegate.worker")

TEND_S = 60.0
"""How often the local store drops what is too old while nothing arrives."""
REPORT_S = 1.0
"""How often the worker looks whether it can write to the store, for the status."""


class Worker:
    """A running worker (`child.ChildProcess`). Raises StartError when it cannot be made."""

    def __init__(self, configure: Configure, part: WorkerPart, channel: Channel) -> None:
        self._loop = asyncio.get_running_loop()
        self._part = part
        self._channel = channel
        self._form_file = Path(part.documents_file)
        self._outlet = open_outlet(part)
        self._spool = Spool(
            part.spool,
            self._outlet.compression_level,
            self._loop.call_soon_threadsafe,
        )
        self._letters = DeadLetters(part.dead_letters, time.time)
        self._dispatcher = Dispatcher(
            self._spool,
            self._outlet.sink,
            self._letters,
            self._outlet.limits,
            wait_ready_interval=self._outlet.wait_ready_interval,
            on_ready=self._sink_is_ready,
        )
        self._spool.notify = self._dispatcher.wake
        form = load_form(self._form_file) if part.documents == "auto" else part.documents
        self._frames = frame_enrichments(part.frames.library_pattern, part.frames.exclude_from_grouping)
        self._services = AnonymousServices(Path(part.anonymous_services_file), part.anonymous_max_services)
        self._library = self._open_library()
        self._mapping = SourceMapping(self._library.find) if self._library is not None else None
        parking = Parking(self._library.wait, part.credit) if self._library is not None else None
        self._serving = Serving(self._pipeline(form), self._spool, self._trying, parking)
        self._key_checks = self._open_key_checks()
        self._desk = self._open_desk()
        self._links = WorkerLinks(
            self._loop,
            configure.number,
            configure.incarnation,
            part.credit,
            part.max_event_size,
            self._serving.received,
            self._asked,
        )
        self._tending = [self._loop.create_task(self._tend()), self._loop.create_task(self._report())]
        self._start()
        self._desk.start(reading=part.first)
        if self._library is not None:
            self._library.start()

    def received(self, message: AnyMessage) -> None:
        """See `child.ChildProcess`."""
        if isinstance(message, Acceptors):
            self._links.follow(message.addresses)

    async def drain(self, timeout: float) -> None:
        """Sends what is there, `timeout` seconds at most; the rest stays on disk. Batches are still taken meanwhile:
        after the supervisor's death an acceptor may be finishing its requests."""
        for task in self._tending:
            task.cancel()
        await self._desk.close()
        if self._library is not None:
            await self._library.close()
        sent = await asyncio.to_thread(self._dispatcher.drain, timeout)
        self._links.close()
        if self._key_checks is not None:
            self._key_checks.close()
        await asyncio.to_thread(self._spool.close)
        self._letters.close()
        counts = self._dispatcher.counts() + self._serving.counts
        log.info(
            "worker ends%s; events since its start: %s",
            "" if sent else ", some events stay in the spool for the next start",
            ", ".join(f"{outcome.value} {count}" for outcome, count in sorted(counts.items())) or "none",
        )

    # ---------------------------------------------------------------------------------------------------- inside

    def _pipeline(self, form: str | None) -> Pipeline:
        return Pipeline(
            form == "complete", admit=self._services.admit, frames=self._frames, source_mapping=self._mapping
        )

    def _open_key_checks(self) -> KeyChecks | None:
        if self._part.api_keys is None:
            return None
        try:
            return KeyChecks(open_keys(self._part.api_keys), self._loop.call_soon_threadsafe)
        except (OSError, ValueError) as problem:
            raise StartError(f"apm-server.auth.api_key.elasticsearch: {problem}") from problem

    def _open_library(self) -> Library | None:
        part = self._part.source_maps
        if not part.mapping:
            return None
        try:
            store = open_maps(part)
        except (OSError, ValueError) as problem:
            raise StartError(f"apm-server.rum.source_mapping.elasticsearch: {problem}") from problem
        unmapped = Unmapped(Path(self._part.unmapped_file), time.time)
        return Library(store, part.max_map_size, part.timeout, unmapped)

    def _open_desk(self) -> Desk:
        try:
            source = open_source(self._part.agent_config)
        except (OSError, ValueError) as problem:
            raise StartError(f"apm-server.agent.config.elasticsearch: {problem}") from problem
        return Desk(
            source,
            self._key_checks,
            self._part.own_documents,
            self._spool,
            ready=lambda: self._dispatcher.state().ready,
            complete=lambda: self._serving.pipeline.complete,
        )

    def _start(self) -> None:
        try:
            recovered = self._spool.start()
        except (SpoolError, OSError) as problem:
            raise StartError(str(problem)) from problem
        if recovered.documents:
            log.info("%d events wait in the spool from before and are sent again", recovered.documents)
        self._dispatcher.start()

    def _asked(self, link: WorkerLink, question: Question) -> None:
        self._desk.asked(question.ask, partial(link.reply, question))

    def _trying(self, batch: Batch | None) -> None:
        self._channel.send(Trying(None if batch is None else trying_text(batch.batch_id, batch.first_line)))

    def _sink_is_ready(self) -> None:
        """In the dispatcher's thread, before the first block is written."""
        if self._part.documents == "auto":
            self._learn_form()
        self._loop.call_soon_threadsafe(self._channel.send, StoreReady())

    def _learn_form(self) -> None:
        try:
            form = self._outlet.ask_form()
        except TryAgain as problem:
            log.warning("the cluster was not asked which form of documents it needs: %s", problem.cause)
            return
        if form is not None:
            save_form(self._form_file, form)
            self._loop.call_soon_threadsafe(self._use_form, form)

    def _use_form(self, form: Form) -> None:
        self._serving.pipeline = self._pipeline(form)
        log.info("documents are written in the %s form, which this cluster needs", form)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TEND_S)
            await asyncio.to_thread(self._outlet.tend)

    async def _report(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(REPORT_S)
            if (cause := self._dispatcher.state().degraded) != told:
                told = cause
                self._channel.send(Trouble(cause or None))


async def build(configure: Configure, channel: Channel) -> tuple[Worker, Started]:
    """The worker of `configure`, serving. Raises StartError."""
    part = msgspec.json.decode(configure.settings, type=WorkerPart)
    set_up_logging(part.logging, f"worker-{configure.number}")
    return Worker(configure, part, channel), Started()


if __name__ == "__main__":
    run_child(build)
