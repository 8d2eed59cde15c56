"""Searching for patterns: what is found is what Python's `re` finds, in a time that hostile texts cannot stretch."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tidegate.workers.enrich import pattern_search
from tidegate.workers.enrich.pattern_search import LONGEST_TEXT, PatternSearch


def joined(parts: list[str]) -> str:
    return "".join(parts)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\W", r"\d", "_", r"\b", r"\B", "^", "$", "(?i:A)", ""])
TIMES = st.sampled_from(["", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{2,}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(joined),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, TIMES).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)


@given(pattern=PATTERNS, text=st.text(alphabet="abA1_ \né", max_size=12), many_lines=st.booleans())
def test_it_finds_what_re_finds(pattern: str, text: str, many_lines: bool) -> None:
    assume(text or "\\B" not in pattern)  # Python before 3.14 finds no \\B in an empty text, RE2 does
    pattern = "(?m)" + pattern if many_lines else pattern
    ours = PatternSearch(pattern)
    # in Python `$` also fits before a newline at the end, in RE2 it does not
    theirs = re.compile(pattern if many_lines else pattern.replace("$", r"\Z"), re.ASCII)
    expected = theirs.search(text) is not None
    assert ours.found_in(text) is expected
    assert ours.found_in(text) is expected, "again, from what was kept"


@pytest.mark.parametrize(
    ("pattern", "found", "others"),
    [
        ("node_modules|bower_components|~", ["a/node_modules/b", "~/a.js"], ["", "node-modules", "NODE_MODULES"]),
        ("^/webpack", ["/webpack:a"], ["a/webpack", "\n/webpack"]),
        (r"\.min\.js$", ["a.min.js"], ["a.min.js\n", "aminxjs"]),
        (r"\Qa.b(\Ec", ["xa.b(c"], ["axb(c"]),
        (r"(?i)straße", ["STRAßE"], ["strasse"]),
        ("(?i)k", ["K", "\u212a"], ["x"]),
        (r"\pL", ["é", "ж"], ["1", "/"]),
        (r"\p{Lu}[^\p{L}]", ["Ж1"], ["ж1", "ЖЖ"]),
        (r"[[:digit:]\-.]{3}", ["1-."], ["1-x"]),
        (r"[]a]x[^]]", ["]xa"], ["]x]"]),
        (r"a\x41\x{1F600}\101", ["aA😀A"], ["aA😀"]),
        (r"a.b", ["axb"], ["a\nb"]),
        (r"(?s)a.b", ["a\nb"], ["ab"]),
        (r"(?P<name>a)(?<other>b)", ["ab"], ["ba"]),
        ("x{,3}", ["x{,3}"], ["xxx"]),
        ("(?i)a(?-i)b", ["Ab"], ["AB"]),
    ],
)
def test_what_is_found(pattern: str, found: list[str], others: list[str]) -> None:
    search = PatternSearch(pattern)
    assert [one for one in found if not search.found_in(one)] == []
    assert [one for one in others if search.found_in(one)] == []


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+$b", "(a*)*b", ".*.*.*=b", "(?:a?){30}a{30}b"])
@pytest.mark.timeout(10)
def test_a_hostile_text_takes_no_time(pattern: str) -> None:
    assert not PatternSearch(pattern).found_in("a" * LONGEST_TEXT)


def test_of_a_long_text_the_beginning_counts() -> None:
    assert PatternSearch("b").found_in("a" * (LONGEST_TEXT - 1) + "b")
    assert not PatternSearch("b").found_in("a" * LONGEST_TEXT + "b")
    assert not PatternSearch("a$").found_in("a" * LONGEST_TEXT + "b"), "where we stop is no end"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_search, "BUDGET", 50)
    search = PatternSearch("(a|b)*a(a|b){6}c")
    text = "".join("ab"[number * number % 7 % 2] for number in range(300))
    assert search.found_in(text + "aaaaaaac")
    assert not search.found_in(text)
    assert len(search._sets) < 50
