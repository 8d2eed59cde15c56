"""Uploads in a worker: pieces come one by one, the whole is checked and kept, and nothing that fails stays in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
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
from tidegate.workers.store import uploads
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.source_maps import MapKey
from tidegate.workers.store.uploads import MOST_OPEN, Uploads

MAP = b'{"version":3,"sources":[],"mappings":"AAAA"}'
LARGEST = 64 << 20


class Worker:
    """Uploads with the folder beside the local store."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalMaps(folder / "maps")
        part = SourceMapsPart(True, 5.0, LARGEST, str(folder), LARGEST, folder=str(folder / "maps"))
        self.uploads = Uploads(part, asyncio.get_running_loop())

    async def ask(self, ask: Any) -> AnyReply:
        replied: asyncio.Future[AnyReply] = asyncio.get_running_loop().create_future()
        self.uploads.asked(ask, replied.set_result)
        return await asyncio.wait_for(replied, 30)

    async def upload(self, content: bytes, path: str = "/app.js", name: str = "u", piece: int = 1 << 20) -> AnyReply:
        pieces = [content[at : at + piece] for at in range(0, len(content), piece)] or [b""]
        for number, data in enumerate(pieces, 1):
            reply = await self.ask(MapPiece(name, number, data))
            if not isinstance(reply, PieceTaken):
                return reply
        return await self.ask(KeepMap(name, len(pieces), "shop", "1.0", path))

    def paths(self) -> set[str]:
        return {one.key.path for one in self.store.maps().maps}


def run(folder: Path, scenario: Callable[[Worker], Awaitable[None]]) -> None:
    async def whole() -> None:
        worker = Worker(folder)
        try:
            await scenario(worker)
            assert len(worker.uploads) == 0
        finally:
            worker.uploads.close()

    asyncio.run(whole())


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_map_in_pieces_is_kept(tmp_path: Path, piece: int) -> None:
    async def scenario(worker: Worker) -> None:
        assert await worker.upload(MAP, "/a/../app.js", piece=piece) == MapKept()
        assert worker.store.content(MapKey("shop", "1.0", "/app.js"), 1000) == MAP

    run(tmp_path, scenario)


def test_a_large_one_is_checked_without_the_memory_for_it(tmp_path: Path) -> None:
    large = b'{"version":3,"mappings":"","x":"' + b"x" * (48 << 20)

    async def scenario(worker: Worker) -> None:
        assert await worker.upload(large + b'"}', "/whole.js") == MapKept()
        assert isinstance(await worker.upload(large, "/cut.js"), MapRefused)
        assert worker.paths() == {"/whole.js"}
        assert {file.name for file in tmp_path.iterdir()} == {"maps"}

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("content", "path", "words"),
    [
        (b"", "/a.js", "no JSON"),
        (b"<html>", "/a.js", "no JSON"),
        (b'{"version":3}', "/a.js", "neither"),
        (b'{"version":3,"mappings":"","x":' + b"[" * 200_000, "/a.js", "nested too deeply"),
        (MAP, "", "must be sent"),
        (MAP, "x" * (1 << 20), "512 are allowed"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_refused_is_not_kept(tmp_path: Path, content: bytes, path: str, words: str) -> None:
    async def scenario(worker: Worker) -> None:
        reply = await worker.upload(content, path)
        assert isinstance(reply, MapRefused)
        assert words in reply.reason
        assert worker.paths() == set()

    run(tmp_path, scenario)


def test_a_map_beyond_the_limit_ends_at_once(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        reply = await worker.upload(b" " * (LARGEST + 1))
        assert reply == MapRefused(
            f"more than {LARGEST} bytes (apm-server.rum.source_mapping.max_sourcemap_size)", too_large=True
        )

    run(tmp_path, scenario)


def test_other_settings_hold_for_the_next_map(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        assert await worker.upload(MAP) == MapKept()
        other = SourceMapsPart(True, 5.0, 100, str(tmp_path), 100, folder=str(tmp_path / "other"))
        worker.uploads.change(other)
        assert await worker.upload(MAP, "/b.js") == MapKept()
        assert [one.key.path for one in LocalMaps(tmp_path / "other").maps().maps] == ["/b.js"]
        assert worker.paths() == {"/app.js"}
        reply = await worker.upload(MAP + b" " * 100)
        assert isinstance(reply, MapRefused)
        assert reply.too_large

    run(tmp_path, scenario)


def test_pieces_that_do_not_fit_together(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        gone = Unavailable("the worker that held the beginning of the source map is gone")
        assert await worker.ask(MapPiece("a", 2, MAP)) == gone
        assert await worker.ask(KeepMap("a", 1, "shop", "1.0", "/a.js")) == gone
        assert await worker.ask(MapPiece("a", 1, MAP)) == PieceTaken()
        assert await worker.ask(MapPiece("a", 1, MAP)) == gone
        assert await worker.ask(MapPiece("b", 1, MAP)) == PieceTaken()
        assert await worker.ask(KeepMap("b", 2, "shop", "1.0", "/a.js")) == gone
        assert await worker.ask(MapPiece("c", 1, MAP)) == PieceTaken()
        assert await worker.ask(DropMap("c")) == PieceTaken()
        assert await worker.ask(MapPiece("c", 2, MAP)) == gone
        assert worker.paths() == set()

    run(tmp_path, scenario)


def test_idle_ones_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "IDLE_S", 0.01)

    async def scenario(worker: Worker) -> None:
        for name in "abc":
            assert await worker.ask(MapPiece(name, 1, MAP)) == PieceTaken()
        async with asyncio.timeout(10):
            while len(worker.uploads):
                await asyncio.sleep(0.01)

    run(tmp_path, scenario)


def test_too_many_at_a_time(tmp_path: Path) -> None:
    async def scenario(worker: Worker) -> None:
        for number in range(MOST_OPEN):
            assert await worker.ask(MapPiece(str(number), 1, MAP)) == PieceTaken()
        assert isinstance(await worker.ask(MapPiece("one more", 1, MAP)), Unavailable)
        for number in range(MOST_OPEN):
            await worker.ask(DropMap(str(number)))

    run(tmp_path, scenario)


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), ValueError("a defect")])
def test_what_goes_wrong_here_is_no_fault_of_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise trouble

    async def scenario(worker: Worker) -> None:
        monkeypatch.setattr(uploads.tempfile, "SpooledTemporaryFile", fails)
        reply = await worker.upload(MAP)
        assert isinstance(reply, Unavailable)
        assert ("No space left" in reply.reason) == isinstance(trouble, OSError)

    run(tmp_path, scenario)
