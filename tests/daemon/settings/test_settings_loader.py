"""Files, `-E`, environment: what wins, what is an error, and that every error is told at once."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from settings_loading import MACHINE, Loading
from tidegate.daemon.settings import output, server
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.problems import SettingsError

ES = "output.elasticsearch.hosts: [es]\n"


# Each start error of the original (http-surface.md 5.1, 7, 9.2, 10.4) with the words that the problem must hold.
@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("apm-server.agent.config.cache.expiration=1500ms", "expiration`, only accepting full seconds"),
        ("apm-server.agent.config.cache.expiration=0s", "must be at least 1s"),
        ("apm-server.auth.anonymous.rate_limit.ip_limit=0", "must be at least 1"),
        ("apm-server.auth.anonymous.rate_limit.event_limit=-1", "must be at least 0"),
        ("apm-server.rum.source_mapping.max_sourcemap_size=0", "must be at least 1 bytes"),
        ("apm-server.rum.source_mapping.timeout=-1s", "apm-server.rum.source_mapping.timeout"),
        ("apm-server.max_event_size=300KB", "apm-server.max_event_size"),
        ("apm-server.read_timeout=x", "apm-server.read_timeout"),
        ("apm-server.max_connections=x", "apm-server.max_connections"),
        ("apm-server.max_connections=[1,2]", "a list, where one value is wanted"),
        ("apm-server.capture_personal_data=yes", "wants true or false"),
        ('processors=[{"add_tags": {"tags": ["a"]}}]', "processors are not supported"),
        ("output.console.enabled=true", "more than one namespace configured"),
        ("output.local.enabled=true", "more than one namespace configured: elasticsearch, local"),
        ("output.elasticsearch.enabled=false", "no output defined, please define one under the output section"),
        ("apm-server.ssl.enabled=true", "certificate file not configured"),
        ("apm-server.ssl.supported_protocols=[TLSv1.0]", "unsupported tls version: TLSv1.0"),
        ("output.elasticsearch.ssl.supported_protocols=[TLSv1.0]", "unsupported tls version: TLSv1.0"),
        ('output.elasticsearch.hosts=["http://[::1"]', "missing ']' in host"),
        ("output.elasticsearch.hosts=[http://a:b@x, http://c:d@y]", "different users"),
        ("output.elasticsearch.api_key=encoded", "wants `id:key`"),
        ("output.elasticsearch.ssl.certificate=/a.pem", "belong together"),
        ("output.elasticsearch.proxy_url=http://proxy", "proxies are not supported"),
        ("apm-server.rum.library_pattern=(a", "invalid library pattern regex"),
        ("apm-server.rum.exclude_from_grouping=a[", "invalid exclude from grouping regex"),
        ("apm-server.sampling.tail.enabled=true", "no policies specified"),
        ('apm-server.sampling.tail.policies=[{"service.name": "a", "sample_rate": 1}]', "no default (empty criteria) policy"),
        ("apm-server.sampling.tail.policies=[{sample_rate: 2}]", "sample_rate must be a number from 0 to 1"),
        ("apm-server.sampling.tail.interval=100ms", "must be at least 1s"),
        ("apm-server.kibana={api_key: a, username: b}", "cannot set both api_key and username/password"),
        ("tidegate.auth.secret_tokens=[a,' ']", "empty token"),
        ("tidegate.auth.secret_tokens=[{name: x}]", "without `token`"),
        ("tidegate.auth.secret_tokens=[{token: x, allow_services: y}]", "unknown key `allow_services`"),
        ("apm-server.host=unix:apm.sock", "whole path"),
        ("apm-server.host=localhost:x", "port"),
        ("apm-server.data_streams.namespace=Prod", "lower-case"),
        ("data_stream.namespace=a-b", "no hyphen"),
        ("cloud.auth=user:password", "cloud.auth specified but cloud.id is empty"),
        ("cloud.id=nonsense", "base64 decoding failed"),
        ("apm-server=1", "is a section, not a value"),
        ("output.local=true", "its keys are written as `output.local.enabled`"),
        ("apm-server.response_headers=x", "wants a map of header names"),
        ("apm-server.response_headers={a b: c}", "name that HTTP does not allow"),
        ("tidegate.workers=0", "must be at least 1"),
        ("tidegate.acceptors=many", "wants a whole number"),
        ("tidegate.spool.max_bytes=1MiB", "each needs 4 MiB"),
        ("tidegate.documents=some", "wants one of auto, raw, complete"),
        ("a..b=1", "a part of the key is empty"),
        ("apm-server.host=[", "a list or map ends too early"),
        ("apm-server.default_service_environment=${NOWHERE}", "NOWHERE is not set"),
        ("apm-server.default_service_environment=${apm-server.default_service_environment}", "in a circle"),
        ("path.data=${NOWHERE:?say where}", "say where"),
    ],
)  # fmt: skip
def test_start_errors(loading: Loading, override: str, words: str) -> None:
    problems = loading.refused(ES, override)
    assert any(words in problem for problem in problems), problems


def test_every_error_at_once_with_key_file_and_line(loading: Loading) -> None:
    text = "apm-server:\n  read_timeout: x\n  max_event_size: 300KB\nlogging.level: loud\n"
    assert [problem.split(": ")[:2] for problem in loading.refused(text, "apm-server.host=:x")] == [
        ["given.yml:2", "apm-server.read_timeout"],
        ["given.yml:3", "apm-server.max_event_size"],
        ["given.yml:4", "logging.level"],
        ["-E", "apm-server.host"],
        ["given.yml", "output"],
    ]


def test_a_secret_is_in_no_error(loading: Loading) -> None:
    for override in (
        "output.elasticsearch.password=[geheim,x",
        "output.elasticsearch.api_key=geheim",
        "cloud.auth=geheim",
    ):
        assert "geheim" not in "".join(loading.refused(ES, override))
    assert "geheim" not in "".join(loading.refused(ES, "output.elasticsearch.hosts=http://u:geheim@[x"))


def test_without_a_file_the_local_store_is_used(loading: Loading) -> None:
    settings = loading(None, "apm-server.host=127.0.0.1:9999")
    assert (settings.sink_name, settings.source, settings.workers) == ("local", None, 1)
    assert str(settings.listen[0]) == "127.0.0.1:9999"
    assert str(loading().listen[0]) == "127.0.0.1:8200"


@pytest.mark.parametrize(
    ("text", "overrides", "sink"),
    [
        (None, ("output.elasticsearch.hosts=es:1",), "elasticsearch"),
        (None, ("output.local.max_bytes=1GiB",), "local"),
        ("output.local.enabled: true", (), "local"),
        ("output.elasticsearch:", (), "elasticsearch"),
        ("output.elasticsearch.enabled: true", (), "elasticsearch"),
        ("output: {elasticsearch: {hosts: es}}", (), "elasticsearch"),
        (ES, ("output.elasticsearch.enabled=false", "output.local.enabled=true"), "local"),
        (ES + "output.console.enabled: false", (), "elasticsearch"),
        ("apm-server.host: ':1'", ("output.local.enabled=true",), "local"),
        (f"cloud.id: x:{base64.b64encode(b'h.org$e$k').decode()}", (), "elasticsearch"),
    ],
)
def test_the_output_is_chosen(loading: Loading, text: str | None, overrides: tuple[str, ...], sink: str) -> None:
    assert loading(text, *overrides).sink_name == sink


@pytest.mark.parametrize("text", ["", "apm-server:\n", "apm-server.host: x", "output.elasticserch.hosts: x", "output:"])
def test_a_file_without_an_output_is_an_error(loading: Loading, text: str) -> None:
    [problem] = loading.refused(text)
    assert "`output.elasticsearch.hosts`" in problem
    assert "`output.local.enabled: true`" in problem


def test_another_output_is_refused_once(loading: Loading) -> None:
    [problem] = loading.refused("output.logstash.hosts: [a]\noutput.logstash.index: b\n")
    assert problem.startswith("given.yml:1: output.logstash.hosts: this output is not supported")


def test_nested_and_dotted_are_equal(loading: Loading) -> None:
    nested = loading("apm-server: {host: 'x:1', auth: {anonymous: {enabled: false}}}\n" + ES)
    dotted = loading("apm-server.host: 'x:1'\napm-server.auth.anonymous.enabled: false\n" + ES)
    assert nested.describe() == [
        row._replace(origin=row.origin.replace("given.yml:2", "given.yml:1").replace("given.yml:3", "given.yml:2"))
        for row in dotted.describe()
    ]


def test_overrides_win_and_the_last_one_most(loading: Loading) -> None:
    text = "apm-server: {idle_timeout: 1s, response_headers: {X-A: a, X-B: b}}\noutput.elasticsearch.hosts: [a, b]\n"
    settings = loading(
        text,
        "apm-server.idle_timeout=2s",
        "apm-server.idle_timeout=3s",
        'apm-server={"write_timeout": "7s", "response_headers": {"X-B": ["c", "d"]}}',
        "output.elasticsearch.hosts=c",
    )
    assert (settings[server.IDLE_TIMEOUT], settings[server.WRITE_TIMEOUT]) == (3.0, 7.0)
    assert settings[output.HOSTS] == ("c",)
    assert dict(settings[server.RESPONSE_HEADERS]) == {"X-A": ("a",), "X-B": ("c", "d")}
    assert settings.origin("apm-server.idle_timeout") == "-E"
    assert loading(text, "apm-server.idle_timeout=")[server.IDLE_TIMEOUT] == 45.0


def test_texts_in_files_stay_as_written_and_those_of_the_command_line_do_not(loading: Loading) -> None:
    environ = {"PASSWORD": "0123,4"}
    text = (
        ES
        + "output.elasticsearch: {username: 0123, password: '${PASSWORD}'}\napm-server.default_service_environment: on\n"
    )
    settings = loading(text, environ=environ)
    assert (settings[output.USERNAME], settings[output.PASSWORD]) == ("0123", "0123,4")
    assert settings[server.DEFAULT_SERVICE_ENVIRONMENT] == "on"
    assert loading(text, "output.elasticsearch.username=0123", environ=environ)[output.USERNAME] == "83"
    assert loading(text, "output.elasticsearch.username='0123'", environ=environ)[output.USERNAME] == "0123"


def test_variables(loading: Loading, tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text("id:key\n", encoding="utf-8")
    text = (
        "output.elasticsearch: {hosts: '${HOSTS}', api_key: '${KEY}', max_requests: '${MANY:7}'}\n"
        "apm-server.host: '${HOST:?give a host}:${PORT:8200}'\npath.home: /opt/x\npath.data: '${path.home}/y'\n"
    )
    environ = {"HOSTS": "http://a,http://b", "HOST": "localhost", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    settings = loading(text, environ=environ)
    part = settings.worker_part(0).elasticsearch
    assert part is not None
    assert (part.hosts, part.api_key) == (["http://a:9200", "http://b:9200"], "id:key")
    assert settings[output.MAX_REQUESTS] == 7
    assert str(settings.listen[0]) == "localhost:8200"
    assert settings.path_data == Path("/opt/x/y")
    assert settings.origin("output.elasticsearch.api_key").endswith("given.yml:1 (credential KEY)")


def test_a_variable_that_nobody_needs_may_be_missing(loading: Loading) -> None:
    text = ES + (
        "apm-server: {rum.library_pattern: '${A}', kibana: {enabled: false, password: '${B}'}}\n"
        "setup.kibana.password: ${C}\nunknown: ${D}\n"
    )
    assert loading(text).sink_name == "elasticsearch"


def test_cloud(loading: Loading) -> None:
    text = f"cloud: {{id: 'x:{base64.b64encode(b'eu.example.org$abc$k').decode()}', auth: 'elastic:pa:ss'}}\n"
    part = loading(text).worker_part(0).elasticsearch
    assert part is not None
    assert (part.hosts, part.username, part.password) == (["https://abc.eu.example.org:443"], "elastic", "pa:ss")


def test_the_packaged_file_of_the_original_loads(tmp_path: Path) -> None:
    file = tmp_path / "apm-server.yml"
    file.write_bytes(Path(__file__).with_name("packaged_apm_server.yml").read_bytes())
    file.chmod(0o600)
    settings = load_settings(file, [], {"HOME": "/h"}, tmp_path, machine=MACHINE)
    part = settings.worker_part(0).elasticsearch
    assert part is not None
    assert (part.hosts, part.username, part.password) == (["http://localhost:9200"], "elastic", "changeme")
    assert part.connect_timeout == 90.0
    assert [warning.split(": ", 1)[1].split(":")[0] for warning in settings.warnings] == ["queue.mem.events"]
    files = settings.logging_part().files
    assert files is not None
    assert (files.folder, files.name, files.keep, files.mode) == ("/var/log/apm-server", "apm-server", 7, 0o640)


_WORDS = st.sampled_from(
    [
        "apm-server", "output", "elasticsearch", "hosts", "local", "enabled", "rum", "ssl", "auth", "secret_token", "tidegate",
        "workers", "spool", "max_bytes", "cloud.id", "response_headers", "policies", "sampling.tail", "host", "processors",
    ]
)  # fmt: skip
_VALUES = st.sampled_from(
    ["", "1", "-1", "true", "x", "${A}", "${B:c}", "[a, b]", "{a: b}", "1e400", "9" * 400, "'", "🌊"]
)
_OVERRIDES = st.tuples(st.lists(_WORDS, max_size=4).map(".".join), _VALUES | st.text(max_size=20)).map("=".join)
_LINES = st.tuples(st.lists(_WORDS, min_size=1, max_size=4).map(".".join), _VALUES).map(": ".join)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.none() | st.text(max_size=100) | st.lists(_LINES, max_size=8).map("\n".join),
    overrides=st.lists(_OVERRIDES, max_size=5),
)  # fmt: skip
def test_anything_loads_or_is_a_settings_error(loading: Loading, text: str | None, overrides: list[str]) -> None:
    try:
        settings = loading(text, *overrides, environ={"A": "a,b"})
    except SettingsError as error:
        assert error.problems
        assert str(error)
    else:
        settings.acceptor_part()
        settings.worker_part(settings.workers - 1)
        assert settings.describe()
