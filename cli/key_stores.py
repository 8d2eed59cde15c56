"""Where `tidegate api-key` keeps keys: a file beside the local store, or Elasticsearch's own API keys."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tidegate.cli.setup_identity import NoPassword, asking, identified
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.setup.templates import Request
from tidegate.workers.store.local_keys import StoredKey, changing, hash_of, read_keys

if TYPE_CHECKING:
    from tidegate.cli.setup_cluster import Cluster

_ID_BYTES, _SECRET_BYTES = 15, 24
"""Random bytes; 192 bits of secret are beyond guessing."""
_APPLICATION = "apm"
_MOST_LISTED = 1000


class KeyStoreFailed(Exception):
    """Nothing was done, or not all; the message says why."""


class MadeKey(NamedTuple):
    """A key; `encoded` is what agents send, known only when it is made."""

    id: str
    name: str
    created: int
    """Seconds since the epoch."""
    privileges: list[str]
    encoded: str = ""


class KeyStore(Protocol):
    """Where keys are. All raise KeyStoreFailed."""

    def create(self, name: str, privileges: list[str]) -> MadeKey:
        """Makes a key."""

    def keys(self) -> list[MadeKey]:
        """Those in force."""

    def revoke(self, ids: list[str]) -> list[str]:
        """Takes keys back; returns the ids of those that were in force."""

    def close(self) -> None:
        """Ends connections."""


def open_key_store(settings: Settings, user: str, environ: Mapping[str, str]) -> KeyStore:
    """The store that the worker asks. Raises KeyStoreFailed."""
    part = settings.api_keys_part()
    if part.elasticsearch is None:
        return LocalKeyStore(Path(part.file))
    # Only where it is used: the client takes a third of a second.
    from tidegate.cli.setup_cluster import Cluster, SetupFailed  # noqa: PLC0415 - see above

    place = settings.key_maker_part()
    try:
        return ClusterKeyStore(Cluster(identified(place, user, environ, asking())), SetupFailed)
    except (NoPassword, SetupFailed) as problem:
        raise KeyStoreFailed(str(problem)) from problem


class LocalKeyStore:
    """Beside the local store; see `workers/store/local_keys.py`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def create(self, name: str, privileges: list[str]) -> MadeKey:
        key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        created = int(time.time())
        try:
            self._file.parent.mkdir(0o700, parents=True, exist_ok=True)
            with changing(self._file) as keys:
                keys.append(StoredKey(key_id, name, hash_of(secret.encode()), privileges, created))
        except (OSError, ValueError) as problem:
            raise self._failed(problem) from problem
        return MadeKey(key_id, name, created, privileges, _encoded(key_id, secret))

    def keys(self) -> list[MadeKey]:
        try:
            return [MadeKey(key.id, key.name, key.created, key.privileges) for key in read_keys(self._file)]
        except (OSError, ValueError) as problem:
            raise self._failed(problem) from problem

    def revoke(self, ids: list[str]) -> list[str]:
        try:
            with changing(self._file) as keys:
                gone = [key.id for key in keys if key.id in ids]
                keys[:] = [key for key in keys if key.id not in ids]
        except (OSError, ValueError) as problem:
            raise self._failed(problem) from problem
        return gone

    def close(self) -> None:
        """Nothing is open."""

    def _failed(self, problem: Exception) -> KeyStoreFailed:
        words = problem.strerror if isinstance(problem, OSError) else problem
        return KeyStoreFailed(f"{self._file}: {words}")


class ClusterKeyStore:
    """Elasticsearch's API keys with privileges of the application `apm` (http-surface.md 3.3)."""

    def __init__(self, cluster: Cluster, trouble: type[Exception]) -> None:
        self._cluster = cluster
        self._trouble = trouble

    def create(self, name: str, privileges: list[str]) -> MadeKey:
        grant = {"application": _APPLICATION, "privileges": privileges, "resources": ["*"]}
        body = {
            "name": name,
            "role_descriptors": {_APPLICATION: {"cluster": [], "indices": [], "applications": [grant]}},
            "metadata": {"application": _APPLICATION},
        }
        answer = self._need(Request("POST", "/_security/api_key", body))
        key_id, secret = str(answer["id"]), str(answer["api_key"])
        return MadeKey(key_id, name, int(time.time()), privileges, _encoded(key_id, secret))

    def keys(self) -> list[MadeKey]:
        body = {
            "size": _MOST_LISTED,
            "query": {
                "bool": {"filter": [{"term": {"invalidated": False}}, {"term": {"metadata.application": _APPLICATION}}]}
            },
        }
        found = self._need(Request("POST", "/_security/_query/api_key", body)).get("api_keys", [])
        return [
            MadeKey(str(key["id"]), str(key["name"]), int(key.get("creation", 0)) // 1000, _granted(key))
            for key in found
        ]

    def revoke(self, ids: list[str]) -> list[str]:
        answer = self._need(Request("DELETE", "/_security/api_key", {"ids": ids}))
        return [str(key_id) for key_id in answer.get("invalidated_api_keys", [])]

    def close(self) -> None:
        self._cluster.close()

    def _need(self, request: Request) -> Any:
        try:
            return self._cluster.need(request)
        except self._trouble as problem:
            raise KeyStoreFailed(str(problem)) from problem


def _encoded(key_id: str, secret: str) -> str:
    return base64.b64encode(f"{key_id}:{secret}".encode()).decode()


def _granted(key: Any) -> list[str]:
    """The privileges in a key's role descriptors."""
    return sorted(
        {
            str(privilege)
            for role in (key.get("role_descriptors") or {}).values()
            for grant in role.get("applications") or ()
            if grant.get("application") == _APPLICATION
            for privilege in grant.get("privileges") or ()
        }
    )
