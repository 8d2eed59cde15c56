"""Free maps kept as JSON: intake-to-documents.md section 3."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.decode.free import UNWRITABLE, normalise_free

NORMALISED: list[tuple[Any, Any]] = [
    ({}, {}),
    ({"a": "x", "b": True, "c": 7, "d": 1.5}, {"a": "x", "b": True, "c": 7.0, "d": 1.5}),
    ({"a": None, "b": {}, "c": [], "d": ""}, {"d": ""}),
    ({"a": {"b": None, "c": {"d": []}}}, {}),
    ({"a": {"b": None, "c": 1}}, {"a": {"c": 1.0}}),
    ({"a": [None, {}, [], {"b": None}, 1, "x"]}, {"a": [None, None, None, None, 1.0, "x"]}),
    ({"a": [None]}, {"a": [None]}),
    ({"a": UNWRITABLE, "b": -UNWRITABLE, "c": 1}, {"a": None, "b": None, "c": 1.0}),
    ({"a": {"b": [UNWRITABLE]}, "c": 1}, {"a": None, "c": 1.0}),
    ({"a": 10**400, "b": 2**70}, {"a": None, "b": 2.0**70}),
    ({"a": 2**53 - 1, "b": 2**53 + 1, "c": 1e20, "d": 1e21}, {"a": 2.0**53 - 1, "b": 2**53, "c": 10**20, "d": 1e21}),
    (5, 5.0),
    ("x", "x"),
    (None, None),
    (True, True),
    ([], None),
    ([1, {"a": None}], [1.0, None]),
    ([10**400], None),
]


@pytest.mark.parametrize(("value", "normalised"), NORMALISED)
def test_table(value: Any, normalised: Any) -> None:
    found = normalise_free(value)
    assert found == normalised
    assert repr(found) == repr(normalised)


def deep(value: Any, levels: int) -> Any:
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def levels_of(value: Any) -> int:
    count = 0
    while type(value) in (dict, list):
        value = value["a"] if type(value) is dict else value[0]
        count += 1
    return count


@pytest.mark.parametrize("levels", [98, 100, 102, 9_000])
def test_any_depth(levels: int) -> None:
    assert levels_of(normalise_free({"x": deep(1, levels)})["x"]) == levels
    assert normalise_free({"x": deep(UNWRITABLE, levels), "y": 1}) == {"x": None, "y": 1.0}
    assert "x" not in normalise_free({"x": {"a": deep(None, levels - levels % 2)} if levels % 2 else {"a": None}})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


def abnormal(value: Any) -> bool:
    """Whether the value is one that is never written."""
    if type(value) is dict:
        return not value or any(item is None or abnormal(item) for item in value.values())
    if type(value) is list:
        return not value or any(item is not None and abnormal(item) for item in value)
    if type(value) is int:
        return abs(value) < 2**53
    return type(value) is float and (math.isinf(value) or (2**53 <= abs(value) < 1e21))


@given(st.dictionaries(st.text(max_size=2), values, max_size=4))
def test_what_is_written_is_normal(value: dict[str, Any]) -> None:
    found = normalise_free(value)
    assert not any(abnormal(item) for item in found.values())
    again = {key: item for key, item in found.items() if item is not None}
    assert normalise_free(again) == again
