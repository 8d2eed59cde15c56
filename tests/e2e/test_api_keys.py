"""API keys on a real Elasticsearch with security on: right, wrong, without privilege, revoked, and the cluster away."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256

import pytest
from e2e.clusters import KEEPER, PASSWORD, Unavailable
from e2e.clusters_with_keys import ElasticsearchWithKeys
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Daemon
from e2e.presence import absent
from tidegate.cli.sourcemap_client import form
from tidegate.workers.store.cluster_maps import MAPPINGS
from tidegate.workers.store.source_maps import WRITE_ROLE, MapKey

MAPPER = "mapper"
"""A user who may store source maps, and nothing else."""
MAP = b'{"version":3,"sources":["a.js"],"names":[],"mappings":"AAAA"}'
pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(300)]
EVENTS = (
    b'{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"6"}}}}\n'
    b'{"error":{"id":"00000000000000000000000000000001","exception":{"message":"m","type":"T"}}}\n'
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ElasticsearchWithKeys]:
    """A cluster whose owner makes keys."""
    try:
        with ElasticsearchWithKeys({MAPPER: WRITE_ROLE}) as started:
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


def upload(daemon: Daemon, credential: str, content: bytes) -> int:
    """Status of an upload."""
    headers = {"Content-Type": "multipart/form-data; boundary=xyz", "Authorization": f"ApiKey {credential}"}
    body = form(MapKey("shop", "1.0", "https://shop.example/a.js"), content, "xyz")
    return daemon.request("POST", "/assets/v1/sourcemaps", body, headers).status


def test_source_maps_in_a_real_cluster(cluster: ElasticsearchWithKeys, daemon: MakeDaemon) -> None:
    """Before the test that stops the cluster."""
    may = api_key(cluster, "create", "ci", "--for", "sourcemap")
    may_not = api_key(cluster, "create", "shop")
    rum = {"apm-server.rum.enabled": True, "apm-server.auth.api_key.enabled": True}
    server = daemon({**cluster.output(), **rum}).start()
    assert upload(server, may_not, MAP) == 403
    assert upload(server, may, MAP) == 503, "this daemon's own user may not store any"
    assert "takes the privilege write" in server.output()
    server.stop()
    client = "apm-server.rum.source_mapping.elasticsearch"
    server = daemon({**cluster.output(), **rum, f"{client}.username": MAPPER, f"{client}.password": PASSWORD}).start()
    assert upload(server, may, b"<html>") == 400
    for content in (MAP, MAP + b"\n", MAP):
        assert upload(server, may, content) == 202
    document = cluster.request("GET", "/.apm-source-map/_doc/shop-1.0-https%3A%2F%2Fshop.example%2Fa.js")["_source"]
    zipped = b64decode(document.pop("content"))
    assert zlib.decompress(zipped) == MAP
    assert document.pop("created").startswith("20")
    assert document == {
        "service": {"name": "shop", "version": "1.0"},
        "file": {"path": "https://shop.example/a.js"},
        "content_sha256": sha256(zipped).hexdigest(),
    }
    (index,) = cluster.request("GET", "/.apm-source-map").values()
    assert index["mappings"] == MAPPINGS
    assert index["settings"]["index"]["hidden"] == "true"
    where = ["-E", f"output.elasticsearch.hosts={cluster.url}", "--as", MAPPER]
    words = ["--service-name", "shop", "--service-version", "1.0"]
    for command in (["list", "--json"], ["delete", *words, "--count", "1"], ["list"]):
        result = subprocess.run(
            [COMMAND, "sourcemap", *command, *where],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "TIDEGATE_SETUP_PASSWORD": PASSWORD},
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert ("https://shop.example/a.js" in result.stdout) == (command != ["list"])


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
