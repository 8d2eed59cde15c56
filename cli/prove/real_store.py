"""A real Elasticsearch behind the instance: it is read in the end, and the data stream of the run is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidegate.cli.prove.bulk import Stored
from tidegate.cli.prove.events import Events
from tidegate.cli.prove.instance import Trouble
from tidegate.cli.prove.plan import Mood
from tidegate.cli.setup_cluster import Cluster, SetupFailed
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.templates import Request

PAGE = 5_000
"""Documents of one answer: some MiB."""
_LENIENT = "ignore_unavailable=true&allow_no_indices=true"


class RealStore:
    """`stream` is the data stream of this run, and of nobody else."""

    mood = Mood.WELL
    lost_answers = 0

    def __init__(self, part: ElasticsearchPart, stream: str, events: Events) -> None:
        """Raises SetupFailed when it cannot be reached, or the user may not read."""
        self._url = part.hosts[0]
        self.name = f"Elasticsearch at {self._url}"
        self.stored = Stored(events, refusing=False)
        self._events, self._stream = events, stream
        self._cluster = Cluster(part)
        self._count = 0
        self._cluster.need(Request("GET", f"/{stream}/_count?{_LENIENT}", None))

    @property
    def url(self) -> str:
        """See `store.Store`."""
        return self._url

    def arrived(self) -> set[int]:
        """See `store.Store`; it is read anew once there is more in it."""
        try:
            status, answer = self._cluster.ask(Request("GET", f"/{self._stream}/_count?{_LENIENT}", None))
            if status == 200 and (count := int(answer.get("count", 0))) != self._count:
                self._read()
                self._count = count
        except SetupFailed as problem:
            raise Trouble(str(problem)) from problem
        return set(self.stored.times)

    def close(self) -> None:
        """Deletes the data stream, where the user may; else the person is told its name."""
        try:
            status, _ = self._cluster.ask(Request("DELETE", f"/_data_stream/{self._stream}", None))
        except SetupFailed:
            status = 0
        self._cluster.close()
        self.name += "" if status in (200, 404) else f" (left there: data stream {self._stream})"

    def _read(self) -> None:
        stored = Stored(self._events, refusing=False)
        for hit in self._hits():
            stored.note(self._events.seen(hit.get("_source")))
        self.stored = stored

    def _hits(self) -> Iterator[dict[str, Any]]:
        body = {"size": PAGE, "query": {"match_all": {}}, "sort": ["_doc"]}
        answer = self._cluster.need(Request("POST", f"/{self._stream}/_search?scroll=1m&{_LENIENT}", body))
        while hits := answer["hits"]["hits"]:
            yield from hits
            again = {"scroll": "1m", "scroll_id": answer["_scroll_id"]}
            answer = self._cluster.need(Request("POST", "/_search/scroll", again))
