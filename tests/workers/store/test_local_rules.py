"""The file beside the local store: read when it changed, written whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tidegate.workers.store import local_rules
from tidegate.workers.store.local_rules import LocalRules, changing, read_documents
from tidegate.workers.store.source import CannotRead, Reading


def document(name: str) -> dict[str, object]:
    return {"service": {"name": name}, "settings": {"log_level": "debug"}, "etag": name}


def names(reading: Reading | None) -> list[str] | None:
    return None if reading is None else [rule.service for rule in reading.rules]


def test_a_change_is_seen_once(tmp_path: Path) -> None:
    file = tmp_path / "data" / "rules.json"
    source = LocalRules(file)
    assert names(source.read()) == []
    assert source.read() is None
    with changing(file) as documents:
        documents.append(document("shop"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(source.read()) == ["shop"]
    assert source.read() is None
    with changing(file) as documents:
        documents.clear()
    assert names(source.read()) == []
    source.close()


def test_nothing_is_written_when_the_change_fails(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    with changing(file) as documents:
        documents.append(document("shop"))
    before = file.read_bytes()
    with pytest.raises(KeyError), changing(file) as documents:
        documents.clear()
        raise KeyError
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_told_and_left(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(content)
    source = LocalRules(file)
    with pytest.raises(CannotRead, match="damaged"):
        source.read()
    with pytest.raises(CannotRead), changing(file):
        pass
    assert file.read_bytes() == content
    file.write_bytes(b"[]")
    assert names(source.read()) == []


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_rules, "LARGEST_FILE", 10)
    file = tmp_path / "rules.json"
    file.write_bytes(b"[          ]")
    with pytest.raises(CannotRead, match="more than"):
        read_documents(file)


def test_rules_beyond_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_rules, "MOST_RULES", 2)
    file = tmp_path / "rules.json"
    with changing(file) as documents:
        documents += [document(name) for name in "abc"]
    reading = LocalRules(file).read()
    assert reading is not None
    assert (names(reading), reading.left_out) == (["a", "b"], 1)
