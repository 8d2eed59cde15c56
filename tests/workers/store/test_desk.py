"""Every question has its answer, and what is reported goes through the spool."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from tidegate.daemon.settings.parts import AgentConfigPart, OwnDocumentsPart, SourceMapsPart
from tidegate.daemon.wire.questions import (
    TABLE,
    AnyAsk,
    AnyReply,
    CheckApiKey,
    Configuration,
    DropMap,
    FindConfiguration,
    KeepMap,
    MapPiece,
    MapRefused,
    PieceTaken,
    Ping,
    Pong,
    Unavailable,
)
from tidegate.workers.store.desk import Desk, open_source
from tidegate.workers.store.local_rules import changing
from tidegate.workers.store.uploads import Uploads

RULE = {"service": {"name": "shop"}, "settings": {"a": "1"}, "etag": "e1"}
ASKS: dict[type[AnyAsk], AnyAsk] = {
    Ping: Ping(),
    CheckApiKey: CheckApiKey("x"),
    FindConfiguration: FindConfiguration("shop", "", "e1"),
    MapPiece: MapPiece("u", 1, b"no map"),
    KeepMap: KeepMap("u", 1, "shop", "1.0", "/a.js"),
    DropMap: DropMap("u"),
}


class FakeSpool:
    def __init__(self, refusal: str | None = None) -> None:
        self.lines: list[bytes] = []
        self._refusal = refusal

    def append(self, lines: list[bytes], documents: int, done: Callable[[str | None], None]) -> None:
        assert len(lines) == documents
        self.lines += lines
        done(self._refusal)


def desk_of(folder: Path, spool: FakeSpool) -> Desk:
    file = folder / "rules.json"
    with changing(file) as documents:
        documents.append(RULE)
    own = OwnDocumentsPart("default", "gate", "9.5.2")
    source = open_source(AgentConfigPart(30.0, file=str(file)))
    maps = SourceMapsPart(False, 5.0, 1000, str(folder), 1000, folder=str(folder / "maps"))
    uploads = Uploads(maps, asyncio.get_running_loop())
    return Desk(source, None, own, spool, uploads, ready=lambda: True, complete=lambda: False, made=lambda _: None)


async def replies_to(desk: Desk, *asks: AnyAsk) -> list[AnyReply]:
    replies: list[AnyReply] = []
    for ask in asks:
        desk.asked(ask, replies.append)
    async with asyncio.timeout(5):
        while len(replies) < len(asks):
            await asyncio.sleep(0)
    return replies


def test_every_question_is_answered_with_a_reply_of_the_table(tmp_path: Path) -> None:
    async def scenario() -> None:
        desk = desk_of(tmp_path, FakeSpool())
        desk.start(reading=True)
        assert set(ASKS) == set(get_args(AnyAsk))
        for kind, ask in ASKS.items():
            (reply,) = await replies_to(desk, ask)
            assert isinstance(reply, TABLE[kind])
        assert [(await replies_to(desk, ask))[0] for ask in ASKS.values()] == [
            Pong(True),
            Unavailable("API keys are off (apm-server.auth.api_key.enabled)"),
            Configuration({"a": "1"}, "e1"),
            PieceTaken(),
            MapRefused("sourcemap: it is no JSON: JSON is malformed: invalid character (byte 4)"),
            PieceTaken(),
        ]
        await desk.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("refusal", [None, "queue is full"])
def test_what_agents_have_is_reported_at_the_latest_when_the_worker_ends(tmp_path: Path, refusal: str | None) -> None:
    async def scenario() -> None:
        spool = FakeSpool(refusal)
        desk = desk_of(tmp_path, spool)
        desk.start(reading=False)
        desk.report()
        assert spool.lines == []
        await replies_to(desk, ASKS[FindConfiguration], ASKS[FindConfiguration])
        await desk.close()
        (line,) = spool.lines
        action, document = (json.loads(part) for part in line.splitlines())
        assert action["create"]["_index"] == "metrics-apm.internal-default"
        assert document["labels"] == {"etag": "e1"}

    asyncio.run(scenario())
