"""`${…}` in values (http-surface.md 7.1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.variables import Found, Unresolved, expand, named_sources

KNOWN = {"A": "one", "B": "two", "EMPTY": "", "NAME": "A", "path.home": "/opt"}


def look_up(name: str) -> Found | None:
    return Found(KNOWN[name], f"environment {name}") if name in KNOWN else None


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x${A}y${B}z", "xoneytwoz"),
        ("${path.home}/data", "/opt/data"),
        ("${MISSING:default}", "default"),
        ("${MISSING:}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:default}", "default"),
        ("${A:default}", "one"),
        ("${MISSING:localhost:9200}", "localhost:9200"),
        ("${MISSING:${B}}", "two"),
        ("${MISSING:${ALSO:${A}}!}", "one!"),
        ("${A:${MISSING}}", "one"),
        ("${${NAME}}", "one"),
        ("${A:?message}", "one"),
        ("${A:+other}", "other"),
        ("${MISSING:+other}", ""),
        ("pa$word", "pa$word"),
        ("pa$$word", "pa$word"),
        ("$${A}", "${A}"),
        ("a}b:c", "a}b:c"),
        ("cost$", "cost$"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert expand(text, look_up).text == expanded


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${MISSING}", "MISSING is not set.*keystore.*LoadCredential=MISSING"),
        ("${MISSING:?give a password}", "give a password"),
        ("${EMPTY:?give a password}", "give a password"),
        ("${MISSING:${ALSO}}", "ALSO"),
        ("${A", "lacks its '}'"),
        ("${", "lacks its '}'"),
        ("${}", "names no variable"),
        ("${" * 100, "nested too deep"),
    ],
)
def test_unresolved(text: str, complaint: str) -> None:
    with pytest.raises(Unresolved, match=complaint):
        expand(text, look_up)


def test_places_are_told_without_contents() -> None:
    assert expand("${A}${B}${A}${MISSING:x}", look_up).places == ("environment A", "environment B")


def test_credentials_come_before_the_environment(tmp_path: Path) -> None:
    (tmp_path / "TOKEN").write_text("from systemd\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff")
    sources = named_sources({"CREDENTIALS_DIRECTORY": str(tmp_path), "TOKEN": "from the environment", "OTHER": "x"})
    assert sources("TOKEN") == Found("from systemd", "credential TOKEN")
    assert sources("OTHER") == Found("x", "environment OTHER")
    for name in ("binary", "../passwd", ".", "", "a\0b", "missing", "x" * 5000):
        assert sources(name) is None


@given(st.text(alphabet=st.sampled_from(list("${}:?+AB ")), max_size=80))
def test_any_text_expands_or_is_unresolved(text: str) -> None:
    try:
        expand(text, look_up)
    except Unresolved:
        pass
