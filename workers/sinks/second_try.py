"""The second try of documents that may be stored already, in a data stream that may have rolled over since. Pure: asking
the cluster is a function passed in.

An `_id` is unique in one backing index only: after a rollover the new one does not know what the old one holds, and
`create` makes a second document there. Elasticsearch lets nobody create in an old backing index. Whoever may read can
ask them: which of these ids have you? Those are stored, and are left out of the second try.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import quote

import msgspec
import orjson
from tidegate.workers.sinks.contract import Written
from tidegate.workers.spool.block import Block, block_lines, make_block

OLDER = 2
"""How many backing indices before the present one are asked: more rollovers than that between two tries do not happen."""
_LEVEL = 1
"""Of compression, as for all that is sent again."""
_NAMES = 12
"""Data streams in one question: a name has 255 bytes at most, and Elasticsearch takes 4,096 bytes of a request's first line."""

Ask = Callable[[str, str, bytes | None], bytes | None]
"""(method, path, body) → the answer; None where the question is not allowed."""


class _Stream(msgspec.Struct):
    name: str = ""
    backing_indices: list[str] = msgspec.field(default_factory=list)


class _Resolved(msgspec.Struct):
    data_streams: list[_Stream] = msgspec.field(default_factory=list)


class _Document(msgspec.Struct):
    id: str = msgspec.field(name="_id", default="")
    found: bool = False


class _Got(msgspec.Struct):
    docs: list[_Document] = msgspec.field(default_factory=list)


class _Target(msgspec.Struct):
    index: str = msgspec.field(name="_index", default="")
    id: str = msgspec.field(name="_id", default="")


class _Action(msgspec.Struct):
    create: _Target


_read_action = msgspec.json.Decoder(_Action).decode


def _streams(answer: bytes | None) -> list[_Stream]:
    """Empty for an answer that is none: nothing is known then, and all is sent."""
    try:
        return msgspec.json.decode(answer or b"{}", type=_Resolved).data_streams
    except msgspec.MsgspecError:
        return []


def _documents(answer: bytes | None) -> list[_Document]:
    try:
        return msgspec.json.decode(answer or b"{}", type=_Got).docs
    except msgspec.MsgspecError:
        return []


class Documents:
    """The documents of some blocks, by data stream and id. Raises ValueError for a damaged block."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._lines = [line for block in blocks for line in block_lines(block)]
        self.places: dict[str, dict[str, int]] = {}
        """Data stream → id → place among all documents."""
        for place, action in enumerate(self._lines[::2]):
            target = _read_action(action).create
            self.places.setdefault(target.index, {})[target.id] = place

    def without(self, stored: Collection[int]) -> tuple[list[Block], list[int]]:
        """One block of those that are not stored, if there are any, and the place that each had before."""
        left = [place for place in range(len(self._lines) // 2) if place not in stored]
        lines = [part for place in left for line in self._lines[2 * place : 2 * place + 2] for part in (line, b"\n")]
        return ([make_block(lines, len(left), _LEVEL)] if left else []), left


def stored_before(documents: Documents, ask: Ask) -> set[int]:
    """The places of those documents that an older backing index of their data stream has. None are known where the user
    may not read. Raises what `ask` raises."""
    stored: set[int] = set()
    names = sorted(documents.places)
    for first in range(0, len(names), _NAMES):
        for stream in _streams(ask("GET", _resolve_path(names[first : first + _NAMES]), None)):
            places = documents.places.get(stream.name, {})
            for index in stream.backing_indices[-2 : -2 - OLDER : -1]:
                stored |= _places_in(index, places, ask)
    return stored


def _resolve_path(names: Sequence[str]) -> str:
    """Which backing indices have these data streams? The present one is the last."""
    return f"/_resolve/index/{','.join(quote(name, safe='') for name in names)}?ignore_unavailable=true"


def _places_in(index: str, places: Mapping[str, int], ask: Ask) -> set[int]:
    """Which of these ids does the index have, whether they can be searched yet or not?"""
    path = f"/{quote(index, safe='')}/_mget?_source=false&realtime=true&filter_path=docs._id,docs.found"
    answer = ask("POST", path, orjson.dumps({"ids": list(places)}))
    return {places[one.id] for one in _documents(answer) if one.found and one.id in places}


def placed_back(written: Written, places: Sequence[int]) -> Written:
    """The outcomes of the documents that were sent, told by the places they had before."""
    return Written(
        written.counts,
        [one._replace(item=places[one.item]) for one in written.refused],
        [one._replace(item=places[one.item]) for one in written.postponed],
    )
