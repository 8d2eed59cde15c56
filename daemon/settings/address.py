"""Addresses: where Tidegate listens (http-surface.md 7.2) and where Elasticsearch is (7.3)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

_DEFAULT_PORT = 8200
_ELASTICSEARCH_PORT = 9200
SOCKET_PATH_LIMIT = 107
"""Bytes (sys/un.h)."""
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253})")


class ListenAddress(NamedTuple):
    """One listening socket; an empty host means all addresses."""

    host: str
    port: int
    path: str = ""
    """Of a UNIX socket; host and port then mean nothing."""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def listen_address(text: str) -> ListenAddress:
    """From `host`, `host:port`, `:8200`, `[v6]:port`, `unix:/path`. Raises ValueError."""
    text = text.strip()
    if text.startswith("unix:"):
        return ListenAddress("", 0, _socket_path(text.removeprefix("unix:")))
    if "://" in text:
        raise ValueError("wants host and port, such as 127.0.0.1:8200, not a URL")
    if text.count(":") > 1 and not text.startswith("["):
        host, port = text, ""  # a bare IPv6 address
    elif text.startswith("["):
        host, _, port = text[1:].partition("]")
        if (port and not port.startswith(":")) or "]" not in text:
            raise ValueError("wants an IPv6 address as [::1]:8200")
        port = port[1:]
    else:
        host, _, port = text.partition(":")
    return ListenAddress(_host(host), _port(port, _DEFAULT_PORT))


def _socket_path(path: str) -> str:
    """`/path`, also as `///path`."""
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError("wants the whole path of a socket, as unix:/run/tidegate/intake.sock")
    path = "/" + path.lstrip("/")
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise ValueError(f"the path of a UNIX socket may have {SOCKET_PATH_LIMIT} bytes")
    return path


def _host(host: str) -> str:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError("holds no IPv6 address that can be read") from None
    elif host and not _NAME.fullmatch(host):
        raise ValueError("holds no name or address of a host")
    return host


def _port(port: str, default: int) -> int:
    if not port:
        return default
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("the port must be a number up to 65535")
    return int(port)


class ElasticsearchAddress(NamedTuple):
    """A whole URL without credentials, and the credentials that stood in it."""

    url: str
    username: str
    password: str


def elasticsearch_address(text: str, protocol: str, path: str) -> ElasticsearchAddress:
    """From `host`, `host:port`, or a URL; what is missing comes from protocol, path and port 9200.

    Raises ValueError, in the original's words where a URL cannot be read."""
    text = text.strip()
    whole = text if "://" in text else f"{protocol}://{text}"
    shown = re.sub(r"//[^/@]*@", "//***@", whole)
    if any(character <= " " or character == "\x7f" for character in whole):
        raise ValueError(f'parse "{shown}": invalid character in URL')
    if "[" in whole and "]" not in whole:
        raise ValueError(f"parse \"{shown}\": missing ']' in host")
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        raise ValueError(f'parse "{shown}": invalid host or port') from None
    if parts.scheme not in ("http", "https"):
        raise ValueError(f'parse "{shown}": the scheme must be http or https')
    if not host or parts.query or parts.fragment:
        raise ValueError(f'parse "{shown}": wants scheme, host, port and path only')
    return ElasticsearchAddress(
        f"{parts.scheme}://{_in_url(host)}:{_ELASTICSEARCH_PORT if port is None else port}{_path(parts, path)}",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _path(parts: SplitResult, default: str) -> str:
    path = parts.path if parts.path not in ("", "/") else default
    path = path.strip("/")
    return f"/{path}" if path else ""


def cloud_address(cloud_id: str) -> str:
    """The URL of Elasticsearch in a cloud.id (`name:base64(host$elasticsearch$kibana)`). Raises ValueError."""
    try:
        decoded = base64.b64decode(cloud_id.rpartition(":")[2], validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ValueError("base64 decoding failed: it has the form name:base64") from None
    host, dollar, rest = decoded.partition("$")
    cluster = rest.partition("$")[0]
    if not dollar or not host or not cluster:
        raise ValueError("expected at least 2 parts, host and Elasticsearch, in what is encoded")
    host, _, port = host.partition(":")
    name, colon, own_port = cluster.partition(":")
    url = f"https://{name}.{host}:{_port(own_port if colon else port, 443)}"
    return elasticsearch_address(url, "https", "").url
