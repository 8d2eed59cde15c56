"""Source maps as a build pipeline sends them: to a running daemon, by HTTP and by the command, good ones and hostile ones."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Answer, Daemon
from e2e.processes import resident_bytes
from tidegate.cli.sourcemap_client import form
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.source_maps import MapKey

PATH = "/assets/v1/sourcemaps"
MAP = json.dumps({"version": 3, "sources": ["a.js"], "names": [], "mappings": "AAAA"}).encode()
TOKEN = {"Authorization": "Bearer abc"}
MIB = 1 << 20


@pytest.fixture
def server(daemon: MakeDaemon) -> Daemon:
    return daemon(
        {
            "output.local.enabled": True,
            "apm-server.rum.enabled": True,
            "apm-server.auth.secret_token": "abc",
            "apm-server.auth.api_key.enabled": True,
            "apm-server.rum.source_mapping.max_sourcemap_size": "64MiB",
        }
    ).start()


def key(path: str = "/app.js") -> MapKey:
    return MapKey("shop", "1.0", path)


def send(server: Daemon, body: bytes, headers: dict[str, str], boundary: str = "xyz") -> Answer:
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return server.request("POST", PATH, body, {**kind, **headers}, timeout=60)


def command(server: Daemon, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words, "-E", f"path.data={server.data}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_pipeline_uploads_and_nobody_else_does(server: Daemon, tmp_path: Path) -> None:
    build = tmp_path / "dist"
    build.mkdir()
    for name in ("a.js.map", "b.js.map"):
        (build / name).write_bytes(MAP)
    url = f"http://127.0.0.1:{server.port}"
    words = ("sourcemap", "upload", str(build), "--bundle-root", "/static", "--server", url, "--json")
    named = ("--service-name", "shop", "--service-version", "1.0")
    may = command(server, "api-key", "create", "ci", "--for", "sourcemap").stdout.strip()
    may_not = command(server, "api-key", "create", "shop").stdout.strip()
    uploaded = command(server, *words, *named, ELASTIC_APM_API_KEY=may)
    assert uploaded.returncode == 0, uploaded.stderr
    assert [json.loads(line)["stored"] for line in uploaded.stdout.splitlines()] == [True, True]
    for environment, status in (
        ({"ELASTIC_APM_API_KEY": may_not}, "403"),
        ({}, "403"),
        ({"ELASTIC_APM_SECRET_TOKEN": "x"}, "401"),
    ):
        refused = command(server, *words, *named, **environment)
        assert refused.returncode == 1
        assert f"answers {status}" in refused.stdout
    assert send(server, form(key(), MAP, "xyz"), TOKEN).status == 202
    listed = command(server, "sourcemap", "list", "--json").stdout.splitlines()
    assert {json.loads(line)["bundle_filepath"] for line in listed} == {"/static/a.js", "/static/b.js", "/app.js"}
    assert server.request("POST", "/v1/client-side/sourcemaps", b"", TOKEN).status == 404
    server.stop()


def test_hostile_uploads_cost_their_sender_an_error_and_no_memory(server: Daemon) -> None:
    store = LocalMaps(server.data / "source-maps")
    assert send(server, form(key(), MAP, "xyz"), TOKEN).status == 202
    processes = [server.one_child("acceptor"), server.one_child("worker")]
    before = [resident_bytes(pid) for pid in processes]
    zipped = {**TOKEN, "Content-Encoding": "gzip"}
    spaces = b" " * (60 * MIB)
    bomb = gzip.compress(form(key("/bomb.js"), MAP[:-1] + spaces, "xyz"), 1)
    larger = gzip.compress(form(key("/bomb.js"), spaces + spaces[: 5 * MIB], "xyz"), 1)
    del spaces
    deep = b'{"version":3,"mappings":"","x":' + b"[" * (8 * MIB)
    cases = [
        (bomb, zipped, 400, "it is no JSON"),
        (larger, zipped, 413, "max_sourcemap_size"),
        (form(key("/deep.js"), deep, "xyz"), TOKEN, 400, "nested too deeply"),
        (form(key("x" * MIB), MAP, "xyz"), TOKEN, 400, "bundle_filepath has more than 4096 bytes"),
        (form(key(), b"<html>", "xyz"), TOKEN, 400, "it is no JSON"),
        (form(key(), MAP, "xyz")[:-9], TOKEN, 400, "NextPart: EOF"),
        (b"--xyz\r\n" + b"X: y\r\n" * MIB, TOKEN, 400, "header count"),
        (b"--xyz\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n" * 100_000, TOKEN, 400, "more than 32 parts"),
    ]
    for body, headers, status, words in cases:
        answer = send(server, body, headers)
        assert (answer.status, words in answer.body.decode()) == (status, True), answer
    after = [resident_bytes(pid) for pid in processes]
    grown = [(now - then) / MIB for now, then in zip(after, before, strict=True)]
    assert max(grown) < 40, f"MiB of memory that remain: {grown}"
    assert [one.key for one in store.maps().maps] == [key()]
    assert send(server, form(key("/last.js"), MAP, "xyz"), TOKEN).status == 202
    assert "Traceback" not in server.output()


def test_many_at_a_time_have_their_turn_and_events_pass(server: Daemon) -> None:
    large = MAP[:-1] + b',"x":"' + os.urandom(3 * MIB).hex().encode() + b'"}'
    bodies = [form(key(f"/{number}.js"), large, "xyz") for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(send, server, body, TOKEN) for body in bodies]
        events = server.request(
            "POST",
            "/intake/v2/events",
            b'{"metadata":{"service":{"name":"a","agent":{"name":"b","version":"1"}}}}\n',
            {**TOKEN, "Content-Type": "application/x-ndjson"},
        )
        statuses = [answer.result().status for answer in answers]
    assert events.status == 202
    assert set(statuses) <= {202, 503}
    assert statuses.count(202) >= 2
    stored = {one.key.path for one in LocalMaps(server.data / "source-maps").maps().maps}
    assert len(stored) == statuses.count(202)


def test_switched_off_it_is_404_as_in_the_original(daemon: MakeDaemon) -> None:
    server = daemon({"output.local.enabled": True, "tidegate.sourcemaps.upload": False}).start()
    answer = send(server, form(key(), MAP, "xyz"), {"Accept": "application/json"})
    assert (answer.status, answer.json()) == (404, {"error": "404 page not found"})
