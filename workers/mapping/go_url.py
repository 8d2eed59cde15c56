"""URLs as Go's net/url reads and writes them; only so do page URLs come out as the original's (section 4.1.6).

`urllib.parse` differs too much: it accepts nearly everything, keeps escapes, and lower-cases hosts.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple

from tidegate.workers.mapping.memo import Memo

_ALWAYS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_PATH = _ALWAYS | frozenset(b"$&+,/:;=@")
_FRAGMENT = _ALWAYS | frozenset(b"$&+,/:;=?@!()*")
_USERINFO = _ALWAYS | frozenset(b"$&+,;=")
_HOST = _ALWAYS | frozenset(b"!$&'()*+,;=:[]<>\"")
_KEPT_WHEN_VALID = frozenset(b"!$&'()*+,;=:@[]%")
"""Bytes that an escaped path or fragment may hold as they are, beside those that need no escape."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_SCHEME = re.compile(rb"([a-zA-Z][a-zA-Z0-9+\-.]*):")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_PORT = re.compile(rb":[0-9]*")
_VALID_USERINFO = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")


class UrlError(ValueError):
    """Not a URL in Go's eyes."""


def _unescaped(text: bytes) -> bytes:
    def byte(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise UrlError("bad escape")
        return bytes.fromhex(found[1].decode())

    return _ESCAPE.sub(byte, text) if b"%" in text else text


def _escaped(text: bytes, kept: frozenset[int]) -> bytes:
    return b"".join([bytes((byte,)) if byte in kept else b"%%%02X" % byte for byte in text])


def _written(plain: bytes, raw: bytes, kept: frozenset[int]) -> bytes:
    """The escaped form: as it came, if that is a valid escape of `plain`."""
    if all(byte in kept or byte in _KEPT_WHEN_VALID for byte in raw):
        return raw
    return _escaped(plain, kept)


def escape_path(plain: str) -> str:
    """A decoded path, escaped."""
    return _escaped(plain.encode(), _PATH).decode()


def unescape_path(escaped: str) -> str:
    """The path again. Raises UrlError."""
    return _unescaped(escaped.encode()).decode("utf-8", "replace")


class GoUrl(NamedTuple):
    """A parsed URL, texts decoded unless said otherwise."""

    scheme: str
    host: str
    """With port and brackets."""
    path: str
    query: str
    """As it came."""
    fragment: str
    opaque: str
    userinfo: str
    """Escaped, with `@`, or empty."""
    escaped_path: str
    escaped_fragment: str
    force_query: bool
    omit_host: bool

    def hostname(self) -> str:
        """The host without port and brackets."""
        host = self._split_host()[0]
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    def port(self) -> str:
        """The port as it stands there, or ""."""
        return self._split_host()[1]

    def _split_host(self) -> tuple[str, str]:
        host, colon, port = self.host.rpartition(":")
        if colon and _PORT.fullmatch(b":" + port.encode()):
            return host, port
        return self.host, ""

    def text(self) -> str:
        """The URL written out again."""
        pieces = [self.scheme, ":"] if self.scheme else []
        if self.opaque:
            pieces.append(self.opaque)
        else:
            authority = self.host or self.userinfo
            if authority or (self.scheme and not self.omit_host):
                if authority or self.path:
                    pieces.append("//")
                host = self.host.encode()
                pieces += [self.userinfo, _escaped(host, _HOST).decode()]
            if self.escaped_path and self.escaped_path[0] != "/" and self.host:
                pieces.append("/")
            elif not pieces and ":" in self.escaped_path.partition("/")[0]:
                pieces.append("./")  # else its first segment would be read as a scheme
            pieces.append(self.escaped_path)
        if self.force_query or self.query:
            pieces += ["?", self.query]
        if self.fragment:
            pieces += ["#", self.escaped_fragment]
        return "".join(pieces)


def parse_url(text: str) -> GoUrl:
    """Raises UrlError."""
    result = _parsed[text]
    if result is None:
        raise UrlError(text)
    return result


def _parse_or_none(text: str) -> GoUrl | None:
    try:
        return _parse(text.encode())
    except UrlError:
        return None


_parsed: Memo[str, GoUrl | None] = Memo(
    _parse_or_none,
    budget=1024 * 1024,  # characters: some hundreds of pages, which send the same URL with each event
    weigh=lambda text: 4 * len(text) + 512,
)


def _parse(raw: bytes) -> GoUrl:
    rest, _, raw_fragment = raw.partition(b"#")
    if _CONTROL.search(rest):
        raise UrlError("control character")
    scheme = b""
    if rest[:1] == b":":
        raise UrlError("missing scheme")
    if found := _SCHEME.match(rest):
        scheme, rest = found[1].lower(), rest[found.end() :]
    force_query = rest.endswith(b"?") and rest.count(b"?") == 1
    rest, _, query = rest.partition(b"?")
    opaque = userinfo = host = b""
    omit_host = False
    if not rest.startswith(b"/"):
        if scheme:
            opaque, rest = rest, b""
        elif b":" in rest.partition(b"/")[0]:
            raise UrlError("colon in first path segment")
    if rest.startswith(b"//") and (scheme or not rest.startswith(b"///")):
        authority, slash, rest = rest[2:].partition(b"/")
        rest = slash + rest
        userinfo, host = _authority(authority)
    elif scheme and rest.startswith(b"/"):
        omit_host = True
    path = _unescaped(rest)
    fragment = _unescaped(raw_fragment)

    def read(part: bytes) -> str:
        return part.decode("utf-8", "replace")

    return GoUrl(
        scheme.decode(),
        read(host),
        read(path),
        read(query),
        read(fragment),
        read(opaque),
        userinfo.decode(),
        read(_written(path, rest, _PATH)),
        read(_written(fragment, raw_fragment, _FRAGMENT)),
        force_query,
        omit_host,
    )


def _authority(authority: bytes) -> tuple[bytes, bytes]:
    userinfo, at, host = authority.rpartition(b"@")
    if not at:
        return b"", _host(host)
    if not _VALID_USERINFO.fullmatch(userinfo):
        raise UrlError("bad userinfo")
    name, colon, password = userinfo.partition(b":")
    written = _escaped(_unescaped(name), _USERINFO) + colon + _escaped(_unescaped(password), _USERINFO)
    return written + b"@", _host(host)


def _host(host: bytes) -> bytes:
    if b"[" in host:
        start, end = host.rfind(b"["), host.rfind(b"]")
        if end < start or not _PORT.fullmatch(host[end + 1 :] or b":"):
            raise UrlError("bad IPv6 literal")
        literal = _unescaped(host[start + 1 : end])
        try:
            IPv6Address(literal.decode())
        except ValueError as problem:
            raise UrlError("bad IPv6 literal") from problem
        return b"[" + literal + b"]" + host[end + 1 :]
    colon = host.rfind(b":")
    if colon >= 0 and not _PORT.fullmatch(host[colon:]):
        raise UrlError("bad port")
    for found in _ESCAPE.finditer(host):
        # Only bytes beyond ASCII may be escaped in a host, and the per cent sign itself.
        if found[1] is None or (found[1][:1] < b"8" and found[1] != b"25"):
            raise UrlError("bad escape in host")
    if any(byte < 0x80 and byte not in _HOST and byte != 0x25 for byte in host):
        raise UrlError("bad character in host")
    return _unescaped(host)
