"""Source maps on their way to a server: what is sent, and what the answers are in words."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tidegate.cli.main import main
from tidegate.cli.sourcemap_client import form
from tidegate.daemon.api.form_data import FormData
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK
from tidegate.workers.store.source_maps import MapKey

pytestmark = pytest.mark.usefixtures("alone")
MAP = b'{"version":3,"sources":[],"mappings":"AAAA"}'


class Server:
    """Answers every request alike, and keeps what came."""

    def __init__(self) -> None:
        self.answer = (202, b"")
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                self.send_response(outer.answer[0])
                self.send_header("Content-Length", str(len(outer.answer[1])))
                self.end_headers()
                self.wfile.write(outer.answer[1])

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def upload(url: str, folder: Path) -> int:
    (folder / "a.js.map").write_bytes(MAP)
    named = ("--service-name", "shop", "--service-version", "1.0", "--bundle-filepath", "/ä.js")
    return main(["sourcemap", "upload", str(folder / "a.js.map"), *named, "--server", url])


def test_what_is_sent_is_the_form_that_tidegate_reads(
    server: Server, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELASTIC_APM_API_KEY", "abc")
    assert upload(server.url + "/apm/", alone) == EXIT_OK
    [(path, headers, body)] = server.requests
    assert (path, headers["Authorization"]) == ("/apm/assets/v1/sourcemaps", "ApiKey abc")
    read = FormData(headers["Content-Type"], ("service_name", "service_version", "bundle_filepath"), "sourcemap")
    assert b"".join(read.feed(gzip.decompress(body))) == MAP
    read.finish()
    assert read.fields == {"service_name": "shop", "service_version": "1.0", "bundle_filepath": "/%C3%A4.js"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b'{"error":"authentication failed"}'), "answers 401: authentication failed; set ELASTIC_APM_API_KEY"),
        (
            (403, b'{"error":"unauthorized"}'),
            "answers 403: unauthorized; `tidegate api-key create NAME --for sourcemap`",
        ),
        ((404, b"<html>"), "answers 404: is it a Tidegate"),
        ((413, b'{"error":"request body too large: 1"}'), "answers 413: request body too large: 1"),
        ((503, b"[1]"), "answers 503"),
        ((200, b"hello"), "answers 200"),
    ],
)
def test_what_is_refused_is_told(
    server: Server, alone: Path, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes], words: str
) -> None:
    server.answer = answer
    assert upload(server.url, alone) == EXIT_FAILURE
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("apm.shop.example:8200", "--server wants a URL"),
        ("ftp://apm.shop.example", "--server wants a URL"),
        ("http://apm:99999", "--server wants a URL"),
        ("http://user:secret@apm", "put the credential into ELASTIC_APM_API_KEY"),
        ("http://127.0.0.1:1", "Connection refused"),
    ],
)
def test_a_server_that_cannot_be_asked(alone: Path, capsys: pytest.CaptureFixture[str], url: str, words: str) -> None:
    assert upload(url, alone) == EXIT_FAILURE
    shown = capsys.readouterr().err
    assert words in shown
    assert "secret" not in shown


def test_a_form_of_nothing() -> None:
    assert form(MapKey("a", "b", "c"), b"", "xyz").endswith(b"\r\n\r\n\r\n--xyz--\r\n")
