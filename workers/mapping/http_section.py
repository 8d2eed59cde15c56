"""`http` of transactions and errors: intake-to-documents.md 4.1.3 and 4.1.4."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.free import normalise_free
from tidegate.workers.decode.model import Request, Response, SpanHttpResponse
from tidegate.workers.mapping.headers import map_headers
from tidegate.workers.mapping.integers import U32, U64


def map_request(request: Request, headers: dict[str, list[str]]) -> dict[str, Any]:
    """`http.request`; `headers` are the request's, mapped."""
    mapped: dict[str, Any] = {}
    if request.method:
        mapped["method"] = request.method
    body = request.body
    if body is not None:
        if type(body) is not str:
            body = normalise_free(body)
        if body or body == "":
            mapped["body"] = {"original": body}
    if headers:
        mapped["headers"] = headers
    if (cookies := request.cookies) and (cookies := normalise_free(cookies)):
        mapped["cookies"] = cookies
    if (env := request.env) and (env := normalise_free(env)):
        mapped["env"] = env
    return mapped


def map_response(response: Response) -> dict[str, Any] | None:
    """`http.response`, possibly empty; None when no field is set."""
    mapped = map_span_response(response)
    if response.finished is not None:
        mapped["finished"] = response.finished
    if response.headers_sent is not None:
        mapped["headers_sent"] = response.headers_sent
    return mapped if mapped or response.status_code is not None else None


def map_span_response(response: Response | SpanHttpResponse) -> dict[str, Any]:
    """What responses of transactions and of spans have in common."""
    mapped: dict[str, Any] = {}
    if status := response.status_code:
        mapped["status_code"] = status & U32
    if response.headers:
        mapped["headers"] = map_headers(response.headers)
    if (size := response.transfer_size) is not None:
        mapped["transfer_size"] = size & U64
    if (size := response.encoded_body_size) is not None:
        mapped["encoded_body_size"] = size & U64
    if (size := response.decoded_body_size) is not None:
        mapped["decoded_body_size"] = size & U64
    return mapped
