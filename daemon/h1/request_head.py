"""What a request says before its body."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes


def wire_text(value: bytes) -> str:
    """Bytes from a client as text; each byte that is no UTF-8 becomes U+FFFD, as in the original (http-surface.md 1.3)."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        escaped = value.decode("utf-8", "surrogateescape")
        return "".join("\ufffd" if "\udc80" <= letter <= "\udcff" else letter for letter in escaped)


class RequestHead:
    """Method, target and headers. Header names are lower case; a header sent twice keeps its first value."""

    __slots__ = ("_lines", "chunked", "content_length", "headers", "method", "path", "query", "target", "version")

    def __init__(
        self, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]], version: bytes = b"1.1"
    ) -> None:
        first: dict[bytes, bytes] = {}
        for name, value in headers:
            if name not in first:
                first[name] = value
        self.headers = first
        self._lines = headers
        self.method = method.decode("ascii")
        self.target = target.decode("ascii")
        self.version = version
        self.chunked = b"transfer-encoding" in first
        length = first.get(b"content-length")
        self.content_length = int(length) if length is not None and not self.chunked else 0
        self.path, self.query = split_target(self.target)

    def text(self, name: bytes) -> str:
        """The first value of a header, or ""."""
        value = self.headers.get(name)
        return "" if value is None else wire_text(value)

    def texts(self, name: bytes) -> list[str]:
        """All values of a header, in their order."""
        return [wire_text(value) for other, value in self._lines if other == name]

    @property
    def has_body(self) -> bool:
        return self.chunked or self.content_length > 0


def split_target(target: str) -> tuple[str, str]:
    """Path (percent escapes undone) and raw query of a request target, which may be absolute (RFC 9112, 3.2)."""
    if not target.startswith("/"):
        scheme, found, rest = target.partition("://")
        if found and scheme.isalnum():
            slash, question = rest.find("/"), rest.find("?")
            if slash >= 0 and (question < 0 or slash < question):
                target = rest[slash:]
            else:
                target = "/" + (rest[question:] if question >= 0 else "")
    path, _, query = target.partition("?")
    if "%" in path:
        path = wire_text(unquote_to_bytes(path))
    return path, query


def query_names(query: str) -> set[str]:
    """The names in a query string, with or without a value."""
    names = (pair.partition("=")[0].replace("+", " ") for pair in query.split("&") if pair)
    return {wire_text(unquote_to_bytes(name)) if "%" in name else name for name in names}


def query_values(query: str) -> dict[str, str]:
    """The first value of each name in a query string; a pair with a semicolon counts as damaged and is left out."""
    values: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if pair and ";" not in pair:
            values.setdefault(_decoded(name), _decoded(value))
    return values


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    return wire_text(unquote_to_bytes(text)) if "%" in text else text
