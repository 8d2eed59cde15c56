"""A way to Elasticsearch on which answers are lost: what was stored is stored, and the one who sent it does not know."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class LossyWay:
    """`with` opens and closes it. Once `lose_next` is set, the next bulk request is handed on and its answer is lost; those
    after it are answered 503 until `mend`."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.lose_next = False
        self.lost = Event()
        """The answer was lost: Elasticsearch has stored the documents."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LossyWay:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def mend(self) -> None:
        self.lose_next = False
        self.lost.clear()


def _handler(way: LossyWay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bulk = self.path.startswith("/_bulk")
            if bulk and way.lost.is_set():
                self._answer(503, [], b"{}")
                return
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
            upstream = http.client.HTTPConnection(way.target, timeout=30)
            try:
                upstream.request(self.command, self.path, body or None, headers)
                answer = upstream.getresponse()
                content = answer.read()
            finally:
                upstream.close()
            if bulk and way.lose_next:
                way.lost.set()
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._answer(answer.status, answer.getheaders(), content)

        do_GET = do_POST = do_HEAD = _pass_on

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            with suppress(OSError):
                self.send_response(status)
                for key, value in headers:
                    if key.lower() not in HOP_BY_HOP:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    return Handler
