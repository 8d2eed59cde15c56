"""API keys on a real Elasticsearch with security on: right, wrong, without privilege, revoked, and the cluster away."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator

import pytest
from e2e.clusters import KEEPER, PASSWORD, Unavailable
from e2e.clusters_with_keys import ElasticsearchWithKeys
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.presence import absent

pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(300)]
EVENTS = (
    b'{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"6"}}}}\n'
    b'{"error":{"id":"00000000000000000000000000000001","exception":{"message":"m","type":"T"}}}\n'
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ElasticsearchWithKeys]:
    """A cluster whose owner makes keys."""
    try:
        with ElasticsearchWithKeys({}) as started:
            yield started
    except Unavailable as what:
        absent(str(what))


def api_key(cluster: ElasticsearchWithKeys, *words: str) -> str:
    """What `tidegate api-key` prints."""
    result = subprocess.run(
        [COMMAND, "api-key", *words, "--as", KEEPER, "-E", f"output.elasticsearch.hosts={cluster.url}"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TIDEGATE_SETUP_PASSWORD": PASSWORD},
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout.strip()


def send(daemon: Daemon, credential: str) -> int:
    """Status of a request with events."""
    headers = {"Content-Type": "application/x-ndjson", "Authorization": f"ApiKey {credential}"}
    url = f"http://127.0.0.1:{daemon.port}/intake/v2/events"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, EVENTS, headers), timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_keys_of_a_real_cluster(cluster: ElasticsearchWithKeys, daemon: MakeDaemon) -> None:
    good = api_key(cluster, "create", "shop")
    revoked = api_key(cluster, "create", "old")
    maps_only = api_key(cluster, "create", "ci", "--for", "sourcemap")
    foreign = cluster.request(
        "POST", "/_security/api_key", {"name": "f", "role_descriptors": {"none": {"cluster": []}}}
    )
    listed = api_key(cluster, "list").splitlines()
    assert [line.split()[-1] for line in listed if line.endswith(("shop", "old", "ci"))]
    assert good not in "".join(listed)
    key_id = next(line.split()[0] for line in listed if line.endswith("old"))
    assert "is revoked" in api_key(cluster, "revoke", key_id)
    server = daemon({**cluster.output(), "apm-server.auth.api_key.enabled": True})
    server.start()
    assert send(server, good) == 202
    assert send(server, b64encode(b"nobody:wrong").decode()) == 401
    assert send(server, good[:-8] + "AAAAAAA=") == 401
    assert send(server, revoked) == 401
    assert send(server, maps_only) == 403
    assert send(server, foreign["encoded"]) == 401
    cluster.stop()
    assert send(server, good) == 202, "known for a minute"
    assert send(server, b64encode(b"some:other").decode()) == 503, "never allowed where nobody can be asked"
