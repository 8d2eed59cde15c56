"""Patterns of origins: as texts, like the original, and part by part."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.origin_patterns import origin_matches, read_origin_pattern, text_matches

LETTERS = st.text(alphabet="ab.*", max_size=12)


@given(pattern=LETTERS, text=st.text(alphabet="ab.", max_size=20))
def test_texts_match_as_a_regular_expression_would(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert text_matches(pattern, text) == (re.fullmatch(expression, text) is not None)


def test_a_hostile_text_takes_no_time() -> None:
    assert not text_matches("*a" * 200 + "b", "a" * 300_000)


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        (
            "https://shop.example",
            ["https://shop.example", "https://SHOP.example", "https://shop.example:443"],
            [
                "http://shop.example",
                "https://shop.example:444",
                "https://a.shop.example",
                "https://shop.example.evil",
                "",
            ],
        ),
        (
            "https://*.shop.example",
            ["https://a.shop.example", "https://a.b.shop.example"],
            ["https://shop.example", "https://ashop.example", "https://evil/.shop.example", "https://a.shop.example:1"],
        ),
        ("http://localhost:*", ["http://localhost", "http://localhost:3000"], ["http://localhost.evil:3000"]),
        ("shop.example", ["http://shop.example", "https://shop.example"], ["https://shop.example:8443", "null"]),
        ("shop.example:8443", ["http://shop.example:8443"], ["http://shop.example"]),
        ("https://*", ["https://a.example", "https://[::1]"], ["http://a.example", "https://*", "https://a.example:1"]),
        ("http://[::1]:80", ["http://[::1]"], ["http://[::2]"]),
        ("*", ["https://a.example", "null", "", "nonsense"], []),
    ],
)
def test_check_26_hosts_match_part_by_part(pattern: str, fitting: list[str], others: list[str]) -> None:
    read = read_origin_pattern(pattern)
    assert read is not None
    assert [one for one in fitting if not origin_matches(read, one)] == []
    assert [one for one in others if origin_matches(read, one)] == []


@pytest.mark.parametrize(
    "pattern", ["", "http://localhost*", "*shop.example", "https://a.*.example", "https://a/b", "https://a:x", "**"]
)
def test_patterns_that_compare_no_parts(pattern: str) -> None:
    assert read_origin_pattern(pattern) is None
