"""Elasticsearch as `tidegate setup` meets it: one question at a time, with words for what goes wrong."""

from __future__ import annotations

from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from tidegate.daemon import __version__
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.templates import Request
from tidegate.workers.sinks.cluster_client import Connections, build_client, headers_of

_REASON_CHARACTERS = 400


class SetupFailed(Exception):
    """The cluster did not do what it was asked for; the message says why and what to do."""


class Cluster:
    """A cluster, asked with the credentials of `part`."""

    def __init__(self, part: ElasticsearchPart) -> None:
        """Raises SetupFailed for TLS settings that cannot be used."""
        self._part = part
        try:
            self._client = build_client(part, __version__, Connections())
        except (OSError, ValueError) as problem:
            raise SetupFailed(f"output.elasticsearch: {problem}") from problem

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def ask(self, request: Request) -> tuple[int, Any]:
        """Status and parsed body of the answer, whatever the status. Raises SetupFailed where none comes."""
        headers = headers_of(self._part, __version__)
        if request.body is not None:
            headers["content-type"] = "application/json"
        try:
            response = self._client.transport.perform_request(
                request.method, request.path, body=request.body, headers=headers
            )
        except TlsError as problem:
            raise SetupFailed(
                f"TLS with Elasticsearch fails: {problem.message} (output.elasticsearch.ssl)"
            ) from problem
        except ConnectionTimeout as problem:
            raise SetupFailed(f"no answer from Elasticsearch at {self._hosts()} in time") from problem
        except NoConnection as problem:
            raise SetupFailed(f"Elasticsearch at {self._hosts()} cannot be reached: {problem.message}") from problem
        except (SerializationError, TransportError) as problem:
            raise SetupFailed(f"{self._hosts()} does not answer like Elasticsearch: {problem.message}") from problem
        return response.meta.status, response.body

    def need(self, request: Request) -> Any:
        """The parsed body of an answer of success. Raises SetupFailed."""
        status, body = self.ask(request)
        if not 200 <= status < 300:
            raise SetupFailed(f"{request.method} {request.path.partition('?')[0]}: {refusal(status, body)}")
        return body

    def _hosts(self) -> str:
        return ", ".join(self._part.hosts)


def refusal(status: int, body: Any) -> str:
    """What an answer of 3xx to 5xx means, in words."""
    if status == 401:
        return "the user or API key is unknown, or the password is wrong (401)"
    if status == 403:
        return f"this user may not do that (403); `tidegate setup --print-setup-role` prints what it takes. {_reason(body)}"
    return f"Elasticsearch answers {status}. {_reason(body)}"


def _reason(body: Any) -> str:
    """The innermost reason that an error answer gives."""
    error = body.get("error") if isinstance(body, dict) else body
    reason = ""
    while isinstance(error, dict):
        reason = str(error.get("reason") or reason)
        error = error.get("caused_by")
    return (reason or str(error or ""))[:_REASON_CHARACTERS]
