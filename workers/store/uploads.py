"""Source maps on their way from acceptors into the store: pieces are compressed as they come, the whole is checked and kept.

All work is done in threads, a piece at a time, so that events and other questions pass. What is held is compressed; to be
checked a map is inflated again, a large one into a file without a name, so that a bomb takes no memory.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock

from tidegate.daemon.settings.parts import SourceMapsPart
from tidegate.daemon.wire.questions import (
    AnyReply,
    DropMap,
    KeepMap,
    MapKept,
    MapPiece,
    MapRefused,
    PieceTaken,
    Unavailable,
)
from tidegate.workers.store import source_maps
from tidegate.workers.store.map_check import check_map, key_of
from tidegate.workers.store.map_content import Packer, inflated
from tidegate.workers.store.map_opening import open_maps
from tidegate.workers.store.source_maps import MapStore, MapsUnavailable, MapUnusable, Packed

log = logging.getLogger("tidegate.source_maps")

MOST_OPEN = 8
"""Uploads at a time. An acceptor has one, and few machines have more than eight acceptors."""
IDLE_S = 60.0
"""An upload of which nothing more comes is forgotten; its acceptor gives up after 10 s."""
THREADS = 2
"""One may wait for the store while the other takes pieces."""
IN_MEMORY = 8 << 20
"""Bytes up to which a map is checked in memory; that is most maps."""

Reply = Callable[[AnyReply], None]


class _Open:
    """An upload that has begun."""

    def __init__(self) -> None:
        self.packer = Packer()
        self.taken = 0
        self.seen = 0.0


class Uploads:
    """All methods from the event loop's thread; each question is replied to once."""

    def __init__(self, part: SourceMapsPart, loop: asyncio.AbstractEventLoop) -> None:
        self._part = part
        self._loop = loop
        self._open: dict[str, _Open] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="source-maps")
        self._opening = Lock()
        self._store: MapStore | None = None
        self._retired: list[MapStore] = []
        self._sweeping: asyncio.TimerHandle | None = None

    def asked(self, ask: MapPiece | KeepMap | DropMap, reply: Reply) -> None:
        """Replies at once or later."""
        if isinstance(ask, MapPiece):
            self._take(ask, reply)
        elif isinstance(ask, KeepMap):
            upload = self._open.pop(ask.upload, None)
            if upload is None or upload.taken != ask.pieces:
                reply(_beginning_is_gone())
            else:
                self._run(lambda: self._keep(ask, upload.packer), reply)
        else:
            self._open.pop(ask.upload, None)
            reply(PieceTaken())

    def change(self, part: SourceMapsPart) -> None:
        """For maps that are kept from now on; one that is being kept stays where it goes."""
        with self._opening:
            if part != self._part and self._store is not None:
                self._retired.append(self._store)
                self._store = None
            self._part = part

    def close(self) -> None:
        """Drops what is not kept yet."""
        self._open.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for store in (self._store, *self._retired):
            if store is not None:
                store.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __len__(self) -> int:
        return len(self._open)

    def _take(self, ask: MapPiece, reply: Reply) -> None:
        if ask.number == 1 and ask.upload not in self._open:
            if len(self._open) >= MOST_OPEN:
                reply(Unavailable(f"{MOST_OPEN} source maps are being uploaded already"))
                return
            self._open[ask.upload] = _Open()
        upload = self._open.get(ask.upload)
        if upload is None or ask.number != upload.taken + 1:
            self._open.pop(ask.upload, None)
            reply(_beginning_is_gone())
            return
        upload.taken += 1
        upload.seen = self._loop.time()
        self._sweep_later()
        if upload.packer.size + len(ask.data) > self._part.max_map_size:
            del self._open[ask.upload]
            reply(_too_large(self._part.max_map_size))
            return
        self._run(lambda: _add(upload.packer, ask.data), reply)

    def _run(self, work: Callable[[], AnyReply], reply: Reply) -> None:
        def done(finished: Future[AnyReply]) -> None:
            if not finished.cancelled():
                self._loop.call_soon_threadsafe(reply, finished.result())

        self._threads.submit(_guarded, work).add_done_callback(done)

    def _keep(self, ask: KeepMap, packer: Packer) -> AnyReply:
        """In a thread: checks the map and stores it."""
        try:
            key = key_of(ask.service, ask.version, ask.path)
            packed = packer.finish()
            _check(packed, self._part.max_map_size, self._part.scratch)
            self._opened().put(key, packed, _now())
        except source_maps.MapRefused as problem:
            return MapRefused(str(problem))
        except MapUnusable:
            return _too_large(self._part.max_map_size)
        except (MapsUnavailable, OSError) as problem:
            log.warning("a source map that was uploaded is not stored: %s", problem)
            return Unavailable(str(problem))
        log.info("a source map is stored: service %s, version %s, %s", *key)
        return MapKept()

    def _opened(self) -> MapStore:
        with self._opening:
            if self._store is None:
                try:
                    self._store = open_maps(self._part)
                except (OSError, ValueError) as problem:
                    raise MapsUnavailable(f"apm-server.rum.source_mapping.elasticsearch: {problem}") from problem
            return self._store

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        oldest = self._loop.time() - IDLE_S
        self._open = {name: upload for name, upload in self._open.items() if upload.seen > oldest}
        if self._open:
            self._sweep_later()


def _add(packer: Packer, data: bytes) -> AnyReply:
    packer.add(data)
    return PieceTaken()


def _guarded(work: Callable[[], AnyReply]) -> AnyReply:
    try:
        return work()
    except Exception:  # whatever it is: the acceptor is not left waiting
        log.exception("a source map could not be taken")
        return Unavailable("a defect of Tidegate, see the log of the worker")


def _check(packed: Packed, largest: int, folder: str) -> None:
    """Raises MapRefused, MapTooLarge, and OSError where there is no room for the file."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=folder) as file:
        size = sum(file.write(piece) for piece in inflated(packed.zipped, largest))
        file.seek(0)
        if size <= IN_MEMORY:
            check_map(file.read())
            return
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
            check_map(mapped)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _too_large(largest: int) -> MapRefused:
    return MapRefused(f"more than {largest} bytes (apm-server.rum.source_mapping.max_sourcemap_size)", too_large=True)


def _beginning_is_gone() -> Unavailable:
    return Unavailable("the worker that held the beginning of the source map is gone")
