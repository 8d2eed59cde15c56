"""Elasticsearch, as Tidegate comes to it: connection, and what the credentials may do there. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.daemon.settings import auth
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.streams import EVENT_PATTERNS, STREAMS

_SET_UP = (
    "a role that only adds events: `tidegate setup --print-role` prints it, `--create-api-key` makes a key with it"
)
ADMINISTRATION = ("all", "manage_security", "manage")
"""Privileges of the cluster that make somebody its master."""
READING = "read"
CHANGING = ("all", "write", "index", "delete", "delete_index", "manage")


class Client(NamedTuple):
    """One way in which a worker comes to Elasticsearch."""

    name: str
    """Of its section of the settings."""
    part: ElasticsearchPart

    @property
    def has_credentials(self) -> bool:
        """Whether it comes with some of the settings; questions about API keys carry the sender's own."""
        return bool(self.part.username or self.part.api_key or self.part.headers)


def clients(settings: Settings) -> list[Client]:
    """Those that are in use, each address and credential once: what a section inherits is told of the output."""
    found = []
    if settings.sink_name == "elasticsearch" and (events := settings.worker_part(0).elasticsearch) is not None:
        found.append(Client("output.elasticsearch", events))
    further = [("apm-server.agent.config.elasticsearch", settings.agent_config_part().elasticsearch)]
    further.append(("apm-server.rum.source_mapping.elasticsearch", settings.source_maps_part().elasticsearch))
    if settings[auth.API_KEY_ENABLED]:
        further.append(("apm-server.auth.api_key.elasticsearch", settings.api_keys_part().elasticsearch))
    for name, part in further:
        if part is not None and all(_place(part) != _place(other.part) for other in found):
            found.append(Client(name, part))
    return found


def _place(part: ElasticsearchPart) -> tuple[object, ...]:
    return tuple(part.hosts), part.username, part.api_key, part.tls.verification_mode


def connection(client: Client) -> Iterator[Finding]:
    """How it is reached."""
    part, name = client.part, client.name
    far = [host for host in part.hosts if host.startswith("http:") and not _is_here(host)]
    if far:
        yield Finding(
            "store-without-tls",
            Severity.MEDIUM,
            f"Elasticsearch is spoken to in plain HTTP ({', '.join(far[:2])}): whoever is on the way reads credentials and "
            "events",
            f"{name}.hosts",
            "https://",
        )
    if not any(host.startswith("https:") for host in part.hosts):
        return
    if part.tls.verification_mode == "none":
        yield Finding(
            "store-not-verified",
            Severity.HIGH,
            "Elasticsearch's certificate is not checked: whoever is on the way can read and change everything",
            f"{name}.ssl.verification_mode",
            "full, with the cluster's authority in `certificate_authorities`",
        )
    elif part.tls.verification_mode == "certificate":
        yield Finding(
            "store-name-not-verified",
            Severity.LOW,
            "the name in Elasticsearch's certificate is not checked: any certificate of that authority will do",
            f"{name}.ssl.verification_mode",
            "full",
        )


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def question(namespace: str) -> Mapping[str, Any]:
    """Body for `_security/user/_has_privileges`. A pattern is granted only where all that it stands for is: so each kind of
    data stream is asked for by name, too."""
    names = [*EVENT_PATTERNS, *(stream.example(namespace) for stream in STREAMS)]
    return {"cluster": list(ADMINISTRATION), "index": [{"names": names, "privileges": [READING, *CHANGING]}]}


def rights(privileges: Any, user: Any, name: str) -> Iterator[Finding]:
    """What the credentials of a section may do beyond adding events; `privileges` answers `question`, `user` is that of
    `_security/_authenticate`."""
    key = f"{name}.api_key"
    roles = user.get("roles") if isinstance(user, dict) else None
    granted = _granted(privileges)
    if "superuser" in (roles or ()) or "all" in granted["cluster"]:
        yield Finding(
            "store-superuser",
            Severity.HIGH,
            "Tidegate comes to Elasticsearch as its superuser: who takes over a worker has the whole cluster",
            key,
            _SET_UP,
        )
        return
    if masters := [one for one in ADMINISTRATION if one in granted["cluster"]]:
        yield Finding(
            "store-administrator",
            Severity.HIGH,
            f"Tidegate's credentials may administer the cluster ({', '.join(masters)}), and so give themselves any right",
            key,
            _SET_UP,
        )
    if READING in granted["index"]:
        yield Finding(
            "store-readable",
            Severity.MEDIUM,
            "Tidegate's credentials may read events: who takes over a worker can read what is stored",
            key,
            _SET_UP,
        )
    if changes := [one for one in CHANGING if one in granted["index"]]:
        yield Finding(
            "store-changeable",
            Severity.MEDIUM,
            f"Tidegate's credentials may change or delete events ({', '.join(changes)})",
            key,
            _SET_UP,
        )


def _granted(answer: Any) -> dict[str, set[str]]:
    """Names of the privileges that are there; of indices: on any of the patterns."""
    told = answer if isinstance(answer, dict) else {}
    index = [one for one in (told.get("index") or {}).values() if isinstance(one, dict)]
    return {
        "cluster": {name for name, there in (told.get("cluster") or {}).items() if there},
        "index": {name for one in index for name, there in one.items() if there},
    }


def security_off(name: str) -> Finding:
    """Of a cluster that has no users."""
    return Finding(
        "store-open",
        Severity.HIGH,
        "security is off in Elasticsearch: everybody who reaches it can read, change and delete every event",
        f"{name}.hosts",
        "xpack.security.enabled: true in Elasticsearch",
    )


def not_checked(name: str, why: str) -> Finding:
    """Where it could not be asked."""
    return Finding(
        "store-not-checked", Severity.NOTE, f"what the credentials may do could not be asked: {why}", name, "--no-store"
    )
