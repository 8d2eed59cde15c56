"""No request reads an event back: a store full of marks, and every route × method × credential × header trick.

`docs/security.md`, "can anyone read data out of it?". What is marked, and what is asked, stands in `marked.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.marked import (
    BROWSER_EVENTS,
    CONFIGURED,
    EVENTS,
    LIMITED_TOKEN,
    MARK,
    ORIGIN,
    RULE_MARK,
    TOKEN,
    Credential,
    Walker,
    key,
    lines,
    walk,
)
from e2e.processes import wait_until
from tidegate.daemon.api.routes import ROUTES

pytestmark = pytest.mark.timeout(300)
EXTRA = "/shop/notes"
SETTINGS: dict[str, object] = {
    "apm-server.auth.secret_token": TOKEN,
    "tidegate.auth.secret_tokens": [{"token": LIMITED_TOKEN, "name": "limited", "allow_service": ["other"]}],
    "apm-server.auth.anonymous.allow_service": ["my-site", CONFIGURED],
    "apm-server.auth.anonymous.rate_limit.event_limit": 100_000,
    "apm-server.rum": {"enabled": True, "allow_origins": [ORIGIN]},
    "tidegate.rum.extra_paths": [EXTRA],
    "apm-server.agent.config.cache.expiration": "1s",
    "apm-server.expvar.enabled": True,
    "apm-server.pprof.enabled": True,
}
NOBODY = Credential("nobody", "", reads_rules=True)
"""As an anonymous sender: the service is named in `allow_service`."""


def command(daemon: Daemon, *words: str) -> str:
    """What a command prints, with the daemon's settings."""
    settings = [word for name, value in daemon.settings.items() for word in ("-E", f"{name}={as_text(value)}")]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TIDEGATE_")}
    done = subprocess.run(
        [COMMAND, *words, *settings], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout.strip()


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def fill(daemon: Daemon) -> None:
    """Events of services and of browsers, all marked; and a rule for agents."""
    ndjson, page = {"Content-Type": "application/x-ndjson"}, {"Origin": ORIGIN}
    sent = daemon.request("POST", "/intake/v2/events", lines(EVENTS), ndjson | {"Authorization": f"Bearer {TOKEN}"})
    assert (sent.status, sent.body) == (202, b"")
    sent = daemon.request("POST", "/intake/v3/rum/events", lines(BROWSER_EVENTS), ndjson | page)
    assert (sent.status, sent.body) == (202, b"")
    command(daemon, "agent-config", "set", "--service", CONFIGURED, f"x_{RULE_MARK}={RULE_MARK}")

    def told() -> bool:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = daemon.request("GET", f"/config/v1/agents?service.name={CONFIGURED}", headers=headers)
        return RULE_MARK.encode() in answer.body

    wait_until(told, "the rule is in force", 15, daemon.output)


def walked(daemon: Daemon, credentials: list[Credential]) -> Counter[int]:
    """Sends all of it; fails at the first mark that comes back. Returns how often which status came."""
    walker, statuses = Walker(daemon.port), Counter[int]()
    paths = [*(route.path for route in ROUTES), EXTRA]
    for sent in walk(paths, credentials):
        status, told = walker.send(sent)
        statuses[status] += 1
        assert MARK.encode() not in told, f"{sent}\n{told[:2000]!r}"
        if RULE_MARK.encode() in told:
            own = "/config/v1/" in sent.target or b"service" in sent.body
            assert own and status == 200 and sent.credential.reads_rules, f"{sent}\n{told[:2000]!r}"
            statuses[-1] += 1
    walker.close()
    assert statuses[-1], "what may be told is told"
    assert not set(statuses) & {500, 501, 502}, statuses
    return statuses


def test_check_37_a_local_store_full_of_marks_tells_none(daemon: MakeDaemon, tmp_path: Path) -> None:
    running = daemon(SETTINGS | {"output.local.enabled": True, "apm-server.auth.api_key.enabled": True})
    running.settings["path.data"] = str(tmp_path / f"{MARK}-data")
    running.start()
    keys = {
        what: command(running, "api-key", "create", f"{MARK}-{what}", "--for", what)
        for what in ("event", "config", "sourcemap")
    }
    source_map = {"version": 3, "sources": [MARK], "sourcesContent": [MARK], "names": [MARK], "mappings": "AAAAA"}
    (tmp_path / "app.js.map").write_text(json.dumps(source_map))
    page = ("--service-name", "my-site", "--service-version", MARK, "--bundle-filepath", f"{ORIGIN}/{MARK}.js")
    command(running, "sourcemap", "upload", str(tmp_path / "app.js.map"), *page)
    fill(running)
    shown = command(running, "traces", "--limit", "10")
    assert MARK in shown and MARK in command(running, "errors"), "the store holds them"
    credentials = [
        NOBODY,
        Credential("malformed", "Bearer", reads_rules=False),
        Credential("basic", "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==", reads_rules=False),
        Credential("wrong token", "Bearer wrong", reads_rules=False),
        Credential("wrong key", key("nobody", "wrong"), reads_rules=False),
        Credential("token", f"Bearer {TOKEN}", reads_rules=True),
        Credential("limited token", f"Bearer {LIMITED_TOKEN}", reads_rules=False),
        *(Credential(f"key for {what}", f"ApiKey {keys[what]}", reads_rules=what == "config") for what in keys),
    ]
    statuses = walked(running, credentials)
    assert {200, 202, 307, 400, 401, 403, 404, 405} <= set(statuses), statuses
    log = running.output()
    assert RULE_MARK not in log and "Traceback" not in log
    running.stop()


def test_check_37_a_cluster_full_of_marks_tells_none(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    """With dead letters, and with the cluster's own errors, which quote what they refuse."""
    fake_elasticsearch.configure(item_error_matching=f"{MARK}()")
    fake = {"output.elasticsearch.hosts": [fake_elasticsearch.url]}
    user = {"output.elasticsearch.username": f"{MARK}-user", "output.elasticsearch.password": f"{MARK}-password"}
    running = daemon(SETTINGS | fake | user).start()
    fill(running)
    letters = running.data / "dead-letters"
    wait_until(lambda: any(MARK in file.read_text() for file in letters.rglob("*.ndjson")), "dead letters", 10)
    assert MARK in json.dumps(fake_elasticsearch.wait_for_documents(3))
    credentials = [
        NOBODY,
        Credential("wrong token", "Bearer wrong", reads_rules=False),
        Credential("token", f"Bearer {TOKEN}", reads_rules=True),
    ]
    walked(running, credentials)
    running.stop()
