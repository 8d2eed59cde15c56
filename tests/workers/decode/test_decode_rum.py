"""RUM v3: intake-to-documents.md section 7, with the lines of 9.8."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.lines import read_event, read_metadata
from tidegate.workers.decode.model import (
    Agent,
    Connection,
    Context,
    Destination,
    DestinationService,
    EventService,
    ExceptionInfo,
    Experience,
    Frame,
    Language,
    Longtask,
    Metadata,
    MetadataAgent,
    MetadataService,
    NameVersion,
    Network,
    Page,
    Request,
    Response,
    RumError,
    RumMetricset,
    RumSpan,
    RumTransaction,
    Session,
    SpanContext,
    SpanCount,
    SpanHttp,
    SpanHttpResponse,
    User,
)

METADATA = b"""{"m":{"se":{"n":"shop-web","ve":"1.9.0","en":"production","a":{"n":"rum-js","ve":"5.16.1"},
"la":{"n":"javascript"}},"n":{"c":{"t":"4g"}},"l":{"release":"r19"},"u":{"ud":"d","id":5,"em":"e","un":"n"}}}"""

LINE = b"""{"x":{"id":"ec2e280be8345240","tid":"286ac3ad697892c406528f13c82e0ce1","n":"/cart","t":"page-load","d":295.5,
"sr":1,"yc":{"sd":2},"k":{"a":{"dc":120.5,"fb":30},"nt":{"fs":0,"re":40},"own":{"x":1}},
"exp":{"cls":0.05,"fid":12,"lt":{"count":1,"sum":60,"max":60}},"ses":{"id":"s-1","seq":2},
"c":{"p":{"url":"https://shop.example/cart?x=1#top","rf":"https://shop.example/"},"u":{"id":"99"},"g":{"variant":"b"}},
"y":[{"n":"Requesting the document","t":"hard-navigation","su":"browser-timing","id":"bbd8bcc3be14d814","s":4,"d":36,
"sr":1},{"n":"GET /api","t":"external","su":"http","id":"fc546e87a90a774f","s":50.5,"d":12.25,"pi":0,"o":"success",
"c":{"h":{"mt":"GET","url":"https://shop.example/api","sc":200,"r":{"ts":5}},"se":{"n":"other","a":{"n":"x"}},
"dt":{"ad":"shop.example","po":443,"se":{"rc":"shop.example:443","n":"https://shop.example","t":"external"}}}},
{"n":"far","t":"app","id":"3","s":1,"d":1,"pi":7}],
"me":[{"y":{"t":"app"},"sa":{"ysc":{"v":1},"yss":{"v":1200}}},{"sa":{"ysc":{"v":1}}},{"y":{"t":"db","su":"x"},
"sa":{"yss":{"v":5}}}]}}"""

TRACE, ID = "286ac3ad697892c406528f13c82e0ce1", "ec2e280be8345240"


def without_newlines(line: bytes) -> bytes:
    return line.replace(b"\n", b"")


def test_metadata() -> None:
    assert read_metadata(without_newlines(METADATA)) == Metadata(
        service=MetadataService(
            agent=MetadataAgent("rum-js", "5.16.1"),
            name="shop-web",
            version="1.9.0",
            environment="production",
            language=Language("javascript"),
        ),
        network=Network(Connection("4g")),
        labels={"release": "r19"},
        user=User(domain="d", id=5, email="e", username="n"),
    )


def test_transaction_line() -> None:
    """The transaction, the metricsets that have a span, the spans; each span's parent is another one or the transaction."""
    assert read_event(without_newlines(LINE)) == [
        RumTransaction(
            id=ID,
            trace_id=TRACE,
            type="page-load",
            duration=295.5,
            span_count=SpanCount(2),
            name="/cart",
            sample_rate=1.0,
            marks={
                "agent": {"domComplete": 120.5, "timeToFirstByte": 30.0},
                "navigationTiming": {"fetchStart": 0.0, "responseEnd": 40.0},
                "own": {"x": 1.0},
            },
            experience=Experience(cls=0.05, fid=12.0, longtask=Longtask(1, 60.0, 60.0)),
            session=Session("s-1", 2),
            context=Context(
                page=Page("https://shop.example/", "https://shop.example/cart?x=1#top"),
                user=User(id="99"),
                tags={"variant": "b"},
            ),
        ),
        RumMetricset("page-load", "/cart", span_type="app", count=1.0, sum=1200.0),
        RumMetricset("page-load", "/cart", span_type="db", span_subtype="x", sum=5.0),
        RumSpan(
            id="bbd8bcc3be14d814",
            trace_id=TRACE,
            transaction_id=ID,
            parent_id=ID,
            name="Requesting the document",
            type="hard-navigation",
            subtype="browser-timing",
            start=4.0,
            duration=36.0,
            sample_rate=1.0,
        ),
        RumSpan(
            id="fc546e87a90a774f",
            trace_id=TRACE,
            transaction_id=ID,
            parent_id="bbd8bcc3be14d814",
            name="GET /api",
            type="external",
            subtype="http",
            start=50.5,
            duration=12.25,
            outcome="success",
            context=SpanContext(
                http=SpanHttp(
                    method="GET",
                    url="https://shop.example/api",
                    status_code=200,
                    response=SpanHttpResponse(transfer_size=5),
                ),
                service=EventService(name="other"),
                destination=Destination(
                    address="shop.example",
                    port=443,
                    service=DestinationService("shop.example:443", "https://shop.example", "external"),
                ),
            ),
        ),
        RumSpan(
            id="3", trace_id=TRACE, transaction_id=ID, parent_id=ID, name="far", type="app", start=1.0, duration=1.0
        ),
    ]


def error(more: bytes) -> Any:
    return read_event(b'{"e":{"id":"e","tid":"t","pid":"p","xid":"x",' + more + b"}}")


def test_error() -> None:
    found = error(
        b'"timestamp":5,"cl":"c","x":{"n":"n","t":"t","sm":true},"ex":{"mg":"m","t":"T","cd":4,"mo":"o","hd":false,'
        b'"at":{"a":1},"ca":[{"mg":"c"}],"st":[{"f":"~/a.js","li":1,"co":2,"ap":"p","cn":"k","fn":"g","mo":"m","cli":"l",'
        b'"prc":["a"],"poc":["b"]}]},"c":{"cu":{"k":1},"q":{"mt":"GET","hve":"2","en":{"e":"v"},"he":{"a":"b"}},'
        b'"r":{"sc":500,"ts":1,"dbs":2,"ebs":3,"he":{"a":"b"}},"se":{"n":"s","ve":"1","en":"e","a":{"n":"a","ve":"2"},'
        b'"fw":{"n":"f"}}}'
    )
    assert type(found) is RumError
    assert (found.timestamp, found.culprit, found.transaction_id, found.parent_id) == (5, "c", "x", "p")
    assert found.exception == ExceptionInfo(
        message="m",
        type="T",
        code=4,
        module="o",
        handled=False,
        attributes={"a": 1},
        cause=[ExceptionInfo(message="c")],
        stacktrace=[
            Frame(
                filename="~/a.js",
                lineno=1,
                colno=2,
                abs_path="p",
                classname="k",
                function="g",
                module="m",
                context_line="l",
                pre_context=["a"],
                post_context=["b"],
            )
        ],
    )
    assert found.context == Context(
        custom={"k": 1},
        request=Request("GET", http_version="2", env={"e": "v"}, headers={"a": "b"}),
        response=Response({"a": "b"}, 500, 1, 2, 3),
        service=EventService(
            name="s", version="1", environment="e", agent=Agent(name="a", version="2"), framework=NameVersion("f")
        ),
    )


def test_error_without_transaction() -> None:
    """The transaction's id is used only where something is said of the transaction; a log has a logger's name."""
    found = error(b'"log":{"mg":"m"}')
    assert found.transaction_id is None
    assert found.log.logger_name == "default"
    assert error(b'"log":{"mg":"m","ln":"own"},"x":{"sm":false}').log.logger_name == "own"
    assert error(b'"log":{"mg":"m"},"x":{"sm":false}').transaction_id == "x"
