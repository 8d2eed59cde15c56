"""What is taken, and as which value: intake-to-documents.md sections 2 and 3, and the nested forms of 4.7."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tidegate.workers.decode.free import UNWRITABLE
from tidegate.workers.decode.lines import Refused, read_event, read_metadata
from tidegate.workers.decode.model import Context, Error, Log, Metricset, Sample, Span, Transaction

TX = b'{"transaction":{"id":"a","trace_id":"b","type":"t","duration":1,"span_count":{"started":0}%s}}'
ERROR = b'{"error":{"id":"e","exception":{"message":"m"}%s}}'


def transaction(more: bytes) -> Transaction:
    event = read_event(TX % (b"," + more if more else b""))
    assert type(event) is Transaction
    return event


def context(more: bytes) -> Context | None:
    return transaction(b'"context":{' + more + b"}").context


def log(content: bytes) -> Log:
    event = read_event(b'{"log":{' + content + b"}}")
    assert type(event) is Log
    return event


NAMES: list[tuple[bytes, str | None]] = [
    (b'"name":"plain"', "plain"),
    (b'"name":null', None),
    (b'"NAME":"other case"', "other case"),
    (b'"Name":"a","name":"b"', "b"),
    (b'"name":"a","name":"b"', "b"),
    (rb'"n\u0061me":"escaped key"', "escaped key"),
    (rb'"name":"\u00e9\/\n\ud83d\ude00"', "é/\n😀"),
    (rb'"name":"\ud800"', "\ufffd"),
    (rb'"name":"\ud800x"', "\ufffdx"),
    (rb'"name":"\ud800\n"', "\ufffd\n"),
    (rb'"name":"\ud800\u0041"', "\ufffdA"),
    (rb'"name":"\udc00\ud83d\ude00"', "\ufffd\ufffd\ufffd"),
    (rb'"name":"\ud83d\ud83d\ude00"', "\ufffd\ufffd\ufffd"),
    (b'"name":"a\xe9b"', "a\ufffdb"),
    (b'"name":"\xe2\x82A"', "\ufffd\ufffdA"),
    (b'"name":"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
    (b'"name":"' + b"x" * 1024 + b'"', "x" * 1024),
    ('"name":"{}"'.format("é" * 1024).encode(), "é" * 1024),
    (b'"name" : "blanks" \t\r', "blanks"),
]

FLOATS: list[tuple[bytes, float | None]] = [
    (b"0", 0.0),
    (b"-0.5", -0.5),
    (b"1e3", 1000.0),
    (b"1E+2", 100.0),
    (b"123456789012345678901234567890", 1.2345678901234568e29),
    (b"+1", 1.0),
    (b"NaN", None),
    (b".5", None),
    (b"5.", None),
    (b"01", None),
    (b"-01", None),
    (b"--1", None),
    (b"1e", None),
    (b"1e400", None),
    (b"1.2.3", None),
    (b'"1"', None),
    (b"true", None),
]

INTEGERS: list[tuple[bytes, int | None]] = [
    (b"0", 0),
    (b"-1", -1),
    (b"9223372036854775807", 2**63 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b"9223372036854775808", None),
    (b"-9223372036854775809", None),
    (b"21000000000000000000", None),
    (b"1.0", None),
    (b"1e3", None),
    (b"01", None),
    (b'"1"', None),
    (b"true", None),
    (b"-", None),
]

TIMES: list[tuple[bytes, int | None]] = [
    (b"1735725600123456", 1735725600123456),
    (b"0", 0),
    (b"-1", -1),
    (b'"2025-03-04T05:06:07.123456+01:00"', 1741061167123456),
    (b'"2025-01-01T10:00:00Z"', 1735725600000000),
    (b'"2025-01-01"', None),
    (b'"\\ud800"', None),
    (b"1.5", None),
    (b"1e3", None),
    (b"true", None),
    (b"{}", None),
]

USER_IDS: list[tuple[bytes, Any]] = [(b'"x"', "x"), (b"99", 99), (b'""', ""), (b"-7", -7)]

PORTS: list[tuple[bytes, Any]] = [(b'"8080"', "8080"), (b"8080", 8080), (b'"+5"', "+5"), (b'"-1"', "-1")]

FREE: list[tuple[bytes, Any]] = [
    (b'{"a":1,"b":[1,{"c":null}],"d":{}}', {"a": 1, "b": [1, {"c": None}], "d": {}}),
    (b'{"a":1e400,"b":1}', {"a": UNWRITABLE, "b": 1}),
    (b'{"a":[{"b":-1e400}]}', {"a": [{"b": -UNWRITABLE}]}),
    (b'{"a":1180591620717411303424}', {"a": 2**70}),
    (b'{"a":' + b"9" * 5000 + b"}", {"a": UNWRITABLE}),
    (b'{"a":["\xff"],"b":"\xc3\xa9"}', {"a": UNWRITABLE, "b": "é"}),
    (b'{"a":1},"Custom":{"b":2}', {"a": 1, "b": 2}),
    (b'{"a":1},"Custom":null', None),
]

LABELS: list[tuple[bytes, Any]] = [
    (b'{"a":"x","b":true,"c":1,"d":1.5,"e":null}', {"a": "x", "b": True, "c": 1, "d": 1.5, "e": None}),
    (b'{"a":1e400,"b":""}', {"b": ""}),
    (b'{"a":18446744073709551616}', {"a": 2.0**64}),
    (b'{"a":9223372036854775808}', {"a": 2.0**63}),
]

LOGS: list[tuple[bytes, dict[str, Any]]] = [
    (b'"log.level":"flat","log":{"level":"nested"}', {"level": "nested"}),
    (b'"log.level":"flat","log":{"level":5}', {"level": "flat"}),
    (b'"log.level":"flat","log":{"level":{"a":1}}', {"level": "flat"}),
    (
        b'"log":{"logger":"l","origin":{"file":{"name":"f","line":22},"function":"g"}}',
        {"logger": "l", "origin_file_name": "f", "origin_file_line": 22, "origin_function": "g"},
    ),
    (b'"message":"m","log":{"origin":{"file":{"line":"1.5"}}}', {"message": "m"}),
    (b'"log":{"origin":{"file":{"line":-0}}}', {"origin_file_line": 0}),
    (b'"message":"m","log":{"origin":5}', {"message": "m"}),
    (
        b'"service":{"name":"s","node":{"name":"n"}},"service.version":"1"',
        {"service_name": "s", "service_node_name": "n", "service_version": "1"},
    ),
    (b'"error":{"type":"t","stack_trace":"s"}', {"error_type": "t", "error_stack_trace": "s"}),
    (
        b'"event":{"dataset":"d"},"process":{"thread":{"name":"main"}}',
        {"event_dataset": "d", "process_thread_name": "main"},
    ),
    (b'"@timestamp":"2025-01-01T10:00:00Z","message":"m"', {"timestamp": 1735725600000000, "message": "m"}),
    (b'"message":"m","timestamp":true,"ecs.version":"1.2.0"', {"message": "m"}),
]

LENIENT = [
    TX % b"" + b" trailing",
    TX % b"" + b"}}}",
    TX % b"" + b"\r",
    b"  " + (TX % b"").replace(b"{", b"{ ").replace(b":", b" : "),
    TX % b',"context":{"tags":{"a":null}}',
    TX % b',"unknown":[1,{"a":null,"b":[true,false,-1.5e3,"x\\n"]}]',
    TX % b',"unknown":"\xff"',
    TX % b',"context":{"request":{}}',
    TX % b',"context":{"request":{"unknown":1}}',
    TX % b',"context":{"service":{"name":""}}',
    (TX % b"").replace(b"}}", b'}},"transaction":{"name":"x"}}', 1)[:-1],
    ERROR % b',"transaction":{"bad":1}',
]


@pytest.mark.parametrize(("member", "name"), NAMES)
def test_text(member: bytes, name: str | None) -> None:
    assert transaction(member).name == name


@pytest.mark.parametrize(("literal", "value"), FLOATS)
def test_float(literal: bytes, value: float | None) -> None:
    if value is None:
        with pytest.raises(Refused, match="decode error: data read error: "):
            transaction(b'"sample_rate":' + literal)
    else:
        assert transaction(b'"sample_rate":' + literal).sample_rate == value


@pytest.mark.parametrize(("literal", "value"), INTEGERS)
def test_integer(literal: bytes, value: int | None) -> None:
    member = b'"context":{"response":{"status_code":' + literal + b"}}"
    if value is None:
        with pytest.raises(Refused, match="decode error: data read error: "):
            transaction(member)
    else:
        event = transaction(member)
        assert event.context is not None and event.context.response is not None
        assert event.context.response.status_code == value


@pytest.mark.parametrize(("literal", "value"), TIMES)
def test_time(literal: bytes, value: int | None) -> None:
    if value is None:
        with pytest.raises(Refused, match="decode error: data read error: "):
            transaction(b'"timestamp":' + literal)
    else:
        assert transaction(b'"timestamp":' + literal).timestamp == value


@pytest.mark.parametrize(("literal", "value"), USER_IDS)
def test_user_id(literal: bytes, value: Any) -> None:
    found = context(b'"user":{"id":' + literal + b"}")
    assert found is not None and found.user is not None and found.user.id == value


@pytest.mark.parametrize(("literal", "value"), PORTS)
def test_port(literal: bytes, value: Any) -> None:
    found = context(b'"request":{"method":"GET","url":{"port":' + literal + b"}}")
    assert found is not None and found.request is not None and found.request.url is not None
    assert found.request.url.port == value


@pytest.mark.parametrize(("literal", "value"), FREE)
def test_free_map(literal: bytes, value: Any) -> None:
    found = context(b'"page":{"url":"x"},"custom":' + literal)
    assert found is not None and found.custom == value


@pytest.mark.parametrize(("literal", "value"), LABELS)
def test_labels(literal: bytes, value: Any) -> None:
    found = context(b'"tags":' + literal)
    assert found is not None and found.tags == value


@pytest.mark.parametrize(("content", "fields"), LOGS)
def test_log(content: bytes, fields: dict[str, Any]) -> None:
    assert log(content) == Log(**fields)


@pytest.mark.parametrize("line", LENIENT)
def test_lenient(line: bytes) -> None:
    assert read_event(line) is not None


@pytest.mark.parametrize(
    "empty",
    [b"{}", b"null", b'{"unknown":1}', b'{"id":null,"email":null}', b'{"is_authenticated":false,"id":null}'],
)
def test_an_empty_user_is_none(empty: bytes) -> None:
    found = context(b'"page":{"url":"x"},"user":' + empty)
    assert found is not None and found.user is None


def test_objects_merge() -> None:
    """A later null changes nothing either."""
    found = context(b'"user":{"id":"1","x":0},"USER":{"email":"e"},"user":null')
    assert found is not None and found.user is not None
    assert (found.user.id, found.user.email) == ("1", "e")


def test_null_elements() -> None:
    event = read_event(
        b'{"metricset":{"samples":{"a":{"values":[1,null],"counts":[null,18446744073709551615]},"b":null}}}'
    )
    assert type(event) is Metricset
    assert event.samples == {"a": Sample(values=[1.0, 0.0], counts=[0, 2**64 - 1]), "b": Sample()}
    metadata = read_metadata(
        b'{"metadata":{"service":{"name":"s","agent":{"name":"a","version":""}},"process":{"pid":1,"argv":["a",null]}}}'
    )
    assert metadata.process is not None and metadata.process.argv == ["a", ""]


def test_marks() -> None:
    assert transaction(b'"marks":{"a":{"b":1,"c":null},"d":null,"A":{}},"x":0').marks == {
        "a": {"b": 1, "c": None},
        "d": None,
        "A": {},
    }


def test_other_root_keys_are_skipped() -> None:
    event = read_event((ERROR % b"")[:-1] + b',"transaction":{"bad":1}}')
    assert type(event) is Error and event.transaction is None


def test_control_characters() -> None:
    """Refused up to the first escape of a string; after it the original no longer looks."""
    with pytest.raises(Refused, match="invalid control character found: 9"):
        transaction(b'"name":"a\tb"')
    assert transaction(b'"name":"a\\n\tb"').name == "a\n\tb"


def test_metadata_with_odd_keys() -> None:
    """The same in the usual form and in another case, with unknown keys and bytes after it."""
    usual = {"metadata": {"service": {"name": "A-z_0 9", "agent": {"name": "a", "version": ""}}, "labels": {"l": 4}}}
    odd = json.dumps(usual).replace("name", "NAME").replace("{", '{"x":[null],', 3).replace('"x":[null],', "", 1) + " !"
    assert read_metadata(json.dumps(usual).encode()) == read_metadata(odd.encode())


def test_bodies() -> None:
    span = b'{"span":{"id":"a","trace_id":"b","parent_id":"c","name":"n","type":"t","start":1,"duration":1,"x":0,"context":%s}}'
    for literal, value in [
        (b"5", 5),
        (b"[1,{}]", [1, {}]),
        (b'"x"', "x"),
        (b'{"a":"\xff","b":1}', {"a": UNWRITABLE, "b": 1}),
    ]:
        event = read_event(span % (b'{"http":{"request":{"body":' + literal + b"}}}"))
        assert type(event) is Span and event.context is not None and event.context.http is not None
        assert event.context.http.request is not None and event.context.http.request.body == value
