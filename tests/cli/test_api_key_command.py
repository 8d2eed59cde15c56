"""`tidegate api-key`, with the local store and with a stand-in for Elasticsearch's security API."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from tidegate.cli import key_stores
from tidegate.cli.key_stores import ClusterKeyStore, KeyStoreFailed, LocalKeyStore
from tidegate.cli.main import main
from tidegate.workers.setup.templates import Request
from tidegate.workers.store.local_keys import LocalKeys

pytestmark = pytest.mark.usefixtures("alone")


def test_the_life_of_a_key(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"path.data={alone / 'data'}"
    assert main(["api-key", "create", "shop", "-E", data]) == 0
    out, err = capsys.readouterr()
    credential = out.strip()
    checked = LocalKeys(alone / "data/api-keys.json")
    assert checked.privileges(credential) == ["event:write", "config_agent:read"]
    assert "API keys are not accepted yet" in err
    assert main(["api-key", "create", "ci", "--for", "sourcemap", "-E", data]) == 0
    other = capsys.readouterr().out.strip()
    assert checked.privileges(other) == ["sourcemap:write"]
    assert main(["api-key", "list", "-E", data, "-E", "apm-server.auth.api_key.enabled=true"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] in (["shop", "ci"], ["ci", "shop"])
    assert credential not in out
    assert "not accepted" not in err
    key_id = next(line.split()[0] for line in out.splitlines() if line.endswith("shop"))
    assert main(["api-key", "revoke", key_id, "none", "-E", data]) == 1
    assert 'no key "none"' in capsys.readouterr().err
    assert checked.privileges(credential) == []
    assert checked.privileges(other) == ["sourcemap:write"]


def test_a_file_that_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("x")
    store = LocalKeyStore(file)
    for act in (lambda: store.create("a", []), store.keys, lambda: store.revoke(["a"])):
        with pytest.raises(KeyStoreFailed):
            act()
    assert file.read_text() == "x"


class Refused(Exception):
    """As `SetupFailed`."""


class FakeCluster:
    def __init__(self) -> None:
        self.asked: list[Request] = []

    def need(self, request: Request) -> Any:
        self.asked.append(request)
        if request.path == "/_security/_query/api_key":
            grants = [
                {"application": "apm", "privileges": ["event:write"]},
                {"application": "kibana", "privileges": ["x"]},
            ]
            role = {"apm": {"applications": grants}}
            return {"api_keys": [{"id": "i", "name": "n", "creation": 5000, "role_descriptors": role}]}
        if request.method == "DELETE":
            return {"invalidated_api_keys": ["i"]}
        if request.body is not None and request.body["name"] == "forbidden":
            raise Refused("no privilege")
        return {"id": "i", "api_key": "s"}

    def close(self) -> None: ...


def test_keys_of_elasticsearch() -> None:
    cluster = FakeCluster()
    store = ClusterKeyStore(cluster, Refused)  # type: ignore[arg-type] # as much of a cluster as is used
    assert store.create("n", ["event:write"]).encoded == b64encode(b"i:s").decode()
    body = cluster.asked[0].body
    assert body is not None
    assert body["role_descriptors"]["apm"]["applications"] == [
        {"application": "apm", "privileges": ["event:write"], "resources": ["*"]}
    ]
    assert store.keys() == [key_stores.MadeKey("i", "n", 5, ["event:write"])]
    assert store.revoke(["i", "j"]) == ["i"]
    with pytest.raises(KeyStoreFailed, match="no privilege"):
        store.create("forbidden", [])
