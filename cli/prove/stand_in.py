"""The stand-in for Elasticsearch: an HTTP server on loopback that stores in memory and misbehaves when told."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Lock, Thread
from typing import Any

import orjson
from tidegate.cli.prove.bulk import Stored, inflate
from tidegate.cli.prove.plan import Mood

SLOW_SECONDS = 3.0
"""For each bulk request of a slow store."""
_ROOT = {"cluster_uuid": "tidegate-prove", "version": {"number": "9.2.0", "build_flavor": "default"}}
_NODES = {"nodes": {"one": {"version": "9.2.0", "modules": [{"name": "x-pack-apm-data"}]}}}
_ANSWERS = {"/": _ROOT, "/_nodes": _NODES}


class StandIn:
    """Open from the start; `mood` may be set from any thread."""

    name = "stand-in for Elasticsearch"

    def __init__(self, stored: Stored, port: int) -> None:
        """Raises OSError when the port is taken."""
        self.stored = stored
        self.lost_answers = 0
        self._lock = Lock()
        self._mood = Mood.WELL
        self._changed = Event()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self._port = port
        self._open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        before, self._mood = self._mood, mood
        self._changed.set()
        self._changed = Event()
        if mood is Mood.REFUSING:
            self._close()
        elif before is Mood.REFUSING:
            self._open()

    def close(self) -> None:
        """Ends it; requests under way are cut."""
        self.mood = Mood.REFUSING

    # ----------------------------------------------------------------------------------------------------------- port

    def _open(self) -> None:
        stand_in = self

        class Handler(_Handler):
            owner = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(0.05,), name="stand-in", daemon=True).start()

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.socket.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        """A client came."""
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A client went."""
        with self._lock:
            self._connections.discard(connection)

    # ----------------------------------------------------------------------------------------------------------- bulk

    def arrived(self) -> set[int]:
        """See `store.Store`."""
        with self._lock:
            return {*self.stored.times, *self.stored.refusals}

    def bulk(self, body: bytes) -> tuple[int, bytes] | None:
        """Status and answer; None: cut the connection. Raises ValueError for what is no bulk request."""
        mood, changed = self._mood, self._changed
        if mood is Mood.UNAVAILABLE:
            return 503, _error(503, "no_shard_available_action_exception")
        if mood is Mood.HANGING:
            changed.wait()
            return None
        if mood is Mood.REFUSING:
            return None
        if mood is Mood.SLOW:
            changed.wait(SLOW_SECONDS)
        turn = count()
        busy: Callable[[], bool] = (lambda: next(turn) % 2 == 0) if mood is Mood.BUSY else (lambda: False)
        with self._lock:
            answer = self.stored.write(body, busy)
            if mood is Mood.LOSING:
                self.lost_answers += 1
                return None
        return 200, answer


def _error(status: int, kind: str) -> bytes:
    return orjson.dumps({"error": {"type": kind, "reason": "as told"}, "status": status})


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    owner: StandIn
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.owner.opened(self.connection)

    def finish(self) -> None:
        self.owner.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        known: Any = _ANSWERS.get(self.path.partition("?")[0])
        if known is None:
            self._answer(404, _error(404, "index_not_found_exception"))
        else:
            self._answer(200, orjson.dumps(known))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0] != "/_bulk":
            self._answer(404, _error(404, "index_not_found_exception"))
            return
        try:
            if self.headers.get("Content-Encoding") == "gzip":
                body = inflate(body)
            found = self.owner.bulk(body)
        except ValueError as problem:
            self._answer(400, orjson.dumps({"error": {"type": "parse_exception", "reason": str(problem)}}))
            return
        if found is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._answer(*found)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: prove has its own output."""
