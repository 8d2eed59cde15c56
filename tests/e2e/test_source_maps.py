"""Stack frames of browsers mapped by real processes: a real page and bundler, a real Elasticsearch, and maps that do harm."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from e2e.agents import AGENTS
from e2e.browsers import bundle, chromium, serve_site, stored, visit
from e2e.clusters import KEEPER, PASSWORD, RealElasticsearch
from e2e.conftest import MakeDaemon
from e2e.daemons import COMMAND, Answer, Daemon
from e2e.processes import wait_until

FOUND_S = 40.0
SEEN_S = 45.0
"""A map that is stored while Tidegate runs is found within 30 s."""
RUM = "/intake/v2/rum/events"
MAP = {
    "version": 3,
    "sources": ["src/till.ts"],
    "sourcesContent": ["first\nsecond\nthird"],
    "names": ["countUp"],
    "mappings": "AACAA",
}


def command(daemon: Daemon, *words: str) -> None:
    """Runs `tidegate sourcemap` with the daemon's settings."""
    places = ("path.data", "output.", "apm-server.rum.")
    given = [f"{key}={one if isinstance(one, str) else json.dumps(one)}" for key, one in daemon.settings.items()]
    line = [
        str(COMMAND),
        "sourcemap",
        *words,
        *(word for one in given if one.startswith(places) for word in ("-E", one)),
    ]
    result = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def send(daemon: Daemon, service: str, *paths: str, errors: int = 1) -> Answer:
    """Errors with one frame for each path."""
    frames = [{"filename": "m.js", "abs_path": path, "lineno": 1, "colno": 1, "function": "a"} for path in paths]
    error = {"exception": {"message": "m", "stacktrace": frames}}
    lines: list[dict[str, Any]] = [
        {"metadata": {"service": {"name": service, "version": "1", "agent": {"name": "rum-js", "version": "5"}}}},
        *({"error": {"id": secrets.token_hex(8), **error}} for _ in range(errors)),
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    return daemon.request("POST", RUM, body, {"Content-Type": "application/x-ndjson"}, timeout=FOUND_S)


@pytest.mark.agents
@pytest.mark.timeout(400)
def test_frames_of_a_real_page_show_the_source(daemon: MakeDaemon, tmp_path: Path) -> None:
    chromium()
    source = AGENTS / "browser" / "bundled"
    throwing = (source / "stock.js").read_text().splitlines()
    line = next(number for number, text in enumerate(throwing, 1) if "throw new" in text)
    built = tmp_path / "dist"
    with serve_site() as site:
        running = daemon({"apm-server.rum.enabled": True, "output.local.enabled": True})
        for version in (2, 3):
            name = f"/bundled-v{version}"
            bundle(source / "page.js", built / f"{name[1:]}.js")
            site.scripts[f"{name}.js"] = built / f"{name[1:]}.js"
            site.pages[name] = json.dumps(
                {
                    "serviceName": "shop",
                    "serviceVersion": f"1.{version}",
                    "serverUrl": f"http://127.0.0.1:{running.port}",
                    "apiVersion": version,
                }
            )
            root = f"https://cdn.example:8443/{'' if version == 2 else 'x/..'}"
            upload = ["upload", str(built / f"{name[1:]}.js.map"), "--bundle-root", root]
            command(running, *upload, "--service-name", "shop", "--service-version", f"1.{version}")
        running.start()
        for version, path in ((2, RUM), (3, "/intake/v3/rum/events")):
            errors: list[dict[str, Any]] = []

            def thrown(version: int = version, errors: list[dict[str, Any]] = errors) -> bool:
                errors[:] = [
                    document
                    for _, document in stored(running.data)
                    if "error" in document and document["service"]["version"] == f"1.{version}"
                ]
                return bool(errors)

            with visit(f"http://127.0.0.1:{site.port}/bundled-v{version}", path, tmp_path) as page:
                wait_until(thrown, "the error is stored", FOUND_S, lambda: f"{page.trouble()}\n{running.output()}")
            error = errors[0]["error"]
            frames = error["exception"][0]["stacktrace"]
            first, second = frames[0], frames[1]
            assert first["filename"].endswith("bundled/stock.js"), frames
            assert (first["line"]["number"], first["function"]) == (line, "sellOut")
            assert first["line"]["context"] == throwing[line - 1]
            assert first["context"]["pre"] == throwing[max(line - 6, 0) : line - 1]
            assert first["original"]["abs_path"].endswith(f"/bundled-v{version}.js")
            assert second["filename"].endswith("bundled/page.js")
            assert error["culprit"] == f"{first['filename']} in sellOut"
        assert running.complaints() == []
        running.stop()


@pytest.mark.elasticsearch
@pytest.mark.timeout(200)
def test_a_map_is_stored_in_a_real_elasticsearch_while_events_come(
    daemon: MakeDaemon, elasticsearch: RealElasticsearch, tmp_path: Path
) -> None:
    own = "apm-server.rum.source_mapping.elasticsearch"
    keeper = {f"{own}.username": KEEPER, f"{own}.password": PASSWORD, "apm-server.rum.enabled": True}
    running = daemon({**elasticsearch.output(), **keeper}).start()
    service = f"till{secrets.token_hex(4)}"
    (tmp_path / "m.js.map").write_text(json.dumps(MAP))

    def frame() -> dict[str, Any]:
        """That of an error which is sent now."""
        before = len(errors_of(elasticsearch, service))
        assert send(running, service, "https://till.example/js/m.js?v=7").status == 202
        wait_until(lambda: len(errors_of(elasticsearch, service)) > before, "the error is stored", FOUND_S)
        found: dict[str, Any] = max(errors_of(elasticsearch, service), key=lambda one: str(one["@timestamp"]))
        frames: list[dict[str, Any]] = found["error"]["exception"][0]["stacktrace"]
        return frames[0]

    early = frame()["sourcemap"]["error"]
    assert early.startswith(
        (
            f"unable to find sourcemap.url for service.name={service} service.version=1 bundle.path=https://till.example/js/m.js",
            "failed to populate sourcemap metadata: fetcher unavailable: 404 Not Found: {",
        )
    )
    stored_as = ["--service-name", service, "--service-version", "1", "--bundle-filepath", "/js/m.js"]
    command(running, "upload", str(tmp_path / "m.js.map"), *stored_as)
    wait_until(lambda: frame().get("filename") == "src/till.ts", "the map is found", SEEN_S, running.output)
    mapped = frame()
    assert mapped["line"] == {"number": 2, "column": 0, "context": "second"}
    assert (mapped["context"], mapped["function"]) == ({"pre": ["first"], "post": ["third"]}, "<anonymous>")
    command(
        running, "explain", *stored_as[:4], "--path", "https://till.example/js/m.js", "--line", "1", "--column", "1"
    )
    running.stop()


def errors_of(elasticsearch: RealElasticsearch, service: str) -> list[dict[str, Any]]:
    """The errors that are stored of a service."""
    return [hit["_source"] for hit in elasticsearch.search("logs-apm.error*", {"term": {"service.name": service}})]


def stored_map(path: str, content: str) -> dict[str, Any]:
    """The document that Kibana makes of a map."""
    return {
        "service": {"name": "till", "version": "1"},
        "file": {"path": path},
        "content": content,
        "content_sha256": secrets.token_hex(32),
    }


def zipped(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def keep(fake: Any, *maps: dict[str, Any]) -> None:
    """Puts maps into the stand-in under the ids that they are read by."""
    fake.store(".apm-source-map", [])
    for one in maps:
        key = f"till-1-{one['file']['path']}"
        put(fake, f"/.apm-source-map/_doc/{key.replace('/', '%2F')}", one)


def put(fake: Any, target: str, document: dict[str, Any]) -> None:
    request = Request(
        f"{fake.url}{target}", json.dumps(document).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    urlopen(request, timeout=10).close()


def start(make: MakeDaemon, fake: Any, **further: object) -> Daemon:
    """With anonymous senders, whose batches have ten lines and come one after the other."""
    settings = {
        "output.elasticsearch.hosts": [fake.url],
        "apm-server.rum.enabled": True,
        "apm-server.auth.secret_token": "for-services-only",
        "tidegate.workers": 1,
    }
    running = make(
        {**settings, **{f"apm-server.rum.source_mapping.{name}": one for name, one in further.items()}}
    ).start()
    wait_until(lambda: looked_through(fake), "the worker knows which maps there are", FOUND_S, running.output)
    return running


def looked_through(fake: Any) -> bool:
    return any(request["path"].startswith("/.apm-source-map/_search") for request in fake.requests())


def test_maps_that_cannot_be_used_cost_their_frames_only(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    bomb = zlib.compressobj()
    gigabyte = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(1024)) + bomb.flush()
    maps = {
        "/bomb.js": base64.b64encode(gigabyte).decode(),
        "/broken.js": "bm90IGEgbWFw",
        "/nobase64.js": "%%%",
        "/nojson.js": zipped(b"no map"),
        "/deep.js": zipped(b"[" * 1_000_000),
        "/m.js": zipped(json.dumps(MAP).encode()),
    }
    keep(fake_elasticsearch, *(stored_map(path, content) for path, content in maps.items()))
    running = start(daemon, fake_elasticsearch, max_sourcemap_size="32MiB")
    assert send(running, "till", *(f"http://h{path}" for path in maps), errors=25).status == 202
    fake_elasticsearch.wait_for_documents(25, "logs-apm.error*", FOUND_S)
    said = [frame["sourcemap"].get("error", "mapped") for frame in frames_of(fake_elasticsearch)]
    expected = (
        "exceeds limit of 33554432 bytes",
        "zlib: invalid header",
        "illegal base64",
        "malformed",
        "malformed",
        "mapped",
    )
    assert [text for text, part in zip(said, expected * 25, strict=True) if part not in text] == []
    peak = Path(f"/proc/{running.one_child('worker')}/status").read_text().partition("VmHWM:")[2].split()[0]
    assert int(peak) < 250 << 10, f"the worker took {peak} KiB"
    assert running.complaints() == []
    running.stop()


def test_while_a_map_does_not_come_other_events_pass(daemon: MakeDaemon, fake_elasticsearch: Any) -> None:
    keep(fake_elasticsearch, stored_map("/m.js", zipped(json.dumps(MAP).encode())))
    running = start(daemon, fake_elasticsearch, timeout="4s")
    fake_elasticsearch.configure(mode="hang", scope="all")
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(send, running, "till", "http://h/m.js")
        wait_until(lambda: asked_for_the_map(fake_elasticsearch), "the map is asked for", FOUND_S, running.output)
        assert send(running, "till", "http://h/other.js").status == 202
        assert not waiting.done(), "the one that waits was passed"
        assert waiting.result(FOUND_S).status == 202
    fake_elasticsearch.configure(mode="healthy")
    fake_elasticsearch.wait_for_documents(2, "logs-apm.error*", FOUND_S)
    said = {frame["sourcemap"]["error"] for frame in frames_of(fake_elasticsearch)}
    assert "failed to reach elasticsearch: fetcher unavailable: context deadline exceeded " in said
    assert len(said) == 2
    running.stop()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_waits_for_a_map_is_kept_when_the_worker_ends(
    daemon: MakeDaemon, fake_elasticsearch: Any, end: str
) -> None:
    keep(fake_elasticsearch, stored_map("/m.js", zipped(json.dumps(MAP).encode())))
    running = start(daemon, fake_elasticsearch, timeout="60s")
    fake_elasticsearch.configure(mode="hang", scope="all")
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(send, running, "till", "http://h/m.js")
        wait_until(lambda: asked_for_the_map(fake_elasticsearch), "the map is asked for", FOUND_S, running.output)
        if end == "kill":
            running.kill_child("worker")
            assert waiting.result(FOUND_S).status == 202, "another worker has done it again"
        else:
            running.stop()
            assert waiting.exception(FOUND_S) is not None or waiting.result().status != 202
            running.start()
    fake_elasticsearch.configure(mode="healthy")
    if end == "kill":
        fake_elasticsearch.wait_for_documents(1, "logs-apm.error*", FOUND_S)
        assert len(frames_of(fake_elasticsearch)) == 1
    running.stop()


def asked_for_the_map(fake: Any) -> bool:
    return any(
        request["path"].startswith("/.apm-source-map/_doc/") and request["method"] == "GET"
        for request in fake.requests()
    )


def frames_of(fake: Any) -> list[dict[str, Any]]:
    """All frames of all errors that are stored."""
    return [
        frame
        for one in fake.documents("logs-apm.error*")
        for frame in one["_source"]["error"]["exception"][0]["stacktrace"]
    ]
