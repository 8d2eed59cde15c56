"""Who may send, by the settings: anonymous senders, proxies, profiles."""

from __future__ import annotations

import pytest
from settings_loading import Loading
from tidegate.daemon.settings.parts import AnonymousPart, ForwardingPart

ES = "output.elasticsearch: {hosts: [es], username: u, password: p, ssl.certificate_authorities: [/ca]}\n"
TOKEN = "apm-server.auth.secret_token: abc\n"
ANONYMOUS = AnonymousPart(["rum-js", "js-base"], [], 300, False)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", None),
        (TOKEN, None),
        ("apm-server.auth.anonymous.enabled: true", None),
        (TOKEN + "apm-server.auth.anonymous.enabled: true", ANONYMOUS),
        (TOKEN + "apm-server.rum.enabled: true", ANONYMOUS),
        ("apm-server: {rum.enabled: true, auth.api_key.enabled: true}", ANONYMOUS),
        (TOKEN + "apm-server.rum.enabled: true\napm-server.auth.anonymous.enabled: false", None),
        (TOKEN + "apm-server.auth.anonymous: {enabled: true, allow_agent: []}", ANONYMOUS),
        (
            TOKEN + "apm-server.auth.anonymous: {enabled: true, allow_agent: a, allow_service: [b, c], "
            "rate_limit: {event_limit: 0, ip_limit: 7}}\ntidegate.auth.anonymous.rum_only: true",
            AnonymousPart(["a"], ["b", "c"], 0, True),
        ),
    ],
)
def test_anonymous_senders(loading: Loading, text: str, part: AnonymousPart | None) -> None:
    assert loading(ES + text).acceptor_part().auth.anonymous == part


def test_the_profile_public(loading: Loading) -> None:
    text = (
        ES
        + TOKEN
        + "tidegate.profile: public\napm-server: {rum: {enabled: true, allow_origins: [https://shop.example]}, "
        + "auth.anonymous.allow_service: [shop]"
    )
    part = loading(text + "}").acceptor_part()
    assert part.auth.anonymous is not None
    assert part.auth.anonymous.rum_only
    assert part.forwarding == ForwardingPart((), from_right=True)
    assert (part.max_header_size, part.max_connections_per_address) == (16384, 64)
    own = loading(
        text + ", max_header_size: 32768}\ntidegate: {trusted_proxies: [10.0.0.1], forwarded_from: left, "
        "max_connections_per_address: 0, auth.anonymous.rum_only: false, acceptors: 2}"
    ).acceptor_part()
    assert own.auth.anonymous is not None
    assert not own.auth.anonymous.rum_only
    assert own.forwarding == ForwardingPart(("10.0.0.1",), from_right=False)
    assert (own.max_header_size, own.max_connections_per_address, own.shares_limits) == (32768, 0, True)


def test_the_profile_compatible(loading: Loading) -> None:
    part = loading(ES).acceptor_part()
    assert part.forwarding == ForwardingPart(("private",), from_right=False)
    assert (part.max_header_size, part.max_connections_per_address, part.shares_limits) == (1048576, 0, False)
    assert loading(ES + "tidegate.trusted_proxies: none").acceptor_part().forwarding.trusted == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "`public` needs authentication"),
        (TOKEN + "apm-server.rum.enabled: true", "only for services that are named here"),
        ("tidegate.trusted_proxies: [here]", "wants addresses and networks"),
        ("tidegate.trusted_proxies: [none, 10.0.0.1]", "wants addresses and networks"),
        ("tidegate.forwarded_from: middle", "wants one of left, right"),
    ],
)
def test_what_the_profile_public_requires(loading: Loading, text: str, words: str) -> None:
    problems = loading.refused(ES + "tidegate.profile: public\n" + text)
    assert any(words in problem for problem in problems)


def test_keys_are_asked_about_without_credentials_of_the_output(loading: Loading) -> None:
    on = ES + "apm-server.auth.api_key: {enabled: true, elasticsearch.timeout: 2s}"
    asked = loading(on).worker_part(0).api_keys
    assert asked is not None
    part = asked.elasticsearch
    assert part is not None
    assert (part.username, part.password, part.api_key) == ("", "", "")
    assert (part.hosts, part.connect_timeout, part.tls.certificate_authorities) == (["http://es:9200"], 2.0, ["/ca"])
    other = loading(on + "\napm-server.auth.api_key.elasticsearch.hosts: [https://keys:1]").worker_part(0).api_keys
    assert other is not None
    assert other.elasticsearch is not None
    assert other.elasticsearch.hosts == ["https://keys:1"]
    local = loading("output.local.enabled: true\napm-server.auth.api_key.enabled: true").worker_part(0).api_keys
    assert local is not None
    assert local.file.endswith("/api-keys.json")
    assert loading(ES).worker_part(0).api_keys is None
