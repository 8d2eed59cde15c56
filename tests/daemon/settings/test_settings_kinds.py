"""What each kind of value takes, and what it says of others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings import kinds, table
from tidegate.daemon.settings.command_line import read_value
from tidegate.daemon.settings.leaves import Leaf
from tidegate.daemon.settings.problems import COMMAND_LINE
from tidegate.daemon.settings.shown import shown


def given_text(text: str) -> Leaf:
    return Leaf(text, text, COMMAND_LINE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90.0), ("500ms", 0.5), ("1500ms", 1.5), ("45", 45.0), ("0.5", 0.5), ("0", 0.0), ("1h", 3600.0),
        ("2h45m", 9900.0), ("1.5h", 5400.0), ("10us", 0.00001), ("10µs", 0.00001), ("1s500ms", 1.5), ("30d", 2_592_000.0),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert kinds.duration().read(given_text(text)) == seconds
    assert kinds.duration().read(read_value(text, COMMAND_LINE)) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "1x", "1m 30s", "-1s", "-5", "nan", "inf", "1e99", "99999d", "s", "true", "[1,2]"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(kinds.Unfit):
        kinds.duration().read(read_value(text or "''", COMMAND_LINE))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1048576", 1 << 20), ("1MiB", 1 << 20), ("1 mib", 1 << 20), ("1MB", 1_000_000), ("64KiB", 65536), ("5kb", 5000),
        ("2GiB", 2 << 30), ("1.5MiB", 3 << 19), ("10B", 10), ("1g", 10**9), ("1Ti", 1 << 40), ("1152921504606846975", 2**60 - 1),
    ],
)  # fmt: skip
def test_sizes(text: str, count: int) -> None:
    assert kinds.size().read(given_text(text)) == count


@pytest.mark.parametrize("text", ["", "x", "1 XB", "-1", "1.5.5", "9" * 19 + "TiB", "99999999TiB", "MiB", "1 M i B"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(kinds.Unfit):
        kinds.size().read(given_text(text))


@pytest.mark.parametrize(
    ("expression", "is_one"),
    [
        ("node_modules|bower_components|~", True), ("^/webpack", True), ("", True), ("[[:alpha:]]+\\z", True),
        ("\\Qa.b(\\E", True), ("\\pL\\p{Lu}", True), ("(?i)x", True), ("(a", False), ("a[", False), ("a{2,1}", False),
        ("*", False), ("(" * 10_000, False),
    ],
)  # fmt: skip
def test_patterns(expression: str, is_one: bool) -> None:
    kind = kinds.pattern("invalid library pattern regex")
    if is_one:
        assert kind.read(given_text(expression)) == expression
    else:
        with pytest.raises(kinds.Unfit, match=r"^invalid library pattern regex: "):
            kind.read(given_text(expression))


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "x"), ("", "x"), ("ä", "x"), ("X", "a\r\nb"), ("X", "a\0"), ("a:", "x")]
)
def test_no_headers(name: str, value: str) -> None:
    with pytest.raises(kinds.Unfit):
        kinds.headers.read(Leaf({name: given_text(value)}, "", COMMAND_LINE))


_LEAVES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _leaf(value: object) -> Leaf:
    if isinstance(value, tuple):
        return Leaf(tuple(_leaf(element) for element in value), "", COMMAND_LINE)
    if isinstance(value, dict):
        return Leaf({name: _leaf(inner) for name, inner in value.items()}, "", COMMAND_LINE)
    return Leaf(value, str(value), COMMAND_LINE)  # type: ignore[arg-type]  # a scalar by now


@given(value=_LEAVES)
def test_every_setting_reads_or_refuses_any_value(value: object) -> None:
    leaf = _leaf(value)
    for setting in table.SETTINGS.values():
        try:
            typed = setting.kind.read(leaf)
        except ValueError as error:
            assert str(error)
        else:
            assert isinstance(shown(setting, typed), str)
