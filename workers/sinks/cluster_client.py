"""The official client towards Elasticsearch, set up as the settings say: hosts, credentials, TLS, timeouts.

Source: http-surface.md 7.3. Its node pool takes turns over the hosts and leaves a dead one alone for a while; retries
are the dispatcher's, so the client makes none.
"""

from __future__ import annotations

import base64
import logging
import os
import socket
import ssl
from contextlib import suppress
from threading import Lock
from typing import Any
from weakref import WeakSet

import urllib3
from elastic_transport import BaseNode, NodeConfig, Urllib3HttpNode
from elastic_transport.client_utils import DEFAULT, url_to_node_config
from elasticsearch import Elasticsearch
from tidegate.daemon.settings.parts import ElasticsearchPart, TlsPart

SPARE_CONNECTIONS = 2
"""For questions beside the bulk requests."""
DEAD_NODE_SECONDS = 30.0
"""Longest time that a host which failed is left alone while others answer."""
PHRASE_HEADER = ":phrase"
"""Under this name, which no server can send, the words of an answer's status line stand among its headers: the official client
has no other place for them."""
_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}

_log = logging.getLogger("tidegate.sink")


class Connections:
    """Every open connection of a client, so that closing it also ends requests that nobody answers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakSet[Any] = WeakSet()
        self._closed = False

    def add(self, connection: Any) -> None:
        with self._lock:
            self._open.add(connection)
            closed = self._closed
        if closed:
            self._shut(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            connections = list(self._open)
        for connection in connections:
            self._shut(connection)

    @staticmethod
    def _shut(connection: Any) -> None:
        """Both directions; who waits in `recv` sees the end. `socket.shutdown` by itself: TLS would wait for its lock."""
        if (sock := connection.sock) is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def headers_of(part: ElasticsearchPart, version: str) -> dict[str, str]:
    """What stands on every request; the `headers` setting wins. Names in lower case."""
    headers = {
        "accept": "application/json",
        "user-agent": f"tidegate/{version}",
        "x-elastic-product-origin": "observability",
    }
    if part.api_key:
        key = part.api_key
        encoded = base64.b64encode(key.encode()).decode() if ":" in key else key
        headers["authorization"] = f"ApiKey {encoded}"
    elif part.username or part.password:
        pair = f"{part.username}:{part.password}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    headers.update((name.lower(), value) for name, value in part.headers.items())
    return headers


def tls_context(tls: TlsPart) -> ssl.SSLContext:
    """The TLS context. Raises OSError (ssl.SSLError is one) and ValueError for what cannot be used."""
    context = ssl.create_default_context()
    if tls.certificate_authorities:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the named authorities only, not the system's beside them
        for authority in tls.certificate_authorities:
            if _is_pem(authority):
                context.load_verify_locations(cadata=authority)
            else:
                context.load_verify_locations(cafile=authority)
    if tls.verification_mode in ("certificate", "none"):
        context.check_hostname = False
    if tls.verification_mode == "none":
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        _load_own_certificate(context, tls)
    if tls.supported_protocols:
        unknown = [name for name in tls.supported_protocols if name not in _VERSIONS]
        if unknown:
            raise ValueError(
                f"output.elasticsearch.ssl.supported_protocols: {unknown[0]!r} is none of {list(_VERSIONS)}"
            )
        versions = [_VERSIONS[name] for name in tls.supported_protocols]
        context.minimum_version, context.maximum_version = min(versions), max(versions)
    return context


def _is_pem(text: str) -> bool:
    return "-----BEGIN " in text


def _load_own_certificate(context: ssl.SSLContext, tls: TlsPart) -> None:
    """Inline PEM goes through memory files: the key never touches a disk."""
    files = []
    try:
        paths = []
        for text in (tls.certificate, tls.key):
            if _is_pem(text):
                descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
                files.append(descriptor)
                os.write(descriptor, text.encode())
                paths.append(f"/proc/self/fd/{descriptor}")
            else:
                paths.append(text)
        context.load_cert_chain(paths[0], paths[1] or None, tls.key_passphrase or "")
    finally:
        for descriptor in files:
            os.close(descriptor)


def node_class(part: ElasticsearchPart, connections: Connections) -> type[BaseNode]:
    """The client's urllib3 node, with two time limits instead of one, our TLS, and its connections on our list."""
    context = tls_context(part.tls) if any(host.startswith("https:") for host in part.hosts) else None
    timeout = urllib3.Timeout(connect=part.connect_timeout, read=part.response_timeout)

    class Node(Urllib3HttpNode):
        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)
            if config.scheme == "https":
                # The client's own would trust its bundled authorities beside the named ones.
                self.pool = urllib3.HTTPSConnectionPool(
                    config.host,
                    port=config.port,
                    timeout=timeout,
                    maxsize=config.connections_per_node,
                    block=True,
                    ssl_context=context,
                    assert_hostname=None if part.tls.verification_mode in ("full", "strict") else False,
                )
            base: Any = self.pool.ConnectionCls

            class Connection(base):  # type: ignore[misc] # the class depends on the scheme
                def connect(self) -> None:
                    super().connect()
                    self.sock.settimeout(part.response_timeout)  # sending a large body may take longer than connecting
                    connections.add(self)

                def getresponse(self) -> Any:
                    response = super().getresponse()
                    response.headers[PHRASE_HEADER] = response.reason or ""
                    return response

            self.pool.ConnectionCls = Connection

        def perform_request(
            self, method: str, target: str, body: Any = None, headers: Any = None, request_timeout: Any = DEFAULT
        ) -> Any:
            both: Any = timeout  # handed on to urllib3, which takes either
            return super().perform_request(method, target, body, headers, both)

    return Node


def build_client(part: ElasticsearchPart, version: str, connections: Connections) -> Elasticsearch:
    """The client. Raises OSError and ValueError for TLS settings that cannot be used."""
    if part.tls.verification_mode == "none" and any(host.startswith("https:") for host in part.hosts):
        _log.warning("output.elasticsearch.ssl.verification_mode is none: anyone can pose as Elasticsearch")
    configs = []
    for host in part.hosts:
        config = url_to_node_config(host, use_default_ports_for_scheme=True)
        configs.append(
            config.replace(
                connections_per_node=max(part.max_requests, 1) + SPARE_CONNECTIONS,
                verify_certs=config.scheme == "https" and part.tls.verification_mode != "none",
                ssl_show_warn=False,
            )
        )
    return Elasticsearch(
        configs,
        node_class=node_class(part, connections),
        headers=headers_of(part, version),
        max_retries=0,
        retry_on_timeout=False,
        max_dead_node_backoff=DEAD_NODE_SECONDS,
        meta_header=False,
    )
