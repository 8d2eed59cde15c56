"""What is a regular expression of RE2, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.pattern_syntax import LONGEST_PATTERN, PatternError, read_pattern


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "missing closing )"),
        ("a)", "unexpected )"),
        ("a[", "missing closing ]"),
        ("[]", "missing closing ]"),
        ("[b-a]", "invalid character class range"),
        ("[[:nothing:]]", "no such name"),
        ("*", "missing argument to repetition operator"),
        ("a|*", "missing argument to repetition operator"),
        ("a**", "missing argument to repetition operator"),
        ("a{2,1}", "invalid repeat count"),
        ("a{1001}", "invalid repeat count"),
        ("(a{100}){100}", "expression too large"),
        ("((((a{9}){9}){9}){9}){9}", "expression too large"),
        ("(?=a)", "neither look-around"),
        ("(?<!a)", "neither look-around"),
        (r"(a)\1", "no back-references"),
        (r"\y", "invalid escape sequence"),
        (r"\x{110000}", "no such code point"),
        ("a\\", "trailing backslash"),
        (r"\p{Greek}", "general categories"),
        (r"\pX", "general categories"),
        ("(" * 1000 + ")" * 1000, "nested more than"),
        ("a" * (LONGEST_PATTERN + 1), "longer than"),
    ],
)
def test_no_patterns(pattern: str, words: str) -> None:
    with pytest.raises(PatternError, match=words.replace("(", r"\(").replace(")", r"\)").replace("]", r"\]")):
        read_pattern(pattern)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.-,:0129iPpdQE=!<>é\n", max_size=30))
def test_every_text_is_read_or_refused(pattern: str) -> None:
    try:
        read_pattern(pattern)
    except PatternError as error:
        assert str(error)
