"""Settings change while Tidegate runs: `tidegate reload` and SIGHUP, under load, with good files and bad ones."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import signal
from pathlib import Path
from typing import Any

import pytest
from e2e.clusters import KEEPER, RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.oracle import Oracle, assert_exactly_once
from e2e.processes import send_signal, wait_until
from tidegate.daemon.admin.client import CannotAsk, ask_json
from tls_authority import Authority

TURNS = 12
"""Of two reloads each."""


def with_file(running: Daemon, settings: dict[str, object]) -> Daemon:
    """The daemon with a settings file beside its data, to be written again by `rewrite`."""
    running.settings_file = running.data.parent / "tidegate.yml"
    rewrite(running, settings)
    return running


def rewrite(running: Daemon, settings: dict[str, object]) -> None:
    assert running.settings_file is not None
    fresh = running.settings_file.with_suffix(".new")
    fresh.write_text(json.dumps(settings))  # JSON is YAML
    fresh.chmod(0o600)
    fresh.replace(running.settings_file)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_check_20_token_rotation_and_limits_under_load_cost_no_request(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    """Check 20: both tokens are accepted for a while, then the old one ends. Every reload changes other things too:
    timeouts, connections, bulk requests, the spool's memory, the client of Elasticsearch."""
    base: dict[str, object] = {"output.elasticsearch.hosts": [fake_elasticsearch.url]}
    running = with_file(
        daemon({"tidegate.workers": 2, "tidegate.acceptors": 2}), {**base, "apm-server.auth.secret_token": "token-0"}
    ).start()
    oracle = Oracle(running.port, events=50, pause=0.1)
    oracle.headers = bearer("token-0")
    pids = {one.pid for one in running.processes()}
    with oracle:
        for turn in range(1, TURNS + 1):
            old, new = f"token-{turn - 1}", f"token-{turn}"
            variable: dict[str, object] = {
                "apm-server.read_timeout": f"{20 + turn}s",
                "apm-server.max_connections": 100 + turn,
                "output.elasticsearch.max_requests": 2 + turn % 3,
                "output.elasticsearch.headers": {"X-Turn": str(turn)},
                "tidegate.spool.memory": f"{8 + turn}MiB",
            }
            rewrite(running, {**base, **variable, "tidegate.auth.secret_tokens": [old, new]})
            told = ask_json(running.data, "POST", "/reload", 30)
            assert told["errors"] == told["waiting"] == [] and old not in str(told)
            assert any("tidegate.spool.memory" in text for text in told["applied"])
            oracle.headers = bearer(new)
            oracle.wait_acknowledged(200)
            rewrite(running, {**base, **variable, "apm-server.auth.secret_token": new})
            ask_json(running.data, "POST", "/reload", 30)
            if turn % 4 == 0:
                assert running.request("POST", "/intake/v2/events", b"", bearer(old)).status == 401
    assert oracle.troubles == []
    assert {one.pid for one in running.processes()} == pids, "no process was replaced"
    running.stop()
    assert_exactly_once(oracle, oracle.stored(fake_elasticsearch.documents()))


def test_what_is_wrong_changes_nothing_and_what_waits_is_named(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    base: dict[str, object] = {
        "output.elasticsearch": {"hosts": [fake_elasticsearch.url], "password": "geheim"},
        "tidegate.version": "1.0.0",
    }
    running = with_file(daemon({"tidegate.workers": 1}), base).start()

    def version() -> str:
        return str(running.request("GET", "/").json()["version"])

    rewrite(
        running,
        {**base, "tidegate.version": "2.0.0", "apm-server.read_timeout": "soon", "apm-server.idle_timeout": "x"},
    )
    refused = running.reload()
    assert refused.returncode == 78
    assert "apm-server.read_timeout" in refused.stderr and "apm-server.idle_timeout" in refused.stderr
    assert "nothing has changed" in refused.stderr
    assert version() == "1.0.0"

    no_authority = running.data.parent / "no-such-ca.pem"
    trusting = {"hosts": ["https://localhost:1"], "ssl.certificate_authorities": [str(no_authority)]}
    rewrite(running, {**base, "tidegate.version": "2.0.0", "output.elasticsearch": trusting})
    refused = running.reload()
    assert refused.returncode == 78, "only a worker can tell that"
    assert "output.elasticsearch" in refused.stderr
    assert version() == "1.0.0"

    waiting = {"apm-server.max_event_size": 1000, "path.logs": str(running.data / "logs"), "tidegate.workers": 5}
    changed = {"hosts": [fake_elasticsearch.url], "password": "verborgen"}
    rewrite(running, {**base, **waiting, "tidegate.version": "3.0.0", "output.elasticsearch": changed})
    partly = running.reload()
    assert partly.returncode == 3
    assert "needs a restart" in partly.stderr and "apm-server.max_event_size: 307200 → 1000" in partly.stderr
    assert "tidegate.workers" not in partly.stderr, "-E goes over the file, as at the start"
    assert "tidegate.version: 1.0.0 → 3.0.0" in partly.stdout
    assert "output.elasticsearch.password has changed" in partly.stdout
    assert version() == "3.0.0"
    assert not {"geheim", "verborgen"} & set(partly.stdout.split() + partly.stderr.split() + running.output().split())
    running.stop()


@pytest.mark.elasticsearch
def test_credentials_of_elasticsearch_are_exchanged_without_a_restart(
    daemon: MakeDaemon, elasticsearch: RealElasticsearch
) -> None:
    """With a wrong password events wait in the spool; with the right one they arrive; under load another user takes over."""
    namespace = f"rotated{secrets.token_hex(4)}"
    good = {**elasticsearch.output(), "apm-server.data_streams.namespace": namespace}
    running = with_file(daemon({"tidegate.workers": 2}), {**good, "output.elasticsearch.password": "wrong"}).start()
    pids = {one.pid for one in running.processes()}
    stream = f"traces-apm-{namespace}"

    def arrived() -> bool:
        return oracle.acknowledged <= oracle.stored(elasticsearch.search(stream, {"match_all": {}})).keys()

    with Oracle(running.port, events=50, pause=0.1) as oracle:
        oracle.wait_acknowledged(200)
        assert not elasticsearch.search(stream, {"match_all": {}})
        rewrite(running, good)
        assert ask_json(running.data, "POST", "/reload", 30)["errors"] == []
        oracle.wait_acknowledged(200)
        wait_until(lambda: bool(elasticsearch.search(stream, {"match_all": {}})), "events arrive", 30, running.output)
        rewrite(running, {**good, "output.elasticsearch.username": KEEPER})
        assert ask_json(running.data, "POST", "/reload", 30)["errors"] == []
        oracle.wait_acknowledged(200)
    wait_until(arrived, "all acknowledged events arrive", 40, running.output)
    assert oracle.troubles == []
    assert {one.pid for one in running.processes()} == pids
    running.stop()
    assert_exactly_once(oracle, oracle.stored(elasticsearch.search(stream, {"match_all": {}})))


def test_a_signal_does_the_same_and_children_that_die_meanwhile_get_the_settings_in_force(
    daemon: MakeDaemon, fake_elasticsearch: Any
) -> None:
    base: dict[str, object] = {"output.elasticsearch.hosts": [fake_elasticsearch.url], "tidegate.version": "0.0.0"}
    running = with_file(daemon({"tidegate.workers": 2}), base).start()

    def version() -> str:
        return str(running.request("GET", "/").json()["version"])

    for turn in range(1, 6):
        rewrite(running, {**base, "tidegate.version": f"{turn}.0.0"})
        kinds = ("worker", "acceptor")
        send_signal(running.one_child(kinds[turn % 2]), signal.SIGKILL)
        send_signal(running.supervisor, signal.SIGHUP)
        send_signal(running.supervisor, signal.SIGHUP)
        running.wait_ready()
        wait_until(lambda: version() == f"{turn}.0.0", f"version {turn} is told", 15, running.output)  # noqa: B023 - asked before the next turn
    running.kill_child("acceptor")
    running.wait_ready()
    assert version() == "5.0.0"
    assert [line for line in running.complaints() if "ended by signal 9" not in line] == []
    running.stop()


def test_tls_is_switched_on_and_off_and_open_connections_stay(
    daemon: MakeDaemon, fake_elasticsearch: Any, tmp_path: Path
) -> None:
    """New connections follow the new settings; certificates that cannot be used are refused before any process hears of it."""
    authority = Authority(tmp_path / "authority")
    base: dict[str, object] = {"output.elasticsearch.hosts": [fake_elasticsearch.url]}
    running = with_file(daemon({"tidegate.workers": 1}), base).start()

    def encrypted() -> int:
        secure = http.client.HTTPSConnection("localhost", running.port, timeout=10, context=authority.client_context())
        secure.request("GET", "/")
        with contextlib.closing(secure):
            return secure.getresponse().status

    plain = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    plain.request("GET", "/")
    assert plain.getresponse().read()
    rewrite(running, {**base, "apm-server.ssl": {"certificate": str(tmp_path / "none"), "key": str(authority.key)}})
    with pytest.raises(CannotAsk, match="409"):
        ask_json(running.data, "POST", "/reload", 30)
    assert running.request("GET", "/").status == 200
    assert "apm-server.ssl.certificate" in running.output()
    rewrite(running, {**base, "apm-server.ssl": {"certificate": str(authority.certificate), "key": str(authority.key)}})
    ask_json(running.data, "POST", "/reload", 30)
    assert encrypted() == 200
    assert running.request("GET", "/").status == 400, "plain HTTP on the TLS port"
    rewrite(running, base)
    ask_json(running.data, "POST", "/reload", 30)
    plain.request("GET", "/")
    assert plain.getresponse().status == 200, "the first connection has seen all of it"
    plain.close()
    assert running.request("GET", "/").status == 200
    running.stop()


def test_without_an_instance_the_command_says_so(daemon: MakeDaemon) -> None:
    nobody = daemon({})
    nobody.data.mkdir()
    done = nobody.reload()
    assert done.returncode == 1 and "no Tidegate runs with path.data" in done.stderr
