"""API keys of Elasticsearch: it says what the bearer of a key may do (http-surface.md 3.3)."""

from __future__ import annotations

import msgspec
from tidegate.daemon import __version__
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.sinks.cluster import ClusterSink
from tidegate.workers.sinks.cluster_client import headers_of
from tidegate.workers.sinks.contract import TryAgain

PATH = "/_security/user/_has_privileges"
APPLICATION, RESOURCE = "apm", "-"
QUESTION = msgspec.json.encode(
    {
        "application": [
            {
                "application": APPLICATION,
                "privileges": ["config_agent:read", "event:write", "sourcemap:write"],
                "resources": [RESOURCE],
            }
        ]
    }
)


class _Answer(msgspec.Struct):
    application: dict[str, dict[str, dict[str, bool]]]


_decode = msgspec.json.Decoder(_Answer).decode


class ClusterKeys:
    """Implements `api_keys.Keys`. The bearer's own credential is sent, never one of ours."""

    def __init__(self, part: ElasticsearchPart) -> None:
        """Raises OSError and ValueError for TLS settings that cannot be used."""
        self._cluster = ClusterSink(part, __version__)
        self._headers = headers_of(part, __version__) | {"content-type": "application/json"}

    def privileges(self, credential: str) -> list[str]:
        """See `api_keys.Keys`."""
        headers = self._headers | {"authorization": f"ApiKey {credential}"}
        status, body = self._cluster.request("GET", PATH, QUESTION, headers)
        if status == 401:
            return []
        if status != 200:
            raise TryAgain(f"Elasticsearch answers {status} to {PATH}", degraded=True)
        try:
            found = _decode(body).application.get(APPLICATION, {}).get(RESOURCE, {})
        except msgspec.MsgspecError as problem:
            raise TryAgain(f"Elasticsearch's answer to {PATH} cannot be read: {problem}", degraded=True) from problem
        return sorted(name for name, granted in found.items() if granted)

    def close(self) -> None:
        """See `api_keys.Keys`."""
        self._cluster.close()
