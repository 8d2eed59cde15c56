"""The source maps that a worker has and gets: which are stored is read in the background, contents when a frame needs them.

Nothing here makes a batch wait by itself: `find` answers at once, and who gets a `wanted` map may `wait` for it. A frame whose
map is not stored costs no request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from tidegate.daemon.settings.parts import SourceMapsPart
from tidegate.workers.mapping.memo import text_memo
from tidegate.workers.source_maps.catalogue import Catalogue
from tidegate.workers.source_maps.frames import Map, NoMap
from tidegate.workers.source_maps.parsed import ParsedMap
from tidegate.workers.source_maps.paths import lookup_of
from tidegate.workers.source_maps.shelf import Shelf
from tidegate.workers.source_maps.texts import (
    TIMED_OUT,
    TIMED_OUT_EARLY,
    content_text,
    gone_text,
    listing_text,
    not_stored_text,
)
from tidegate.workers.source_maps.unmapped import Unmapped
from tidegate.workers.store.source_maps import MapKey, MapStore, MapsUnavailable, MapUnusable, NoPlaceYet

SCAN_S = 30.0
"""Seconds between two looks at which maps there are, as in the original."""
RETRY_S = 5.0
"""Seconds until a map is fetched again whose store was not available, and until the second look when the first one failed."""
RETIRE_S = 60.0
"""Seconds until a store that was exchanged is closed: longer than any answer is waited for."""
MOST_FETCHES = 2
"""At a time: each holds a map's JSON, up to `max_sourcemap_size`."""
MOST_ASKED = 256
"""Maps that are waited for at a time, twice as many as are kept."""
_CATALOGUE = MapKey("", "", "")
"""Stands in `wanted` for the first look, which has not ended yet."""

log = logging.getLogger("tidegate.source_maps")


class _Got(NamedTuple):
    """What came of fetching a map."""

    found: Map | NoMap
    weight: int
    """Bytes of JSON."""
    lasting: bool
    """Whether it stays so until the map is replaced."""


class _Waiting:
    """Somebody who waits until all of some maps are there, or the time is over."""

    def __init__(self, keys: set[MapKey], go_on: Callable[[], None]) -> None:
        self.keys = keys
        self.go_on = go_on
        self.timer: asyncio.TimerHandle | None = None


class Library:
    """All methods from the event loop's thread."""

    def __init__(
        self,
        store: MapStore,
        part: SourceMapsPart,
        unmapped: Unmapped,
        *,
        read: Callable[[bytes], Map] = ParsedMap,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._store = store
        self._largest = part.max_map_size
        self._timeout = part.timeout
        self._unmapped = unmapped
        self._read = read
        self._catalogue: Catalogue | None = None
        self._trouble: MapsUnavailable | None = None
        self._trouble_text = ""
        self._left_out = 0
        self._lookups = text_memo(lookup_of)
        self._shelf: Shelf[MapKey, Map | NoMap] = Shelf(part.memory)
        self._asked: dict[MapKey, float] = {}
        """Maps on their way, and when each was asked for; the loop's time."""
        self._waiting: set[_Waiting] = set()
        self._fetches = asyncio.Semaphore(MOST_FETCHES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._look_again = asyncio.Event()
        self._closed = False

    def start(self) -> None:
        """Begins to look which maps there are."""
        self._asked[_CATALOGUE] = self._loop.time()
        self._keep(self._keep_scanning())

    def change(self, store: MapStore, part: SourceMapsPart) -> None:
        """Another store and other limits; which maps there are is looked up at once. What is being fetched from the store
        of before may take a while."""
        before, self._store = self._store, store
        self._largest, self._timeout = part.max_map_size, part.timeout
        self._shelf = Shelf(part.memory)
        self._look_again.set()
        self._loop.call_later(RETIRE_S, self._loop.run_in_executor, None, before.close)

    def find(self, service: str, version: str, path: str) -> Map | NoMap:
        """The map for a frame with this cleaned path, if it is in memory."""
        if self._catalogue is None and self._trouble is None:
            return NoMap(TIMED_OUT_EARLY, self._worth_waiting(_CATALOGUE))
        lookup = self._lookups[path]
        key = None if self._catalogue is None else self._catalogue.find(service, version, lookup)
        if key is None:
            self._unmapped.note(service, version, lookup.named)
            return NoMap(self._trouble_text or not_stored_text(service, version, lookup.named))
        return self._shelf.get(key) or NoMap(TIMED_OUT, self._worth_waiting(key))

    def wait(self, wanted: Iterable[MapKey], go_on: Callable[[], None]) -> None:
        """Gets the maps and calls once: when they are there or cannot be had, or when the time is over. It counts from when
        each was first asked for, so that a store that hangs holds up the first batches only."""
        keys = set()
        for key in wanted:
            if self._worth_waiting(key) is None:
                continue
            if key not in self._asked:
                self._asked[key] = self._loop.time()
                self._keep(self._fetch(key))
            keys.add(key)
        if not keys:
            self._loop.call_soon(go_on)
            return
        one = _Waiting(keys, go_on)
        self._waiting.add(one)
        if self._timeout:
            first = min(self._asked[key] for key in keys)
            one.timer = self._loop.call_at(first + self._timeout, self._overdue, one)

    async def close(self) -> None:
        """Lets go on who waits, and ends what runs in the background."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for one in list(self._waiting):
            self._release(one)
        await asyncio.to_thread(self._store.close)
        if (notes := self._unmapped.take()) is not None:
            await asyncio.to_thread(self._unmapped.save, notes)

    # ---------------------------------------------------------------------------------------------------- inside

    def _worth_waiting(self, key: MapKey) -> MapKey | None:
        """The key, unless its map is overdue, too many others are on their way, or this is the end."""
        asked = self._asked.get(key)
        if asked is None:
            late = len(self._asked) >= MOST_ASKED
        else:
            late = bool(self._timeout) and self._loop.time() >= asked + self._timeout
        return None if late or self._closed else key

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _overdue(self, one: _Waiting) -> None:
        log.warning("stack frames of a batch stay as sent: source maps did not come within %g s", self._timeout)
        self._release(one)

    def _release(self, one: _Waiting) -> None:
        if one in self._waiting:
            self._waiting.remove(one)
            if one.timer is not None:
                one.timer.cancel()
            one.go_on()

    def _arrived(self, key: MapKey) -> None:
        """The map is there, or is known not to be."""
        self._asked.pop(key, None)
        for one in list(self._waiting):
            one.keys.discard(key)
            if not one.keys:
                self._release(one)

    async def _keep_scanning(self) -> None:
        while True:
            await self.scan()
            self._arrived(_CATALOGUE)
            if (notes := self._unmapped.take()) is not None:
                await asyncio.to_thread(self._unmapped.save, notes)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look_again.wait(), RETRY_S if self._catalogue is None else SCAN_S)
            self._look_again.clear()

    async def scan(self) -> None:
        """One look at which maps there are; what fails is logged when it begins and when it is over."""
        try:
            catalogue, left_out = await asyncio.to_thread(self._read_catalogue)
        except MapsUnavailable as problem:
            self._failed(problem)
            return
        except Exception as problem:  # whatever it is, the next look may succeed
            log.exception("looking which source maps are stored failed")
            self._failed(MapsUnavailable(type(problem).__name__))
            return
        if self._trouble is not None:
            log.info("source maps can be read again")
            self._trouble = None
        if left_out and left_out != self._left_out:
            log.warning("%d source maps are not used, there are too many: remove those of old versions", left_out)
        self._left_out = left_out
        if self._catalogue is not None:
            for key in self._catalogue.outdated(catalogue):
                self._shelf.drop(key)
        self._catalogue = catalogue
        self._trouble_text = ""

    def _read_catalogue(self) -> tuple[Catalogue, int]:
        """In a thread."""
        listing = self._store.maps()
        return Catalogue(listing.maps), listing.left_out

    def _failed(self, problem: MapsUnavailable) -> None:
        if str(problem) != str(self._trouble):
            if self._catalogue is not None:
                log.warning("source maps cannot be looked through, those known are used: %s", problem)
            else:
                # Where nobody has ever stored a map, nothing is wrong.
                level = logging.INFO if isinstance(problem, NoPlaceYet) else logging.WARNING
                log.log(level, "source maps cannot be looked through, stack frames stay as sent: %s", problem)
        self._trouble = problem
        if self._catalogue is None:
            self._trouble_text = listing_text(problem)

    async def _fetch(self, key: MapKey) -> None:
        """Gets one map, or what is to be said in its place."""
        async with self._fetches:
            while True:
                sha256 = self._hash_of(key)
                got = await asyncio.to_thread(self._get, key)
                if sha256 == self._hash_of(key):  # else it was replaced meanwhile
                    break
        self._shelf.put(key, got.found, got.weight)
        if not got.lasting:
            self._loop.call_later(RETRY_S, self._shelf.drop, key)
        self._arrived(key)

    def _hash_of(self, key: MapKey) -> str | None:
        return None if self._catalogue is None else self._catalogue.hashes.get(key)

    def _get(self, key: MapKey) -> _Got:
        """In a thread."""
        try:
            content = self._store.content(key, self._largest)
            if content is None:
                return _Got(NoMap(gone_text(key)), 0, lasting=False)
            return _Got(self._read(content), len(content), lasting=True)
        except MapUnusable as problem:
            log.warning("the source map %s of %s %s is not used: %s", key.path, key.service, key.version, problem)
            return _Got(NoMap(str(problem)), 0, lasting=True)
        except MapsUnavailable as problem:
            log.warning("a source map cannot be read: %s", problem)
            return _Got(NoMap(content_text(problem)), 0, lasting=False)
        except Exception:  # whatever it is, the next try may succeed
            log.exception("reading a source map failed")
            return _Got(NoMap(gone_text(key)), 0, lasting=False)
