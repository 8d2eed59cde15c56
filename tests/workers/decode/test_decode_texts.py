"""The words of every refusal: intake-to-documents.md 8.2 to 8.4, and what the original was seen to answer."""

from __future__ import annotations

import pytest
from tidegate.workers.decode.lines import Refused, read_event, read_metadata

TX = '{"transaction":{"id":"a","trace_id":"b","type":"t","duration":1,"span_count":{"started":0}%s}}'
SPAN = '{"span":{"id":"a","trace_id":"b","parent_id":"c","name":"n","type":"t","start":1,"duration":1%s}}'
METADATA = '{"metadata":{"service":{"name":"s","agent":{"name":"a","version":"1"}%s}%s}}'
X = '{"x":{"id":"a","tid":"b","t":"c","d":1,"yc":{"sd":0}%s}}'
LONG = "x" * 1025
DECODE = "decode error: data read error: "
TX_PATH = DECODE + "v2.transactionRoot.Transaction: v2.transaction."
REQUEST_PATH = TX_PATH + "Context: v2.context.Request: v2.contextRequest."

TYPES = [
    ("tennis-court", 'did not recognize object type: ""'),
    ("   ", 'did not recognize object type: ""'),
    ("\r", 'did not recognize object type: ""'),
    ('{"open', 'did not recognize object type: ""'),
    ('{"tennis":1}', 'did not recognize object type: "tennis"'),
    ("{'tennis':1}", 'did not recognize object type: "tennis"'),
    ('{"profile":{}}', 'did not recognize object type: "profile"'),
    ('{"Transaction":{}}', 'did not recognize object type: "Transaction"'),
    (METADATA % ("", ""), 'did not recognize object type: "metadata"'),
    ('{"m":{}}', 'did not recognize object type: "m"'),
    ("'a\"\t\\'", r'did not recognize object type: "a\"\t\\"'),
]

VALIDATION = [
    ('{"transaction":{}}', "'transaction' required"),
    ('{"transaction":null}', "'transaction' required"),
    ('{"transaction":{"unknown":1}}', "'transaction' required"),
    ('{"log":{}}', "'log' required"),
    ('{"log":{"ecs.version":"1.2.0"}}', "'log' required"),
    ('{"transaction":{"id":"a"}}', "transaction: 'trace_id' required"),
    (TX.replace('{"started":0}', "{}") % "", "transaction: 'span_count' required"),
    (TX.replace('"started"', '"dropped"') % "", "transaction: span_count: 'started' required"),
    (TX.replace('"duration":1', '"duration":-1') % "", "transaction: 'duration': validation rule 'min(0)' violated"),
    (TX % ',"outcome":"x"', "transaction: 'outcome': validation rule 'enum(enumOutcome)' violated"),
    (TX % f',"result":"{LONG}"', "transaction: 'result': validation rule 'maxLength(1024)' violated"),
    (TX % ',"context":{"request":{"url":{"raw":"/x"}}}', "transaction: context: request: 'method' required"),
    (
        TX % ',"context":{"user":{"id":true}}',
        "transaction: context: user: 'id': validation rule 'inputTypes(string;int)' violated ",
    ),
    (
        TX % ',"context":{"user":{"id":1.0}}',
        "transaction: context: user: 'id': validation rule 'inputTypes(string;int)' violated",
    ),
    (
        TX % ',"context":{"user":{"id":99999999999999999999}}',
        "transaction: context: user: 'id': validation rule 'inputTypes(string;int)' violated",
    ),
    (
        TX % ',"context":{"request":{"method":"GET","body":5}}',
        "transaction: context: request: 'body': validation rule 'inputTypes(string;object)' violated ",
    ),
    (
        TX % ',"context":{"request":{"method":"GET","url":{"port":"x"}}}',
        "transaction: context: request: url: 'port': validation rule 'targetType(int)' violated",
    ),
    (
        TX % ',"context":{"request":{"method":"GET","url":{"port":1.5}}}',
        "transaction: context: request: url: 'port': validation rule 'inputTypes(string;int)' violated",
    ),
    (
        TX % ',"context":{"service":{"name":"x!"}}',
        "transaction: context: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated",
    ),
    (
        TX % r',"context":{"service":{"name":"x\n"}}',
        "transaction: context: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated",
    ),
    (
        TX % ',"context":{"tags":{"k":[1]}}',
        "transaction: context: 'tags': validation rule 'inputTypesVals(string;bool;number)' violated for key k",
    ),
    (
        TX % f',"context":{{"tags":{{"k":"{LONG}"}}}}',
        "transaction: context: 'tags': validation rule 'maxLengthVals(1024)' violated",
    ),
    (TX % ',"links":[{}]', "transaction: links slice element required"),
    (TX % ',"links":[null]', "transaction: links slice element required"),
    (TX % ',"links":[{"trace_id":"x"}]', "transaction: links: 'span_id' required"),
    (TX % ',"dropped_spans_stats":[{}]', "transaction: dropped_spans_stats slice element required"),
    (
        TX % ',"dropped_spans_stats":[{"duration":{"sum":{}}}]',
        "transaction: dropped_spans_stats slice element required",
    ),
    (
        TX % ',"dropped_spans_stats":[{"duration":{"count":0}}]',
        "transaction: dropped_spans_stats: duration: 'count': validation rule 'min(1)' violated",
    ),
    (
        TX % f',"dropped_spans_stats":[{{"service_target_type":"{"y" * 513}"}}]',
        "transaction: dropped_spans_stats: 'service_target_type': validation rule 'maxLength(512)' violated",
    ),
    (TX % ',"session":{"sequence":1}', "transaction: session: 'id' required"),
    (TX % ',"experience":{"longtask":{"max":1}}', "transaction: experience: longtask: 'count' required"),
    (SPAN.replace('"start"', '"begin"') % "", "span: requires at least one of the fields 'start;timestamp'"),
    (
        SPAN % ',"stacktrace":[{"function":"x"}]',
        "span: stacktrace: requires at least one of the fields 'classname;filename'",
    ),
    (SPAN % ',"stacktrace":[{}]', "span: stacktrace slice element required"),
    (SPAN % f',"child_ids":["a","{LONG}"]', "span: 'child_ids': validation rule 'maxLength(1024)' violated"),
    (
        SPAN % ',"composite":{"compression_strategy":"x","count":1,"sum":1}',
        "span: composite: 'count': validation rule 'min(2)' violated",
    ),
    (
        SPAN % ',"context":{"destination":{"service":{"name":"n"}}}',
        "span: context: destination: service: 'resource' required",
    ),
    ('{"error":{"id":"e"}}', "error: requires at least one of the fields 'exception;log'"),
    ('{"error":{"id":"e","exception":{},"log":{}}}', "error: requires at least one of the fields 'exception;log'"),
    ('{"error":{"id":"e","log":{"level":"x"}}}', "error: log: 'message' required"),
    (
        '{"error":{"id":"e","exception":{"code":"5"}}}',
        "error: exception: requires at least one of the fields 'message;type'",
    ),
    (
        '{"error":{"id":"e","exception":{"type":"t","cause":[{"code":"1"}]}}}',
        "error: exception: cause: requires at least one of the fields 'message;type'",
    ),
    (
        '{"error":{"id":"e","exception":{"type":"t","code":1.5}}}',
        "error: exception: 'code': validation rule 'inputTypes(string;int)' violated",
    ),
    *(
        (
            f'{{"error":{{"id":"e","log":{{"message":""}},"{given}":"x"}}}}',
            f"error: '{wanted}' required when '{given}' is set",
        )
        for given, wanted in [("transaction_id", "parent_id"), ("trace_id", "parent_id"), ("parent_id", "trace_id")]
    ),
    ('{"metricset":{"samples":{}}}', "'metricset' required"),
    ('{"metricset":{"tags":{"a":"b"}}}', "metricset: 'samples' required"),
    ('{"metricset":{"samples":{"a":{"values":[1]}}}}', "metricset: samples: 'counts' required when 'values' is set"),
    (
        '{"metricset":{"samples":{"a":{"value":1,"counts":[1]}}}}',
        "metricset: samples: 'values' required when 'counts' is set",
    ),
    (
        '{"metricset":{"samples":{"a":{"unit":"s"}}}}',
        "metricset: samples: requires at least one of the fields 'value;values'",
    ),
    *(
        (
            f'{{"metricset":{{"samples":{{"{name}":{{"value":1}}}}}}}}',
            "metricset: 'samples': validation rule 'patternKeys(patternNoAsteriskQuote)' violated",
        )
        for name in ("a*", r"a\"", r"a\u002a")
    ),
    (
        f'{{"metricset":{{"samples":{{"a":{{"value":1}}}},"service":{{"name":"s","version":"{LONG}"}}}}}}',
        "metricset: service: 'version': validation rule 'maxLength(1024)' violated",
    ),
    (
        f'{{"log":{{"log.level":"{LONG}"}}}}',
        "log: ecsloglogfields: 'log.level': validation rule 'maxLength(1024)' violated",
    ),
    (
        f'{{"log":{{"service":{{"name":"{LONG}"}}}}}}',
        "log: ecslogservicefields: 'service.name': validation rule 'maxLength(1024)' violated",
    ),
    ('{"x":{}}', "'x' required"),
    (X.replace('"tid"', '"dit"') % "", "x: 'tid' required"),
    (X.replace('"d":1', '"d":-0.5') % "", "x: 'd': validation rule 'min(0)' violated"),
    (X % ',"me":[{"y":{"t":"app"}}]', "x: me: 'sa' required"),
    (X % ',"me":[{}]', "x: me slice element required"),
    (X % ',"y":[{"id":"i","n":"n","t":"t","d":1}]', "x: y: 's' required"),
    (X % ',"y":[{"id":"i","n":"n","t":"t","d":1,"s":1,"st":[{"fn":"x"}]}]', "x: y: st: 'f' required"),
    ('{"e":{"id":"e"}}', "e: requires at least one of the fields 'ex;log'"),
    ('{"e":{"id":"e","ex":{"mg":"m"},"xid":"x"}}', "e: 'pid' required when 'xid' is set"),
]

DECODING = [
    ('["transaction"]', DECODE + "readObjectStart: expect { or n,"),
    ('{"transaction":"x"}', DECODE + "v2.transactionRoot.Transaction: readObjectStart: expect { or n,"),
    ('{"transaction"}', DECODE + "v2.transactionRoot.readFieldHash: expect :,"),
    ("{'transaction':{}}", DECODE + 'v2.transactionRoot.readFieldHash: expect ",'),
    ('\ufeff{"transaction":{}}', DECODE + "readObjectStart: expect { or n,"),
    ('{"transaction":{"id":"a"', DECODE + "v2.transactionRoot.Transaction: struct Decode: expect },"),
    (
        '{"transaction":{"id":"a","tra',
        TX_PATH + 'readStringSlowPath: unexpected end of input, error found in #10 byte of ...|":"a","tra|...,'
        ' bigger context ...|{"transaction":{"id":"a","tra|...',
    ),
    (
        '{"transaction":{"id":"a"}',
        DECODE + "v2.transactionRoot.isObjectEnd: object ended prematurely, unexpected char \0, error found in #10 byte"
        ' of ...|{"id":"a"}|..., bigger context ...|{"transaction":{"id":"a"}|...',
    ),
    ('{"transaction":{"id" "a"}}', TX_PATH + "ID: ReadObject: expect : after object field,"),
    ('{"transaction":{"trace_id":"b","id":5}}', TX_PATH + 'ID: ReadString: expects " or n,'),
    ('{"transaction":{"id":5,"trace_id":"b","type":"t"}}', TX_PATH + 'TraceID: ID: ReadString: expects " or n,'),
    (TX % ',"context":{"custom":[1]}', TX_PATH + "Context: v2.context.Custom: ReadMapCB: expect { or n,"),
    (TX % ',"sampled":"yes"', TX_PATH + "Sampled: ReadBool: expect t or f,"),
    (TX % ',"otel":{"span_kind":5}', TX_PATH + 'OTel: v2.otel.SpanKind: ReadString: expects " or n,'),
    (TX % ',"faas":{"coldstart":"x"}', TX_PATH + "FAAS: v2.faas.Coldstart: ReadBool: expect t or f,"),
    (TX % ',"timestamp":"yesterday"', TX_PATH + "Timestamp: failed to parse the provided time string"),
    (TX % ',"timestamp":true', TX_PATH + "Timestamp: invalid input type for timestamp"),
    (
        SPAN % ',"stacktrace":{}',
        DECODE + "v2.spanRoot.Span: v2.span.Stacktrace: []v2.stacktraceFrame: decode slice: expect [ or n,",
    ),
    (
        '{"transaction":{"span_count":{"started":1.5}}}',
        TX_PATH
        + "SpanCount: v2.transactionSpanCount.Started: assertInteger: can not decode float as int, error found in"
        ' #10 byte of ...|started":1.5}}}|..., bigger context ...|{"transaction":{"span_count":{"started":1.5}}}|...',
    ),
    (
        TX.replace('{"started":0}', '{"started":99999999999999999999}') % "",
        TX_PATH + "SpanCount: v2.transactionSpanCount.Started: readUint64: overflow, error found in #10 byte of"
        ' ...|":999999999999999999|..., bigger context ...|:"t","duration":1,"span_count":{"started":99999999999999999999}}}|...',
    ),
    (
        '{"transaction":{"duration":"12"}}',
        TX_PATH + "Duration: readNumberAsString: invalid number, error found in #10 byte of"
        ' ...|duration":"12"}}|..., bigger context ...|{"transaction":{"duration":"12"}}|...',
    ),
    (
        '{"transaction":{"session":{"sequence":"1"}}}',
        TX_PATH
        + "Session: v2.transactionSession.Sequence: readUint64: unexpected character: \ufffd, error found in #10"
        ' byte of ...|equence":"1"}}}|..., bigger context ...|{"transaction":{"session":{"sequence":"1"}}}|...',
    ),
    (TX % ',"context":{"request":{"headers":5}}', REQUEST_PATH + "Headers: invalid input type for HTTPHeader"),
    (
        TX % ',"context":{"request":{"headers":{"a":1}}}',
        REQUEST_PATH + "Headers: invalid input for HTTPHeader value type: json.Number",
    ),
    (
        TX % ',"context":{"request":{"headers":{"a":null}}}',
        REQUEST_PATH + "Headers: invalid input for HTTPHeader value type: <nil>",
    ),
    (
        TX % ',"context":{"request":{"headers":{"a":["x",true]}}}',
        REQUEST_PATH + "Headers: invalid input for HTTPHeader slice value type: bool",
    ),
    (
        TX.replace('"id":"a",', "") % ',"marks":{"a":{"b":"x"}}',
        TX_PATH
        + "Marks: unmarshalerDecoder: json: cannot unmarshal string into Go value of type float64, error found in"
        ' #10 byte of ...|{"b":"x"}}}}|..., bigger context ...|"span_count":{"started":0},"marks":{"a":{"b":"x"}}}}|...',
    ),
    ('{"x":{"id":5}}', DECODE + 'rumv3.transactionRoot.Transaction: rumv3.transaction.ID: ReadString: expects " or n,'),
    ('{"e":[]}', DECODE + "rumv3.errorRoot.Error: readObjectStart: expect { or n,"),
]

LOG_LINES = [
    ("1.5", 'parsing "1.5": invalid syntax'),
    ("1.50", 'parsing "1.50": invalid syntax'),
    ("1e3", 'parsing "1e3": invalid syntax'),
    ("99999999999999999999", 'parsing "99999999999999999999": value out of range'),
]

BAD_METADATA = [
    ('{"metadata":{}}', "validation error: 'metadata' required"),
    ('{"metadata":null}', "validation error: 'metadata' required"),
    ('{"m":{}}', "validation error: 'm' required"),
    ('{"metadata":{"user":{"id":"u"}}}', "validation error: metadata: 'service' required"),
    (METADATA.replace('"name":"s",', "") % ("", ""), "validation error: metadata: service: 'name' required"),
    (
        METADATA.replace('"name":"s"', '"name":""') % ("", ""),
        "validation error: metadata: service: 'name': validation rule 'minLength(1)' violated",
    ),
    (
        METADATA.replace('"name":"s"', '"name":"x!"') % ("", ""),
        "validation error: metadata: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated",
    ),
    (
        METADATA.replace('"name":"a"', '"name":""') % ("", ""),
        "validation error: metadata: service: agent: 'name': validation rule 'minLength(1)' violated",
    ),
    (METADATA % (',"language":{"version":"3"}', ""), "validation error: metadata: service: language: 'name' required"),
    (METADATA % (',"runtime":{"name":"C"}', ""), "validation error: metadata: service: runtime: 'version' required"),
    (METADATA % ("", ',"process":{"title":"x"}'), "validation error: metadata: process: 'pid' required"),
    (METADATA % ("", ',"cloud":{"region":"x"}'), "validation error: metadata: cloud: 'provider' required"),
    (
        METADATA % ("", ',"user":{"id":1.5}'),
        "validation error: metadata: user: 'id': validation rule 'inputTypes(string;int)' violated",
    ),
    (
        METADATA % ("", ',"labels":{"l":{}}'),
        "validation error: metadata: 'labels': validation rule 'inputTypesVals(string;bool;number)' violated for key l",
    ),
    ('{"m":{"se":{"a":{"n":"rum-js","ve":"1"}}}}', "validation error: m: se: 'n' required"),
    (
        '{"m":{"se":{"n":"x?","a":{"n":"rum-js","ve":"1"}}}}',
        "validation error: m: se: 'n': validation rule 'pattern(patternAlphaNumericExt)' violated",
    ),
    (TX % "", '"metadata" or "m" required'),
]


def refusal_of(line: str) -> str:
    """What is answered to the line."""
    with pytest.raises(Refused) as caught:
        read_event(line.encode())
    assert caught.value.show
    return caught.value.message


@pytest.mark.parametrize(("line", "message"), TYPES)
def test_unknown_type(line: str, message: str) -> None:
    assert refusal_of(line) == message


@pytest.mark.parametrize(("line", "message"), VALIDATION)
def test_violation(line: str, message: str) -> None:
    assert refusal_of(line) == f"validation error: {message}"


@pytest.mark.parametrize(("line", "message"), DECODING)
def test_decode_error(line: str, message: str) -> None:
    assert refusal_of(line) == message


@pytest.mark.parametrize(("literal", "message"), LOG_LINES)
def test_nested_line_number(literal: str, message: str) -> None:
    line = f'{{"log":{{"message":"x","log":{{"origin":{{"file":{{"line":{literal}}}}}}}}}}}'
    assert refusal_of(line) == f"log: ecsloglogfields: strconv.ParseInt: {message}"


@pytest.mark.parametrize(("line", "message"), BAD_METADATA)
def test_bad_metadata(line: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        read_metadata(line.encode())
    assert (caught.value.message, caught.value.show) == (message, True)


def test_empty_metadata_line_is_not_shown() -> None:
    with pytest.raises(Refused) as caught:
        read_metadata(b"")
    assert (caught.value.message, caught.value.show) == ('"metadata" or "m" required', False)


@pytest.mark.parametrize("depth", [9_990, 10_500, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth(depth: int, opening: str, closing: str) -> None:
    """Up to 10000 levels are read, known or not; beyond that the line is refused, whatever its size."""
    for key in ("unknown", "custom"):
        value = opening * depth + "1" + closing * depth
        line = TX % f',"context":{{"{key}":{{"a":{value}}}}}'
        if depth < 10_000:
            read_event(line.encode())
        else:
            assert refusal_of(line).startswith(DECODE)


def test_causes_within_causes() -> None:
    """A hundred levels; the original's limit of 10000 would exhaust Python's stack."""
    cause = '{"message":"m","cause":['
    for levels, taken in ((100, True), (120, False), (4_000, False)):
        line = '{"error":{"id":"e","exception":' + cause * levels + '{"message":"m"}' + "]}" * levels + "}}"
        if taken:
            read_event(line.encode())
        else:
            assert "exceeded max depth" in refusal_of(line)
