"""The accept path takes nothing that the exact path does not take with the same event; and no bytes raise but Refused.

Lines are made from the tables of the exact path, then spoiled: unknown keys, other case, null, values of wrong types, big
numbers, surrogates. Keys that stand twice are left out: there the two paths differ on purpose (objects merge only in the
exact one).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from decode_lines import agree, corpus_lines
from e2e.presence import shared_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.workers.decode.accept import accept_event, accept_metadata
from tidegate.workers.decode.error_rules import ERROR
from tidegate.workers.decode.exact import exact_event, exact_metadata
from tidegate.workers.decode.lines import Refused, read_event, read_metadata
from tidegate.workers.decode.log_rules import LOG
from tidegate.workers.decode.metadata_rules import METADATA
from tidegate.workers.decode.metricset_rules import METRICSET
from tidegate.workers.decode.rules import Field, Form, Table
from tidegate.workers.decode.rum_rules import RUM_ERROR, RUM_METADATA, RUM_TRANSACTION
from tidegate.workers.decode.span_rules import SPAN
from tidegate.workers.decode.transaction_rules import TRANSACTION

# ----------------------------------------------------------------------------------------------------- making of lines

words = st.sampled_from(
    ["", "a", "GET /", "success", "shop-api", "2025-01-01T00:00:00Z", "8080", "é😀", "\0", "x" * 1024]
)
integers = st.sampled_from([0, 1, 2, 3, 200, 2**31, 2**53 + 1, 2**63 - 1])
numbers = integers | st.sampled_from([0.5, 1.5, 1e300, 1e-7, 2**63, 2**64, 2**70])
scalars = st.one_of(words, numbers, st.booleans(), st.none())
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
nasty = st.one_of(
    st.sampled_from(
        ["x" * 1025, "x!", "\ud800", "\udc00\ud800", 'q"\\*', -1, -0.0, -(2**63), -(2**63) - 1, 2**63, 1.0]
    ),
    anything,
)
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "read_text": words,
    "read_int": integers,
    "read_number": numbers,
    "read_flag": st.booleans(),
    "read_time": integers | st.just("2025-01-01T00:00:00Z"),
    "read_any": words | integers,
    "read_free": st.dictionaries(words, anything, max_size=3),
    "read_literals": st.dictionaries(st.sampled_from(["level", "name", "origin", "type"]), anything, max_size=3),
    "read_labels": st.dictionaries(words, scalars, max_size=3),
    "read_headers": st.dictionaries(words, words | st.lists(words, max_size=2), max_size=3),
}
TEXTS = st.lists(words, max_size=2)
NAMED: dict[str, st.SearchStrategy[Any]] = {
    "post_context": TEXTS,
    "pre_context": TEXTS,
    "argv": TEXTS,
    "child_ids": TEXTS,
    "values": st.lists(numbers, max_size=2),
    "counts": st.lists(integers, max_size=2),
    "marks": st.dictionaries(words, st.dictionaries(words, numbers, max_size=2), max_size=2),
    "outcome": st.sampled_from(["success", "failure", "unknown", ""]),
    "port": integers | st.sampled_from(["8080", "08", "+8"]),
    "body": anything,
}


def member_of(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.table is not None:
        inner = object_of(field.table, depth - 1)
        if field.form is Form.OBJECTS:
            return st.lists(inner, max_size=2)
        return st.dictionaries(words, inner, max_size=3) if field.form is Form.OBJECT_MAP else inner
    return NAMED[field.name] if field.name in NAMED else LEAVES[field.read.__name__]


@st.composite
def object_of(draw: st.DrawFn, table: Table, depth: int) -> dict[str, Any]:
    """An object that is often valid, and often nearly so."""
    made: dict[str, Any] = {}
    for field in table.fields:
        needed = field.required or field.key in table.one_of or field.required_with
        if (field.table is None or depth > 0) and draw(st.integers(0, 99)) < (99 if needed else 25):
            made[field.key] = draw(member_of(field, depth))
    spoil = draw(st.integers(0, 60))
    keys = sorted(made)
    if spoil == 0:
        made["unknown"] = draw(anything)
    elif spoil <= 3 and keys:
        key = draw(st.sampled_from(keys))
        made[key] = draw(nasty)
    elif spoil == 4 and keys:
        key = draw(st.sampled_from(keys))
        made[key.upper()] = made.pop(key)
    return made


@st.composite
def line_of(draw: st.DrawFn, key: str, table: Table) -> bytes:
    value = {key: draw(object_of(table, 3))}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    line = text.encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([line, line, line, line + b" x", line + b"\r"]))


EVENTS = [
    ("transaction", TRANSACTION),
    ("span", SPAN),
    ("error", ERROR),
    ("metricset", METRICSET),
    ("log", LOG),
]
ROUNDS = settings(max_examples=120, deadline=None)


@pytest.mark.parametrize(("key", "table"), EVENTS)
@ROUNDS
@given(data=st.data())
def test_accept_and_exact_agree(key: str, table: Table, data: st.DataObject) -> None:
    agree(data.draw(line_of(key, table)), accept_event, exact_event)


@ROUNDS
@given(line=line_of("metadata", METADATA))
def test_accept_and_exact_agree_on_metadata(line: bytes) -> None:
    agree(line, accept_metadata, exact_metadata)


@pytest.mark.parametrize(("key", "table"), [("x", RUM_TRANSACTION), ("e", RUM_ERROR), ("m", RUM_METADATA)])
@ROUNDS
@given(data=st.data())
def test_v3_lines_raise_nothing_but_refused(key: str, table: Table, data: st.DataObject) -> None:
    survives(data.draw(line_of(key, table)))


def survives(line: bytes) -> None:
    """No bytes raise anything but Refused, and what is answered can be sent."""
    for read in (read_event, read_metadata):
        try:
            read(line)
        except Refused as refusal:
            refusal.message.encode()


@ROUNDS
@given(line=st.binary(max_size=200))
def test_any_bytes(line: bytes) -> None:
    survives(line)
    survives(b'{"transaction":' + line)
    survives(b'{"log":{"log":' + line)


SAMPLES = [
    (
        b'{"transaction":{"id":"a","trace_id":"b","type":"t","duration":1.5e1,"span_count":{"started":0},"context":{"request":'
        b'{"method":"GET","headers":{"a":["x"]}},"tags":{"k":true},"custom":{"a":[1,{}]}},"marks":{"a":{"b":1}},"timestamp":"x"}}'
    ),
    b'{"error":{"id":"e","exception":{"message":"\\u00e9","code":5,"cause":[{"type":"x","stacktrace":[{"filename":"f"}]}]}}}',
    b'{"x":{"id":"a","tid":"b","t":"c","d":1,"yc":{"sd":0},"y":[{"id":"i","n":"n","t":"t","s":1,"d":1}],"k":{"a":{"fb":3}}}}',
]


def _real_lines() -> list[bytes]:
    shared = shared_folder()
    if shared is None:
        return []
    return [line for lines in corpus_lines(shared).values() for line in lines][::7]


REAL = SAMPLES + _real_lines()


@ROUNDS
@given(
    line=st.sampled_from(REAL),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4),
    end=st.floats(0.2, 1.5),
)
def test_spoiled_lines(line: bytes, edits: list[tuple[float, int, bytes]], end: float) -> None:
    """Bytes replaced, taken out, put in, cut off."""
    spoiled = bytearray(line)
    for place, removed, put in edits:
        at = int(place * len(spoiled))
        spoiled[at : at + removed] = put
    if end < 1:
        del spoiled[int(end * len(spoiled)) :]
    line = bytes(spoiled).replace(b"\n", b"")
    survives(line)
    agree(line, accept_event, exact_event)


def test_folder_of_shared_lines(shared: Path) -> None:
    """The real lines above are there."""
    assert len(REAL) > len(SAMPLES)
