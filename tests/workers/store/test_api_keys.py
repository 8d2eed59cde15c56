"""API keys beside the local store, and the thread pool that asks."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from threading import Event

import pytest
from tidegate.daemon.wire.questions import AnyReply, KeyPrivileges, Unavailable
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.store.api_keys import KeyChecks
from tidegate.workers.store.local_keys import LocalKeys, StoredKey, changing, hash_of, read_keys

KEY = StoredKey("id", "ci", hash_of(b"sec:ret"), ["event:write"], 1)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "api-keys.json"
    with changing(file) as keys:
        keys.append(KEY)
    return file


@pytest.mark.parametrize(
    ("credential", "privileges"),
    [
        (encoded("id:sec:ret"), ["event:write"]),
        (encoded("id:secret"), []),
        (encoded("id:"), []),
        (encoded("id"), []),
        (encoded("other:sec:ret"), []),
        ("no base64!", []),
    ],
)
def test_keys(file: Path, credential: str, privileges: list[str]) -> None:
    assert LocalKeys(file).privileges(credential) == privileges


def test_the_file_holds_no_secret_and_is_private(file: Path) -> None:
    assert "sec:ret" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_keys(file) == [KEY]


def test_changes_count_at_once(file: Path) -> None:
    keys = LocalKeys(file)
    assert keys.privileges(encoded("id:sec:ret"))
    with changing(file) as stored:
        stored.clear()
    assert keys.privileges(encoded("id:sec:ret")) == []


def test_without_a_file_there_are_no_keys(tmp_path: Path) -> None:
    assert LocalKeys(tmp_path / "none").privileges(encoded("id:key")) == []


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"keys": [{"id": 1}]})])
def test_a_damaged_file_is_a_technical_failure(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(TryAgain):
        LocalKeys(file).privileges(encoded("id:key"))


class FakeKeys:
    def privileges(self, credential: str) -> list[str]:
        if credential == "away":
            raise TryAgain("away", degraded=False)
        return [credential][: len(credential) - 1 // 0] if credential == "defect" else [credential]

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("credential", "reply"),
    [("good", KeyPrivileges(["good"])), ("away", Unavailable("away")), ("defect", Unavailable)],
)
def test_each_check_is_answered(credential: str, reply: object) -> None:
    answered, found = Event(), []

    def replied(answer: AnyReply) -> None:
        found.append(answer)
        answered.set()

    checks = KeyChecks(FakeKeys(), lambda call, *arguments: call(*arguments))
    checks.check(credential, replied)
    assert answered.wait(10)
    checks.close()
    assert found == [reply] or isinstance(found[0], reply)  # type: ignore[arg-type] # the class, where the words do not matter
