"""No event of the declared types makes mapping fail, or makes a document that is none."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    DictType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)
from tidegate.daemon.wire.frames import RequestBase
from tidegate.workers.decode import model
from tidegate.workers.decode.model import Metadata
from tidegate.workers.mapping.stream import Stream
from tidegate.workers.pipeline import ROWS

TEXT = st.sampled_from(["", "a", "a.b", 'x*"', "rum-js", "1.2.3.4:5", "GET", "http://h:1/p", "redis/q"]) | st.text(
    max_size=30
)
EXTREME = st.sampled_from([-(2**63), 2**63 - 1, 2**32, -1, 0])
FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = TEXT | st.sampled_from(
    ["http.url", "http.status_code", "db.system", "net.peer.port", "net.peer.ip", "rpc.system", "rpc.grpc.status_code",
     "messaging.system", "http.method", "url.path", "http.host", "server.port", "peer.address", "data_stream.dataset"]
)  # fmt: skip


def values_of(kind: Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a declared type, with a liking for the ends of its range."""
    match kind:
        case NoneType():
            return st.none()
        case BoolType():
            return st.booleans()
        case StrType():
            longest = kind.max_length or 50
            return TEXT.map(lambda text: (text or "x" * (kind.min_length or 0))[:longest])
        case IntType():
            low, high = kind.ge if kind.ge is not None else -(2**63), kind.le if kind.le is not None else 2**63 - 1
            return st.integers(low, high) | EXTREME.filter(lambda number: low <= number <= high)
        case FloatType():
            return st.floats(min_value=kind.ge, allow_nan=False, allow_infinity=False)
        case LiteralType():
            return st.sampled_from(kind.values)
        case ListType():
            return st.lists(values_of(kind.item_type, depth + 1), max_size=3)
        case DictType() if isinstance(kind.value_type, AnyType):
            return st.dictionaries(ATTRIBUTES, FREE, max_size=4)
        case DictType():
            return st.dictionaries(
                TEXT, values_of(kind.value_type, depth + 1), max_size=3, min_size=kind.min_length or 0
            )
        case AnyType():
            return FREE
        case UnionType():
            return st.one_of(*(values_of(one, depth) for one in kind.types))
        case StructType():
            return structs_of(kind.cls, depth + 1)
    raise AssertionError(kind)


@cache
def structs_of(cls: type[Struct], depth: int = 0) -> st.SearchStrategy[Any]:
    fields: dict[str, st.SearchStrategy[Any]] = {}
    info = type_info(cls)
    assert isinstance(info, StructType)
    for field in info.fields:
        if field.name == "log" and cls is model.Log:
            continue  # lifted into the flat fields before mapping
        if field.name == "timestamp":  # text has been read by the decoder
            fields[field.name] = st.none() | st.integers(-(2**63), 2**63 - 1)
        elif field.name == "cause" and depth > 3:
            fields[field.name] = st.none()
        else:
            fields[field.name] = values_of(field.type, depth)
    optional = {name: one for name, one in fields.items() if not _required(info, name)}
    needed = {name: one for name, one in fields.items() if _required(info, name)}
    return st.fixed_dictionaries(needed, optional=optional).map(lambda found: cls(**found))


def _required(info: StructType, name: str) -> bool:
    return next(field.required for field in info.fields if field.name == name)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_check_30_any_event_is_one_line(kind: type[Struct], data: st.DataObject) -> None:
    stream = Stream(
        RequestBase(host_ip="::1", default_environment=data.draw(st.sampled_from(["", "prod"]))),
        data.draw(structs_of(Metadata)),
    )
    event = data.draw(structs_of(kind))
    to_document, steps = ROWS[kind]
    for complete in (False, True):
        document = to_document(event, stream, 1_735_689_600_123_456_789)
        if document is None:
            continue
        for enrich in steps.enrich:
            enrich(document, stream)
        place = steps.place(document, stream)
        json.loads(place.action + '"}}')
        if complete:
            steps.complete(document, stream)
        line = stream.join(b"", document)
        assert line.count(b"\n") == 1
        written = json.loads(line, object_pairs_hook=unique)
        assert stream.constants.keys() <= written.keys()
