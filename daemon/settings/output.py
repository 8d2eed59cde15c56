"""`output.*`: where events go (http-surface.md 7.3)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Applies, Refused, Section, Warned

SECTION = Section(
    "Output",
    "Exactly one output: `output.elasticsearch` or `output.local`. With no settings file and no output given with "
    "`-E`, the local store is used.",
    Applies.RELOAD,
)

_GONE = Warned("the original does not read it any more, and neither does Tidegate")
_OWN_TLS = Warned("OpenSSL's default choice is used")

ELASTICSEARCH_ENABLED = SECTION.setting(
    "output.elasticsearch.enabled",
    kinds.boolean,
    True,
    "Whether events go to Elasticsearch.",
    applies=Applies.RESTART,
)
HOSTS = SECTION.setting(
    "output.elasticsearch.hosts",
    kinds.texts,
    ("localhost:9200",),
    "Hosts; scheme and port (9200) may be left out, a path needs the scheme. Used in turn, dead ones rest.",
)
PROTOCOL = SECTION.setting(
    "output.elasticsearch.protocol", kinds.choice("http", "https"), "http", "Scheme of hosts that name none."
)
PATH = SECTION.setting("output.elasticsearch.path", kinds.text, "", "Path of hosts that name none.")
USERNAME = SECTION.setting("output.elasticsearch.username", kinds.text, "", "User.")
PASSWORD = SECTION.setting("output.elasticsearch.password", kinds.text, "", "Password of the user.", secret=True)
API_KEY = SECTION.setting(
    "output.elasticsearch.api_key", kinds.text, "", "API key as `id:key`, in place of a user.", secret=True
)
HEADERS = SECTION.setting(
    "output.elasticsearch.headers",
    kinds.headers,
    {},
    "Headers for each request to Elasticsearch.",
    secret=True,
    shown_default="none",
)
PROXY_URL = SECTION.setting(
    "output.elasticsearch.proxy_url",
    kinds.text,
    "",
    "Proxy on the way to Elasticsearch.",
    fate=Refused(
        "proxies are not supported: events would go around the proxy, or nowhere. "
        "Remove the key if Elasticsearch can be reached without it"
    ),
    secret=True,
)
PROXY_DISABLE = SECTION.setting(
    "output.elasticsearch.proxy_disable",
    kinds.boolean,
    False,
    "Whether the environment's proxies are ignored. Tidegate never uses them.",
)
SECTION.group("output.elasticsearch.proxy_headers", "Headers for a proxy.", Warned("proxies are not supported"))
TIMEOUT = SECTION.setting(
    "output.elasticsearch.timeout",
    kinds.duration(0.001),
    5.0,
    "Longest time to connect and for the TLS handshake. For the answer see `tidegate.elasticsearch.response_timeout`.",
)
SECTION.setting(
    "output.elasticsearch.max_retries",
    kinds.integer(-1),
    3,
    "Tries of a request or document.",
    fate=Warned("what can be tried again is tried again without limit, while the spool has room"),
)
BACKOFF_INIT = SECTION.setting(
    "output.elasticsearch.backoff.init", kinds.duration(0.001), 1.0, "Pause after a first failure; it doubles."
)
BACKOFF_MAX = SECTION.setting("output.elasticsearch.backoff.max", kinds.duration(0.001), 60.0, "Longest pause.")
COMPRESSION_LEVEL = SECTION.setting(
    "output.elasticsearch.compression_level",
    kinds.integer(0, 9),
    5,
    "Of gzip, from 0 (none) to 9. The library has four levels, so neighbours are the same.",
)
FLUSH_BYTES = SECTION.setting(
    "output.elasticsearch.flush_bytes",
    kinds.size(1),
    1 << 20,
    "Compressed bytes of one bulk request; at least 24 KiB with compression.",
)
FLUSH_INTERVAL = SECTION.setting(
    "output.elasticsearch.flush_interval", kinds.duration(0.001), 1.0, "Longest wait of a document for others."
)
MAX_REQUESTS = SECTION.setting(
    "output.elasticsearch.max_requests",
    # each is a thread and a buffer of flush_bytes
    kinds.integer(0, 1024),
    0,
    "Bulk requests under way at a time, over all workers. 0: four for each worker.",
)
SECTION.setting(
    "output.elasticsearch.autoscaling.enabled",
    kinds.boolean,
    True,
    "Whether the number of fillers adapts.",
    fate=Warned("`tidegate.workers` says how many processes make documents"),
)
TLS_ENABLED = SECTION.setting(
    "output.elasticsearch.ssl.enabled",
    kinds.boolean,
    True,
    "False: the other keys of `output.elasticsearch.ssl` are ignored. Whether TLS is used, the scheme says.",
)
VERIFICATION_MODE = SECTION.setting(
    "output.elasticsearch.ssl.verification_mode",
    kinds.choice("full", "strict", "certificate", "none"),
    "full",
    "What is checked of Elasticsearch's certificate: chain and name, the chain only (`certificate`), or nothing.",
)
CERTIFICATE_AUTHORITIES = SECTION.setting(
    "output.elasticsearch.ssl.certificate_authorities",
    kinds.texts,
    (),
    "Authorities to trust, in place of the system's: paths or PEM text.",
    shown_default="the system's",
)
CERTIFICATE = SECTION.setting(
    "output.elasticsearch.ssl.certificate", kinds.text, "", "Certificate to show: a path or PEM text."
)
KEY = SECTION.setting("output.elasticsearch.ssl.key", kinds.text, "", "Its key: a path or PEM text.", secret=True)
KEY_PASSPHRASE = SECTION.setting(
    "output.elasticsearch.ssl.key_passphrase", kinds.text, "", "Passphrase of the key.", secret=True
)
SUPPORTED_PROTOCOLS = SECTION.setting(
    "output.elasticsearch.ssl.supported_protocols",
    kinds.texts,
    ("TLSv1.2", "TLSv1.3"),
    "Versions of TLS.",
)
SECTION.setting("output.elasticsearch.ssl.cipher_suites", kinds.texts, (), "Cipher suites.", fate=_OWN_TLS)
SECTION.setting("output.elasticsearch.ssl.curve_types", kinds.texts, (), "Curves.", fate=_OWN_TLS)
SECTION.setting("output.elasticsearch.ssl.renegotiation", kinds.text, "never", "Renegotiation.", fate=_OWN_TLS)
_PINNED = Refused(
    "fingerprints of authorities are not supported: others than the one you named would be trusted. "
    "Give its certificate in `output.elasticsearch.ssl.certificate_authorities`"
)
SECTION.setting(
    "output.elasticsearch.ssl.ca_trusted_fingerprint", kinds.text, "", "Fingerprint of an authority.", fate=_PINNED
)
SECTION.setting("output.elasticsearch.ssl.ca_sha256", kinds.texts, (), "Fingerprints.", fate=_PINNED)
for _key in (
    "index",
    "indices",
    "pipeline",
    "pipelines",
    "bulk_max_size",
    "worker",
    "loadbalance",
    "parameters",
    "escape_html",
    "allow_older_versions",
):
    SECTION.group(f"output.elasticsearch.{_key}", "Of earlier versions.", _GONE)
CLOUD_ID = SECTION.setting(
    "cloud.id", kinds.text, "", "Elastic Cloud's name of a cluster; stands for `output.elasticsearch.hosts`."
)
CLOUD_AUTH = SECTION.setting(
    "cloud.auth",
    kinds.text,
    "",
    "`user:password`; stands for `output.elasticsearch.username` and `.password`.",
    secret=True,
)

LOCAL_ENABLED = SECTION.setting(
    "output.local.enabled",
    kinds.boolean,
    True,
    "Whether events go to the local store, a file that `tidegate traces` reads. Tidegate's own output.",
    applies=Applies.RESTART,
)
LOCAL_MAX_BYTES = SECTION.setting(
    "output.local.max_bytes",
    kinds.size(16 << 20),
    1 << 30,
    "Largest size of the local store; the oldest events make room. Tidegate's own.",
)
LOCAL_MAX_AGE = SECTION.setting(
    "output.local.max_age",
    kinds.duration(1.0),
    7 * 86400.0,
    "How long the local store keeps events. Tidegate's own.",
)

_OTHER = Refused(
    "this output is not supported: Tidegate writes to Elasticsearch (`output.elasticsearch.hosts`) or to its local "
    "store (`output.local.enabled: true`); ignoring the output would lose its events"
)
OTHER_OUTPUTS = ("logstash", "kafka", "redis", "file", "console", "discard")
for _key in OTHER_OUTPUTS:
    SECTION.group(f"output.{_key}", "The original's other outputs.", _OTHER)
