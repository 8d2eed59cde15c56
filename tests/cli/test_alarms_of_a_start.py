"""What leaves the port open is logged at error level at every start, and the start goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tidegate.cli import run
from tidegate.cli.main import main

LOCAL = "output.local.enabled: true\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apm-server.host: 0.0.0.0:8200", "there is no authentication on 0.0.0.0:8200"),
        ("apm-server.auth.secret_token: '${NO_TOKEN:}'", "apm-server.auth.secret_token: is empty: it protects nothing"),
        ("apm-server.secret_token: abc", "the key is `apm-server.auth.secret_token` now"),
        ("apm-server.api_key.enabled: true", "the section is `apm-server.auth.api_key` now"),
        ("apm-server.rum.event_rate.limit: 10", "it limits nothing"),
        ("apm-server.rum.allow_service_names: [shop]", "it limits nothing"),
    ],
)
def test_alarms(
    alone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    started = []

    def start(supervising: Any) -> tuple[int, None]:
        supervising.close()
        started.append(True)
        return 0, None

    monkeypatch.setattr(run.asyncio, "run", start)
    (alone / "tidegate.yml").write_text(f"{text}\n{LOCAL}")
    (alone / "tidegate.yml").chmod(0o600)
    for _ in range(2):
        assert main(["run", "-E", "tidegate.logging.format=json"]) == 0
        logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
        errors = [line["message"] for line in logged if line["log.level"] == "error"]
        assert len(errors) == 1 and words in errors[0]
    assert started == [True, True]
