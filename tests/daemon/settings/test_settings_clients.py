"""Clients that inherit `output.elasticsearch`: what is taken from it and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from settings_loading import Loading
from tidegate.daemon.settings.parts import ElasticsearchPart

OUTPUT = """
output.elasticsearch:
  hosts: [one, two]
  protocol: https
  username: u
  password: p
  headers: {X: y}
  timeout: 7s
  ssl: {certificate_authorities: [/ca.pem], certificate: /c, key: /k}
"""
PREFIX = "apm-server.agent.config.elasticsearch."
INHERITED = {
    "hosts": ["https://one:9200", "https://two:9200"],
    "username": "u",
    "password": "p",
    "api_key": "",
    "headers": {"X": "y"},
    "connect_timeout": 7.0,
    "response_timeout": 5.0,
    "certificate_authorities": ["/ca.pem"],
    "certificate": "/c",
    "key": "/k",
    "verification_mode": "full",
}


def client(loading: Loading, text: str | None, *overrides: str) -> ElasticsearchPart:
    part = loading(text, *overrides).worker_part(0).agent_config.elasticsearch
    assert part is not None
    return part


def seen(part: ElasticsearchPart) -> dict[str, Any]:
    return {name: getattr(part, name, getattr(part.tls, name, None)) for name in INHERITED}


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        ((), {}),
        (("hosts=other:1",), {"hosts": ["https://other:1"]}),
        (("protocol=http",), {"hosts": ["http://one:9200", "http://two:9200"]}),
        (("path=/es",), {"hosts": ["https://one:9200/es", "https://two:9200/es"]}),
        (("username=v", "password=q"), {"username": "v", "password": "q"}),
        (("username=v",), {"username": "v", "password": ""}),
        (("api_key=id:key",), {"username": "", "password": "", "api_key": "id:key"}),
        (("headers={A: b}",), {"headers": {"A": "b"}}),
        (("timeout=1s",), {"connect_timeout": 1.0}),
        (("ssl.verification_mode=none",), {"verification_mode": "none"}),
        (("ssl.certificate_authorities=/b.pem",), {"certificate_authorities": ["/b.pem"]}),
        (("ssl.certificate=/d", "ssl.key=/l"), {"certificate": "/d", "key": "/l"}),
        (("ssl.enabled=false",), {"certificate_authorities": [], "certificate": "", "key": ""}),
    ],
)
def test_what_is_given_replaces_what_is_inherited(
    loading: Loading, overrides: tuple[str, ...], changed: dict[str, Any]
) -> None:
    part = client(loading, OUTPUT, *(PREFIX + text for text in overrides))
    assert seen(part) == INHERITED | changed


def test_an_api_key_of_the_output_gives_way_to_a_user(loading: Loading) -> None:
    text = "output.elasticsearch: {hosts: [es], api_key: 'id:key'}\n"
    assert client(loading, text).api_key == "id:key"
    part = client(loading, text, PREFIX + "username=u", PREFIX + "password=p")
    assert (part.username, part.password, part.api_key) == ("u", "p", "")


def test_users_within_hosts(loading: Loading) -> None:
    part = client(loading, OUTPUT, PREFIX + "hosts=http://v:q@other")
    assert (part.hosts, part.username, part.password) == (["http://other:9200"], "v", "q")


def test_with_the_local_store_a_file_is_read_unless_hosts_are_given(loading: Loading) -> None:
    part = loading(None).worker_part(0).agent_config
    assert (part.elasticsearch, part.file) == (None, "/home/tide/.local/state/tidegate/agent-configuration.json")
    assert client(loading, None, PREFIX + "hosts=es").hosts == ["http://es:9200"]


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (("hosts=ftp://es",), "the scheme must be http or https"),
        (("api_key=abc",), "wants `id:key`"),
        (("ssl.certificate=/c",), "belong together"),
        (("ssl.supported_protocols=SSLv3",), "unsupported tls version"),
    ],
)
def test_mistakes(loading: Loading, overrides: tuple[str, ...], problem: str) -> None:
    (found,) = loading.refused(OUTPUT, *(PREFIX + text for text in overrides))
    assert found.startswith(("-E: " + PREFIX, PREFIX)), found
    assert problem in found


def test_keys_that_are_not_used_warn_and_secrets_stay_secret(loading: Loading) -> None:
    settings = loading(
        OUTPUT, PREFIX + "proxy_url=http://geheim", PREFIX + "max_retries=3", PREFIX + "api_key=a:geheim"
    )
    assert sum("is not used" in text for text in settings.warnings) == 1
    assert "geheim" not in str(settings.describe()) + "".join(settings.warnings)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1s", 1), ("2m", 120)])
def test_how_long_agents_keep_their_configuration(loading: Loading, text: str, seconds: int) -> None:
    settings = loading(OUTPUT, f"apm-server.agent.config.cache.expiration={text}")
    assert settings.acceptor_part().agent_config_max_age == seconds
    assert settings.worker_part(0).agent_config.interval == seconds
    assert settings.warnings == ()
