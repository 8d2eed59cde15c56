"""Sends source maps to a Tidegate by HTTP, as a build pipeline does that has no access to the store."""

from __future__ import annotations

import gzip
import http.client
import json
import secrets
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from tidegate.workers.store.source_maps import MapKey

PATH = "/assets/v1/sourcemaps"
KEY_VARIABLE, TOKEN_VARIABLE = "ELASTIC_APM_API_KEY", "ELASTIC_APM_SECRET_TOKEN"
"""As agents have them."""
LONGEST_WAIT = 120.0
"""Seconds for any step; a server gives an upload as long."""
LONGEST_ANSWER = 64 << 10


class NotSent(Exception):
    """The server did not take the map; the message says why."""


class Server:
    """Where maps are sent."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        """Credentials come from the environment: an argument would stand in the list of processes. Raises NotSent."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.query:
            raise NotSent(f"--server wants a URL such as https://apm.shop.example:8200, not {url!r}")
        if parts.username or parts.password:
            raise NotSent(f"--server: put the credential into {KEY_VARIABLE} or {TOKEN_VARIABLE}, not into the URL")
        self.where = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._path = parts.path.rstrip("/") + PATH
        self._headers = {"Accept": "application/json", **_credential(environ)}

    def send(self, key: MapKey, content: bytes) -> None:
        """Sends one map. Raises NotSent."""
        boundary = secrets.token_hex(16)
        headers = self._headers | {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Encoding": "gzip",
        }
        connection = self._connect()
        try:
            connection.request("POST", self._path, gzip.compress(form(key, content, boundary), 6), headers)
            answer = connection.getresponse()
            body = answer.read(LONGEST_ANSWER)
        except (OSError, http.client.HTTPException) as problem:
            raise NotSent(f"{self.where}: {problem or type(problem).__name__}") from problem
        finally:
            connection.close()
        if answer.status != http.client.ACCEPTED:
            raise NotSent(_in_words(self.where, answer.status, body))

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=LONGEST_WAIT, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=LONGEST_WAIT)


def form(key: MapKey, content: bytes, boundary: str) -> bytes:
    """The body of an upload (RFC 7578)."""
    fields = {"service_name": key.service, "service_version": key.version, "bundle_filepath": key.path}
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="sourcemap"; filename="sourcemap"\r\n'
        "Content-Type: application/json\r\n\r\n"
    )
    return b"".join((head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))


def _credential(environ: Mapping[str, str]) -> dict[str, str]:
    if key := environ.get(KEY_VARIABLE):
        return {"Authorization": f"ApiKey {key}"}
    if token := environ.get(TOKEN_VARIABLE):
        return {"Authorization": f"Bearer {token}"}
    return {}


def _in_words(where: str, status: int, body: bytes) -> str:
    try:
        reason = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        reason = ""
    hints = {
        401: f"set {KEY_VARIABLE} to an API key that has sourcemap:write, or {TOKEN_VARIABLE} to the secret token",
        403: "`tidegate api-key create NAME --for sourcemap` makes a key that may do this",
        404: "is it a Tidegate, with tidegate.sourcemaps.upload on? Elastic APM Server takes no source maps since 8.0",
    }
    text = f"{where} answers {status}"
    return f"{text}: {'; '.join(word for word in (str(reason), hints.get(status, '')) if word)}".rstrip(": ")
