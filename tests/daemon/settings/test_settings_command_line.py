"""The value of `-E`, as the original reads it (http-surface.md 7.1)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.command_line import read_value, split_override
from tidegate.daemon.settings.leaves import Leaf
from tidegate.daemon.settings.problems import COMMAND_LINE


def plain(leaf: Leaf) -> Any:
    if isinstance(leaf.value, tuple):
        return [plain(element) for element in leaf.value]
    if isinstance(leaf.value, dict):
        return {name: plain(value) for name, value in leaf.value.items()}
    return leaf.value


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        *((word, True, "true") for word in ("t", "T", "true", "TRUE", "True", "on", "ON", " true ")),
        *((word, False, "false") for word in ("f", "F", "false", "FALSE", "False", "off", "OFF")),
        *((word, word, word) for word in ("yes", "no", "On", "y", "tRUE", "None", "~")),
        ("", None, ""),
        ("null", None, ""),
        ("[]", None, ""),
        ("{}", None, ""),
        ("23", 23, "23"),
        ("-42", -42, "-42"),
        ("0123", 83, "83"),
        ("0o17", 15, "15"),
        ("0x1F", 31, "31"),
        ("0b101", 5, "5"),
        ("1_000", 1000, "1000"),
        ("0899", 899.0, "899"),
        ("18446744073709551615", 2**64 - 1, "18446744073709551615"),
        ("18446744073709551616", float(2**64), "18446744073709551616"),
        ("3.14", 3.14, "3.14"),
        ("1e5", 100000.0, "100000"),
        ("1e21", 1e21, "1e+21"),
        ("inf", math.inf, "+Inf"),
        ("1.2.3", "1.2.3", "1.2.3"),
        ("9.5.2", "9.5.2", "9.5.2"),
        ("'0123'", "0123", "0123"),
        ('"0123"', "0123", "0123"),
        ('""', "", ""),
        ("'single \\\" quoted'", 'single \\" quoted', 'single \\" quoted'),
        ('"double \\" \\u00fc \\x41\\n\\101"', 'double " ü A\nA', 'double " ü A\nA'),
        ("plain string", "plain string", "plain string"),
        ("string : with :: colons", "string : with :: colons", "string : with :: colons"),
        ("http://[::1]:9200", "http://[::1]:9200", "http://[::1]:9200"),
        ("a{b}[c]", "a{b}[c]", "a{b}[c]"),
    ],
)
def test_scalars(text: str, value: object, words: str) -> None:
    leaf = read_value(text, COMMAND_LINE)
    assert plain(leaf) == value
    assert type(leaf.value) is type(value)
    assert leaf.text == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a,b,c", ["a", "b", "c"]),
        ("[host1:1234, host2:1234]", ["host1:1234", "host2:1234"]),
        ('[array, 1, true, "abc",]', ["array", 1, True, "abc"]),
        ("[test, [1,2,3], on]", ["test", [1, 2, 3], True]),
        ('["http://[::1"]', ["http://[::1"]),
        (
            "{'key1': true, \"key2\": 1, key 3: ['test', off], nested: {\"a\" : 2}}",
            {"key1": True, "key2": 1, "key 3": ["test", False], "nested": {"a": 2}},
        ),
        ("{key: 1},{key: 2}", [{"key": 1}, {"key": 2}]),
        (
            '{"secret_token": "abc", "anonymous": {"enabled": false} }',
            {"secret_token": "abc", "anonymous": {"enabled": False}},
        ),
        ("{a: http://b:1}", {"a": "http://b:1"}),
        ("a,", ["a", None]),
    ],
)
def test_lists_and_maps(text: str, value: object) -> None:
    assert plain(read_value(text, COMMAND_LINE)) == value


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[a",
        "[a,",
        "[a b",
        "{",
        "{a",
        "{a:",
        "{a:1",
        "{a:1 b",
        "'",
        '"',
        '"\\q"',
        '"\\ud800"',
        '"a" b',
        ",a",
        "[,]",
        "{:1}",
    ],
)
def test_what_cannot_be_read_is_an_error_without_the_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_value(f"{text}", COMMAND_LINE)
    assert len(str(caught.value)) < 100


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        read_value("[" * 100_000, COMMAND_LINE)


def test_maps_have_no_meaning_in_variables() -> None:
    assert plain(read_value("{a: 1}", COMMAND_LINE, objects=False)) == "{a: 1}"
    assert plain(read_value("a,b", COMMAND_LINE, objects=False)) == ["a", "b"]


@pytest.mark.parametrize(
    ("argument", "pair"),
    [("a=b", ("a", "b")), ("a=b=c", ("a", "b=c")), ("a", ("a", "true")), ("a=", ("a", "")), (" a =b", ("a", "b"))],
)
def test_key_and_value(argument: str, pair: tuple[str, str]) -> None:
    assert split_override(argument) == pair


@given(st.text(alphabet=st.sampled_from(list("a1 ,:[]{}'\"\\tx0.-")) | st.characters(), max_size=60))
def test_any_text_is_a_value_or_an_error(text: str) -> None:
    try:
        read_value(text, COMMAND_LINE)
    except ValueError:
        pass
