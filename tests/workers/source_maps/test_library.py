"""A worker's source maps: looked through, fetched, waited for, replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tidegate.daemon.settings.parts import SourceMapsPart
from tidegate.workers.source_maps.frames import Map, NoMap
from tidegate.workers.source_maps.library import MOST_ASKED, Library
from tidegate.workers.source_maps.texts import TIMED_OUT, TIMED_OUT_EARLY
from tidegate.workers.source_maps.unmapped import Unmapped, read_notes
from tidegate.workers.store.source_maps import (
    Listing,
    MapKey,
    MapsForbidden,
    MapStore,
    MapsUnavailable,
    MapTooLarge,
    MapUnusable,
    NoPlaceYet,
    StoredMap,
)

A = MapKey("s", "1", "/a.js")
NOBODY = "unable to find sourcemap.url for service.name=s service.version=1 bundle.path=http://h/b.js"
GONE = "unable to find sourcemap for service.name=s service.version=1 bundle.path=/a.js"
LONG_S = 10.0
"""Nothing here takes so long; a test that hangs fails."""


class FakeStore:
    """Maps by key: content, or what asking for it raises; `gate` holds contents back."""

    where = "memory"

    def __init__(self, **contents: bytes | Exception | None) -> None:
        self.contents: dict[MapKey, Any] = {MapKey("s", "1", f"/{name}.js"): one for name, one in contents.items()}
        self.hashes: dict[MapKey, str] = {}
        self.trouble: Exception | None = None
        self.gate = Event()
        self.gate.set()
        self.fetched: list[MapKey] = []
        self.closed = False

    def maps(self) -> Listing:
        if self.trouble is not None:
            raise self.trouble
        return Listing([StoredMap(key, self.hashes.get(key, "h")) for key in self.contents])

    def content(self, key: MapKey, largest: int) -> bytes | None:
        self.fetched.append(key)
        assert self.gate.wait(LONG_S)
        found: Any = self.contents.get(key)
        if isinstance(found, Exception):
            raise found
        content: bytes | None = found
        return content

    def close(self) -> None:
        self.closed = True
        self.gate.set()


class Read:
    """A map as the fake reader makes it."""

    def __init__(self, content: bytes) -> None:
        if content == b"malformed":
            raise MapUnusable("sourcemap malformed: because")
        self.content = content

    def locate(self, line: int, column: int) -> None:
        raise AssertionError

    def context(self, place: object) -> None:
        raise AssertionError


def said(found: Map | NoMap) -> object:
    return found.text if isinstance(found, NoMap) else found.content  # type: ignore[attr-defined] # a `Read`


def limits(timeout: float = LONG_S) -> SourceMapsPart:
    return SourceMapsPart(mapping=True, timeout=timeout, max_map_size=1000, scratch="", memory=1000)


@asynccontextmanager
async def library(store: FakeStore, folder: Path, timeout: float = LONG_S) -> AsyncIterator[Library]:
    fake: Any = store
    part = limits(timeout)
    one = Library(fake, part, Unmapped(folder / "unmapped" / "0.json", lambda: 0.0), read=Read)
    try:
        yield one
    finally:
        await one.close()
        assert store.closed


async def waited(one: Library, *wanted: MapKey) -> None:
    done = asyncio.Event()
    one.wait(wanted, done.set)
    await asyncio.wait_for(done.wait(), LONG_S)


async def wants(one: Library, path: str = "http://h/a.js") -> object:
    """What is said of a frame after all waiting."""
    found = one.find("s", "1", path)
    if isinstance(found, NoMap) and found.wanted is not None:
        await waited(one, found.wanted)
    return said(one.find("s", "1", path))


@pytest.mark.parametrize(
    ("content", "text", "fetches"),
    [
        (b"map", b"map", 1),
        (None, GONE, 1),
        (b"malformed", "sourcemap malformed: because", 1),
        (MapTooLarge("sourcemap size exceeds limit : …"), "sourcemap size exceeds limit : …", 1),
        (MapUnusable("failed to base64 decode string: …"), "failed to base64 decode string: …", 1),
        (MapsUnavailable("away"), "failed to reach elasticsearch: fetcher unavailable: away ", 1),
        (MapsUnavailable("r", 503, "Busy", "{}"), "ES returned unknown status code: 503 Busy", 1),
        (MapsForbidden("r", 403, "Forbidden", "{}"), "fetcher unavailable: 403 Forbidden: {}", 1),
        (RuntimeError("a bug"), GONE, 1),
    ],
)
def test_a_stored_map_is_asked_for_once_whatever_comes_of_it(
    tmp_path: Path, content: bytes | Exception | None, text: object, fetches: int
) -> None:
    store = FakeStore(a=content)

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            assert [await wants(one) for _ in range(3)] == [text] * 3

    asyncio.run(scenario())
    assert len(store.fetched) == fetches


def test_a_map_that_is_not_stored_costs_no_request_and_is_noted(tmp_path: Path) -> None:
    store = FakeStore(a=b"map")

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            assert await wants(one, "http://h/b.js?secret=1") == NOBODY
            assert await wants(one, "http://h/b.js") == NOBODY

    asyncio.run(scenario())
    assert store.fetched == []
    [note] = read_notes(tmp_path / "unmapped" / "0.json")
    assert (note.service, note.version, note.path, note.frames) == ("s", "1", "http://h/b.js", 4)
    assert note.last == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        (
            NoPlaceYet("r", 404, "Not Found", "{no index}"),
            "failed to populate sourcemap metadata: fetcher unavailable: 404 Not Found: {no index}",
        ),
        (
            MapsForbidden("r", 403, "Forbidden", "{}"),
            "failed to populate sourcemap metadata: fetcher unavailable: 403 Forbidden: {}",
        ),
        (
            MapsUnavailable("r", 500, "Oh", "{}"),
            "failed to populate sourcemap metadata: ES returned unknown status code: 500 Oh",
        ),
        (
            MapsUnavailable("nobody listens"),
            "failed to populate sourcemap metadata: failed to run initial search query: fetcher unavailable: nobody listens",
        ),
    ],
)
def test_as_long_as_nothing_could_be_looked_through(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: Exception, text: str
) -> None:
    store = FakeStore(a=b"map")
    store.trouble = trouble
    caplog.set_level(logging.WARNING)

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            await one.scan()
            assert await wants(one) == text
            store.trouble = None
            await one.scan()
            assert await wants(one) == b"map"
            store.trouble = trouble
            await one.scan()
            assert await wants(one) == b"map", "what is known is kept"

    asyncio.run(scenario())
    warned = sum("stack frames stay as sent" in record.getMessage() for record in caplog.records)
    assert warned == (0 if isinstance(trouble, NoPlaceYet) else 1)


def test_the_first_look_is_waited_for(tmp_path: Path) -> None:
    store = FakeStore(a=b"map")

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            one.start()
            early = one.find("s", "1", "http://h/a.js")
            assert isinstance(early, NoMap)
            assert early.wanted is not None
            assert early.text == TIMED_OUT_EARLY
            await waited(one, early.wanted)
            assert await wants(one) == b"map"

    asyncio.run(scenario())


def test_replaced_and_removed_maps(tmp_path: Path) -> None:
    store = FakeStore(a=b"old")

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            assert await wants(one) == b"old"
            store.contents[A] = b"new"
            await one.scan()
            assert await wants(one) == b"old", "the hash tells"
            store.hashes[A] = "h2"
            await one.scan()
            assert await wants(one) == b"new"
            del store.contents[A]
            await one.scan()
            assert str(await wants(one)).startswith("unable to find sourcemap.url")
            store.contents[A] = b"again"
            await one.scan()
            assert await wants(one) == b"again"

    asyncio.run(scenario())


def test_another_store_counts_at_once(tmp_path: Path) -> None:
    before, after = FakeStore(a=MapTooLarge("too large")), FakeStore(a=b"map")

    async def scenario() -> None:
        async with library(before, tmp_path) as one:
            one.start()
            assert said(one.find("s", "1", "/a.js")) == TIMED_OUT_EARLY
            await waited(one, MapKey("", "", ""))
            assert await wants(one, "/a.js") == "too large"
            store: Any = after
            one.change(store, limits())
            assert await wants(one, "/a.js") == b"map"
            await one.close()
            assert after.closed
            before.close()  # a minute later by itself

    asyncio.run(scenario())


def test_a_map_that_is_replaced_while_it_comes_is_fetched_again(tmp_path: Path) -> None:
    store = FakeStore(a=b"old")
    store.gate.clear()

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            done = asyncio.Event()
            one.wait([A], done.set)
            while not store.fetched:  # it is on its way in its thread
                await asyncio.sleep(0)
            store.hashes[A] = "h2"
            await one.scan()
            store.gate.set()
            await asyncio.wait_for(done.wait(), LONG_S)
            assert store.fetched == [A, A]

    asyncio.run(scenario())


def test_a_store_that_hangs_holds_up_the_first_ones_only(tmp_path: Path) -> None:
    store = FakeStore(a=b"map")
    store.gate.clear()

    async def scenario() -> None:
        async with library(store, tmp_path, timeout=0.01) as one:
            await one.scan()
            assert await wants(one) == TIMED_OUT
            assert one.find("s", "1", "/a.js") == NoMap(TIMED_OUT, None), "nobody is to wait any more"
            later: list[str] = []
            one.wait([A], lambda: later.append("at once"))
            await asyncio.sleep(0)
            assert later == ["at once"]
            assert store.fetched == [A]

    asyncio.run(scenario())


def test_without_a_time_limit_fetching_takes_as_long_as_it_takes(tmp_path: Path) -> None:
    store = FakeStore(a=b"map")
    store.gate.clear()

    async def scenario() -> None:
        async with library(store, tmp_path, timeout=0) as one:
            await one.scan()
            waiting = asyncio.ensure_future(wants(one))
            while not store.fetched:
                await asyncio.sleep(0)
            assert not waiting.done()
            store.gate.set()
            assert await waiting == b"map"

    asyncio.run(scenario())


def test_the_number_of_maps_on_their_way_is_bounded(tmp_path: Path) -> None:
    names = {f"m{number}": b"map" for number in range(MOST_ASKED + 1)}
    store = FakeStore(**names)
    store.gate.clear()

    async def scenario() -> None:
        async with library(store, tmp_path) as one:
            await one.scan()
            *first, last = store.contents
            held: list[str] = []
            one.wait([*first, last], lambda: held.append("first"))
            one.wait([last], lambda: held.append("last"))
            await asyncio.sleep(0)
            assert held == ["last"]

    asyncio.run(scenario())


def test_who_waits_is_let_go_on_at_the_end(tmp_path: Path) -> None:
    store = FakeStore(a=b"map")
    store.gate.clear()

    async def scenario() -> None:
        done: list[str] = []
        async with library(store, tmp_path) as one:
            await one.scan()
            one.wait([A], lambda: done.append("done"))
            await one.close()
            assert done == ["done"]
            assert one.find("s", "1", "/a.js") == NoMap(TIMED_OUT, None), "nobody is to wait any more"

    asyncio.run(scenario())


def test_the_contract_is_that_of_stores() -> None:
    """The fake has what a library uses of `MapStore`."""
    assert {"maps", "content", "close"} <= set(vars(MapStore)) & set(vars(FakeStore))
