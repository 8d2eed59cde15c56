"""What a sender may not send, and what becomes of a batch with it (http-surface.md 3.5, 4)."""

from __future__ import annotations

import pytest
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import SUSPECT, Batch, RequestBase, new_batch_id, pack_base
from tidegate.daemon.wire.terms import UNLIMITED, Terms, pack_terms
from tidegate.workers.pipeline import Pipeline, Processed

METADATA = b'{"metadata":{"service":{"name":"shop","agent":{"name":"rum-js","version":"6"}}}}'
SPAN = b'{"span":{"id":"a","trace_id":"r","parent_id":"p","name":"n","type":"t","duration":1,"start":0%s}}\n'
ANY = SPAN % b""
OTHER_SERVICE = SPAN % b',"context":{"service":{"name":"other"}}'
OTHER_AGENT = SPAN % b',"context":{"service":{"agent":{"name":"python"}}}'
UNSAMPLED = (
    b'{"transaction":{"id":"u","trace_id":"r","type":"t","duration":1,"sampled":false,"span_count":{"started":0},'
    b'"context":{"service":{"name":"other"}}}}\n'
)
METRICS = b'{"metricset":{"samples":{"a":{"value":1}},"service":{"name":"other"}}}\n'
LOG = b'{"log":{"message":"m","service.name":"other"}}\n'
SHORT = b'{"x":{"id":"x","tid":"r","t":"page-load","d":1,"yc":{"sd":1},"y":[{"n":"n","t":"t","id":"y","s":1,"d":1}]}}\n'
PREFIX = "cannot handle stream: cannot process batch: unauthorized: "


def process(terms: Terms, lines: bytes, tokens: int = UNLIMITED, flags: int = 0, **pipeline: object) -> Processed:
    identity = new_batch_id(1, b"0123456789")
    batch = Batch(
        bytes(8), identity, 0, 0, 0, flags, pack_base(RequestBase()), METADATA, lines, tokens, pack_terms(terms)
    )
    return Pipeline(False, **pipeline).process(batch)  # type: ignore[arg-type] # what the test names


@pytest.mark.parametrize(
    ("terms", "lines", "message"),
    [
        (Terms("anonymous access"), ANY + OTHER_SERVICE + OTHER_AGENT, ""),
        (Terms("anonymous access", "", ("rum-js",), ("shop",)), ANY + SHORT, ""),
        (Terms("anonymous access", "", ("rum-js",), ("shop", "other")), ANY + OTHER_SERVICE + METRICS + LOG, ""),
        (Terms("API Key", "unauthorized: no"), b"", ""),
        (Terms("API Key", "unauthorized: no"), b"nonsense\n", ""),
        (Terms("API Key", "unauthorized: no"), ANY, "cannot handle stream: cannot process batch: unauthorized: no"),
        (Terms("x", "", ("python",)), ANY, PREFIX + 'x not permitted for agent "rum-js"'),
        (Terms("x", "", ("rum-js",)), ANY + OTHER_AGENT, PREFIX + 'x not permitted for agent "python"'),
        (Terms("x", "", ("a",), ("b",)), ANY, PREFIX + 'x not permitted for service "shop"'),
        *(
            (Terms("x", "", (), ("shop",)), ANY + line, PREFIX + 'x not permitted for service "other"')
            for line in (OTHER_SERVICE, UNSAMPLED, METRICS, LOG)
        ),
    ],
)
def test_check_28_what_a_sender_may_not_claim_is_refused(terms: Terms, lines: bytes, message: str) -> None:
    result = process(terms, lines)
    assert (result.ended.message if result.ended else "") == message
    if result.ended is not None:
        assert (result.ended.status, result.lines, result.accepted) == (403, [], 0)


def test_errors_of_lines_are_told_besides() -> None:
    result = process(Terms("x", "", ("python",)), b'{"nonsense":1}\n' + ANY)
    assert result.ended is not None
    assert (result.failed, len(result.errors), result.events) == (1, 1, 1)
    assert result.counts == {EventOutcome.INVALID: 1}


def test_a_batch_without_enough_tokens_comes_again() -> None:
    result = process(Terms("x", "", ("python",)), b'{"nonsense":1}\n' + SHORT, tokens=1)
    assert (result.events, result.lines, result.accepted, result.ended) == (2, [], 0, None), "the limit is asked first"
    assert (result.failed, len(result.errors), result.counts) == (1, 1, {}), (
        "its errors are counted when it comes again"
    )
    enough = process(Terms("x"), b'{"nonsense":1}\n' + SHORT, tokens=2)
    assert (enough.events, enough.accepted, enough.documents) == (2, 2, 2)


def test_a_suspect_has_paid_before() -> None:
    assert process(Terms("x"), SHORT, tokens=1, flags=SUSPECT).accepted == 2


def test_new_names_of_services_are_limited() -> None:
    terms = Terms("anonymous access", counts_services=True)
    seen: list[str] = []

    def admit(name: str) -> bool:
        seen.append(name)
        return name == "shop"

    assert process(terms, ANY + ANY, admit=admit).ended is None
    assert seen == ["shop"]
    ended = process(terms, OTHER_SERVICE, admit=admit).ended
    assert ended is not None
    assert "tidegate.auth.anonymous.max_services" in ended.message
    named = Terms("anonymous access", "", (), ("other",), counts_services=True)
    assert process(named, OTHER_SERVICE, admit=admit).ended is None, "names that are allowed are not counted"
