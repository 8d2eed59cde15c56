"""The settings file as YAML: keys, lines, mistakes of form; never anything but problems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.leaves import gather
from tidegate.daemon.settings.yaml_file import read_yaml


def flat(text: str) -> dict[str, object]:
    leaves, problems = read_yaml(text, "f")
    assert not problems
    return {key: leaf.value for key, leaf in leaves}


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("1", 1, "1"), ("0123", 83, "0123"), ("0x1f", 31, "0x1f"), ("0b11", 3, "0b11"), ("-5", -5, "-5"), ("0", 0, "0"),
        ("1_000", 1000, "1_000"), ("1:30", "1:30", "1:30"), ("1.5", 1.5, "1.5"), ("1e5", "1e5", "1e5"), ("yes", True, "yes"),
        ("Off", False, "Off"), ("~", None, "~"), ("", None, ""), ("2026-01-02", "2026-01-02", "2026-01-02"),
        ("'1'", "1", "1"), ('"a\\tb"', "a\tb", "a\tb"), ("!!str 7", "7", "7"), ("30s", "30s", "30s"), ("=", "=", "="),
        ("0b_", "0b_", "0b_"), ("9" * 5000, "9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object, words: str) -> None:
    [(key, leaf)], problems = read_yaml(f"k: {text}", "f")
    assert (key, leaf.value, leaf.text, problems) == ("k", value, words, [])


def test_nested_and_dotted_keys_are_equal_and_have_lines() -> None:
    leaves, problems = read_yaml("a:\n  b.c: 1\n  d:\n    e: 2\na.f: 3\n", "f")
    assert [(key, leaf.value, leaf.origin.line) for key, leaf in leaves] == [
        ("a.b.c", 1, 2),
        ("a.d.e", 2, 4),
        ("a.f", 3, 5),
    ]
    assert not problems


def test_aliases_and_merges() -> None:
    text = "x: &x {a: 1, b: 2}\ny: *x\nz: {<<: *x, b: 3}\nw: {<<: [*x, {c: 4}]}\n"
    assert flat(text) == {
        "x.a": 1, "x.b": 2, "y.a": 1, "y.b": 2, "z.b": 3, "z.a": 1, "w.a": 1, "w.b": 2, "w.c": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint", "line"),
    [
        ("a: 1\na: 2", "given twice: first in line 1", 2),
        ("a: {b: 1}\na.b: 2", "given twice: first in line 1", 2),
        ("a: 1\na.b: 2", "`a` has a value of its own, in line 1", 2),
        ("a..b: 1", "a part of the key is empty", 1),
        ("a: [", "this is no YAML", 1),
        ("a: b: c", "this is no YAML", 1),
        ("a:\n\t- b", "this is no YAML", 2),
        ("a: *b", "this is no YAML", 1),
        ("--- 1\n--- 2", "this is no YAML", 2),
        ("- a", "must hold keys and values", 1),
        ("text", "must hold keys and values", 1),
        ("a: !!python/object:os.system x", "has no meaning here", 1),
        ("? [a]\n: b", "a key must be a word", 1),
        ("a: &a [*a]", "nested too deep", 1),
        ("a: &a {b: *a}", "nested too deep", 1),
        ("&a <<: *a", "", 1),
        ("a: " + "[" * 3000, "nested too deep", 0),
        ('a: "\\UFFFFFFFF"', "this is no YAML", 0),
        ("a: \x07", "this is no YAML", 0),
        ("a: {<<: 1}", "`<<` takes a map", 1),
    ],
)
def test_mistakes(text: str, complaint: str, line: int) -> None:
    leaves, problems = read_yaml(text, "f")
    problems += gather(leaves)[1]
    assert problems
    assert complaint in problems[0].text
    assert problems[0].origin.line == line


def test_many_aliases_are_bounded() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    _, problems = read_yaml(text, "f")
    assert "too many values" in problems[0].text


@given(
    st.text(max_size=200)
    | st.text(alphabet=st.sampled_from(list("ab:{}[]*&!<>|?-#'\"\\%@,. \n\t~=0x1e")), max_size=120)
    | st.lists(
        st.sampled_from(
            [
                "a: 1",
                "a.b: 2",
                "  c: ",
                "- d",
                "&x",
                "*x",
                "<<: *x",
                "!!int",
                "!!float .",
                "!!bool q",
                "{",
                "}",
                "[",
                "]",
            ]
        ),
        max_size=12,
    ).map("\n".join)
)
def test_any_text_is_leaves_or_problems(text: str) -> None:
    leaves, problems = read_yaml(text, "f")
    gather(leaves)
    assert all(problem.text for problem in problems)
