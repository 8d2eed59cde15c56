"""The Elasticsearch sink against the stand-in in all its moods."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec.structs import replace
from stand_in import DUPLICATE, INDEXED, PART, PLAIN, block, bulk_requests, ids, lines_of, running
from tidegate.workers.sinks.cluster import ClusterSink
from tidegate.workers.sinks.contract import TooLarge, TryAgain

pytestmark = pytest.mark.shared


@pytest.fixture
def sink_of() -> Iterator[Callable[..., ClusterSink]]:
    made: list[ClusterSink] = []

    def make(*urls: str, **changes: Any) -> ClusterSink:
        made.append(ClusterSink(replace(PART, hosts=list(urls), **changes), "1.2.3"))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


# ------------------------------------------------------------------------------------------------------- one request


@pytest.mark.parametrize("levels", [(1, 1), (0, 0), (6, 1), (0, 1)])
def test_request(es: Any, sink_of: Callable[..., ClusterSink], levels: tuple[int, int]) -> None:
    written = sink_of(es.url, headers={"X-Mine": "yes"}).write([block("abc", levels[0]), block("de", levels[1])])
    assert written.counts == {INDEXED: 5}
    assert ids(es) == "abcde"
    (request,) = bulk_requests(es)
    assert request["query"] == {
        "filter_path": "items.*._index,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason",
        "include_source_on_error": "false",
        "require_data_stream": "true",
    }
    headers = request["headers"]
    assert headers["x-elastic-event-count"] == "5"
    assert headers["x-elastic-uncompressed-request-length"] == str(len(b"".join(lines_of("abcde"))))
    assert headers.get("content-encoding") == (None if levels == (0, 0) else "gzip")
    assert headers["content-type"] == "application/x-ndjson"
    assert headers["user-agent"] == "tidegate/1.2.3"
    assert headers["x-elastic-product-origin"] == "observability"
    assert headers["x-mine"] == "yes"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"username": "u", "password": "p:q"}, "Basic " + base64.b64encode(b"u:p:q").decode()),
        ({"api_key": "id:key"}, "ApiKey " + base64.b64encode(b"id:key").decode()),
        ({"api_key": "aWQ6a2V5"}, "ApiKey aWQ6a2V5"),
        ({"api_key": "id:key", "headers": {"Authorization": "Bearer x"}}, "Bearer x"),
        ({}, None),
    ],
)
def test_credentials(
    es: Any, sink_of: Callable[..., ClusterSink], changes: dict[str, Any], expected: str | None
) -> None:
    sink = sink_of(es.url, **changes)
    assert sink.ready()
    sink.write([block("a")])
    assert [request["headers"].get("authorization") for request in es.requests()] == [expected] * 2


@pytest.mark.parametrize(
    ("settings", "cause", "degraded"),
    [
        ({"mode": "status", "status": 503}, "Elasticsearch answers 503", False),
        ({"mode": "status", "status": 500}, "Elasticsearch answers 500", False),
        ({"mode": "status", "status": 429}, "Elasticsearch answers 429", False),
        ({"mode": "status", "status": 403}, "Elasticsearch refuses bulk requests: 403", True),
        ({"authorization": ["Basic x"]}, "Elasticsearch refuses bulk requests: 401 security_exception", True),
        ({"mode": "drop"}, "cannot be reached", False),
        ({"mode": "lose_answer"}, "cannot be reached", False),
        ({"mode": "hang"}, "no answer from Elasticsearch", False),
        ({"mode": "refuse"}, "Connection refused", False),
    ],
)
def test_trouble(
    es: Any, sink_of: Callable[..., ClusterSink], settings: dict[str, Any], cause: str, degraded: bool
) -> None:
    es.configure(**settings)
    with pytest.raises(TryAgain) as caught:
        sink_of(es.url, response_timeout=0.2).write([block("a")])
    assert cause in caught.value.cause
    assert caught.value.degraded is degraded
    assert "create" not in caught.value.cause


def test_lost_answer_is_no_second_document(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    sink = sink_of(es.url)
    es.configure(mode="lose_answer", times=1)
    with pytest.raises(TryAgain):
        sink.write([block("ab")])
    assert sink.write([block("abc")]).counts == {DUPLICATE: 2, INDEXED: 1}
    assert ids(es) == "abc"


def test_too_large(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    es.configure(max_content_length=10)
    with pytest.raises(TooLarge):
        sink_of(es.url).write([block("a")])


def test_items(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    es.configure(item_error_matching='"b"')
    written = sink_of(es.url).write([block("ab"), block("c", index="nothing")])
    assert written.counts == {INDEXED: 1}
    assert [(one.item, one.status, one.type) for one in written.refused] == [(1, 400, "document_parsing_exception")]
    assert [(one.item, one.degraded) for one in written.postponed] == [(2, True)]


def test_another_host_is_asked_when_one_is_away(es: Any, stand_in: Any, sink_of: Callable[..., ClusterSink]) -> None:
    with running(stand_in) as gone:
        away = gone.url
    sink = sink_of(away, es.url)
    for name in "abcd":
        assert sink.write([block(name)]).counts == {INDEXED: 1}
    assert ids(es) == "abcd"


def test_hosts_take_turns(stand_in: Any, sink_of: Callable[..., ClusterSink]) -> None:
    with running(stand_in) as one, running(stand_in) as other:
        sink = sink_of(one.url, other.url)
        for name in "abcd":
            sink.write([block(name)])
        assert sorted(len(ids(each)) for each in (one, other)) == [2, 2]


def test_older_elasticsearch_is_not_sent_what_it_does_not_know(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    es.configure(version="8.17.4")
    sink = sink_of(es.url)
    assert sink.ready()
    sink.write([block("a")])
    assert "include_source_on_error" not in bulk_requests(es)[0]["query"]


def test_unknown_parameter_is_left_out_from_then_on(stand_in: Any, sink_of: Callable[..., ClusterSink]) -> None:
    with running(stand_in) as es:
        plain = es._cluster.bulk

        def old(request: Any, default_index: str = "") -> Any:
            if "include_source_on_error" in request.query:
                reason = "request [/_bulk] contains unrecognized parameter: [include_source_on_error]"
                return stand_in.failure(400, "illegal_argument_exception", reason)
            return plain(request, default_index)

        routes = [
            (
                methods,
                pattern,
                (lambda _, request, **rest: old(request, **rest)) if "_bulk" in pattern.pattern else call,
            )
            for methods, pattern, call in stand_in.ROUTES
        ]
        before, stand_in.ROUTES = stand_in.ROUTES, routes
        try:
            sink = sink_of(es.url)
            assert sink.write([block("a")]).counts == {INDEXED: 1}
            assert sink.write([block("b")]).counts == {INDEXED: 1}
        finally:
            stand_in.ROUTES = before
        assert [request["status"] for request in bulk_requests(es)] == [400, 200, 200]


def test_closing_ends_a_request_that_nobody_answers(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    sink = sink_of(es.url, response_timeout=60.0)
    es.configure(mode="hang")
    ended = threading.Event()

    def write() -> None:
        try:
            sink.write([block("a")])
        except TryAgain:
            ended.set()

    threading.Thread(target=write, daemon=True).start()
    while not bulk_requests(es):
        ended.wait(0.01)
    sink.close()
    assert ended.wait(5)
    with pytest.raises(TryAgain, match="closed"):
        sink.write([block("a")])


# ---------------------------------------------------------------------------------------------------------- questions


def test_ready(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    sink = sink_of(es.url)
    es.configure(root_status=503)
    with pytest.raises(TryAgain, match="503"):
        sink.ready()
    es.configure(root_status=403)
    with pytest.raises(TryAgain, match="403"):
        sink.ready()
    es.configure(root_status=200)
    assert sink.ready()


def test_form_of_the_stand_in_is_unknown(es: Any, sink_of: Callable[..., ClusterSink]) -> None:
    assert sink_of(es.url).form() is None


# ---------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(stand_in: Any, authority: trustme.CA) -> Iterator[Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    with running(stand_in, tls=context) as es:
        yield es


@pytest.mark.parametrize(
    ("mode", "trusted", "works"),
    [
        ("full", True, False),
        ("strict", True, False),
        ("certificate", True, True),
        ("certificate", False, False),
        ("none", False, True),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_verification_of_a_certificate_for_another_name(
    secure: Any,
    sink_of: Callable[..., ClusterSink],
    authority: trustme.CA,
    tmp_path: Path,
    mode: str,
    trusted: bool,
    works: bool,
    inline: bool,
) -> None:
    pem = (authority if trusted else trustme.CA()).cert_pem.bytes().decode()
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    tls = replace(PLAIN, verification_mode=mode, certificate_authorities=[pem if inline else str(path)])
    sink = sink_of(secure.url, tls=tls)
    if works:
        assert sink.ready()
        assert sink.write([block("a")]).counts == {INDEXED: 1}
    else:
        with pytest.raises(TryAgain, match="TLS with Elasticsearch") as caught:
            sink.ready()
        assert caught.value.degraded


@pytest.mark.parametrize("inline", [True, False])
def test_client_certificate(
    stand_in: Any, sink_of: Callable[..., ClusterSink], authority: trustme.CA, tmp_path: Path, inline: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    own = authority.issue_cert("tidegate.example")
    certificate = own.cert_chain_pems[0].bytes().decode()
    key = own.private_key_pem.bytes().decode()
    if not inline:
        for name, text in (("c.pem", certificate), ("k.pem", key)):
            (tmp_path / name).write_text(text)
        certificate, key = str(tmp_path / "c.pem"), str(tmp_path / "k.pem")
    tls = replace(PLAIN, certificate_authorities=[authority.cert_pem.bytes().decode()])
    with running(stand_in, tls=context) as es:
        with pytest.raises(TryAgain):
            sink_of(es.url, tls=tls).ready()
        assert sink_of(es.url, tls=replace(tls, certificate=certificate, key=key)).ready()
