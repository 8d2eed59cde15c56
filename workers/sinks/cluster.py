"""Elasticsearch as a sink: blocks become bulk requests, answers become outcomes. Also what the cluster is asked about.

Source: http-surface.md 8.2 (request), 8.6 (readiness). The client is the official one; its nodes are called directly,
because a bulk answer is read by types here, without a Python object for each field.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from elastic_transport import (
    ConnectionError as NoConnection,
)
from elastic_transport import (
    ConnectionTimeout,
    TlsError,
    TransportError,
)
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.sinks.bulk_answer import FILTER_PATH, read_answer, request_trouble
from tidegate.workers.sinks.cluster_client import PHRASE_HEADER, Connections, build_client, headers_of
from tidegate.workers.sinks.cluster_form import FORM_PATH, Form, form_of, version_of
from tidegate.workers.sinks.contract import TooLarge, TryAgain, Written
from tidegate.workers.sinks.second_try import Documents, placed_back, stored_before
from tidegate.workers.spool.block import Block, Encoding, make_block

SOURCE_ON_ERROR = "include_source_on_error"
SOURCE_ON_ERROR_SINCE = (8, 18)
"""Older versions answer 400 to a parameter that they do not know."""
BULK_PATH = f"/_bulk?filter_path={FILTER_PATH}&{SOURCE_ON_ERROR}=false&require_data_stream=true"
OLD_BULK_PATH = f"/_bulk?filter_path={FILTER_PATH}&require_data_stream=true"
STATE_PATH = "/_cluster/state/version?filter_path=cluster_uuid"
NODE_TROUBLE = (502, 503, 504)
"""Statuses after which other hosts are tried first for a while."""
_NO_ROOT = (400, 404, 405)
_NO_UUID = ("", "_na_")
"""What a node says that has not found its cluster yet."""

_log = logging.getLogger("tidegate.sink")


class _Version(msgspec.Struct):
    number: str = ""
    build_flavor: str = ""


class _Root(msgspec.Struct):
    cluster_uuid: str = ""
    version: _Version = msgspec.field(default_factory=_Version)


class Reply(NamedTuple):
    """An answer of Elasticsearch."""

    status: int
    body: bytes
    phrase: str
    """The words of its status line."""


_decode_root = msgspec.json.Decoder(_Root).decode


class ClusterSink:
    """Implements `contract.Sink`. `version` is Tidegate's own, for the User-Agent."""

    def __init__(self, part: ElasticsearchPart, version: str) -> None:
        """Raises OSError and ValueError for TLS settings that cannot be used."""
        self._part = part
        self._connections = Connections()
        self.client = build_client(part, version, self._connections)
        self._pool = self.client.transport.node_pool
        self._headers = headers_of(part, version)
        self._bulk_path = BULK_PATH
        self._closed = False

    # ------------------------------------------------------------------------------------------------------ questions

    def ready(self) -> bool:
        """Whether this is Elasticsearch and its cluster has formed. Raises TryAgain with the cause where it is not."""
        status, body = self._ask("/")
        if status in _NO_ROOT:  # a distribution without that page
            status, body = self._ask(STATE_PATH)
        if not 200 <= status < 300:
            raise request_trouble(status, body, "to say what it is")
        try:
            root = _decode_root(body)
        except msgspec.MsgspecError as problem:
            raise TryAgain(
                f"{self._hosts()} is not Elasticsearch (output.elasticsearch.hosts)", degraded=True
            ) from problem
        if root.cluster_uuid in _NO_UUID:
            raise TryAgain("Elasticsearch's cluster has not formed yet (no cluster_uuid)", degraded=False)
        version = version_of(root.version.number)
        if version and version < SOURCE_ON_ERROR_SINCE and root.version.build_flavor != "serverless":
            self._bulk_path = OLD_BULK_PATH
        return True

    def form(self) -> Form | None:
        """Which form of documents the cluster needs; None when it does not tell. Raises TryAgain when it cannot be asked."""
        return form_of(*self._ask(FORM_PATH))

    def _ask(self, path: str) -> tuple[int, bytes]:
        return self.request("GET", path, None, self._headers)

    # -------------------------------------------------------------------------------------------------------- writing

    def write(self, blocks: Sequence[Block], *, unsure: bool = False) -> Written:
        """One bulk request. Raises TryAgain, TooLarge."""
        if not unsure:
            return self._bulk(blocks)
        documents = Documents(blocks)
        stored = stored_before(documents, self._may_ask)
        if not stored:
            return self._bulk(blocks)
        left, places = documents.without(stored)
        written = placed_back(self._bulk(left), places) if left else Written()
        written.counts[EventOutcome.DUPLICATE] += len(stored)
        return written

    def _may_ask(self, method: str, path: str, body: bytes | None) -> bytes | None:
        """The answer; None where the question is not allowed or not known. Raises TryAgain when it may have one later."""
        status, answer = self.request(method, path, body, self._headers | {"content-type": "application/json"})
        if status == 429 or status >= 500:
            raise request_trouble(status, answer, "to say what is stored")
        return answer if 200 <= status < 300 else None

    def _bulk(self, blocks: Sequence[Block]) -> Written:
        body, encoding = _body(blocks)
        documents = sum(block.documents for block in blocks)
        headers = self._headers | {
            "content-type": "application/x-ndjson",
            "x-elastic-event-count": str(documents),
            "x-elastic-uncompressed-request-length": str(sum(block.raw_bytes for block in blocks)),
        }
        if encoding is Encoding.GZIP:
            headers["content-encoding"] = "gzip"
        path = self._bulk_path
        status, answer = self.request("POST", path, body, headers)
        if status == 400 and path == BULK_PATH and SOURCE_ON_ERROR.encode() in answer:
            _log.info("this Elasticsearch does not know %s (it is older than 8.18)", SOURCE_ON_ERROR)
            self._bulk_path = OLD_BULK_PATH
            status, answer = self.request("POST", OLD_BULK_PATH, body, headers)
        if status == 413:
            raise TooLarge
        if not 200 <= status < 300:
            raise request_trouble(status, answer)
        return read_answer(answer, documents)

    def request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; see `exchange`."""
        reply = self.exchange(method, path, body, headers)
        return reply.status, reply.body

    def exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """The answer of the next host that can be reached. Raises TryAgain."""
        trouble = TryAgain("the sink is closed", degraded=False)
        for _ in self._part.hosts:
            if self._closed:
                break
            node = self._pool.get()
            try:
                response = node.perform_request(method, path, body, headers)  # type: ignore[arg-type] # a dict will do
            except TransportError as problem:
                self._pool.mark_dead(node)
                trouble = self._trouble(node.base_url, problem)
                if isinstance(problem, ConnectionTimeout):  # it may be at work: no second one with the same at once
                    break
                continue
            status = response.meta.status
            if status in NODE_TROUBLE:
                self._pool.mark_dead(node)
            else:
                self._pool.mark_live(node)
            return Reply(status, response.body, response.meta.headers.get(PHRASE_HEADER) or "")
        raise trouble

    def _trouble(self, url: str, problem: TransportError) -> TryAgain:
        """What a failed request means, in words."""
        if isinstance(problem, ConnectionTimeout):
            return TryAgain(f"no answer from Elasticsearch at {url} in time", degraded=False)
        words = _innermost(problem)
        if isinstance(problem, TlsError):
            return TryAgain(f"TLS with Elasticsearch at {url} fails: {words} (output.elasticsearch.ssl)", degraded=True)
        if isinstance(problem, NoConnection):
            return TryAgain(f"Elasticsearch at {url} cannot be reached: {words}", degraded=False)
        return TryAgain(f"a request to Elasticsearch at {url} failed: {words}", degraded=False)

    def _hosts(self) -> str:
        return ", ".join(self._part.hosts)

    def close(self) -> None:
        """Cuts all connections: requests under way fail at once with TryAgain."""
        self._closed = True
        self._connections.close()
        self.client.close()


def _body(blocks: Sequence[Block]) -> tuple[bytes, Encoding]:
    """One body of one encoding; gzip members follow each other. Blocks of before `compression_level` was changed may
    be of the other encoding: plain ones are compressed then."""
    encodings = {block.encoding for block in blocks}
    if len(encodings) == 1:
        payloads = [block.payload for block in blocks]
        return (payloads[0] if len(payloads) == 1 else b"".join(payloads)), encodings.pop()
    members = (
        block.payload if block.encoding is Encoding.GZIP else make_block([block.payload], block.documents, 1).payload
        for block in blocks
    )
    return b"".join(members), Encoding.GZIP


def _innermost(problem: BaseException) -> str:
    """What the system said, without the layers of the libraries above it."""
    seen = {id(problem)}
    words = type(problem).__name__
    current: BaseException | None = problem
    while current is not None:
        if isinstance(current, OSError) and current.strerror:
            words = current.strerror
        current = current.__cause__ or current.__context__
        if current is None or id(current) in seen:
            break
        seen.add(id(current))
    return words
