"""A real browser with the real RUM agent, on a page that a small server here delivers from an origin of its own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from e2e.agents import AGENTS, node_packages
from e2e.presence import absent

LEAVING_S = 20.0
BUNDLING_S = 60.0
_BUNDLE = Path("node_modules/@elastic/apm-rum/dist/bundles/elastic-apm-rum.umd.min.js")
_PAGE = """<!doctype html>
<title>Shop</title>
<script src="/agent.js"></script>
<script>elasticApm.init({settings})</script>
<button id="buy">Buy</button>
<script src="{script}"></script>
"""
_SCRIPT = "/static/node_modules/shop.js"


class Site(NamedTuple):
    """A served page."""

    port: int
    pages: dict[str, str]
    """Path → the settings of the agent on that page, as JSON."""
    scripts: dict[str, Path]
    """Path → a further script."""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, pages: dict[str, str], scripts: dict[str, Path], *arguments: Any) -> None:
        self._pages = pages
        self._scripts = scripts
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Delivers the page, its scripts, and what it fetches. A page named like a script runs that."""
        if self.path in self._pages:
            script = f"{self.path}.js" if f"{self.path}.js" in self._scripts else _SCRIPT
            page = _PAGE.replace("{settings}", self._pages[self.path]).replace("{script}", script)
            self._send("text/html", page.encode())
        elif self.path in self._scripts:
            self._send("text/javascript", self._scripts[self.path].read_bytes())
        elif self.path == "/stock.json":
            self._send("application/json", b'{"tea": 0}')
        else:
            self.send_error(404)

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def serve_site() -> Iterator[Site]:
    """Serves pages on every address of this machine's loopback; their names may be added later."""
    _, folder = node_packages("browser")
    pages: dict[str, str] = {}
    scripts = {"/agent.js": folder / _BUNDLE, _SCRIPT: AGENTS / "browser" / "shop.js"}
    handler = partial(_Handler, pages, scripts)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(server.server_port, pages, scripts)
        server.shutdown()
        thread.join()


def bundle(source: Path, target: Path) -> None:
    """Makes one minified script of a page's own one and what it imports, and `target` with `.map` added, with esbuild."""
    node, packages = node_packages("browser")
    esbuild = packages / "node_modules" / "esbuild-wasm" / "bin" / "esbuild"
    words = [node, str(esbuild), str(source), "--bundle", "--minify", "--sourcemap", f"--outfile={target}"]
    subprocess.run(words, check=True, capture_output=True, timeout=BUNDLING_S)


def chromium() -> str:
    """The browser's command."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        absent("Chromium (Debian's package chromium)")
    return found


class Visit:
    """A browser on a page, until `leave`."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    def sent(self) -> list[dict[str, Any]]:
        """What became of each request to the intake so far: `status`, or `failed` with the browser's words."""
        return [json.loads(line) for line in self._output.read_text().splitlines()]

    def leave(self) -> None:
        """Closes the browser."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(LEAVING_S) == 0, self.trouble()

    def trouble(self) -> str:
        """What the program that drives the browser complained about."""
        return self._output.with_suffix(".err").read_text(errors="replace")[-5_000:]


@contextmanager
def visit(url: str, intake: str, folder: Path) -> Iterator[Visit]:
    """Loads a page and clicks its button; requests to addresses that end with `intake` are noted."""
    browser = chromium()
    node, packages = node_packages("browser")
    shutil.copy(AGENTS / "browser" / "drive.js", packages / "drive.js")
    output = folder / "browser.out"
    with output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            [node, str(packages / "drive.js"), browser, url, intake], stdin=subprocess.PIPE, stdout=out, stderr=err
        )
    visited = Visit(process, output)
    try:
        yield visited
        visited.leave()
    finally:
        process.kill()
        process.wait()


def stored(data: Path) -> list[tuple[str, dict[str, Any]]]:
    """The documents of a local store, each with its data stream; none while the store is being made."""
    try:
        with closing(sqlite3.connect(f"file:{data / 'store.sqlite3'}?mode=ro", uri=True)) as store:
            rows = store.execute("SELECT data_stream, document FROM events").fetchall()
    except sqlite3.OperationalError:
        return []
    return [(stream, json.loads(zlib.decompress(document))) for stream, document in rows]
