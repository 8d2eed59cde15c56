"""Findings: none on the README's public configuration, and exactly one for each thing that is wrong with a changed one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from settings_loading import Loading
from tidegate.cli.exposed import rules
from tidegate.cli.exposed.finding import Finding, Severity, reaches, sorted_by_severity
from tidegate.cli.exposed.subject import Expiry, Machine, OpenFile, Reach, Subject, reach
from tidegate.daemon.settings import table
from tidegate.daemon.settings.address import listen_address
from tidegate.daemon.settings.effective import Settings

ENVIRON = {"SECRET_TOKEN": "4f1c0c9b5fb14e0f9b0d", "ELASTICSEARCH_API_KEY": "id:key", "EMPTY": ""}
CRITICAL, HIGH, MEDIUM, LOW, NOTE = Severity
HOST, TOKEN = "apm-server.host", "apm-server.auth.secret_token"
SERVICES, ORIGINS = "apm-server.auth.anonymous.allow_service", "apm-server.rum.allow_origins"
RATE = "apm-server.auth.anonymous.rate_limit.event_limit"
COMPATIBLE = {"tidegate.profile": "compatible"}
OLD_WAYS = {
    "tidegate.max_connections_per_address": 0,
    "tidegate.trusted_proxies": ["private"],
    "tidegate.forwarded_from": "left",
    "apm-server.max_header_size": 1048576,
    "tidegate.auth.anonymous.rum_only": False,
    "tidegate.rum.match_origins": "text",
}
"""What `public` turns on, turned off again one by one: each has a setting of its own."""
NO_TLS: dict[str, Any] = {"apm-server.ssl.certificate": None, "apm-server.ssl.key": None}
NO_AUTH: dict[str, Any] = {TOKEN: None, SERVICES: None, "apm-server.rum.enabled": None, ORIGINS: None, **COMPATIBLE}
TIGHT = {
    "tidegate.max_connections_per_address": 64,
    "tidegate.trusted_proxies": "none",
    "apm-server.max_header_size": 16384,
    "tidegate.auth.anonymous.rum_only": True,
    "tidegate.rum.match_origins": "host",
}
"""`public` in all but its name, for what that refuses."""


@pytest.fixture
def load(tmp_path: Path, checkout: Path) -> Any:
    """The README's public configuration with changes (None takes a key out), as settings."""
    example = public_example(checkout)

    def loaded(changes: dict[str, Any]) -> Settings:
        given = flat(yaml.safe_load(example)) | changes
        text = yaml.safe_dump({key: value for key, value in given.items() if value is not None})
        return Loading(tmp_path)(text, environ=ENVIRON)

    return loaded


def public_example(checkout: Path) -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", (checkout / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if "tidegate.profile: public" in block)


def flat(section: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in section.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def findings(settings: Settings, machine: Machine | None = None) -> list[Finding]:
    return list(rules.apply(Subject(settings, settings.acceptor_part(), machine or Machine())))


def test_the_public_example_of_the_readme_has_no_finding(tmp_path: Path, checkout: Path) -> None:
    settings = Loading(tmp_path)(public_example(checkout), environ=ENVIRON)
    assert findings(settings) == []
    assert settings.warnings == settings.alarms == ()


def secret(path: str = "/etc/tidegate/key.pem", **how: bool) -> Machine:
    ways = {"group": False, "others": False, "writable": False} | how
    return Machine(files=(OpenFile(path, "private key", "apm-server.ssl.key", **ways),))


CASES: list[tuple[str, Severity, dict[str, Any], Machine | None]] = [
    ("no-authentication", CRITICAL, NO_AUTH | TIGHT, None),
    ("no-authentication", CRITICAL, NO_AUTH | TIGHT | {HOST: "10.1.2.3"}, None),
    ("open-on-this-machine", NOTE, NO_AUTH | {HOST: "127.0.0.1"}, None),
    ("empty-token", CRITICAL, NO_AUTH | TIGHT | {TOKEN: "${EMPTY}"}, None),
    ("empty-token", CRITICAL, NO_AUTH | TIGHT | {TOKEN: ""}, None),
    ("empty-token", HIGH, {TOKEN: "${EMPTY}", "tidegate.auth.secret_tokens": ["another-long-token"]}, None),
    ("old-key-protects-nothing", CRITICAL, NO_AUTH | TIGHT | {"apm-server.secret_token": "${SECRET_TOKEN}"}, None),
    ("old-key-protects-nothing", CRITICAL, NO_AUTH | TIGHT | {"apm-server.api_key.enabled": True}, None),
    ("old-key-protects-nothing", HIGH, {"apm-server.secret_token": "${SECRET_TOKEN}"}, None),
    ("old-key-limits-nothing", MEDIUM, {"apm-server.rum.event_rate.limit": 10}, None),
    ("old-key-limits-nothing", MEDIUM, {"apm-server.rum.allow_service_names": ["shop"]}, None),
    ("weak-token", LOW, {TOKEN: "seven77"}, None),
    ("weak-token", LOW, {TOKEN: "Secret_Token"}, None),
    ("weak-token", LOW, {"tidegate.auth.secret_tokens": ["xxxxxxxxxxxxxxxxxxxx"]}, None),
    ("anonymous-any-service", HIGH, COMPATIBLE | TIGHT | {SERVICES: None}, None),
    ("anonymous-any-service", MEDIUM, COMPATIBLE | TIGHT | {SERVICES: None, HOST: "127.0.0.1"}, None),
    ("anonymous-beside-browsers", MEDIUM, {"tidegate.auth.anonymous.rum_only": False}, None),
    ("anonymous-agents", LOW, {"apm-server.auth.anonymous.allow_agent": ["rum-js", "python"]}, None),
    ("anonymous-rate", MEDIUM, {RATE: 3001}, None),
    ("anonymous-rate-zero", NOTE, {RATE: 0}, None),
    (
        "anonymous-services",
        LOW,
        COMPATIBLE | TIGHT | {SERVICES: None, HOST: "127.0.0.1", "tidegate.auth.anonymous.max_services": 1001},
        None,
    ),
    ("no-tls", HIGH, NO_TLS, None),
    ("no-tls", HIGH, NO_TLS | {HOST: "apm.shop.example"}, None),
    ("no-tls", MEDIUM, NO_TLS | {HOST: "[fd00::1]:8200"}, None),
    ("old-tls", MEDIUM, {"apm-server.ssl.supported_protocols": ["TLSv1.1", "TLSv1.3"]}, None),
    ("weak-ciphers", MEDIUM, {"apm-server.ssl.cipher_suites": ["RSA-AES-128-GCM-SHA256"]}, None),
    ("weak-ciphers", MEDIUM, {"apm-server.ssl.cipher_suites": ["ECDHE-RSA-AES-128-CBC-SHA"]}, None),
    (
        "client-certificates-optional",
        LOW,
        {"apm-server.ssl.client_authentication": "optional", "apm-server.ssl.certificate_authorities": ["ca.pem"]},
        None,
    ),
    ("everybody-is-a-proxy", HIGH, {"tidegate.trusted_proxies": ["all"]}, None),
    ("everybody-is-a-proxy", HIGH, {"tidegate.trusted_proxies": ["10.0.0.1", "0.0.0.0/0"]}, None),
    ("everybody-is-a-proxy", MEDIUM, {"tidegate.trusted_proxies": ["::/0"], HOST: "127.0.0.1"}, None),
    ("private-networks-are-proxies", MEDIUM, {"tidegate.trusted_proxies": ["private"]}, None),
    ("address-from-the-left", LOW, {"tidegate.trusted_proxies": ["10.0.0.1"], "tidegate.forwarded_from": "left"}, None),
    ("any-origin", MEDIUM, COMPATIBLE | TIGHT | {ORIGINS: ["*"]}, None),
    ("any-origin", MEDIUM, COMPATIBLE | TIGHT | {ORIGINS: None}, None),
    ("loose-origins", LOW, {"tidegate.rum.match_origins": "text", ORIGINS: ["https://*.shop.example"]}, None),
    ("plain-origins", LOW, {ORIGINS: ["https://shop.example", "http://shop.example", "http://localhost:*"]}, None),
    ("pages-may-send-tokens", LOW, {"apm-server.rum.allow_headers": ["X-Page", "authorization"]}, None),
    ("own-cross-origin-headers", MEDIUM, {"apm-server.response_headers": {"Access-Control-Allow-Origin": ["*"]}}, None),
    (
        "own-cross-origin-headers",
        MEDIUM,
        {"apm-server.rum.response_headers": {"access-control-allow-credentials": "true"}},
        None,
    ),
    ("connections-per-address", MEDIUM, {"tidegate.max_connections_per_address": 0}, None),
    ("large-heads", LOW, {"apm-server.max_header_size": 1048576}, None),
    ("large-events", LOW, {"apm-server.max_event_size": 16 << 20}, None),
    ("long-timeouts", LOW, {"apm-server.read_timeout": "1h"}, None),
    ("long-timeouts", LOW, {"apm-server.idle_timeout": "301s"}, None),
    ("long-timeouts", LOW, {"apm-server.write_timeout": "10m"}, None),
    ("more-connections-than-files", LOW, {"apm-server.max_connections": 2000}, Machine(room=960)),
    ("debug-pages", NOTE, {"apm-server.expvar.enabled": True}, None),
    ("debug-pages", NOTE, {"apm-server.pprof.enabled": True}, None),
    ("debug-log", LOW, {"logging.level": "debug"}, None),
    ("compatible-profile", NOTE, COMPATIBLE | TIGHT, None),
    ("secret-readable", HIGH, {}, secret(others=True)),
    ("secret-readable", HIGH, {}, secret(others=True, group=True)),
    ("secret-readable-by-group", LOW, {}, secret(group=True)),
    ("file-writable", HIGH, {}, secret(writable=True)),
    (
        "socket-for-everybody",
        LOW,
        {},
        Machine(files=(OpenFile("/run/a.sock", "s", HOST, False, False, True, holds_secret=False, is_socket=True),)),
    ),
    ("log-readable", LOW, {"logging.files.permissions": "0644"}, None),
    ("no-landlock", HIGH, {}, Machine(landlock=0)),
    ("landlock-without-network", LOW, {}, Machine(landlock=3)),
    ("landlock-without-scope", LOW, {}, Machine(landlock=5, seccomp=False)),
    ("no-seccomp", MEDIUM, {}, Machine(seccomp=False)),
    ("certificate-ends", HIGH, {}, Machine(expiries=(Expiry("a.pem", -0.1),))),
    ("certificate-ends", MEDIUM, {}, Machine(expiries=(Expiry("a.pem", 13.0),))),
    ("store-without-tls", MEDIUM, {"output.elasticsearch.hosts": ["http://es.example:9200"]}, None),
    ("store-not-verified", HIGH, {"output.elasticsearch.ssl.verification_mode": "none"}, None),
    ("store-name-not-verified", LOW, {"output.elasticsearch.ssl.verification_mode": "certificate"}, None),
    (
        "store-not-verified",
        HIGH,
        {"apm-server.agent.config.elasticsearch.ssl.verification_mode": "none"},
        None,
    ),
]
ALSO = {
    "empty-token": {"no-authentication"},
    "old-key-protects-nothing": {"no-authentication"},
    "landlock-without-scope": {"no-seccomp"},
    "anonymous-services": {"anonymous-any-service"},
}
"""What comes with some, for want of anything that protects."""


@pytest.mark.parametrize(
    ("name", "severity", "changes", "machine"), CASES, ids=[f"{one[0]}-{number}" for number, one in enumerate(CASES)]
)
def test_each_is_found_and_says_what_to_set(
    load: Any, name: str, severity: Severity, changes: dict[str, Any], machine: Machine | None
) -> None:
    found = findings(load(changes), machine)
    own = [one for one in found if one.id == name]
    assert [one.severity for one in own] == [severity], found
    others = {one.id for one in found} - {name, "compatible-profile"}
    assert others <= ALSO.get(name, set()), found
    assert own[0].text and own[0].value
    key = own[0].key
    assert not key or table.declared(key) is not None, f"{key} is a key of the settings"


def test_every_finding_stands_in_the_table(checkout: Path) -> None:
    source = "".join(path.read_text() for path in sorted((checkout / "cli" / "exposed").glob("*.py")))
    named = set(re.findall(r'(?:Finding|_open)\(\s*(?:one, )?"([a-z-]+)",', source))
    named |= set(re.findall(r'"([a-z]+(?:-[a-z]+)+)" if is_token else "([a-z-]+)"', source)[0])
    asked_of_the_store = {one for one in named if one.startswith("store-")}
    assert len(named) > 40
    of_the_server = set(re.findall(r'"([a-z-]+)"', (checkout / "tests/cli/exposed/test_live_answers.py").read_text()))
    tested = {name for name, *_ in CASES} | {"secret-on-command-line", "plain-http-served", "server-not-checked"}
    assert named - asked_of_the_store - of_the_server - tested == set()
    page = (checkout / "docs" / "exposure.md").read_text().partition("## Findings")[2]
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page)) == named


@pytest.mark.parametrize("key", OLD_WAYS)
def test_all_that_public_turns_on_has_a_setting_and_a_finding(load: Any, key: str) -> None:
    """Issue 6, "Two profiles": without the stricter value, exposure says so."""
    changes = {key: OLD_WAYS[key]}
    if key == "tidegate.forwarded_from":
        changes["tidegate.trusted_proxies"] = ["192.0.2.1"]
    if key == "tidegate.rum.match_origins":
        changes[ORIGINS] = ["https://*.shop.example"]
    assert len(findings(load(changes))) == 1


def test_secrets_on_the_command_line(tmp_path: Path) -> None:
    def ids(*overrides: str) -> list[tuple[str, str]]:
        settings = Loading(tmp_path)(None, *overrides, environ=ENVIRON)
        return [(one.id, one.key) for one in findings(settings) if one.id == "secret-on-command-line"]

    assert ids(f"{TOKEN}=a-token-of-some-length") == [("secret-on-command-line", TOKEN)]
    assert ids(f"{TOKEN}=${{SECRET_TOKEN}}") == []
    assert ids(f"{HOST}=127.0.0.1:8201") == []
    cluster = ("output.elasticsearch.hosts=localhost", "output.elasticsearch.password=p")
    assert ids(*cluster) == [("secret-on-command-line", "output.elasticsearch.password")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", Reach.MACHINE),
        ("[::1]:8200", Reach.MACHINE),
        ("localhost", Reach.MACHINE),
        ("unix:/run/intake.sock", Reach.MACHINE),
        ("10.0.0.1", Reach.NETWORK),
        ("192.168.1.1:80", Reach.NETWORK),
        ("[fd00::1]", Reach.NETWORK),
        ("0.0.0.0", Reach.EVERYBODY),
        (":8200", Reach.EVERYBODY),
        ("[::]", Reach.EVERYBODY),
        ("8.8.8.8", Reach.EVERYBODY),
        ("apm.example", Reach.EVERYBODY),
    ],
)
def test_who_can_reach_an_address(text: str, expected: Reach) -> None:
    assert reach(listen_address(text)) is expected


def test_severities_have_an_order() -> None:
    found = [Finding(one.value, one, "") for one in reversed(Severity)]
    assert [one.severity for one in sorted_by_severity(found)] == list(Severity)
    assert reaches(found[:2], LOW) and not reaches(found[:2], MEDIUM)
    assert not reaches([], NOTE)
