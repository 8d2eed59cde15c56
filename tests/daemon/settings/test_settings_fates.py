"""What is said of settings without effect, and of what leaves the port open."""

from __future__ import annotations

import pytest
from settings_loading import Loading
from tidegate.daemon.settings.problems import SettingsError

ES = "output.elasticsearch.hosts: [es]\n"


def test_warnings_name_the_consequence_once_for_a_section(loading: Loading) -> None:
    settings = loading(
        ES + "apm-server:\n  rum: {enabled: true, allow_origins: [a], source_mapping: {timeout: 1s, enabled: true}}\n"
        "  sampling.tail.policies: [{sample_rate: 0.1}]\n"
        "  hots: x\n  agent.config.cache.expiration: 30s\n  kibana: {host: x, username: a, password: b, path: c, space.id: d}\n"
    )
    warnings = [warning.rpartition("given.yml:")[2] for warning in settings.warnings]
    assert len(warnings) == 3
    assert warnings[0] == "5: apm-server.hots: this key is unknown and ignored; did you mean `apm-server.host`?"
    assert warnings[1] == "4: apm-server.sampling.tail.policies: tail sampling is not built: every trace will be stored"
    assert " and 1 more: Kibana is not asked" in warnings[2]


@pytest.mark.parametrize(
    "text",
    [
        "apm-server.rum: {enabled: false, allow_origins: [a]}",
        "apm-server.ssl: {enabled: false, certificate: /a, key: /b}",
        "apm-server.auth.secret_token:",
        "apm-server.auth.api_key: {enabled: false, limit: 7}",
        "apm-server.sampling.tail: {enabled: false, policies: [{service.name: a}]}",
        "http: {enabled: false, port: 1}",
        "monitoring: {enabled: false, elasticsearch.hosts: [a]}",
        "setup.template.enabled: false",
        "apm-server.ilm.enabled: false",
        "apm-server.expvar.enabled: false",
        "logging: {to_files: false, files.keepfiles: 3}",
        "apm-server.max_connections: 0",
    ],
)
def test_what_is_off_is_silent(loading: Loading, text: str) -> None:
    settings = loading(ES + text)
    assert (settings.warnings, settings.alarms) == ((), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apm-server.secret_token: abc", "it protects nothing"),
        ("apm-server.api_key.enabled: true", "it protects nothing"),
        ("apm-server.auth.secret_token: ''", "is empty: it protects nothing"),
        ("apm-server.auth.secret_token: '${EMPTY}'", "is empty: it protects nothing"),
        ("apm-server.rum.event_rate.limit: 7", "it limits nothing"),
        ("apm-server.host: ':8200'", "no authentication on :8200"),
    ],
)
def test_what_leaves_the_port_open_is_an_alarm(loading: Loading, text: str, words: str) -> None:
    [alarm] = loading(ES + text, environ={"EMPTY": ""}).alarms
    assert words in alarm


@pytest.mark.parametrize("text", ["apm-server.auth.secret_token: abc", "tidegate.auth.secret_tokens: [{token: abc}]"])
def test_with_a_token_the_port_may_be_open_to_all(loading: Loading, text: str) -> None:
    settings = loading(f"{ES}apm-server.host: ':8200'\n{text}")
    assert settings.alarms == ()
    assert [token.token for token in settings.acceptor_part().auth.tokens] == ["abc"]
    assert "abc" not in str(settings.describe())


def test_check_25_pages_of_every_origin_are_worth_a_warning(loading: Loading) -> None:
    [warning] = loading(ES + "apm-server.rum.enabled: true").warnings
    assert "pages of every origin may send" in warning


PUBLIC = ES + "tidegate.profile: public\napm-server.auth: {secret_token: abc, anonymous.allow_service: [shop]}\n"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (ES + "apm-server.rum: {enabled: true, allow_origins: ['http://localhost*']}", "text"),
        (ES + "apm-server.rum: {enabled: true, allow_origins: [a]}\ntidegate.rum.match_origins: host", "host"),
        (PUBLIC + "apm-server.rum: {enabled: true, allow_origins: ['https://*.shop.example']}", "host"),
        (PUBLIC + "apm-server.rum: {enabled: true, allow_origins: ['a*']}\ntidegate.rum.match_origins: text", "text"),
        (PUBLIC, "host"),
    ],
)
def test_how_origins_are_compared(loading: Loading, text: str, how: str) -> None:
    settings = loading(text)
    assert settings.warnings == ()
    assert settings.acceptor_part().browsers.match_origins == how


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PUBLIC + "apm-server.rum.enabled: true", "only pages of origins that are named here"),
        (PUBLIC + "apm-server.rum: {enabled: true, allow_origins: ['http://localhost*']}", "where hosts are compared"),
        (ES + "tidegate.rum: {match_origins: host}\napm-server.rum.allow_origins: ['']", "where hosts are compared"),
        (ES + "tidegate.rum.extra_paths: [/intake/v2/events]", "belong to the protocol"),
        (ES + "tidegate.rum.extra_paths: [/config]", "belong to the protocol"),
        (ES + "tidegate.rum.extra_paths: [shop]", "wants paths such as"),
        (ES + "tidegate.rum.extra_paths: [/a/../b]", "wants paths such as"),
        (ES + "tidegate.rum.extra_paths: [/a//b]", "wants paths such as"),
        (ES + "tidegate.rum.extra_paths: [/]", "wants paths such as"),
        (ES + "apm-server.rum.allow_headers: ['X-A, X-B']", "a name that HTTP does not allow"),
        (ES + "tidegate.admin.host: 0.0.0.0:9464", "an address of this machine alone"),
        (ES + "tidegate.admin.host: 127.0.0.1", "an address of this machine alone"),
        (ES + "http: {enabled: true, host: 'unix:///tmp/x'}", "wants a name or an address"),
    ],
)
def test_what_browsers_cannot_be_served_with(loading: Loading, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        loading(text)


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("output.elasticsearch.ssl.verification_mode: none", {}, "certificate is not checked"),
        ("output.elasticsearch: {flush_bytes: 1KB}", {}, "raised to 24 KiB"),
        ("output.elasticsearch: {api_key: 'a:b', username: c}", {}, "not used"),
        ("", {"HTTPS_PROXY": "http://proxy"}, "HTTPS_PROXY: not used"),
        ("output.elasticsearch.max_retries: 5", {}, "without limit"),
    ],
)
def test_warnings_about_elasticsearch(loading: Loading, text: str, environ: dict[str, str], words: str) -> None:
    [warning] = loading(ES + text, environ=environ).warnings
    assert words in warning
