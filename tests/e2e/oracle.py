"""A client that knows what it was promised: it sends events with ids of their own and notes which were acknowledged.

It never sends an event twice, so whatever is stored twice was doubled by the server. The load is bounded in rate, in time and
in number; it goes to 127.0.0.1 only.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from e2e.processes import wait_until

METADATA = {
    "metadata": {
        "service": {"name": "oracle", "agent": {"name": "python", "version": "6.22.0"}},
        "process": {"pid": 1},
    }
}
PADDING_BYTES = 300  # as 600 hex digits: about the size of a common event, so that batches are cut within a request
MOST_EVENTS = 60_000


class Oracle:
    """Some clients at once; `with` starts them and, at the end, lets each finish its request."""

    def __init__(
        self, port: int, *, clients: int = 4, events: int = 150, pause: float = 0.04, streaming: bool = True
    ) -> None:
        self._port = port
        self._events = events
        self._pause = pause
        self._streaming = streaming
        self.headers: dict[str, str] = {}
        """Of requests that begin from now on, such as credentials; to be exchanged, not changed."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self._prefix = secrets.token_hex(4)
        self.acknowledged: set[str] = set()
        """Ids of events whose request was answered with 202."""
        self.sent: set[str] = set()
        """Ids of all events of which at least one byte may have left."""
        self.requests: Counter[int] = Counter()
        """Answers by status."""
        self.troubles: list[str] = []
        """Requests that failed: refused, cut, unanswered, or answered with something else than 202."""
        self._threads = [threading.Thread(target=self._client, args=(place,), daemon=True) for place in range(clients)]

    def __enter__(self) -> Oracle:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def finish(self) -> None:
        """Ends the load; every client gets its last answer first."""
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in self._threads), "a client waits for an answer that never comes"

    def wait_acknowledged(self, more: int, seconds: float = 20) -> None:
        """Until so many more events are acknowledged than now."""
        goal = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= goal, f"{more} more events acknowledged", seconds, self.summary)

    def stored(self, documents: Iterable[dict[str, Any]]) -> Counter[str]:
        """How often each event of this client is stored; documents as hits with `_source`."""
        ids = (document["_source"].get("transaction", {}).get("id", "") for document in documents)
        return Counter(event_id for event_id in ids if event_id.startswith(self._prefix))

    def summary(self) -> str:
        """For the message of a failed test."""
        return f"{len(self.acknowledged)} acknowledged, answers {dict(self.requests)}, troubles {self.troubles[:5]}"

    # ------------------------------------------------------------------------------------------------------- one client

    def _client(self, place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        slowly = self._streaming and place % 2 == 1
        try:
            while not self._stop.wait(self._pause) and len(self.sent) < MOST_EVENTS:
                self._one_request(connection, slowly=slowly)
        finally:
            connection.close()

    def _one_request(self, connection: http.client.HTTPConnection, *, slowly: bool) -> None:
        ids = self._new_ids()
        headers = {"Content-Type": "application/x-ndjson", **self.headers}
        with self._lock:
            self.sent.update(ids)
        try:
            if slowly:
                connection.request("POST", "/intake/v2/events?verbose", self._pieces(ids), headers, encode_chunked=True)
            else:
                connection.request("POST", "/intake/v2/events?verbose", b"".join(body(ids)), headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            with self._lock:
                self.troubles.append(f"{type(problem).__name__}: {problem}")
            if isinstance(problem, ConnectionRefusedError):
                self._stop.wait(0.2)
            return
        with self._lock:
            self.requests[response.status] += 1
            if response.status == 202:
                assert json.loads(answer) == {"accepted": len(ids)}, answer
                self.acknowledged.update(ids)
            else:
                self.troubles.append(f"{response.status}: {answer[:200]!r}")
        if response.status == 503:
            self._stop.wait(0.5)  # as agents do, shortened

    def _new_ids(self) -> list[str]:
        with self._lock:
            first = self._number
            self._number += self._events
        return [f"{self._prefix}{number:08x}" for number in range(first + 1, first + 1 + self._events)]

    @staticmethod
    def _pieces(ids: list[str]) -> Iterator[bytes]:
        """The body as an agent streams it: pieces that care for no line end, with pauses."""
        whole = b"".join(body(ids))
        for start in range(0, len(whole), 20_000):
            yield whole[start : start + 20_000]
            time.sleep(0.03)


def body(ids: Iterable[str]) -> Iterator[bytes]:
    """The lines of a request with one transaction for each id."""
    yield json.dumps(METADATA).encode() + b"\n"
    for event_id in ids:
        transaction = {
            "id": event_id,
            "trace_id": event_id * 2,
            "type": "request",
            "duration": 1.5,
            "span_count": {"started": 0},
            "context": {"custom": {"padding": secrets.token_hex(PADDING_BYTES)}},
        }
        yield json.dumps({"transaction": transaction}).encode() + b"\n"


def assert_exactly_once(oracle: Oracle, stored: Counter[str]) -> None:
    """All that was acknowledged is stored, nothing twice, and nothing that was never sent."""
    missing = oracle.acknowledged - stored.keys()
    assert not missing, (
        f"{len(missing)} acknowledged events are lost, such as {sorted(missing)[:3]}; {oracle.summary()}"
    )
    twice = [event_id for event_id, count in stored.items() if count > 1]
    assert not twice, f"{len(twice)} events are stored twice, such as {sorted(twice)[:3]}; {oracle.summary()}"
    assert not stored.keys() - oracle.sent, "events are stored that this client never sent"
