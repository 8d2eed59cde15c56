"""Addresses (intake-to-documents.md 1.1), header names (section 3), label keys (4.1.7), numbers, memos, deep JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.mapping.address import forwarded_address, is_address, parsed
from tidegate.workers.mapping.deep_json import write_deep
from tidegate.workers.mapping.headers import canonical
from tidegate.workers.mapping.integers import LARGEST, whole
from tidegate.workers.mapping.labels import sanitised
from tidegate.workers.mapping.memo import Memo
from tidegate.workers.mapping.moment import moment, moment_after


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4", ("1.2.3.4", 0)),
        ("1.2.3.4:80", ("1.2.3.4", 80)),
        ("1.2.3.4:0", ("1.2.3.4", 0)),
        ("[2001:DB8::1]:80", ("2001:db8::1", 80)),
        ("2001:0db8::0001", ("2001:db8::1", 0)),
        ("fe80::1%eth0", ("fe80::1", 0)),
        ("[fe80::1%eth0]:1", ("fe80::1", 1)),
        ("::ffff:1.2.3.4", None),
        ("::ffff:102:304", ("::ffff:1.2.3.4", 0)),
        ("[2001:db8::1]", None),
        ("[1.2.3.4]:80", None),
        ("1.2.3.4:70000", None),
        ("1.2.3.4:x", None),
        ("01.2.3.4", None),
        ("localhost", None),
        ("localhost:80", None),
        ("", None),
        ("[", None),
    ],
)
def test_address(text: str, address: tuple[str, int] | None) -> None:
    assert parsed[text] == address


@pytest.mark.parametrize(
    ("text", "expected"), [("::1", True), ("fe80::1%e", True), ("1.2.3", False), ("1.2.3.4:5", False)]
)
def test_is_address(text: str, expected: bool) -> None:
    assert is_address[text] is expected


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=1.2.3.4", ("1.2.3.4", 0)),
        ('For="[::1]:8"; by=x', ("::1", 8)),
        ("for=1.1.1.1;for=2.2.2.2, for=3.3.3.3", ("2.2.2.2", 0)),
        ('for=1.1.1.1;for="2.2.2.2', ("1.1.1.1", 0)),
        (r'for="\"1.1.1.1"', None),
        ("by=1.1.1.1;x", None),
    ],
)
def test_forwarded(value: str, address: tuple[str, int] | None) -> None:
    assert forwarded_address({"Forwarded": [value]}) == address


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("content-type", "Content-Type"),
        ("foo_bar", "Foo_bar"),
        ("X-ABC", "X-Abc"),
        ("a b", "a b"),
        ("é", "é"),
        ("", ""),
        ("-a", "-A"),
    ],
)
def test_header_name(name: str, expected: str) -> None:
    assert canonical[name] == expected


def test_label_key() -> None:
    assert sanitised['a.b*c"d'] == "a_b_c_d"


@given(st.floats(allow_nan=False))
def test_whole_numbers_fit(number: float) -> None:
    assert -LARGEST <= whole(number) <= LARGEST
    if abs(number) < 2**53:
        assert whole(number) == int(number)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1), st.floats(allow_nan=False))
def test_every_time_can_be_written(sent: int, received_ns: int, start: float) -> None:
    for timestamp, at in (moment(sent, received_ns), moment_after(start, received_ns), moment(None, received_ns)):
        assert 0 <= at * 1000 < 2**64
        assert len(timestamp) == len("2025-01-01T00:00:00.000Z")


def test_a_memo_is_bounded() -> None:
    computed: list[str] = []
    memo: Memo[str, int] = Memo(lambda key: computed.append(key) or len(key), budget=160, weigh=len)
    for key in ("a" * 10, "b" * 10, "a" * 10, "c" * 11, "c" * 11):
        assert memo[key] == len(key)
    assert [key[0] for key in computed] == ["a", "b", "c", "c"]
    for number in range(1000):
        assert memo[f"{number:010}"] == 10
    assert len(memo) <= 16


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_deep_json_is_json(value: Any) -> None:
    assert json.loads(write_deep(value)) == value


def test_deep_json_is_deep() -> None:
    value: Any = []
    for _ in range(9_000):
        value = {"a": [value]}
    assert write_deep(value) == b'{"a":[' * 9_000 + b"[]" + b"]}" * 9_000
