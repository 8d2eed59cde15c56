"""Every setting of the original has a fate (http-surface.md 7.2 to 7.5, 3.4, 5.1, 5.5, 9.2), and every declaration is sound."""

from __future__ import annotations

import pytest
from tidegate.daemon.settings import table
from tidegate.daemon.settings.declare import Honoured, Refused, Setting, Warned
from tidegate.daemon.settings.leaves import Leaf, text_of
from tidegate.daemon.settings.problems import DEFAULT

_CLIENT = [
    "hosts",
    "protocol",
    "path",
    "username",
    "password",
    "api_key",
    "headers",
    "proxy_url",
    "timeout",
    "ssl.enabled",
]
_KEYS = {
    "apm-server": """host max_header_size max_event_size max_connections max_concurrent_decoders idle_timeout
        read_timeout write_timeout shutdown_timeout response_headers response_headers.X-One capture_personal_data
        default_service_environment data_streams.namespace wait_ready_interval auth.secret_token auth.api_key.enabled
        auth.api_key.limit auth.anonymous.enabled auth.anonymous.allow_agent auth.anonymous.allow_service
        auth.anonymous.rate_limit.event_limit auth.anonymous.rate_limit.ip_limit rum.enabled rum.allow_origins
        rum.allow_headers rum.response_headers rum.library_pattern rum.exclude_from_grouping rum.source_mapping.enabled
        rum.source_mapping.timeout rum.source_mapping.max_sourcemap_size rum.source_mapping.cache.expiration
        rum.source_mapping.index_pattern agent.config.cache.expiration kibana.enabled kibana.host kibana.protocol
        kibana.path kibana.username kibana.password kibana.api_key kibana.service_token kibana.space.id kibana.headers
        kibana.ssl.enabled kibana.timeout kibana.proxy_url aggregation.max_services aggregation.transactions.max_groups
        aggregation.service_transactions.max_groups aggregation.service_destinations.max_groups sampling.tail.enabled
        sampling.tail.policies sampling.tail.interval sampling.tail.ttl sampling.tail.storage_limit
        sampling.tail.disk_usage_threshold sampling.tail.discard_on_write_failure sampling.tail.ingest_rate_decay
        sampling.tail.database_cache_size sampling.tail.read_batch_memory_limit expvar.enabled expvar.url pprof.enabled
        pprof.block_profile_rate pprof.mem_profile_rate pprof.mutex_profile_rate ssl.enabled ssl.certificate ssl.key
        ssl.key_passphrase ssl.certificate_authorities ssl.client_authentication ssl.verification_mode
        ssl.supported_protocols ssl.cipher_suites ssl.curve_types ssl.ca_sha256 ssl.certificate_reload.enabled
        ssl.certificate_reload.reload_interval secret_token api_key.enabled rum.event_rate.limit
        rum.allow_service_names jaeger.grpc.enabled register.ingest.pipeline.enabled ilm.enabled
        instrumentation.enabled data_streams.enabled data_streams.wait_for_integration agent_config max_unzipped_size
        queue.mem.events java_attacher.enabled""",
    "output.elasticsearch": """enabled hosts protocol path username password api_key headers headers.X-One proxy_url
        proxy_disable timeout max_retries backoff.init backoff.max compression_level flush_bytes flush_interval
        max_requests autoscaling.enabled ssl.verification_mode ssl.certificate_authorities ssl.certificate ssl.key
        ssl.key_passphrase ssl.supported_protocols ssl.cipher_suites ssl.curve_types ssl.ca_trusted_fingerprint index
        indices pipeline bulk_max_size worker loadbalance""",
    "output": "logstash.hosts kafka.hosts redis.hosts file.path console.enabled",
    "logging": """level selectors to_files to_stderr to_syslog files.path files.name files.rotateeverybytes
        files.keepfiles files.permissions files.interval files.rotateonstartup files.redirect_stderr metrics.enabled
        metrics.period""",
    "http": "enabled host port pprof.enabled buffer.enabled",
    "monitoring": "enabled cluster_uuid",
    "instrumentation": "enabled environment hosts api_key secret_token tls.skip_verify",
    "path": "home config data logs",
    "": "max_procs gc_percent name keystore.path queue.mem.events setup.kibana.host cloud.id cloud.auth processors "
    "data_stream.namespace",
}
ORIGINAL = [
    *(f"{prefix}.{key}".lstrip(".") for prefix, keys in _KEYS.items() for key in keys.split()),
    *(
        f"{prefix}.{key}"
        for prefix in (
            "apm-server.auth.api_key.elasticsearch",
            "apm-server.agent.config.elasticsearch",
            "apm-server.rum.source_mapping.elasticsearch",
            "apm-server.sampling.tail.elasticsearch",
            "monitoring.elasticsearch",
        )
        for key in _CLIENT
    ),
]


@pytest.mark.parametrize("key", ORIGINAL)
def test_every_key_of_the_original_has_a_fate(key: str) -> None:
    declared = table.declared(key)
    assert declared is not None
    if isinstance(declared.fate, Warned):
        assert declared.fate.consequence
    elif isinstance(declared.fate, Refused):
        assert declared.fate.why
    else:
        assert isinstance(declared, Setting)


def test_what_would_lose_data_or_safety_is_refused_today() -> None:
    refused = {
        "apm-server.ssl.ca_sha256",
        "output.elasticsearch.proxy_url",
        "output.elasticsearch.ssl.ca_trusted_fingerprint",
        "output.logstash.hosts",
        "processors",
    }
    assert {key for key in refused if isinstance(getattr(table.declared(key), "fate", None), Refused)} == refused


@pytest.mark.parametrize("setting", table.SETTINGS.values(), ids=lambda setting: setting.key)
def test_declarations_are_sound(setting: Setting[object]) -> None:
    assert setting.help.endswith((".", ")"))
    assert setting.kind.name
    if setting.gate is not None:
        assert isinstance(table.SETTINGS[setting.gate.key].default, bool)
    assert (
        setting.secret
        or not any(
            word in setting.key
            for word in ("password", "secret_token", "passphrase", "api_key.", "cloud.auth", "proxy_url")
        )
        or ".api_key." in setting.key
    )
    if isinstance(setting.default, bool | int | float | str):
        text = text_of(setting.default)
        leaf = Leaf(setting.default, text, DEFAULT)
        assert setting.kind.read(leaf) == setting.default, "the default is not of its own kind"


def test_no_key_is_declared_twice() -> None:
    keys = [setting.key for section in table.SECTIONS for setting in section.settings]
    keys += [group.prefix for section in table.SECTIONS for group in section.groups]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("apm-server.hots", "apm-server.host"),
        ("apm-server.max_evnt_size", "apm-server.max_event_size"),
        ("apm-server.maxeventsize", "apm-server.max_event_size"),
        ("apm-server.read_timout", "apm-server.read_timeout"),
        ("apm-server.idletimeout", "apm-server.idle_timeout"),
        ("apm-server.shutdown-timeout", "apm-server.shutdown_timeout"),
        ("apm-server.auth.secret_tokn", "apm-server.auth.secret_token"),
        ("apm-server.auth.apikey.enabled", "apm-server.auth.api_key.enabled"),
        ("apm-server.auth.anonymus.enabled", "apm-server.auth.anonymous.enabled"),
        ("apm-server.rum.enable", "apm-server.rum.enabled"),
        ("apm-server.rum.allowed_origins", "apm-server.rum.allow_origins"),
        ("apm-server.tls.certificate", "apm-server.ssl.certificate"),
        ("apm-server.capture_personal_date", "apm-server.capture_personal_data"),
        ("output.elasticsearch.host", "output.elasticsearch.hosts"),
        ("output.elasticsearch.user", "output.elasticsearch.username"),
        ("output.elasticsearch.apikey", "output.elasticsearch.api_key"),
        ("output.elasticserch.hosts", "output.elasticsearch.hosts"),
        ("output.elasticsearch.ssl.verification", "output.elasticsearch.ssl.verification_mode"),
        ("tidegate.queue_timout", "tidegate.queue_timeout"),
        ("tidegate.spool.maxbytes", "tidegate.spool.max_bytes"),
        ("rum.enabled", "apm-server.rum.enabled"),
        ("auth.secret_token", "apm-server.auth.secret_token"),
        ("apm-server.spool.max_bytes", "tidegate.spool.max_bytes"),
        ("apm-server.output.elasticsearch.hosts", "output.elasticsearch.hosts"),
    ],
)
def test_the_nearest_name_is_offered(typed: str, meant: str) -> None:
    assert table.declared(typed) is None
    assert table.nearest(typed) == meant


def test_nonsense_has_no_nearest_name() -> None:
    assert table.nearest("q.z") == ""


def test_all_of_our_own_are_honoured() -> None:
    assert all(
        isinstance(setting.fate, Honoured)
        for setting in table.SETTINGS.values()
        if setting.key.startswith(("tidegate.", "output.local."))
    )
