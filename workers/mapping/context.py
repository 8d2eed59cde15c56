"""What the contexts of transactions and errors have in common: intake-to-documents.md 4.1.1 to 4.1.7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.free import normalise_free
from tidegate.workers.decode.model import Context, Request
from tidegate.workers.mapping.address import add_addresses
from tidegate.workers.mapping.headers import map_headers
from tidegate.workers.mapping.http_section import map_request, map_response
from tidegate.workers.mapping.labels import add_labels, sanitised_keys
from tidegate.workers.mapping.service import add_service
from tidegate.workers.mapping.url import map_page_url, map_url
from tidegate.workers.mapping.user import map_user

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream


def add_context(document: dict[str, Any], section: dict[str, Any], context: Context, stream: Stream) -> None:
    """Writes a context; `section` is `transaction` or `error` of the document, which gets `custom`."""
    http: dict[str, Any] = {}
    if request := context.request:
        _add_request(document, http, request, stream)
    if (response := context.response) and (mapped := map_response(response)) is not None:
        http["response"] = mapped
    if page := context.page:
        if page.referer is not None:
            http.setdefault("request", {})
            if page.referer:
                http["request"]["referrer"] = page.referer
        if page.url is not None and "url" not in document:
            document["url"] = map_page_url(page.url)
    if http:
        document["http"] = http
    if (user := context.user) and (mapped := map_user(user)) is not None:
        document["user"] = mapped
    if context.tags:
        add_labels(document, context.tags, stream)
    if service := context.service:
        add_service(document, service, stream)
    if (custom := context.custom) and (custom := normalise_free(custom)):
        section["custom"] = sanitised_keys(custom)


def _add_request(document: dict[str, Any], http: dict[str, Any], request: Request, stream: Stream) -> None:
    headers = map_headers(request.headers) if request.headers else {}
    http["request"] = map_request(request, headers)
    if request.http_version:
        http["version"] = request.http_version
    if (url := request.url) and (mapped := map_url(url)) is not None:
        document["url"] = mapped
    remote = request.socket.remote_address if request.socket else None
    add_addresses(document, remote, headers, stream)
    if (agents := headers.get("User-Agent")) and (original := ", ".join(agents)):
        document["user_agent"] = {"original": original}
