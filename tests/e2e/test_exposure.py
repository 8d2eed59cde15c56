"""`tidegate exposure` beside a running daemon, on the public configuration of the README, and on a real Elasticsearch."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e.clusters import KEEPER, PASSWORD, RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.processes import port_is_free, wait_until
from tls_authority import Authority

SECRETS = {"SECRET_TOKEN": "4f1c0c9b5fb14e0f9b0d", "ELASTICSEARCH_API_KEY": "id:key"}
AS_ROOT = {"runs-as-root"} if os.geteuid() == 0 else set()
"""What the tests' own user brings with it."""


def exposure(*words: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit code, and what it prints with --json."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TIDEGATE_")} | SECRETS
    done = subprocess.run(
        [COMMAND, "exposure", "--json", *words],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=environment,
        cwd=folder,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def ids(told: dict[str, Any]) -> set[str]:
    """Names of the findings."""
    return {one["id"] for one in told["findings"]}


@pytest.fixture
def public(daemon: MakeDaemon, checkout: Path, tmp_path: Path, fake_elasticsearch: Any) -> tuple[Daemon, Path]:
    """The README's public configuration, started; with addresses and files of this machine in it."""
    blocks = re.findall(r"```yaml\n(.*?)```", (checkout / "README.md").read_text(), re.DOTALL)
    text = next(block for block in blocks if "tidegate.profile: public" in block)
    authority = Authority(tmp_path / "certificates")
    authority.key.chmod(0o600)
    fake_elasticsearch.configure(api_keys={SECRETS["ELASTICSEARCH_API_KEY"]: {}})
    made = daemon({})
    made.settings = {"apm-server.shutdown_timeout": "5s"}
    for given, here in (
        ("0.0.0.0:8200", f"0.0.0.0:{made.port}"),
        ("/etc/tidegate/certificate.pem", str(authority.certificate)),
        ("/etc/tidegate/key.pem", str(authority.key)),
        ("https://elasticsearch.example:9200", fake_elasticsearch.url),
    ):
        assert given in text
        text = text.replace(given, here)
    file = tmp_path / "tidegate.yml"
    file.write_text(f"{text}path.data: {made.data}\n")
    file.chmod(0o600)
    command = tmp_path / "tidegate"
    command.write_text(f'#!/bin/sh\nexec {made.command} "$@" -c {file}\n')
    command.chmod(0o700)
    made.command, made.environment = command, SECRETS
    return made, file


def test_the_public_example_runs_and_has_no_finding(public: tuple[Daemon, Path], tmp_path: Path) -> None:
    running, file = public
    code, told = exposure("-c", str(file), folder=tmp_path)
    assert (code, told["findings"]) == (0, [])
    assert port_is_free(running.port)
    running.launch()
    wait_until(lambda: "serving on" in running.output(), "it serves", 30, running.output)
    where = f"https://localhost:{running.port}"
    code, told = exposure("-c", str(file), "--server", where, folder=tmp_path)
    assert ids(told) == AS_ROOT, told["findings"]
    assert told["server"]["spoken"] == "TLS 1.3"
    assert told["server"]["version"] == "not shown"
    assert told["server"]["acceptors"].startswith("1 of 1 shut off")
    behaves(running, tmp_path / "certificates" / "authorities.pem")
    assert "Traceback" not in running.output()
    _, plain = exposure("-c", str(file), "--server", f"http://localhost:{running.port}", folder=tmp_path)
    assert {"plain-http-served", "server-not-checked"} & ids(plain)
    running.stop()
    _, away = exposure("-c", str(file), "--server", where, folder=tmp_path)
    assert ids(away) == {"server-not-checked"}
    assert "none to be seen" in away["server"]["processes"]


BEHAVIOUR: list[tuple[str, str, str, dict[str, str], int]] = [
    ("GET", "/", "", {}, 200),
    ("POST", "/intake/v2/events", "my-site", {}, 401),
    ("POST", "/intake/v2/events", "backend", {"Authorization": f"Bearer {SECRETS['SECRET_TOKEN']}"}, 202),
    ("POST", "/intake/v2/rum/events", "my-site", {"Origin": "https://shop.example"}, 202),
    ("POST", "/intake/v2/rum/events", "my-site", {"Origin": "https://shop.example:443"}, 202),
    ("POST", "/intake/v2/rum/events", "my-site", {"Origin": "https://a.shop.example"}, 403),
    ("POST", "/intake/v2/rum/events", "my-site", {"Origin": "null"}, 403),
    ("POST", "/intake/v2/rum/events", "my-site", {}, 403),
    ("POST", "/intake/v2/rum/events", "backend", {"Origin": "https://shop.example"}, 403),
    ("GET", "/config/v1/agents?service.name=my-site", "", {}, 401),
    ("GET", "/config/v1/rum/agents?service.name=backend", "", {"Origin": "https://shop.example"}, 403),
    ("GET", "/", "", {"X-Long": "x" * 30_000}, 431),
    ("GET", "/debug/vars", "", {}, 404),
]
"""Method, target, service of an event, headers: what the public example does with them."""


def behaves(running: Daemon, authorities: Path) -> None:
    """Each request on a connection of its own."""
    context = ssl.create_default_context(cafile=str(authorities))
    for method, target, service, headers, status in BEHAVIOUR:
        agent = {"name": "rum-js", "version": "5"}
        lines = [
            {"metadata": {"service": {"name": service, "agent": agent}}},
            {"error": {"id": "1" * 32, "log": {"message": "m"}}},
        ]
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines) if service else b""
        connection = http.client.HTTPSConnection("localhost", running.port, timeout=20, context=context)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        assert answer.status == status, f"{method} {target} {headers}: {answer.status} {told!r}"
        assert b"9.5.2" not in told
        assert answer.getheader("Access-Control-Allow-Credentials") is None


def test_a_token_that_is_not_in_force_is_found(daemon: MakeDaemon, tmp_path: Path) -> None:
    """The settings on disk have one; the running daemon was started before."""
    running = daemon({"output.local.enabled": True, "output.local.max_age": "1d"}).start()
    file = tmp_path / "later.yml"
    file.write_text(
        f"apm-server: {{host: '127.0.0.1:{running.port}', auth.secret_token: '${{SECRET_TOKEN}}'}}\n"
        f"output.local.enabled: true\npath.data: {running.data}\n"
    )
    file.chmod(0o600)
    code, told = exposure("-c", str(file), "--server", folder=tmp_path)
    assert code == 1
    assert ids(told) - AS_ROOT == {"more-than-the-settings-say"}, told["findings"]
    assert told["worst"] == "critical"
    assert told["server"]["address"] == f"http://127.0.0.1:{running.port}"
    running.stop()


@pytest.mark.elasticsearch
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("user", "expected"), [("writer", set()), (KEEPER, {"store-superuser"})])
def test_a_real_elasticsearch_says_what_its_users_may_do(
    elasticsearch: RealElasticsearch, tmp_path: Path, user: str, expected: set[str]
) -> None:
    words = [f"output.elasticsearch.{key}={value}" for key, value in (("hosts", elasticsearch.url), ("username", user))]
    given = [word for pair in words for word in ("-E", pair)]
    _, told = exposure(*given, "-E", f"output.elasticsearch.password={PASSWORD}", folder=tmp_path)
    assert {one for one in ids(told) if one.startswith("store-")} == expected, told["findings"]
    _, told = exposure(*given, "-E", "output.elasticsearch.password=wrong", folder=tmp_path)
    assert "store-not-checked" in ids(told)
