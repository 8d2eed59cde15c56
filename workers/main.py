"""Wiring of the worker process: links, pipeline, spool, dispatcher and sink; started by the supervisor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.child import StartError, UnfitError, run_child
from tidegate.daemon.control.messages import (
    Acceptors,
    AnyMessage,
    Configure,
    Findings,
    Inquire,
    Started,
    StoreReady,
    Trouble,
    Trying,
)
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import WorkerPart
from tidegate.daemon.telemetry.logs import change_level, set_up_logging
from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.wire.frames import Batch, trying_text
from tidegate.daemon.wire.questions import Question
from tidegate.daemon.wire.worker_links import WorkerLink, WorkerLinks
from tidegate.workers.account import Account
from tidegate.workers.documents_form import Form, load_form, save_form
from tidegate.workers.enrich.order import Enrichment, frame_enrichments
from tidegate.workers.outlet import Outlet, needs_another, open_outlet
from tidegate.workers.pipeline import Pipeline
from tidegate.workers.serve import Serving
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.sinks.dead_letters import DeadLetters
from tidegate.workers.sinks.dispatch import Dispatcher
from tidegate.workers.source_maps.frames import SourceMapping
from tidegate.workers.source_maps.library import Library
from tidegate.workers.source_maps.parking import Parking
from tidegate.workers.source_maps.unmapped import Unmapped
from tidegate.workers.spool.spool import NewerSpool, Spool, SpoolError
from tidegate.workers.store.anonymous_services import AnonymousServices
from tidegate.workers.store.api_keys import KeyChecks, open_keys
from tidegate.workers.store.desk import Desk, open_source
from tidegate.workers.store.map_opening import open_maps
from tidegate.workers.store.source import RuleSource
from tidegate.workers.store.source_maps import MapStore
from tidegate.workers.store.uploads import Uploads

log = logging.getLogger("tidegate.worker")

NOTE_S = 1.0
"""How often what is now is noted for status and metrics."""
REFUSAL_S = 30.0
"""So long a spool that refused a batch is said to refuse, if no other batch came since."""
TEND_S = 60.0
"""How often the local store drops what is too old while nothing arrives."""
REPORT_S = 1.0
"""How often the worker looks whether it can write to the store, for the status."""


class Worker:
    """A running worker (`child.ChildProcess`). Raises StartError when it cannot be made."""

    def __init__(self, configure: Configure, part: WorkerPart, channel: Channel, tally: Tally) -> None:
        self._loop = asyncio.get_running_loop()
        self._part = part
        self._channel = channel
        self._account = Account(tally)
        self._form_file = Path(part.documents_file)
        self._outlet = open_outlet(part)
        self._spool = Spool(
            part.spool,
            self._outlet.compression_level,
            self._loop.call_soon_threadsafe,
            written=self._account.written,
            lost=lambda documents: self._account.settled({EventOutcome.LOST: documents}),
        )
        self._letters = DeadLetters(part.dead_letters, time.time)
        self._dispatcher = Dispatcher(
            self._spool,
            self._outlet.sink,
            self._letters,
            self._outlet.limits,
            self._account,
            wait_ready_interval=self._outlet.wait_ready_interval,
            on_ready=self._sink_is_ready,
        )
        self._spool.notify = self._dispatcher.wake
        self._frames = frame_enrichments(part.frames.library_pattern, part.frames.exclude_from_grouping)
        self._services = AnonymousServices(Path(part.anonymous_services_file), part.anonymous_max_services)
        self._library: Library | None = None
        self._mapping: SourceMapping | None = None
        self._serving = Serving(self._pipeline(self._known_form()), self._spool, self._trying, self._account)
        maps = _open_maps(part)
        self._key_checks = self._open_key_checks(part)
        self._uploads = Uploads(part.source_maps, self._loop)
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
        self._tending = [self._loop.create_task(each) for each in (self._tend(), self._note(), self._report())]
        self._start()
        self._desk.start(reading=part.first)
        self._use_maps(maps)

    def received(self, message: AnyMessage) -> None:
        """See `child.ChildProcess`."""
        if isinstance(message, Acceptors):
            self._links.follow(message.addresses)
        elif isinstance(message, Inquire):
            self._channel.send(Findings(message.number, services=self._serving.notes.find(message.service)))

    def prepare(self, settings: msgspec.Raw) -> Callable[[], None]:
        """See `child.ChildProcess`."""
        part, before = msgspec.json.decode(settings, type=WorkerPart), self._part
        outlet, key_checks, source, maps, frames = self._outlet, self._key_checks, None, None, self._frames
        if needs_another(before, part):
            outlet = open_outlet(part)
        if part.api_keys != before.api_keys:
            key_checks = self._open_key_checks(part)
        if part.agent_config != before.agent_config:
            source = _open_source(part)
        if part.source_maps != before.source_maps:
            maps = _open_maps(part)
        if part.frames != before.frames:
            frames = frame_enrichments(part.frames.library_pattern, part.frames.exclude_from_grouping)
        return partial(self._change, part, outlet, key_checks, source, maps, frames)

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
        self._note_now()
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

    def _change(
        self,
        part: WorkerPart,
        outlet: Outlet,
        key_checks: KeyChecks | None,
        source: RuleSource | None,
        maps: MapStore | None,
        frames: tuple[Enrichment, ...],
    ) -> None:
        """Takes up other settings between two batches."""
        before, self._part = self._part, part
        change_level(part.logging)
        self._spool.change(part.spool, outlet.compression_level)
        self._letters.change(part.dead_letters)
        self._services.most = part.anonymous_max_services
        outlet.change(part)
        if outlet is not self._outlet:
            self._outlet = outlet
            self._dispatcher.exchange(outlet.sink, outlet.limits, outlet.wait_ready_interval)
        self._desk.change(source, key_checks, part.own_documents)
        if key_checks is not self._key_checks:
            retired, self._key_checks = self._key_checks, key_checks
            if retired is not None:
                retired.retire()
        self._uploads.change(part.source_maps)
        self._frames = frames
        if part.source_maps != before.source_maps:
            self._use_maps(maps)
        elif part.frames != before.frames:
            self._exchange_pipeline()
        if part.documents != before.documents:
            self._serving.pipeline = self._pipeline(self._known_form())
            if part.documents == "auto":
                self._loop.run_in_executor(None, self._learn_form)

    def _use_maps(self, store: MapStore | None) -> None:
        """Maps the frames of browsers by the maps of the store; without one they stay as sent."""
        part = self._part.source_maps
        if store is not None and self._library is None:
            unmapped = Unmapped(Path(self._part.unmapped_file), time.time)
            self._library = Library(store, part, unmapped)
            self._serving.parking = Parking(self._library.wait, self._part.credit)
            self._library.start()
        elif store is not None and self._library is not None:
            self._library.change(store, part)
        self._mapping = SourceMapping(self._library.find) if store is not None and self._library is not None else None
        self._exchange_pipeline()

    def _exchange_pipeline(self) -> None:
        """One with the same form of documents."""
        self._serving.pipeline = self._pipeline("complete" if self._serving.pipeline.complete else "raw")

    def _known_form(self) -> str:
        return load_form(self._form_file) if self._part.documents == "auto" else self._part.documents

    def _open_key_checks(self, part: WorkerPart) -> KeyChecks | None:
        if part.api_keys is None:
            return None
        try:
            return KeyChecks(open_keys(part.api_keys), self._loop.call_soon_threadsafe)
        except (OSError, ValueError) as problem:
            raise StartError(f"apm-server.auth.api_key.elasticsearch: {problem}") from problem

    def _open_desk(self) -> Desk:
        return Desk(
            _open_source(self._part),
            self._key_checks,
            self._part.own_documents,
            self._spool,
            self._uploads,
            ready=lambda: self._dispatcher.state().ready,
            complete=lambda: self._serving.pipeline.complete,
            made=self._account.made,
        )

    def _start(self) -> None:
        try:
            recovered = self._spool.start()
        except NewerSpool as problem:
            raise UnfitError(str(problem)) from problem
        except (SpoolError, OSError) as problem:
            raise StartError(str(problem)) from problem
        self._account.found(recovered.documents)
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

    async def _note(self) -> None:
        while True:
            self._note_now()
            await asyncio.sleep(NOTE_S)

    def _note_now(self) -> None:
        state = self._dispatcher.state()
        refused_at = self._serving.refused_at
        refusing = refused_at is not None and time.monotonic() - refused_at < REFUSAL_S
        self._account.present(self._spool.stats(), self._part.spool.max_bytes, state, refusing=refusing)

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


def _open_source(part: WorkerPart) -> RuleSource:
    try:
        return open_source(part.agent_config)
    except (OSError, ValueError) as problem:
        raise StartError(f"apm-server.agent.config.elasticsearch: {problem}") from problem


def _open_maps(part: WorkerPart) -> MapStore | None:
    if not part.source_maps.mapping:
        return None
    try:
        return open_maps(part.source_maps)
    except (OSError, ValueError) as problem:
        raise StartError(f"apm-server.rum.source_mapping.elasticsearch: {problem}") from problem


async def build(configure: Configure, channel: Channel) -> tuple[Worker, Started]:
    """The worker of `configure`, serving. Raises StartError."""
    part = msgspec.json.decode(configure.settings, type=WorkerPart)
    set_up_logging(part.logging, f"worker-{configure.number}")
    return Worker(configure, part, channel, Tally(len(CELLS[Role.WORKER]), configure.counters)), Started()


if __name__ == "__main__":
    run_child(build)
