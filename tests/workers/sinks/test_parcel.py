"""How blocks come apart and which of their documents travel again."""

from __future__ import annotations

from collections import Counter

import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.workers.sinks.contract import Postponed, Refused, Written
from tidegate.workers.sinks.parcel import Parcel, Part, fresh_parcel, halves, join, sort_out
from tidegate.workers.spool.block import block_lines, make_block
from tidegate.workers.spool.ledger import Place, Stored


def stored(number: int, *names: str, level: int = 1) -> Stored:
    lines = [line for name in names for line in (b'{"create":{"_id":"%b"}}\n' % name.encode(), b"{}\n")]
    return Stored(Place(1, number, number + 1), make_block(lines, len(names), level), 0.0, True)


def names_of(part: Part) -> str:
    return "".join(line.split(b'"')[5].decode() for line in block_lines(part.block)[::2])


def names(parcel: Parcel) -> list[str]:
    return [names_of(part) for part in parcel.parts]


def again(item: int, *, degraded: bool = False) -> Postponed:
    return Postponed(item, f"cause {item}", degraded)


def refused(item: int) -> Refused:
    return Refused(item, 400, "document_parsing_exception", "no")


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize(
    ("written", "settled", "travelling", "buried"),
    [
        (Written(Counter({EventOutcome.INDEXED: 6})), [3, 1, 2], [], ""),
        (Written(postponed=[again(item) for item in range(6)]), [0, 0, 0], ["abc", "d", "ef"], ""),
        (Written(postponed=[again(0), again(2)]), [1, 1, 2], ["ac"], ""),
        (Written(postponed=[again(3), again(4)]), [3, 0, 1], ["d", "e"], ""),
        (Written(refused=[refused(1), refused(5)]), [3, 1, 2], [], "bf"),
        (Written(refused=[refused(0), refused(3)], postponed=[again(1), again(5)]), [2, 1, 1], ["b", "f"], "ad"),
    ],
)
def test_sort_out(level: int, written: Written, settled: list[int], travelling: list[str], buried: str) -> None:
    blocks = [stored(1, *"abc", level=level), stored(2, "d", level=level), stored(3, *"ef", level=level)]
    parcel = fresh_parcel(blocks)
    outcome = sort_out(parcel, written)
    assert [(pending.stored, count) for pending, count in outcome.settled] == list(zip(blocks, settled, strict=True))
    assert [names_of(part) for part in outcome.again] == travelling
    assert {part.block.encoding for part in outcome.again} <= {blocks[0].block.encoding}
    assert b"".join(letter.action.split(b'"')[5] for letter in outcome.letters).decode() == buried


def test_cause_of_the_cluster_stands_out() -> None:
    outcome = sort_out(fresh_parcel([stored(1, *"ab")]), Written(postponed=[again(0), again(1, degraded=True)]))
    assert (outcome.cause, outcome.causes) == ("cause 1", ["cause 0", "cause 1"])


def test_halves_down_to_single_documents() -> None:
    todo = [fresh_parcel([stored(1, *"abcde"), stored(2, "f"), stored(3, *"gh")])]
    single = []
    while todo:
        parcel = todo.pop(0)
        if (parts := halves(parcel)) is None:
            single += names(parcel)
        else:
            assert sum(part.documents for part in parts) == parcel.documents
            todo[:0] = parts
    assert single == list("abcdefgh")


def test_join_within_limits_and_never_what_was_too_large() -> None:
    parcels = [fresh_parcel([stored(number, name)]) for number, name in enumerate("abcd")]
    size = parcels[0].bytes
    parcels[1].alone = True
    parcels[2].tries = 4
    joined, left = join(parcels, size * 2 + 1, 100)
    assert (names(joined), joined.tries) == (["a", "c"], 4)
    assert [names(parcel) for parcel in left] == [["b"], ["d"]]
    joined, left = join(parcels, size * 9, 2)
    assert names(joined) == ["a", "c"]
    joined, left = join(parcels[1:], size * 9, 9)
    assert (names(joined), len(left)) == (["b"], 2)
